"""What a model is worth on episodes that it has not learnt from."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("tensorboard")
pytest.importorskip("tyro")

from muse_core.checkpoints import load_checkpoint  # noqa: E402
from muse_core.datasets.store import Episode  # noqa: E402
from muse_core.models.model import Term  # noqa: E402
from muse_core.spec import ArraySpec, Spec  # noqa: E402
from muse_core.trainers import validation  # noqa: E402
from muse_core.trainers.validation import mean_losses, open_loop_errors  # noqa: E402


class Windows:
    """Windows whose number is their value; odd ones count twice."""

    def __len__(self) -> int:
        return 5

    def get_batch(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        return {"value": indices.astype(np.float32), "count": 1.0 + indices % 2}


def test_the_loss_is_the_mean_over_all_that_is_counted_in_whatever_batches(monkeypatch):
    def loss(batch):
        value, count = batch["value"], batch["count"]
        return {"a": Term((value * count).sum(), count.sum()), "b": Term(value.sum(), torch.tensor(len(value)), 0.5)}

    for size in (32, 2, 1):
        monkeypatch.setattr(validation, "BATCH", size)
        means = mean_losses(loss, Windows(), lambda batch: {n: torch.from_numpy(a) for n, a in batch.items()})
        # (0 + 2 * 1 + 2 + 2 * 3 + 4) / 7, and 10 / 5 with half the weight.
        assert means == pytest.approx({"loss": 2 + 1.0, "loss/a": 2.0, "loss/b": 2.0})


class Counting:
    """A policy that answers with how often it was asked since its reset, and the goal."""

    observation_spec = Spec({"q": ArraySpec((1,))})
    action_spec = Spec({"move": ArraySpec((2,), unit="m", role="action"), "grip": ArraySpec((1,), role="action")})

    def __init__(self, batch_size: int, goal: bool = False) -> None:
        self.batch_size, self.asked = batch_size, 0
        self.goal_spec = Spec({"goal/q": ArraySpec((1,))}) if goal else Spec({})

    def reset(self) -> None:
        self.asked = 0

    def act(self, observation: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        Spec({**self.observation_spec, **self.goal_spec}).check(observation, leading=1)
        self.asked += 1
        move = np.full((self.batch_size, 2), self.asked, np.float32)
        return {"move": move, "grip": observation["goal/q"] if self.goal_spec else observation["q"]}


def held_out(*lengths: int) -> list[tuple[SimpleNamespace, int]]:
    """Episodes where `q` counts from 0 and every recorded action is (0, 1) and 0."""
    episodes = []
    for length in lengths:
        move = np.tile(np.float32([0, 1]), (length, 1))
        q = np.arange(length, dtype=np.float64)[:, None]
        arrays = {"q": q, "move": move, "grip": np.zeros((length, 1), np.float32)}
        episodes.append(Episode(f"e{length}", arrays, {}, length))
    data = SimpleNamespace(get_episode=lambda i: episodes[i])
    return [(data, i) for i in range(len(lengths))]


@pytest.mark.parametrize("room", [1, 2, 3, 5])
def test_actions_along_an_episode_are_compared_with_the_recorded_ones_step_by_step(room):
    # Asked 1, 2, 3 and 1, 2: |move - (0, 1)| sums to 9 and 4 over 5 steps; grip answers 0, 1, 2 and 0, 1.
    errors = open_loop_errors(Counting(room), held_out(3, 2))
    assert errors == pytest.approx({"move": 6.5 / 5, "move_0": 9 / 5, "move_1": 4 / 5, "grip": 4 / 5})


def test_the_goal_is_what_the_episode_came_to():
    assert open_loop_errors(Counting(2, goal=True), held_out(3, 2))["grip"] == pytest.approx((3 * 2 + 2 * 1) / 5)


def test_validation_is_logged_for_every_dataset_and_changes_nothing_of_training(train, uneven_dataset):
    options = ("--validation_fraction", "0.3", "--max_steps", "6", "--log_every", "6")
    assert train("--exp_name", "often", *options, "--validate_every", "2", "--validation_datasets", uneven_dataset) == 0
    assert train("--exp_name", "never", *options, "--validate_every", "100", "--open_loop_episodes", "0") == 0
    often, never = (load_checkpoint(f"experiments/{name}/models/model.pt").model for name in ("often", "never"))
    assert all(torch.equal(often[name], never[name]) for name in often)
    logs = [
        [json.loads(line) for line in Path(f"experiments/{name}/metrics.jsonl").read_text().splitlines()]
        for name in ("often", "never")
    ]
    for key in ("validation/loss", "validation/uneven/loss", "open_loop/action", "open_loop/action_6"):
        assert [line["step"] for line in logs[0] if key in line] == [2, 4, 6]
    assert [line["step"] for line in logs[1] if "validation/loss" in line] == [6]
    assert not any("open_loop/action" in line for line in logs[1])


def test_the_average_of_the_weights_is_what_is_validated_and_deployed(train):
    options = ("--validation_fraction", "0.3", "--max_steps", "8", "--validate_every", "8", "--learning_rate", "0.01")
    assert train("--exp_name", "raw", *options) == 0
    assert train("--exp_name", "averaged", *options, "--ema_decay", "0.5") == 0
    raw, averaged = (load_checkpoint(f"experiments/{name}/models/model.pt") for name in ("raw", "averaged"))
    for name, tensor in raw.model.items():
        assert torch.equal(averaged.training["weights"][name], tensor)  # training itself is the same
    assert not torch.equal(averaged.model["head.output.weight"], raw.model["head.output.weight"])
    assert averaged.metrics["validation_loss"] != raw.metrics["validation_loss"]
    best = load_checkpoint("experiments/averaged/models/best_model.pt")
    assert all(torch.equal(best.model[name], averaged.model[name]) for name in best.model)
