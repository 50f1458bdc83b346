"""The report of a run: a page to look at (`index.html`) and the same figures for a program (`report.json`). No ROS."""
