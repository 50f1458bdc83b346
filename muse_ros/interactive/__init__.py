"""Episode by episode with an operator who keeps or discards: `muse interactive_collect`. Imports no ROS."""
