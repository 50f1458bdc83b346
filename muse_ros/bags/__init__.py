"""Reading and writing rosbag2 bags without ROS."""
