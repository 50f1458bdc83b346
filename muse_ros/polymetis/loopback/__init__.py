"""A Polymetis server on loopback with a simulated Panda behind it, for tests and for `robot:=polymetis` without an arm.

``python -m muse_ros.polymetis.loopback --help`` starts it. Nothing here is needed on a robot's computer.
"""
