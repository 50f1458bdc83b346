"""The report: its charts and page are made of figures given by hand, its clips of frames whose time is known."""

import json
import re

import numpy as np
import pytest

from muse_core.metrics.intervals import wilson_interval
from muse_ros.report.film import CAPTION, PANEL, Clip, contact_sheet, film_frames, poster

pytest.importorskip("matplotlib")

from muse_ros.policy.latency import STAGES, Distribution, figures
from muse_ros.report.page import duration, render, settings, write_report


def picture(value):
    return np.full((64, 64, 3), value, np.uint8)


def clip(success=True, frames=10):
    return Clip("lift 1/1, seed 7", success, [[picture(10 * i), picture(0)] for i in range(frames)], fps=10.0)


def example_report():
    latency = figures({stage: Distribution.of([0.001, 0.002, 0.003]) for stage in STAGES})
    stream = {"topic": "panda/ee_pose", "rate_hz": 100.0, "gaps": 0, "longest_s": 0.01, "max_age_s": 0.1}
    return {
        "task": "lift",
        "finished": "2026-01-01 10:00 UTC",
        "success": 19,
        "episodes": 20,
        "rate": 0.95,
        "interval": list(wilson_interval(19, 20)),
        "rate_hz": 10.0,
        "wall_s": {"collect": 90.0, "train": 480.0, "total": 570.0},
        "evaluation": [{"seed": 100000 + i, "success": i != 3, "duration_s": 3.0} for i in range(20)],
        "training": {
            "episodes": 100,
            "rows": 3000,
            "steps": 4000,
            "parameters": 962357,
            "steps_per_s": 8.3,
            "loss": 0.01,
            "validation_loss": 0.02,
            "tensorboard": "tensorboard --logdir experiments/x",
        },
        "recordings": {
            "kept": 100,
            "failures": 1,
            "messages": 250000,
            "lost_messages": 0,
            "conversion": {
                "rows": 3000,
                "segments": 100,
                "ticks": {"ticks": 3010, "leading": 10, "trailing": 0, "gaps": 0},
                "streams": {
                    "ee_position": {**stream, "age_s": {"p50": 0.0, "p95": 0.004, "max": 0.01}},
                    "action": {**stream, "age_s": None},
                },
            },
        },
        "latency": latency,
        "ticks": 600,
        "missed_ticks": 1,
        "late_samples": 2,
        "task_settings": {"ranges": {"cube": {"x_m": [0.35, 0.5], "yaw_deg": 45}}, "objects": ["cube", "lid", "pod"]},
        "commands": ["muse up collect task:=lift", "muse convert recordings/a -o data/a"],
        "machine": {"processor": "a <fast> one", "cores": 2, "python": "3.11", "versions": {"torch": "2.13.0"}},
        "film": "episodes.mp4",
        "contact_sheet": "episodes.png",
        "poster": "poster.png",
    }


def example_series():
    return {
        "train": [(50, 0.5), (100, 0.1)],
        "validation": [(100, 0.2)],
        "latency_ms": {"inference": [3.0, 4.0]},
        "period_ms": [100.0, 101.0],
    }


def test_the_page_shows_the_figures_and_the_json_holds_them(tmp_path):
    report = example_report()
    page = write_report(tmp_path / "report", report, example_series()).read_text()
    assert json.loads((tmp_path / "report" / "report.json").read_text()) == report
    assert "19 / 20" in page
    assert "95 % success, 95 % interval 76 % to 99 %" in page
    assert len(re.findall(r'class="no" title', page)) == 1
    assert "muse convert recordings/a -o data/a" in page
    assert "a &lt;fast&gt; one" in page
    assert page.count("<svg") == 4
    assert "x_m: 0.35 .. 0.5; yaw_deg: 45" in page


def test_a_figure_that_is_missing_is_an_error_and_not_a_blank():
    report = example_report()
    del report["missed_ticks"]
    with pytest.raises(Exception, match="missed_ticks"):
        render(report, example_series())


def test_a_run_too_short_to_have_logged_a_loss_still_makes_a_page():
    assert "<svg" in render(example_report(), {**example_series(), "train": [], "validation": []})


def test_a_film_shows_every_frame_once_and_holds_the_last_with_its_outcome():
    frames = list(film_frames([clip(frames=10)], pause_s=0.5))
    assert len(frames) == 9 + 5
    assert {frame.shape for frame in frames} == {(PANEL + CAPTION, 2 * PANEL, 3)}
    assert (frames[3][:PANEL, :PANEL] == 30).all()
    assert not np.array_equal(frames[-1][PANEL:], frames[0][PANEL:])


def test_a_contact_sheet_has_a_row_for_each_episode_with_its_first_and_last_frame():
    sheet = contact_sheet([clip(True), clip(False), clip(True, frames=0)], columns=4, size=32)
    assert sheet.shape == (2 * 32, 8 + 4 * 32, 3)
    assert (sheet[:32, 8:40] == 0).all() and (sheet[:32, -32:] == 90).all()
    assert sheet[0, 0, 1] > sheet[0, 0, 0], "a success is green"
    assert sheet[-1, 0, 0] > sheet[-1, 0, 1], "a failure is red"


def test_strips_side_by_side_run_down_the_first_column_first():
    sheet = contact_sheet([clip(frames=1), clip(False), clip(False)], columns=4, size=32, across=2)
    assert sheet.shape == (2 * 32, 2 * (8 + 4 * 32), 3)
    assert sheet[0, 0, 1] > sheet[0, 0, 0] and sheet[-1, 0, 0] > sheet[-1, 0, 1]
    assert (sheet[32:, 8 + 4 * 32 :] == 255).all()


def test_a_poster_sets_one_row_of_moments_for_each_camera_beside_the_scene():
    made = poster(np.full((480, 640, 3), 7, np.uint8), clip(frames=10), columns=4)
    assert made.shape == (480, 640 + 4 * 240, 3)
    assert (made[:, :640] == 7).all()
    assert [made[100, 640 + 240 * column + 100, 0] for column in range(4)] == [0, 30, 60, 90]
    assert (made[240:, 640:] == 0).all()


@pytest.mark.parametrize(("seconds", "text"), [(44.6, "45 s"), (440, "7 min 20 s"), (3600, "60 min 0 s")])
def test_durations_read_as_people_say_them(seconds, text):
    assert duration(seconds) == text


def test_settings_are_one_line():
    assert settings({"a": [0.1, 0.2], "b": ["x", "y", "z"], "c": {"d": 1}}) == "a: 0.1 .. 0.2; b: x, y, z; c: d: 1"
