"""The networks of Scalescape: definition, dense evaluation, card and model file."""
