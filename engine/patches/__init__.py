"""What the network sees at each site: patches of rasters, images or table columns, read once and kept."""
