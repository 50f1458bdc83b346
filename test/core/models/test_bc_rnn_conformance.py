"""BC-RNN: the checks of every model, with each head, cell and memory."""

from __future__ import annotations

from conformance.models import ModelConformance

from muse_core.configs import (
    BCRNNConfig,
    DiscretizedHeadConfig,
    GaussianHeadConfig,
    GoalConfig,
    MixtureHeadConfig,
    TrainConfig,
)


class TestBCRNN(ModelConformance):
    network = BCRNNConfig(hidden_size=32, layers=1)

    def config(self, **changes):
        return TrainConfig(horizon=4, model=self.network, **changes)


class TestFlushedGRU(TestBCRNN):
    network = BCRNNConfig(hidden_size=32, layers=2, cell="gru", memory="flush", mlp_sizes=(32,))


class TestGaussian(TestBCRNN):
    network = BCRNNConfig(hidden_size=32, layers=1, head=GaussianHeadConfig())


class TestMixture(TestBCRNN):
    network = BCRNNConfig(hidden_size=32, layers=1, head=MixtureHeadConfig(components=2))


class TestDiscretized(TestBCRNN):
    network = BCRNNConfig(hidden_size=32, layers=1, head=DiscretizedHeadConfig(bins=16))


class TestGoalConditioned(TestBCRNN):
    def config(self, **changes):
        return super().config(goal=GoalConfig(keys=("ee_position", "image")), **changes)
