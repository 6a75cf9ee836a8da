"""The headless half of Scalescape: rasters, tiles, jobs and the process that serves them."""
