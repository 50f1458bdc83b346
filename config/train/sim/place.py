"""BC-RNN from two small cameras for the simulator's task `place`, sized for two CPU cores."""

from muse_core.configs import TrainConfig

export = TrainConfig(dataset="place", task="place", max_minutes=20.0, max_steps=15_000)
