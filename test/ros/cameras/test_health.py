"""The verdict about a camera, from counters by hand."""

from dataclasses import replace

import pytest

from muse_ros.cameras.capture_thread import CaptureStatus
from muse_ros.cameras.health import Level, Published, judge
from muse_ros.cameras.opening import OpenCamera

S = 1_000_000_000
CAMERA = OpenCamera(None, "device", (480, 640), 30.0, "MJPG")
BEFORE = CaptureStatus(CAMERA, True, "", captured=100, opened=1, newest_ns=10 * S)
NONE = Published()
NOW = replace(BEFORE, captured=130, newest_ns=11 * S)


@pytest.fixture
def verdict(settings):
    def run(now=NOW, before=BEFORE, published=NONE, at_s=11.01, **given):
        return judge(settings(**given), before, now, published, 29.0, 1.0, round(at_s * S))

    return run


def test_a_camera_at_its_rate_is_well_and_its_figures_are_there(verdict):
    health = verdict(replace(NOW, controls={"exposure": 200.0, "focus": None}, dropped=3))
    assert (health.level, health.message) == (Level.OK, "30.0 pictures a second")
    assert health.values["age of the newest [s]"] == "0.010"
    assert health.values["picture [px]"] == "640x480"
    assert health.values["dropped for a newer one"] == "3"
    assert (health.values["exposure"], health.values["focus"]) == ("200", "no such control")


@pytest.mark.parametrize(
    ("changes", "at_s", "level", "said"),
    [
        ({"is_open": False, "problem": "/dev/video0 is not there"}, 11.0, Level.ERROR, "/dev/video0 is not there"),
        ({}, 12.5, Level.ERROR, "no picture for 1.5 s: unplugged, or its driver stalls"),
        ({"newest_ns": 0}, 12.5, Level.ERROR, "no picture since it was opened"),
        ({"opened": 3}, 11.0, Level.WARN, "was lost and has been opened anew (2 times so far)"),
        ({"warnings": ("asked for 60",)}, 11.0, Level.WARN, "asked for 60"),
        ({"locked": False}, 11.0, Level.WARN, "exposure and white balance are settling"),
        ({"captured": 115}, 11.0, Level.WARN, "15.0 of 30 pictures a second"),
        ({"is_open": False, "ended": True}, 11.0, Level.WARN, "the video has been played"),
    ],
)
def test_what_is_wrong_is_said(verdict, changes, at_s, level, said):
    health = verdict(replace(NOW, **changes), at_s=at_s)
    assert health.level is level and said in health.message


def test_a_frozen_camera_is_an_error_that_says_what_it_does_about_it(verdict):
    frozen = Published(same_for_s=3.2, frozen=True)
    health = verdict(published=frozen)
    assert health.level is Level.ERROR
    assert "identical pictures for 3.2 s; they are not published" in health.message
    assert "not published" not in verdict(published=frozen, stop_when_frozen=False).message


def test_the_first_opening_is_no_reopening(verdict):
    assert verdict(before=CaptureStatus(), now=replace(NOW, opened=1)).level is Level.OK
