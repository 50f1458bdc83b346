"""What the camera node is made of."""
