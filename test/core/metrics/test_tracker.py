"""Metrics over time, against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from muse_core.metrics.metrics import episode_return, squared_error, success
from muse_core.metrics.tracker import Aggregate, BufferedTracker, Tracker


@pytest.mark.parametrize(("over_time", "expected"), [
    ("max", -1.0), ("min", -3.0), ("sum", -6.0), ("mean", -2.0), ("last", -1.0)
])  # fmt: skip
def test_values_over_time_begin_with_the_first(over_time, expected):
    aggregate = Aggregate(over_time)
    assert not aggregate.has_data
    for value in (-2.0, -3.0, -1.0):
        aggregate.update(value)
    assert aggregate.value == expected and aggregate.has_data
    aggregate.reset()
    assert not aggregate.has_data
    aggregate.update(7.0)
    assert aggregate.value == 7.0


def test_an_unknown_aggregate_is_refused():
    with pytest.raises(ValueError, match="one of max, min, sum, mean, last, got 'median'"):
        Aggregate("median")


def errors(*values: float) -> tuple[dict, dict, dict]:
    return {}, {"action": np.zeros((len(values), 1))}, {"action": np.array(values)[:, None]}


def test_the_mean_over_batches_is_that_over_their_elements():
    tracker = Tracker(squared_error(name="mse"), "mean")
    assert tracker.results() == {}
    tracker.update(*errors(1, 1, 1))
    tracker.update(*errors(3))
    tracker.update(*errors())
    assert tracker.results() == {"mse_all": (1 + 1 + 1 + 9) / 4}
    tracker.reset()
    assert not tracker.has_data and tracker.results() == {}


def test_a_group_that_was_absent_from_a_batch_keeps_what_it_had():
    tracker = Tracker(episode_return(), "max", n_groups=3)
    tracker.update({}, {"reward": np.array([-5.0, -2.0])}, {}, np.array([0, 1]))
    tracker.update({}, {"reward": np.array([-4.0])}, {}, np.array([0]))
    assert tracker.results() == {
        "return_all": -3.5,
        "return_group:0": -4.0, "count_group:0": 2,
        "return_group:1": -2.0, "count_group:1": 1,
        "return_group:2": 0.0, "count_group:2": 0,
        "return_wg": -4.0,
    }  # fmt: skip
    with pytest.raises(ValueError, match="has 3 groups: give each element's"):
        tracker.update({}, {"reward": np.zeros(1)}, {})


def test_a_tracker_takes_any_metric_whose_groups_may_be_empty():
    tracker = Tracker(success(), "mean", n_groups=2)
    tracker.update({}, {"success": np.array([True, False])}, {}, np.array([1, 1]))
    assert tracker.results()["success_wg"] == 0.5


def test_the_last_episodes_make_a_success_rate():
    tracker = BufferedTracker("success", "max", size=3)
    assert not tracker.has_data and tracker.results() == {}
    for steps in ([0, 0], [0, 1, 0], [1], [0, 1]):
        for value in steps:
            tracker.update(value)
        tracker.end_episode()
    assert tracker.results() == {"success_all": 1.0}  # the failure, first of four, has left the buffer of three
    tracker.update(0)
    assert tracker.results() == {"success_all": 1.0}  # an episode counts once it has ended
    tracker.end_episode()
    assert tracker.results() == {"success_all": pytest.approx(2 / 3)}
    tracker.end_episode()  # no step: nothing to keep
    assert tracker.results() == {"success_all": pytest.approx(2 / 3)}


def test_each_group_has_a_buffer_of_its_own():
    tracker = BufferedTracker("return", "sum", size=2, n_groups=3)
    for group, rewards in ((0, [-1.0, -1.0]), (2, [1.0, 2.0]), (2, [5.0]), (2, [7.0])):
        for reward in rewards:
            tracker.update(reward)
        tracker.end_episode(group)
    assert tracker.results() == {
        "return_all": pytest.approx((-2 + 5 + 7) / 3),
        "return_group:0": -2.0, "count_group:0": 1,
        "return_group:1": 0.0, "count_group:1": 0,
        "return_group:2": 6.0, "count_group:2": 2,
        "return_wg": -2.0,
    }  # fmt: skip
    with pytest.raises(ValueError, match=r"group must be in 0 \.\. 2, got 3"):
        tracker.end_episode(3)
