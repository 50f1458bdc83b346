"""BC: the checks of every model."""

from __future__ import annotations

from conformance.models import ModelConformance

from muse_core.configs import BCConfig, TrainConfig


class TestBC(ModelConformance):
    def config(self, **changes):
        return TrainConfig(horizon=1, model=BCConfig(hidden_sizes=(64, 64)), **changes)
