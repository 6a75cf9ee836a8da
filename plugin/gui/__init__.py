"""The dock and its panels: widgets that show state and emit signals."""
