"""Looks at a live graph, for `muse doctor` and `muse contract`."""
