"""Messages become what the window shows of them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from muse_ros.window.from_messages import (
    LIMITS,
    POLICY_STATES,
    limit_words,
    makes_sense,
    policy_view,
    stream_views,
    too_old,
    twist_of,
)
from muse_ros.window.view import Level


def test_an_age_is_told_only_where_it_is_too_old():
    assert too_old(0.49, 0.5) is None
    assert too_old(1.234, 0.5) == 1.2


def test_each_limit_that_acts_is_a_word_and_holding_is_none():
    bits = {name: 1 << index for index, name in enumerate(LIMITS)}
    assert limit_words(bits["CARTESIAN_SPEED"] | bits["WORKSPACE"], bits) == ("workspace", "tool speed")
    assert limit_words(0, bits) == ()
    assert limit_words(1 << len(LIMITS), bits) == ()  # acceleration and jerk, which act at every start
    assert "NO_DEADMAN" not in LIMITS and "STOPPED" not in LIMITS


def test_the_numbers_of_the_messages_mean_the_same_here():
    messages = pytest.importorskip("muse_ros.msg")
    assert [getattr(messages.PolicyStatus, name) for name in POLICY_STATES] == list(range(len(POLICY_STATES)))
    assert all(hasattr(messages.AppliedAction, name) for name in LIMITS)
    health = messages.StreamHealth
    assert (health.OK, health.DEGRADED, health.MISSING) == (0, 1, 2)


def test_a_policys_rate_is_that_of_its_period_and_its_latency_the_sum_of_its_stages():
    status = SimpleNamespace(state=2, reason="", period=0.1, wait=0.002, assembly=0.003, inference=0.02, publish=0.001)
    shown = policy_view(status, None)
    assert (shown.state, shown.rate_hz) == ("ACTING", pytest.approx(10.0))
    assert shown.latency_ms == pytest.approx(26.0)
    assert policy_view(SimpleNamespace(**{**vars(status), "period": 0.0}), None).rate_hz == 0.0
    assert policy_view(SimpleNamespace(**{**vars(status), "wait": 1e308}), None).latency_ms == 0.0


def test_a_status_with_more_labels_than_kept_episodes_makes_no_sense():
    status = SimpleNamespace(state=1, outcome=0, kept=3, successes=2, failures=1)
    assert makes_sense(status)
    assert not makes_sense(SimpleNamespace(**{**vars(status), "successes": 3}))


def test_an_action_asks_for_its_step_over_its_period():
    action = SimpleNamespace(
        action_space="ee_delta", EE_DELTA="ee_delta", values=[0.01, 0, 0, 0, 0, -0.02, 1], period=0.1
    )
    assert twist_of(action) == pytest.approx((0.1, 0, 0, 0, 0, -0.2))
    action.values = []
    assert twist_of(action) is None, "a heartbeat asks for nothing"
    action.values, action.action_space = [0.0] * 8, "joint_position"
    assert twist_of(action) is None


def test_a_streams_problem_is_told_without_its_topic():
    health = SimpleNamespace(topic="/a", level=2, problem="/a: no publisher", rate=0.4, expected_rate=30.0)
    (shown,) = stream_views(SimpleNamespace(streams=[health]))
    assert (shown.problem, shown.level, shown.rate_hz, shown.expected_hz) == ("no publisher", Level.MISSING, 0, 30)
