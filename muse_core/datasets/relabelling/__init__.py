"""Labels for HYDRA, made of recorded clicks or speeds: ``muse relabel``."""
