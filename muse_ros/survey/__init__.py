"""What there is to be seen of a robot's topics, the contract that would fit them, and how a contract fits. No ROS."""
