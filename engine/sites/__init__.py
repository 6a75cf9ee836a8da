"""Sites: from occurrence tables to cleaned places with the species seen there, background points and blocks."""
