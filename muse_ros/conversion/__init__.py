"""From recordings to datasets: ``muse convert`` and ``muse inspect``. No ROS."""
