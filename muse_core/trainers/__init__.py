"""Training: the loop, its learning-rate schedule, the experiment folder and the command `muse train`."""
