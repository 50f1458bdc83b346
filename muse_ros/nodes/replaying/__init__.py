"""What the replay node is made of."""
