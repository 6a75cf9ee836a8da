"""The writing of maps: GeoTIFFs, their tags, how values are stored."""
