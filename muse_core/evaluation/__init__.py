"""Evaluation: rollouts of a policy in an environment, their results, and the command `muse eval`."""
