"""Training of a fusion network from sites and rasters."""
