"""How fast Scalescape is, as ratios within one run."""
