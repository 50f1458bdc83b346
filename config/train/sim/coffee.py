"""BC-RNN from two small cameras for the simulator's task `coffee`, sized for two CPU cores."""

from muse_core.configs import TrainConfig

export = TrainConfig(dataset="coffee", task="coffee", max_minutes=30.0, max_steps=30_000)
