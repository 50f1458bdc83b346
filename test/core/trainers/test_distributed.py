"""Several processes train as one would with a larger batch."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("tensorboard")
pytest.importorskip("tyro")

from muse_core.checkpoints import load_checkpoint  # noqa: E402

SMALL = ["--model.hidden_size", "16", "--model.encoder.channels", "4", "4", "4"]
RESNET = ["--model.encoder", "resnet", "--model.encoder.norm", "group", "--model.hidden_size", "16"]
AUGMENTED = [
    *("--augment.shift", "2", "--augment.contrast", "0.2", "--augment.noise", "ee_position", "0.01"),
    *("--image_crop", "0.9", "--goal.keys", "ee_position", "--goal.kind", "future"),
]
OPTIONS = {
    "small": [*SMALL, *AUGMENTED, "--ema_decay", "0.9", "--weight_decay", "0.01", "--sampling", "episodes"],
    "accumulated": [*SMALL, *AUGMENTED, "--accumulate", "2"],
    "resnet with group norm": [*RESNET, *AUGMENTED],
}
STEPS = {"small": 12, "accumulated": 6, "resnet with group norm": 3}


@pytest.mark.parametrize("kind", OPTIONS)
def test_two_processes_end_with_the_weights_of_one_with_twice_the_batch(kind, workplace, uneven_dataset):
    common = [
        *(workplace.lift[0], "--dataset", uneven_dataset, "--horizon", "4", "--device", "cpu", "--threads", "1"),
        *("--max_steps", str(STEPS[kind]), "--validation_fraction", "0.3", "--validate_every", "2"),
        *("--learning_rate", "1e-4", "--log_every", "1", *OPTIONS[kind]),
    ]
    child = workplace.begin(*common, "--batch_size", "3", "--exp_name", "two", processes=2)
    assert workplace.train(*common, "--batch_size", "6", "--exp_name", "one", config=False) == 0
    assert child.wait(timeout=workplace.patience_s) == 0, workplace.log().read_text()
    one, two = (load_checkpoint(f"experiments/{name}/models/model.pt") for name in ("one", "two"))
    for name, tensor in one.model.items():
        torch.testing.assert_close(two.model[name], tensor, rtol=0, atol=1e-6, msg=lambda m, name=name: f"{name}: {m}")
    assert len(two.training["random"]) == 2 and two.training["sampler"] == one.training["sampler"]
    alone, together = (
        [json.loads(line) for line in Path(f"experiments/{name}/metrics.jsonl").read_text().splitlines()]
        for name in ("one", "two")
    )
    assert [line["step"] for line in together] == [line["step"] for line in alone]
    clocks = {f"train/{n}" for n in ("steps_per_s", "samples_per_s", "data_s", "compute_s", "data_wait")} | {"minutes"}
    for mine, theirs in zip(alone, together, strict=True):
        for name in set(mine) - clocks:
            assert theirs[name] == pytest.approx(mine[name], rel=1e-3, abs=1e-5), name


def test_a_signal_to_torchrun_stops_all_and_one_of_them_saves(workplace):
    options = ("--max_steps", "1000000", "--save_every", "1000000", "--log_every", "1", "--exp_name", "both")
    child = workplace.begin(*workplace.lift, *options, processes=2)
    assert workplace.reached(child, "both", 3), workplace.log().read_text()
    child.send_signal(signal.SIGTERM)
    child.wait(timeout=workplace.patience_s)
    saved = load_checkpoint("experiments/both/models/model.pt")
    assert saved.step >= 3
    assert workplace.train("--resume", "experiments/both", "--max_steps", str(saved.step + 1), config=False) == 0
