"""How names, numbers and lists are read and written."""
