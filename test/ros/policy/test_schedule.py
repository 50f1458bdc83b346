"""Chunks of actions with times of their own: which is due at a tick, when to plan, what is dropped. Worked by hand.

Ticks are 100 ms apart; the chunk that was planned at tick n holds the numbers 10 n, 10 n + 1, ...
"""

from __future__ import annotations

import numpy as np
import pytest

from muse_core.configs.model_settings import Execution
from muse_core.policies.chunking import ChunkExecutor, ensembled
from muse_ros.policy.schedule import Chunk, Schedule

MS = 1_000_000
PERIOD_NS = 100 * MS


def at(tick):
    return 5_000 * MS + tick * PERIOD_NS


def chunk(tick, length=4):
    return Chunk(at(tick), 10.0 * tick + np.arange(length, dtype=np.float32)[:, None])


def schedule(execute=2, ensemble=None, **more):
    return Schedule(PERIOD_NS, Execution(execute, ensemble), **more)


def value(found):
    return None if found is None else found.item()


def test_a_tick_gets_the_action_that_was_planned_for_it():
    plan = schedule()
    plan.add(chunk(0), at(0))
    assert [value(plan.action(at(n))) for n in range(5)] == [0, 1, 2, 3, None]
    assert plan.dropped == 0


def test_a_tick_that_was_missed_takes_its_action_with_it():
    plan = schedule()
    plan.add(chunk(0), at(0))
    assert [value(plan.action(at(n))) for n in (0, 3)] == [0, 3]


def test_with_a_compensation_the_action_for_so_much_later_is_taken():
    plan = schedule(latency_ns=200 * MS)
    plan.add(chunk(0), at(0))
    assert [value(plan.action(at(n))) for n in range(3)] == [2, 3, None]
    assert plan.dropped == 0 and plan.compensation_s == pytest.approx(0.2), "what is skipped on purpose is not late"


def test_the_newest_plan_is_followed_and_what_was_over_when_it_came_is_dropped_and_counted():
    plan = schedule()
    plan.add(chunk(0), at(0))
    plan.add(chunk(1), at(3), taken_ns=180 * MS)  # its actions for ticks 1 and 2 are over
    assert value(plan.action(at(3))) == 12 and plan.dropped == 2
    plan.add(chunk(2), at(9), taken_ns=600 * MS)  # all four are
    assert plan.action(at(9)) is None and plan.dropped == 6


def test_where_ticks_wait_for_plans_one_is_due_after_the_steps_that_the_model_is_to_carry_out():
    plan, due = schedule(execute=3), []
    for n in range(7):
        due.append(plan.plan_due(at(n)))
        if due[-1]:
            plan.add(chunk(n), at(n))
        assert value(plan.action(at(n))) is not None
    assert due == [True, False, False, True, False, False, True]


def test_a_plan_is_asked_for_as_long_before_as_it_takes():
    plan = schedule(execute=8, inference_ns=150 * MS)
    plan.add(chunk(0, length=12), at(2), taken_ns=150 * MS)
    assert plan.lead == 2 and [plan.plan_due(at(n)) for n in (2, 5, 6)] == [False, False, True]
    plan.add(chunk(6, length=12), at(10), taken_ns=350 * MS)
    assert plan.lead == 4 and [plan.plan_due(at(n)) for n in (9, 10)] == [False, True]


def test_a_plan_is_due_before_the_last_one_runs_out_though_more_steps_were_to_be_carried_out():
    plan = schedule(execute=4, latency_ns=200 * MS)
    plan.add(chunk(0), at(0))
    assert [plan.plan_due(at(n)) for n in (0, 1, 2)] == [False, False, True], "its actions end at tick 1"


def test_of_overlapping_plans_the_average_weighs_the_oldest_most():
    plan = schedule(execute=1, ensemble=float(np.log(2.0)))  # weights 1, 1/2, 1/4
    for n in range(3):
        plan.add(chunk(n), at(n))
    assert value(plan.action(at(2))) == pytest.approx((1 * 2 + 0.5 * 11 + 0.25 * 20) / 1.75)
    plan.add(chunk(4), at(4))
    assert value(plan.action(at(4))) == pytest.approx((1 * 13 + 0.5 * 22 + 0.25 * 40) / 1.75), "the first has run out"


def test_clearing_forgets_the_plans_and_not_how_long_they_took():
    plan = schedule()
    plan.add(chunk(0), at(3), taken_ns=250 * MS)
    plan.clear()
    assert plan.empty and plan.action(at(3)) is None and plan.lead == 3 and plan.dropped == 3


@pytest.mark.parametrize(("execute", "ensemble"), [(3, None), (1, 0.1), (2, 0.5)])
def test_without_delays_it_carries_out_what_the_library_does(execute, ensemble):
    """The rollouts of `muse eval` and the live node give the same actions."""
    quaternion = slice(3, 7)
    executor = ChunkExecutor(execute, ensemble, 1, quaternion)
    plan = Schedule(PERIOD_NS, Execution(execute, ensemble), quaternion=quaternion)
    random = np.random.default_rng(0)
    for n in range(12):
        made = random.normal(size=(6, 8)).astype(np.float32)
        made[:, quaternion] /= np.linalg.norm(made[:, quaternion], axis=1, keepdims=True)
        assert plan.plan_due(at(n)) == executor.needs_prediction().item()
        if plan.plan_due(at(n)):
            executor.add(made[None])
            plan.add(Chunk(at(n), made), at(n))
        expected, found = executor.next()[0], plan.action(at(n))
        if ensemble is None:
            assert expected.tobytes() == found.tobytes()
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)


def test_an_average_of_one_rotation_with_both_signs_is_that_rotation():
    down = np.array([1.0, 0, 0, 0], np.float32)
    found = ensembled(np.stack([down, -down, down]), 0.1, slice(0, 4))
    np.testing.assert_allclose(found, down, atol=1e-7)
