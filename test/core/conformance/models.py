"""What every model must do. A new one inherits these checks by overriding `config`:

class TestBC(ModelConformance):
    def config(self, **changes):
        return TrainConfig(horizon=1, model=BCConfig(hidden_sizes=(32,)), **changes)

The data are made up: pictures and numbers at random, windows that reach beyond their episodes as far as the model's
config allows.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from muse_core.configs import TrainConfig
from muse_core.datasets.statistics import Statistics
from muse_core.spec import ArraySpec, Spec

torch = pytest.importorskip("torch")

from muse_core.models import build_model  # noqa: E402
from muse_core.models.model import Model, Tensors, weighted_loss  # noqa: E402

SPEC = Spec(
    {
        "ee_position": ArraySpec((3,), unit="m"),
        "ee_orientation": ArraySpec((4,), unit="quaternion xyzw"),
        "gripper_width": ArraySpec((1,), unit="m"),
        "image": ArraySpec((16, 16, 3), "uint8", unit="rgb"),
        "ego_image": ArraySpec((16, 16, 3), "uint8", unit="rgb"),
        "action": ArraySpec((7,), role="action"),
    }
)


class ModelConformance:
    """Checks of one kind of model.

    Attributes:
        spec: What the dataset holds; it needs the keys of the config, and those that the loss reads beside them.
        learning_rate: Of Adam, for the check that the model can learn six windows by heart.
        learning_steps: Gradient steps for it.
        tolerance: Mean error that is left then, as a share of the actions' spread.
        idle: Beginnings of the names of parameters that may have no gradient, such as parts that only some losses use.
    """

    spec = SPEC
    learning_rate = 3e-3
    learning_steps = 300
    tolerance = 0.25
    idle: tuple[str, ...] = ()

    def config(self, **changes: Any) -> TrainConfig:
        """A small model, with dropout if it knows any; `changes` go to TrainConfig."""
        raise NotImplementedError("override config()")

    def rows(self, count: int, seed: int) -> dict[str, np.ndarray]:
        """That many rows of every array of the spec: random, but for what means something, such as a mode."""
        rows = self.spec.sample(np.random.default_rng(seed), count)
        rows["ee_orientation"] /= np.linalg.norm(rows["ee_orientation"], axis=-1, keepdims=True)
        return rows

    def batch(self, config: TrainConfig, size: int = 4, seed: int = 0) -> Tensors:
        """Windows at random; the first begins as early and the second ends as late as the model's config allows."""
        window, horizon = config.model.window(config.horizon), config.horizon
        mask = np.ones((size, horizon), bool)
        mask[0, : window.pad_start] = False
        if size > 1 and window.pad_end:
            mask[1, horizon - window.pad_end :] = False
        rows = {n: a.reshape(size, horizon, *a.shape[1:]) for n, a in self.rows(size * horizon, seed).items()}
        for b in range(size):  # padding repeats the first or last real step, as datasets do
            real = np.flatnonzero(mask[b])
            nearest = np.clip(np.arange(horizon), real[0], real[-1])
            rows |= {name: _replaced(array, b, array[b, nearest]) for name, array in rows.items()}
        steps = window.observation_steps
        batch = {n: a[:, :steps] if n in config.observations else a for n, a in rows.items()}
        goals = self.rows(size, seed + 1)
        batch |= {f"goal/{name}": goals[name] for name in config.goal.keys}
        batch |= {"mask": mask, "observation_mask": mask[:, :steps]}
        return {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in batch.items()}

    def statistics(self) -> dict[str, Statistics]:
        """Of made-up rows like those of the batches."""
        arrays = {n: a for n, a in self.rows(256, seed=9).items() if not self.spec[n].is_image}
        return {n: Statistics(256, a.mean(0), a.std(0), a.min(0), a.max(0)) for n, a in arrays.items()}

    def model(self, config: TrainConfig, *, training: bool = False) -> Model:
        """A new model, always the same."""
        torch.manual_seed(0)
        return build_model(config, self.spec, self.statistics()).train(training)

    def observations(self, config: TrainConfig, batch: Tensors, step: int) -> Tensors:
        """What a policy would observe at one step of these windows."""
        goals = {name: value for name, value in batch.items() if name.startswith("goal/")}
        return {name: batch[name][:, step] for name in config.observations} | goals

    def act(self, model: Model, config: TrainConfig, batch: Tensors, steps: int, which: slice = slice(None)) -> Tensors:
        """The chunks after the first `steps` observations of some of the windows, observed one by one."""
        chosen = {name: value[which] for name, value in batch.items()}
        memory = model.start(len(chosen["mask"]))
        with torch.inference_mode():
            for step in range(steps):
                model.observe(self.observations(config, chosen, step), memory)
            return model.predict(memory)

    def long_batch(self, config: TrainConfig, steps: int, size: int = 3) -> Tensors:
        """Observations of `steps` steps, whatever the horizon."""
        rows = {n: a.reshape(size, steps, *a.shape[1:]) for n, a in self.rows(size * steps, seed=4).items()}
        goals = self.rows(size, seed=5)
        rows |= {f"goal/{name}": goals[name] for name in config.goal.keys} | {"mask": np.ones((size, steps), bool)}
        return {name: torch.from_numpy(array) for name, array in rows.items()}

    def test_the_loss_is_finite_and_its_terms_are_sums_over_real_steps(self):
        config = self.config()
        terms = self.model(config, training=True).loss(self.batch(config))
        assert any(term.weight for term in terms.values())
        for name, term in terms.items():
            assert term.total.shape == term.count.shape == (), name
            assert torch.isfinite(term.total), name
            assert not term.count.requires_grad, name
        assert weighted_loss(terms).requires_grad

    def test_padding_changes_neither_the_loss_nor_its_gradient(self):
        config = self.config()
        model, batch = self.model(config, training=True), self.batch(config)
        changed = {name: value.clone() for name, value in batch.items()}
        behind = batch["mask"].logical_not() & batch["mask"].cumsum(1).gt(0)
        for name, value in changed.items():
            if name in config.observations:  # one before its episode is what a policy sees at its beginning
                value[behind[:, : value.shape[1]]] = 77
            elif name in self.spec:
                value[~batch["mask"]] = 0 if self.spec[name].dtype.startswith("int") else 77
        outcomes = []
        for inputs in (batch, changed):
            torch.manual_seed(1)
            model.zero_grad()
            terms = model.loss(inputs)
            weighted_loss(terms).backward()
            gradients = [p.grad.flatten() for p in model.parameters() if p.grad is not None]
            outcomes.append(torch.cat([*gradients, torch.stack([t.total.detach() for t in terms.values()])]))
        assert torch.allclose(*outcomes, rtol=1e-4, atol=1e-5)
        assert outcomes[0].abs().sum() > 0

    def test_a_batch_of_nothing_but_padding_has_a_finite_gradient(self):
        config = self.config()
        model, batch = self.model(config, training=True), self.batch(config)
        for name in ("mask", "observation_mask"):
            batch[name] = torch.zeros_like(batch[name])
        weighted_loss(model.loss(batch)).backward()
        assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)

    def test_a_gradient_reaches_every_parameter(self):
        config = self.config()
        model = self.model(config, training=True)
        weighted_loss(model.loss(self.batch(config, size=8))).backward()
        reached = {n for n, p in model.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
        missing = [n for n, p in model.named_parameters() if p.requires_grad and n not in reached]
        assert not [name for name in missing if not name.startswith(self.idle or ("-",))]

    def test_actions_are_chunks_as_the_spec_says(self):
        config = self.config()
        actions = self.act(self.model(config), config, self.long_batch(config, 2), steps=2)
        assert {n: tuple(values.shape[2:]) for n, values in actions.items()} == {
            n: self.spec[n].shape for n in config.actions
        }
        (leading,) = {values.shape[:2] for values in actions.values()}
        assert leading[0] == 3
        assert 1 <= leading[1] <= config.horizon

    def test_actions_stay_within_what_was_demonstrated(self):
        config, seen = self.config(), self.statistics()
        still = {n: replace(seen[n], low=seen[n].mean, high=seen[n].mean) for n in config.actions}
        torch.manual_seed(0)
        model = build_model(config, self.spec, {**seen, **still}).eval()
        for name, values in self.act(model, config, self.long_batch(config, 2), steps=2).items():
            assert torch.allclose(values, torch.as_tensor(seen[name].mean).expand(values.shape), atol=1e-5)

    def test_the_same_observations_give_the_same_actions(self):
        config = self.config()
        model, batch = self.model(config), self.long_batch(config, 3)
        outcomes = []
        for seed in (1, 2):
            torch.manual_seed(seed)
            outcomes.append(self.act(model, config, batch, steps=3))
        assert all(torch.equal(outcomes[0][name], outcomes[1][name]) for name in config.actions)

    def test_an_episode_gives_the_same_alone_beside_others_and_after_others(self):
        config = self.config()
        model, start = self.model(config), config.horizon + 1
        steps = start + 2
        batch = self.long_batch(config, steps)
        memory = model.start(3)
        with torch.inference_mode():
            for step in range(steps):
                if step == start:  # the second episode begins anew
                    memory.forget(torch.tensor([False, True, False]))
                model.observe(self.observations(config, batch, step), memory)
                together = model.predict(memory)
        late = {n: v if n.startswith("goal/") else v[:, start:] for n, v in batch.items()}
        alone = [
            self.act(model, config, batch, steps, slice(0, 1)),
            self.act(model, config, late, 2, slice(1, 2)),
        ]
        for b, expected in enumerate(alone):
            for name in config.actions:
                assert torch.allclose(together[name][b], expected[name][0], atol=1e-4), (b, name)

    def test_half_precision_gives_nearly_the_same_loss(self):
        config = self.config()
        model, batch = self.model(config), self.batch(config)
        losses = []
        for half in (False, True):
            torch.manual_seed(1)
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                losses.append(weighted_loss(model.loss(batch)))
        losses[1].backward()
        assert losses[1].item() == pytest.approx(losses[0].item(), rel=0.05, abs=0.05)
        assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)

    def test_weights_carry_all_that_acting_needs(self):
        config = self.config()
        model, batch = self.model(config), self.long_batch(config, 2)
        torch.manual_seed(1)
        loaded = build_model(config, self.spec).eval()
        loaded.load_state_dict(model.state_dict())
        ours, theirs = (self.act(each, config, batch, steps=2) for each in (model, loaded))
        assert all(torch.equal(ours[name], theirs[name]) for name in config.actions)

    def test_it_learns_six_windows_by_heart_and_acts_so(self):
        config = self.config()
        model, batch = self.model(config, training=True), self.batch(config, size=6)
        optimizer = torch.optim.Adam(model.parameters(), lr=self.learning_rate)
        for _ in range(self.learning_steps):
            optimizer.zero_grad()
            weighted_loss(model.loss(batch)).backward()
            optimizer.step()
        steps = config.model.window(config.horizon).observation_steps
        whole = slice(2, None)  # without those that begin before their episode or end after it
        acted = self.act(model.eval(), config, batch, steps, whole)
        for name in config.actions:
            error = (acted[name][:, 0] - batch[name][whole, steps - 1]).abs().mean() / batch[name].float().std()
            assert error < self.tolerance, f"{name}: {error:.3f} of the spread"


def _replaced(array: np.ndarray, row: int, values: np.ndarray) -> np.ndarray:
    array[row] = values
    return array
