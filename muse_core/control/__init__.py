"""From an action to joint set-points: kinematics, limits, the safety filter and the motion controller. No ROS."""
