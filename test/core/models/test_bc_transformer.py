"""BC-Transformer: the checks of every model, and who sees whom."""

from __future__ import annotations

import pytest
from conformance.models import SPEC, ModelConformance

from muse_core.configs import BCTransformerConfig, TrainConfig

torch = pytest.importorskip("torch")


class TestBCTransformer(ModelConformance):
    def config(self, **changes):
        model = BCTransformerConfig(width=32, layers=2, attention_heads=2, dropout=0.05)
        return TrainConfig(horizon=4, model=model, **changes)

    def test_the_future_changes_no_earlier_action_of_a_window(self):
        config = self.config()
        model, batch = self.model(config), self.batch(config)
        changed = {name: value.clone() for name, value in batch.items()}
        for name in config.observations:
            changed[name][:, 2] = batch[name][:, 1].flip(0)
        with torch.no_grad():
            before, after = model(batch), model(changed)
        assert torch.allclose(before[:, :2], after[:, :2], atol=1e-6)
        assert not torch.allclose(before[:, 3], after[:, 3])

    def test_step_by_step_gives_what_the_whole_window_gives(self):
        config = self.config()
        model, batch = self.model(config), self.batch(config)
        with torch.no_grad():
            whole = model.actions.decode(model(batch))["action"]
            for steps in range(1, 5):
                acted = self.act(model, config, batch, steps)["action"]
                assert torch.allclose(acted[:, 0], whole[:, steps - 1], atol=1e-5)

    def test_it_sees_the_last_steps_of_a_horizon_and_no_more(self):
        config = self.config()
        model, batch = self.model(config), self.long_batch(config, 7)
        late = {name: value[:, 3:] if name in SPEC else value for name, value in batch.items()}
        acted, expected = self.act(model, config, batch, 7), self.act(model, config, late, 4)
        assert torch.allclose(acted["action"], expected["action"], atol=1e-5)
