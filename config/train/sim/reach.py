"""BC-RNN from two small cameras for the simulator's task `reach`, sized for two CPU cores."""

from muse_core.configs import TrainConfig

export = TrainConfig(dataset="reach", task="reach", max_minutes=4.0, max_steps=3_000)
