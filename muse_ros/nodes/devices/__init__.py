"""The teleop node's devices, and what they share."""
