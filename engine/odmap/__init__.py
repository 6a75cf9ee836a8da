"""A record of a model and its maps by the ODMAP protocol (Zurell et al. 2020)."""
