"""A Franka Panda on a table in MuJoCo: the world, its tasks and their scripted experts. No ROS."""
