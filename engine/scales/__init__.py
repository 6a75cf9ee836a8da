"""What each scale adds: contributions at a point, over a map, in sum."""
