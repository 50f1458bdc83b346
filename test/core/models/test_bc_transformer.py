"""BC-Transformer: the checks of every model."""

from __future__ import annotations

from conformance.models import ModelConformance

from muse_core.configs import BCTransformerConfig, TrainConfig


class TestBCTransformer(ModelConformance):
    def config(self, **changes):
        model = BCTransformerConfig(width=32, layers=2, attention_heads=2, dropout=0.05)
        return TrainConfig(horizon=4, model=model, **changes)
