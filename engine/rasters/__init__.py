"""Rasters: grids on the ground, windows of bands, files that are read and written."""
