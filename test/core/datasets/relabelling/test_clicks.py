"""The grammar of clicks, worked by hand: rows are written as strings, x for a click, D for a dense row."""

from __future__ import annotations

import numpy as np
import pytest

from muse_core.datasets.relabelling.clicks import clicks_from_speeds, parse_clicks, pose_speeds, runs


def flags(text: str) -> np.ndarray:
    return np.array([letter != "." for letter in text])


@pytest.mark.parametrize(
    ("clicks", "dense", "waypoints"),
    [
        ("...x....", "........", [3, 7]),  # an isolated click, and the end
        ("...xx...", "........", [3, 7]),  # a double click counts once
        ("..xxx...", "..DDD...", [2, 4, 7]),  # three in a row are dense: to its first row, and its last
        ("..xxxx.x", "..DDDD..", [2, 5, 7]),
        ("x.......", "........", [0, 7]),  # at the first row, which is there already
        ("xx......", "........", [0, 7]),
        ("xxx.....", "DDD.....", [0, 2, 7]),
        ("...xxxxx", "...DDDDD", [3, 7]),  # dense until the end
        ("........", "........", [7]),  # none: straight to the last row
        ("......x.", "......DD", [6, 7]),  # the last row makes two of it
        ("......xx", "......DD", [6, 7]),
        ("....xxx.", "....DDDD", [4, 7]),
        ("xxxxxxxx", "DDDDDDDD", [0, 7]),
        ("..x.x.xx.xxx.x..", ".........DDD....", [2, 4, 6, 9, 11, 13, 15]),
    ],
)
def test_clicks_become_waypoints_and_dense_segments(clicks, dense, waypoints):
    found = parse_clicks(flags(clicks))
    assert "".join(".D"[int(d)] for d in found.dense) == dense
    assert found.waypoints.tolist() == waypoints


def test_an_episode_of_one_row_is_a_waypoint():
    found = parse_clicks(np.array([False]))
    assert (found.dense.tolist(), found.waypoints.tolist(), found.targets().tolist()) == ([False], [0], [0])


def test_no_rows_are_refused():
    with pytest.raises(ValueError, match="at least one row"):
        parse_clicks(np.zeros(0, bool))


def test_sparse_rows_head_for_the_next_waypoint_and_dense_rows_for_the_next_row():
    found = parse_clicks(flags("..x..xxx.."))  # waypoints 2, 5, 7, 9; dense 5, 6, 7
    assert found.targets().tolist() == [2, 2, 5, 5, 5, 6, 7, 8, 9, 9]


def test_clicks_are_left_as_they_were():
    clicks = flags("xx.")
    parse_clicks(clicks)
    assert clicks.tolist() == [True, True, False]


def test_runs_of_flags():
    assert runs(flags("xx..x.x")) == [(0, 2), (4, 5), (6, 7)]
    assert runs(np.zeros(3, bool)) == []


def speeds_clicks(text: str, **options) -> str:
    slow = flags(text)
    clicks = clicks_from_speeds(np.where(slow, 0.119, 0.12), np.where(slow, 0.219, 0.0), **options)
    return "".join(".x"[int(c)] for c in clicks)


def test_slow_stretches_are_dense_and_long_ways_get_waypoints():
    #        0         1         2
    #        0123456789012345678901234
    slow = "........sssss.......s...."
    #  way from 0: waypoints at 3, 6; dense 8..12; way from 13: 16, 19, 22; one slow row is no dense segment
    want = "...x..x.xxxxx...x..x..x.."
    assert speeds_clicks(slow, waypoint_steps=3) == want


def test_without_a_slow_stretch_waypoints_are_evenly_spaced():
    assert speeds_clicks("." * 10, waypoint_steps=4) == "....x...x."
    assert speeds_clicks("." * 10) == "." * 10


def test_a_slow_end_is_dense_until_the_last_row_and_turning_fast_is_not_slow():
    assert speeds_clicks("....ssssss") == "....xxxxxx"
    assert not clicks_from_speeds(np.zeros(9), np.full(9, 0.22)).any()


def test_speeds_of_a_tool_that_moves_and_turns():
    # 3-4-5: 0.05 m in 0.1 s; a quarter turn about z in 0.1 s, given with the other sign
    position = np.array([[0, 0, 0], [0.03, 0.04, 0], [0.03, 0.04, 0]], np.float32)
    half = np.sqrt(0.5)
    quaternion = np.array([[0, 0, 0, 1], [0, 0, 0, -1], [0, 0, half, half]], np.float32)
    linear, angular = pose_speeds(position, quaternion, 10.0)
    np.testing.assert_allclose(linear, [0.5, 0, 0], atol=1e-6)
    np.testing.assert_allclose(angular, [0, 5 * np.pi, 5 * np.pi], atol=1e-5)


def test_one_row_stands_still():
    linear, angular = pose_speeds(np.zeros((1, 2)), None, 10.0)
    assert (linear.tolist(), angular.tolist()) == ([0.0], [0.0])
