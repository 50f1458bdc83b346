"""`muse calibrate`: what has to be measured before recordings of a rig can be trusted."""
