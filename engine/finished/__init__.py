"""What is made of finished maps without the network."""
