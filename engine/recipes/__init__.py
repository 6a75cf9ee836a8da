"""What a training is asked for: its config, the checks of it, and the recipe that follows."""
