"""What moves an arm: one driver per kind, behind one protocol. Imports no ROS."""
