"""Where figures and pictures go."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("tensorboard")
pytest.importorskip("tyro")

from muse_core.trainers.board import MetricsFile  # noqa: E402


def events(folder: str):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(folder, size_guidance={"images": 0, "histograms": 0, "scalars": 0})
    found.Reload()
    return found


def decoded(picture: bytes) -> np.ndarray:
    cv2 = pytest.importorskip("cv2")
    return cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


def test_tensorboard_has_curves_pictures_of_what_the_network_sees_and_histograms(train):
    options = ("--max_steps", "4", "--log_every", "2", "--images_every", "3", "--image_crop", "0.75")
    assert train("--exp_name", "one", *options, "--image_size", "10", "10") == 0
    found = events("experiments/one")
    assert {"train/loss", "train/data_wait", "train/compute_s", "train/learning_rate"} <= {*found.Tags()["scalars"]}
    pictures = found.Images("seen/image")
    assert [picture.step for picture in pictures] == [1, 3]
    # Four windows in rows, four steps in columns: 16 pixels cropped to 12, resized to 10.
    assert decoded(pictures[0].encoded_image_string).shape == (40, 40, 3)
    histograms = {"actions/action_0/predicted", "actions/action_0/demonstrated", "actions/action_6/predicted"}
    assert histograms <= {*found.Tags()["histograms"]}


def test_the_throughput_is_split_into_waiting_for_data_and_computing(train):
    assert train("--exp_name", "one", "--max_steps", "4", "--log_every", "4") == 0
    line = json.loads(Path("experiments/one/metrics.jsonl").read_text().splitlines()[0])
    assert line["train/data_s"] + line["train/compute_s"] == pytest.approx(1 / line["train/steps_per_s"], rel=1e-6)
    assert line["train/data_wait"] == pytest.approx(line["train/data_s"] * line["train/steps_per_s"], rel=1e-6)
    assert line["train/samples_per_s"] == pytest.approx(4 * line["train/steps_per_s"])


def test_wandb_logs_offline_and_a_resumed_run_is_the_same_one(train, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    assert train("--exp_name", "one", "--max_steps", "2", "--log_every", "1", "--wandb") == 0
    one = json.loads(Path("experiments/one/wandb_run.json").read_text())["id"]
    assert train("--resume", "experiments/one", "--max_steps", "4", config=False) == 0
    assert json.loads(Path("experiments/one/wandb_run.json").read_text())["id"] == one
    runs = [path.name for path in Path("experiments/one/wandb").glob("offline-run-*")]
    assert len(runs) == 2 and all(name.endswith(one) for name in runs)


def test_wandb_that_is_not_installed_is_said_before_anything_is_written(train, monkeypatch, capsys):
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "wandb" else find(name, *rest))
    assert train("--exp_name", "one", "--wandb") == 2
    assert "pip install wandb" in capsys.readouterr().err
    assert not Path("experiments").exists()


def test_wandb_without_a_login_is_an_error_of_one_line_that_leaves_nothing_behind(train, monkeypatch, capsys):
    wandb = pytest.importorskip("wandb")

    def refuse(**_: object) -> None:
        raise wandb.errors.UsageError("No API key configured. Use `wandb login` to log in.")

    monkeypatch.setattr(wandb, "init", refuse)
    assert train("--exp_name", "one", "--wandb") == 2
    assert "`wandb login` to log in. Or log offline: set WANDB_MODE=offline" in capsys.readouterr().err
    assert not Path("experiments/one").exists()


def test_metrics_of_steps_that_will_be_taken_again_are_forgotten(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 1, "a": 1}\n{"step": 3, "a": 1}\n{"step": 4, "tr')  # as a crash leaves it
    metrics = MetricsFile(path, last_step=2)
    metrics.scalars(3, {"a": 2.0})
    metrics.close()
    assert [json.loads(line) for line in path.read_text().splitlines()] == [{"step": 1, "a": 1}, {"step": 3, "a": 2.0}]
