"""Episodes in an environment while a model is being trained."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("tensorboard")
pytest.importorskip("tyro")
pytest.importorskip("av")

from muse_core.checkpoints import load_checkpoint  # noqa: E402
from muse_core.evaluation.config import EvaluationError  # noqa: E402
from muse_core.trainers import trainer  # noqa: E402
from muse_core.trainers.rollouts import Outcome  # noqa: E402
from muse_core.trainers.train import main  # noqa: E402

CONFIG = """\
from muse_core.configs import AugmentConfig, BCConfig, GoalConfig, RolloutConfig, TrainConfig

export = TrainConfig(
    dataset="points", task="point_mass", exp_name="one", observations=("position", "velocity"),
    goal=GoalConfig(keys=("position",)), horizon=1, model=BCConfig(hidden_sizes=(32,)), augment=AugmentConfig(shift=0),
    batch_size=32, max_steps=60, validation_fraction=0.0, device="cpu", threads=1, log_every=30,
    rollouts=RolloutConfig(every=20, episodes=3, workers=1, videos=1),
)
"""


@pytest.fixture
def points(tmp_path, point_dataset, monkeypatch) -> str:
    """A config for the point mass, beside its data."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "points.py").write_text(CONFIG)
    return "points.py"


def logged(key: str) -> list[tuple[int, float]]:
    lines = [json.loads(line) for line in Path("experiments/one/metrics.jsonl").read_text().splitlines()]
    return [(line["step"], line[key]) for line in lines if key in line]


def test_rollouts_are_logged_with_their_interval_and_shown(points):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    assert main([points]) == 0
    assert [step for step, _ in logged("rollout/success_rate")] == [20, 40, 60]
    low, high = logged("rollout/success_rate_low")[0][1], logged("rollout/success_rate_high")[0][1]
    assert low <= logged("rollout/success_rate")[0][1] <= high < 1 or high == 1.0
    events = EventAccumulator("experiments/one", size_guidance={"images": 0})
    events.Reload()
    videos = events.Images("rollout/video_0")
    assert [video.step for video in videos] == [20, 40, 60]
    assert videos[0].encoded_image_string.startswith(b"GIF89a")
    assert {p.name for p in Path("experiments/one/models").iterdir()} == {"model.pt", "best_rollout_model.pt"}


def test_rollouts_change_nothing_of_training_and_no_env_runs_none(points):
    assert main([points]) == 0
    assert main([points, "--no_env", "--exp_name", "without"]) == 0
    one, two = (load_checkpoint(f"experiments/{name}/models/model.pt").model for name in ("one", "without"))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert "rollout" not in Path("experiments/without/metrics.jsonl").read_text()


def test_the_best_model_is_the_first_of_those_that_succeed_most(points, monkeypatch):
    rates = iter([0.3, 0.6, 0.6, 0.5])
    outcomes = [Outcome(rate, {"success_rate": rate}, {}, whole=True) for rate in rates]
    monkeypatch.setattr(trainer, "run_rollouts", lambda *_: outcomes.pop(0))
    assert main([points, "--max_steps", "80"]) == 0
    best = load_checkpoint("experiments/one/models/best_rollout_model.pt")
    assert best.step == 40 and best.metrics["best_success_rate"] == 0.6
    last = load_checkpoint("experiments/one/models/model.pt").metrics
    assert (last["success_rate"], last["best_success_rate"]) == (0.5, 0.6)


def test_an_evaluation_that_fails_does_not_end_the_training(points, monkeypatch, caplog):
    def fail(*_: object) -> Outcome:
        raise EvaluationError("one of 4 processes was killed")

    monkeypatch.setattr(trainer, "run_rollouts", fail)
    assert main([points]) == 0
    assert "rollouts at step 20: one of 4 processes was killed; training goes on" in caplog.text
    assert load_checkpoint("experiments/one/models/model.pt").step == 60


def test_a_policy_that_does_not_fit_the_environment_is_said_before_anything_is_written(points, capsys):
    assert main([points, "--task", "lift"]) == 2
    assert "--rollouts.every 20:" in capsys.readouterr().err
    assert not Path("experiments").exists()


def test_an_environment_that_there_is_not_is_named_before_anything_is_written(points, capsys):
    assert main([points, "--task", "point_mas"]) == 2
    said = capsys.readouterr().err
    assert "point_mass" in said and "--no_env" in said
    assert not Path("experiments").exists()
