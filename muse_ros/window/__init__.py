"""What the operator sees: a pygame window that shows cameras, episode, arm and keys. Knows no ROS."""
