"""Rollouts, their results, and `muse eval`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from muse_core.evaluation import workers
from muse_core.evaluation.checkpoint_environment import environment_options
from muse_core.evaluation.config import EvaluateConfig, EvaluationError
from muse_core.evaluation.evaluate import evaluate, main
from muse_core.evaluation.results import headline, percentiles, summarize
from muse_core.evaluation.rollout import EpisodeResult, FrameCollector, run_episode, tile_images
from muse_core.evaluation.workers import Job, Runner, run_all
from muse_core.spec import ArraySpec, Spec


class CountingEnvironment:
    """Succeeds at step three on even seeds, and is cut off at step five on odd ones."""

    observation_spec = Spec({"image": ArraySpec((4, 4, 3), "uint8")})
    action_spec = Spec({"action": ArraySpec((1,), role="action")})
    rate_hz = 10.0

    def reset(self, *, seed=None, options=None):
        self.seed, self.step_number = seed, 0
        return self.observation_spec.zeros(), {}

    def step(self, action):
        self.step_number += 1
        success = self.seed % 2 == 0 and self.step_number == 3
        return self.observation_spec.zeros(), float(success), success, self.step_number == 5, {"success": success}

    def close(self):
        self.closed = True


class CountingPolicy:
    def __init__(self):
        self.resets = 0

    def reset(self):
        self.resets += 1

    def act(self, observation):
        return {"action": np.zeros(1, np.float32)}


def test_an_episode_ends_when_the_environment_says_so():
    policy = CountingPolicy()
    good, bad = (run_episode(CountingEnvironment(), policy, seed) for seed in (0, 1))
    assert (good.success, good.steps, good.total_reward) == (True, 3, 1.0)
    assert (bad.success, bad.steps, bad.total_reward) == (False, 5, 0.0)
    assert len(bad.inference_ms) == 5
    assert policy.resets == 2


def test_an_observer_sees_each_step():
    frames = FrameCollector()
    run_episode(CountingEnvironment(), CountingPolicy(), 0, [frames])
    assert [frame.shape for frame in frames.frames] == [(256, 256, 3)] * 3


def test_images_of_different_size_are_tiled_side_by_side():
    images = {"a": np.full((4, 4, 3), 1, np.uint8), "b": np.full((8, 2, 3), 2, np.uint8), "q": np.zeros(3)}
    assert tile_images(images, height=8).shape == (8, 8 + 2, 3)
    with pytest.raises(ValueError, match="no image among q"):
        tile_images({"q": np.zeros(3)})


def test_a_summary_counts_successes_in_order_of_seeds():
    results = [EpisodeResult(8, True, 4, 1.0, (2.0,)), EpisodeResult(7, False, 9, 0.0, (4.0,))]
    summary = summarize(results)
    assert (summary["episodes"], summary["successes"], summary["success_rate"]) == (2, 1, 0.5)
    assert summary["steps"] == 4.0
    assert summary["wilson_95"] == pytest.approx([0.0945, 0.9055], abs=1e-4)
    assert [r["seed"] for r in summary["results"]] == [7, 8]
    assert summary["inference_ms"]["p50"] == 3.0
    assert headline(summary) == "1 of 2 succeeded: 50.0 %, 95 % interval 9.5 .. 90.5 %"


def test_no_times_have_no_percentiles():
    assert percentiles(np.zeros(0)) is None


def test_results_and_a_video_are_written_beside_the_models(checkpoint, monkeypatch, capsys):
    pytest.importorskip("av")
    runner = Runner(CountingEnvironment(), CountingPolicy(), frozenset({10, 11}))
    monkeypatch.setattr(workers, "make_runner", lambda config, task: runner)
    evaluate(EvaluateConfig(checkpoint, episodes=4, seed=10, workers=1))
    results = json.loads((checkpoint / "eval" / "results.json").read_text())
    assert [(r["seed"], r["success"], r["steps"]) for r in results["results"]] == [
        (10, True, 3), (11, False, 5), (12, True, 3), (13, False, 5)
    ]  # fmt: skip
    assert (results["task"], results["success_rate"]) == ("lift", 0.5)
    assert (checkpoint / "eval" / "video.mp4").stat().st_size > 0
    assert "2 of 4 succeeded" in capsys.readouterr().out
    assert runner.environment.closed


def test_the_simulator_is_set_up_as_the_checkpoint_expects(checkpoint):
    from dataclasses import replace

    from muse_core.checkpoints import load_checkpoint

    loaded = load_checkpoint(checkpoint / "models" / "model.pt")
    assert environment_options("lift", loaded) == {
        "rate_hz": 10.0,
        "action_space": "ee_delta",
        "images": {
            "image": {"camera": "front", "size": [16, 16], "crop": None},
            "ego_image": {"camera": "wrist", "size": [16, 16], "crop": None},
        },
    }
    stream = {"topic": "cameras/wrist/image/compressed", "size": [16, 16], "crop": [8, 8, 112, 112]}
    contract = {"observations": {"image": stream}, "actions": {"action": {"space": "ee_delta"}}}
    options = environment_options("lift", replace(loaded, contract=contract))
    assert options["images"]["image"] == {"camera": "wrist", "size": [16, 16], "crop": [8, 8, 112, 112]}


def test_a_checkpoint_runs_in_the_simulator(checkpoint):
    pytest.importorskip("muse_core.environments.panda.mujoco_gl")
    config = EvaluateConfig(checkpoint, episodes=1, workers=1, videos=0, max_steps=3)
    result = run_all(config, "lift", [Job(0)])
    [(episode, frames)] = list(result)
    assert (episode.steps, frames) == (3, [])


def test_a_simulator_that_cannot_be_what_the_checkpoint_expects_is_refused(checkpoint):
    from dataclasses import replace

    from muse_core.checkpoints import load_checkpoint
    from muse_core.evaluation.checkpoint_environment import environment_for
    from muse_core.spec import ArraySpec, Spec

    pytest.importorskip("muse_core.environments.panda.mujoco_gl")
    loaded = load_checkpoint(checkpoint / "models" / "model.pt")
    with pytest.raises(EvaluationError, match=r"cannot be what this checkpoint expects: rate_hz: 100 Hz / 30.0 Hz"):
        environment_for("lift", replace(loaded, rate_hz=30.0))
    large = {"topic": "cameras/front/image/compressed", "size": [16, 16], "crop": [0, 80, 480, 480]}
    with pytest.raises(EvaluationError, match="does not lie inside an image of 128x128"):
        environment_for("lift", replace(loaded, contract={"observations": {"image": large}}))
    touch = Spec({**loaded.array_spec, "touch": ArraySpec((4,))})
    with pytest.raises(EvaluationError, match="the checkpoint uses 'touch'; 'lift' has ee_position"):
        environment_for("lift", replace(loaded, spec=touch.to_dict()))


def test_an_interrupt_ends_the_workers_and_says_so(checkpoint):
    pytest.importorskip("muse_core.environments.panda.mujoco_gl")
    arguments = ["--model_file", str(checkpoint), "--episodes", "500", "--workers", "2"]
    child = subprocess.Popen(
        [sys.executable, "-m", "muse_core.evaluation.evaluate", *arguments],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3])},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    try:
        while "1/500" not in child.stderr.read(40):
            assert child.poll() is None
        os.killpg(child.pid, signal.SIGINT)
        _, said = child.communicate(timeout=30)
    finally:
        child.kill()
    assert child.returncode == 130
    assert "interrupted; no results are written" in said and "Traceback" not in said


def test_a_device_that_is_not_there_is_said(checkpoint, capsys):
    pytest.importorskip("muse_core.environments.panda.mujoco_gl")
    assert main(["--model_file", str(checkpoint), "--device", "cuda:99"]) == 2
    assert "device 'cuda:99' cannot be used here" in capsys.readouterr().err


def test_an_unknown_task_lists_those_there_are(checkpoint, capsys):
    pytest.importorskip("muse_core.environments.panda.mujoco_gl")
    assert main(["--model_file", str(checkpoint), "--task", "lifft"]) == 2
    assert "no environment named 'lifft'; did you mean 'lift'" in capsys.readouterr().err


def test_what_cannot_be_evaluated_is_said(tmp_path, capsys):
    assert main(["--model_file", str(tmp_path / "none.pt")]) == 2
    assert "no checkpoint" in capsys.readouterr().err
    with pytest.raises(EvaluationError, match="--episodes must be at least 1, got 0"):
        EvaluateConfig(tmp_path, episodes=0)
