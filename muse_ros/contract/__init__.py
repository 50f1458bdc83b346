"""From messages to arrays, by the contract: what live nodes and the converter share. No ROS."""
