"""The graph of nodes, and the ways to start it."""
