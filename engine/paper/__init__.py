"""Networks trained with the code of van Tiel et al. (arXiv 2411.04016) become model files."""
