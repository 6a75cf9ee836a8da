"""What every job needs while it runs: errors, progress, devices, the way out."""
