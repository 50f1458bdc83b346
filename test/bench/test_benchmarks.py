"""The benchmarks run and write what they say, at sizes too small to measure anything. Speeds are not looked at."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(name: str, folder: Path, *arguments: str, result_name: str = "") -> dict:
    """Run a benchmark as its users do; what it wrote."""
    command = [sys.executable, str(ROOT / "bench" / f"{name}.py"), "--results", str(folder), *arguments]
    result = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    assert result.returncode == 0, result.stderr
    return json.loads((folder / f"{result_name or name}.json").read_text(encoding="utf-8"))


def test_sampling_compares_muse_with_a_bare_gather_of_the_same_windows(tmp_path: Path):
    figures = run("sampling", tmp_path, "--episodes", "2", "--rows", "12", "--rounds", "1")
    assert {"muse, mapped", "muse, in memory", "numpy gather, mapped"} <= set(figures["samples_per_s"])
    # 10 steps of two 128x128x3 images in bytes and of 15 float32
    assert figures["sample_mb"] == pytest.approx(10 * (2 * 49152 + 15 * 4) / 1e6, abs=1e-3)
    assert [each["limit"] for each in figures["bars"][:2]] == [1.5, 1.5]


def test_startup_sees_that_the_import_brings_no_heavy_package(tmp_path: Path):
    figures = run("startup", tmp_path, "--rounds", "1", "--commands", "python -c 'import muse_core'", "muse --help")
    assert figures["heavy_imports"] == {"python -c 'import muse_core'": [], "muse --help": []}


def test_learning_trains_a_task_on_demonstrations_it_makes_and_counts_successes(tmp_path: Path):
    pytest.importorskip("torch")
    pytest.importorskip("muse_core.environments.panda.mujoco_gl")
    sizes = ("--demonstrations", "2", "--seeds", "2", "--steps", "2", "--workers", "1", "--threads", "1")
    words = (str(tmp_path / "data"), "--tasks", "reach", *sizes)
    figures = run("learning", tmp_path, *words, result_name="learning_tasks")
    assert figures["tasks"]["reach"]["episodes"] == 2
    assert len(list((tmp_path / "data/reach_2").glob("episode_*"))) == 2
    assert str(tmp_path) not in figures["command"]


def test_encoder_takes_steps_with_both_encoders(tmp_path: Path):
    pytest.importorskip("torch")
    sizes = ("--batch", "1", "--resnet-batch", "1", "--resnet-size", "32", "--threads", "1")
    figures = run("encoder", tmp_path, "--rounds", "1", *sizes)
    small, large = figures["parameters"].values()
    resnets = 2 * (11_176_512 + 32 * 513)  # without classifier, and a 1x1 convolution to 32 keypoints each
    assert large - small == resnets - 2 * 14_337


def test_pacing_compares_the_policy_nodes_ticks_with_sleeping(tmp_path: Path):
    pytest.importorskip("rclpy")
    pytest.importorskip("muse_ros.msg")
    figures = run("pacing", tmp_path, "--minutes", "0.05", "--busy", "0")
    assert set(figures["contenders"]) == {"policy node", "sleep"}
    assert all(each["ticks"] >= 10 for each in figures["contenders"].values())


def test_cameras_counts_the_pictures_that_come_by_their_numbers(tmp_path: Path):
    pytest.importorskip("rclpy")
    pytest.importorskip("cv2")
    figures = run("cameras", tmp_path, "--cameras", "1", "--seconds", "1", "--height", "48", "--width", "64")
    assert figures["cameras"]["camera 0"]["rate_hz"] > 0.0


def test_window_draws_frames_at_every_size(tmp_path: Path):
    pytest.importorskip("pygame")
    figures = run("window", tmp_path, "--frames", "2")
    assert list(figures["frame_ms"]) == ["640x480", "1280x800", "1920x1080", "3840x2160"]


def test_a_short_session_is_recorded_whole_and_converts(tmp_path: Path):
    pytest.importorskip("rclpy")
    figures = run("session", tmp_path, "--episodes", "2", "--seconds", "0.3")
    assert (figures["episodes"], figures["converted"], figures["missing_messages"]) == (2, 2, 0)
    assert [sample["episodes"] for sample in figures["samples"]] == [0, 2]


def test_a_kill_is_looked_into(tmp_path: Path):
    pytest.importorskip("rclpy")
    figures = run("kills", tmp_path, "--kills", "1")
    assert (figures["kept_changed_or_lost"], figures["kept_incomplete"], figures["holes_in_cut_episodes"]) == (0, 0, 0)


def test_set_points_are_followed_from_the_action_into_the_server_and_past_a_restart(tmp_path: Path):
    for needed in ("rclpy", "muse_ros.msg", "grpc", "torch", "muse_core.environments.panda.mujoco_gl"):
        pytest.importorskip(needed)
    figures = run("set_points", tmp_path, "--minutes", "0.02", "--restarts", "1")
    counts = figures["set_points"]
    assert counts["sent"] > 10 and (counts["out of order"], counts["twice"]) == (0, 0)
    assert figures["stages_s"]["in all"]["p50"] > figures["stages_s"]["leaving to in the server"]["p50"] > 0.0
    assert len(figures["back_s"]) == 1


NAMED = (
    "cameras",
    "encoder",
    "kills",
    "latency",
    "learning",
    "pacing",
    "recording",
    "sampling",
    "session",
    "set_points",
    "startup",
    "window",
)


@pytest.mark.parametrize("name", NAMED)
def test_every_benchmark_says_what_it_does(name: str):
    command = [sys.executable, str(ROOT / "bench" / f"{name}.py"), "--help"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "--results" in result.stdout


def test_every_benchmark_has_its_line_in_the_readme():
    said = (ROOT / "bench/README.md").read_text()
    scripts = [path.name for path in (ROOT / "bench").glob("*.py") if "__main__" in path.read_text()]
    assert len(scripts) > 10
    assert not [name for name in scripts if f"\n| `{name}` |" not in said]


def test_controllers_are_timed_streamed_driven_and_knocked(tmp_path: Path):
    pytest.importorskip("torch")
    pytest.importorskip("muse_core.environments.panda.mujoco_gl")
    figures = run("controllers", tmp_path, "--cycles", "100", "--seconds", "0.2", "--old-python", "none")
    assert [call["torch"][0] for call in figures["calls"]] == ["2"]
    assert (len(figures["smoothness"]), len(figures["tracking"]), len(figures["knocks"])) == (6, 9, 12)
