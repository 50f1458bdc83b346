"""Playing an episode's actions to the arm again: what is played, when, from where, and how far it strays. No ROS."""
