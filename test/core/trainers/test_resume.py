"""Training that is killed at any moment and resumed ends as if it had run through."""

from __future__ import annotations

import json
import random
import signal
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("tensorboard")
pytest.importorskip("tyro")

from muse_core.checkpoints import load_checkpoint  # noqa: E402

STEPS = 80
OPTIONS = {
    "everything at once": [
        *("--sampling", "weighted", "--sampling_key", "mode", "--sampling_weights", "3", "1"),
        *("--ema_decay", "0.9", "--accumulate", "2", "--weight_decay", "0.01", "--optimizer", "adamw"),
        *("--augment.shift", "2", "--augment.brightness", "0.3", "--augment.noise", "ee_position", "0.01"),
        *("--image_crop", "0.9", "--goal.keys", "ee_position", "--goal.kind", "future"),
    ],
    "dropout": ["--model", "bc_transformer", "--model.dropout", "0.3", "--sampling", "episodes"],
}
SIZES = {
    "everything at once": ["--model.hidden_size", "16", "--model.encoder.channels", "4", "4", "4"],
    "dropout": ["--model.width", "16", "--model.layers", "1", "--model.attention_heads", "2"],
}


def same(a: object, b: object) -> bool:
    """Whether two trees of plain data and tensors are equal, to the bit."""
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


def lines(name: str) -> list[dict]:
    """The metrics of an experiment, without what is of the clock."""
    names = ("steps_per_s", "samples_per_s", "data_s", "compute_s", "data_wait")
    clock = ["minutes", *(f"train/{name}" for name in names)]
    read = [json.loads(line) for line in Path(f"experiments/{name}/metrics.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if key not in clock} for line in read]


@pytest.mark.parametrize("kind", OPTIONS)
def test_a_run_killed_at_random_moments_ends_bit_identical_to_one_that_ran_through(kind, workplace, uneven_dataset):
    options = [
        *("--dataset", uneven_dataset, "--horizon", "4", "--batch_size", "4", *SIZES[kind], *OPTIONS[kind]),
        *("--validation_fraction", "0.3", "--validate_every", "7", "--save_every", "4", "--log_every", "2"),
        *("--threads", "1", "--device", "cpu", "--max_steps", str(STEPS)),
    ]
    config = workplace.lift[0]
    assert workplace.train(config, *options, "--exp_name", "straight", config=False) == 0
    child = workplace.begin(config, *options, "--exp_name", "killed")
    for moment in sorted(random.Random(kind).sample(range(2, STEPS // 2), 2)):
        assert workplace.reached(child, "killed", moment), workplace.log().read_text()
        child.send_signal(signal.SIGKILL)
        assert child.wait(timeout=workplace.patience_s) == -signal.SIGKILL
        child = workplace.begin("--resume", "experiments/killed")
    assert child.wait(timeout=workplace.patience_s) == 0, workplace.log().read_text()
    straight, killed = (load_checkpoint(f"experiments/{name}/models/model.pt") for name in ("straight", "killed"))
    assert straight.step == killed.step == STEPS
    assert same(straight.model, killed.model) and same(straight.training, killed.training)
    assert lines("straight") == lines("killed")
