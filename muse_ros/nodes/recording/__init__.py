"""What the collect node is made of."""
