"""One tick of a policy, and whether a checkpoint fits a contract."""

from __future__ import annotations

import numpy as np
import pytest

from muse_ros.contract.assemble import Observation
from muse_ros.contract.contract import load_contract
from muse_ros.policy.actors import StepActor
from muse_ros.policy.fit import PolicyMismatch, check_fit
from muse_ros.policy.loading import difference, load_policy, narrowed
from muse_ros.policy.loop import NoAction, PolicyLoop, check_action
from muse_ros.policy.outcomes import Hold, Patience, State
from muse_ros.policy.pacing import Tick

MS = 1_000_000
TICK = Tick(0, 1_000 * MS, 0)
PANDA = load_contract("panda_sim")
GOOD = {"action": np.zeros(7)}


class Answering:
    """Answers with what it is told to."""

    def __init__(self, answer):
        self.answer, self.asked, self.resets = answer, 0, 0

    def reset(self):
        self.resets += 1

    def act(self, observation):
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def loop_with(answer, missing=None, late_ms=25, give_up_ns=1_000 * MS):
    """A loop whose clock is so late after each tick; its policy and its missing keys can be changed."""
    steady = iter(range(0, 10**12, MS))
    policy, lacks, now = Answering(answer), dict(missing or {}), [0]

    def observe(tick_ns):
        now[0] = tick_ns + late_ms * MS
        return Observation(tick_ns, {"q": np.zeros(7)}, {}, {}, dict(lacks))

    now[0] = TICK.stamp_ns + late_ms * MS
    loop = PolicyLoop(
        StepActor(policy, "action"), PANDA, observe, lambda: now[0], lambda: next(steady), Patience(give_up_ns)
    )
    loop.policy, loop.lacks = policy, lacks
    return loop


def ticks(loop, count, first=0, **more):
    return [loop.take(Tick(n, (1_000 + 100 * n) * MS, 0), **more) for n in range(first, first + count)]


def test_a_tick_reports_how_late_it_began_and_how_long_each_stage_took():
    report = loop_with({"action": np.arange(7, dtype=np.float32)}).take(TICK)
    assert (report.wait_s, report.assembly_s, report.inference_s) == (0.025, 0.001, 0.001)
    np.testing.assert_array_equal(report.action, np.arange(7.0))
    assert report.reason == "" and report.state is State.ACTING and report.hold is None


def test_an_incomplete_observation_never_reaches_the_policy():
    loop = loop_with(GOOD, {"image": "nothing received", "q": "0.3 s old"})
    report = loop.take(TICK)
    assert report.action is None and loop.policy.asked == 0 and report.inference_s == 0
    assert report.reason == "image: nothing received; q: 0.3 s old" and report.hold is Hold.STALE


@pytest.mark.parametrize(
    ("answer", "hold"),
    [
        ({"action": np.array([0, 0, np.nan, 0, 0, 0, 0])}, Hold.NOT_FINITE),
        ({"action": np.zeros(8)}, Hold.WRONG_SHAPE),
        ({"other": np.zeros(7)}, Hold.WRONG_SHAPE),
        (RuntimeError("no more memory"), Hold.FAILED),
    ],
)
def test_each_kind_of_nonsense_makes_the_arm_hold_and_is_named(answer, hold):
    report = loop_with(answer).take(TICK)
    assert report.action is None and report.hold is hold and report.state is State.HOLDING and report.reason


def test_an_action_that_is_ready_when_its_period_is_over_is_not_carried_out():
    assert loop_with(GOOD, late_ms=100).take(TICK).state is State.ACTING
    report = loop_with(GOOD, late_ms=101).take(TICK)
    assert report.action is None and report.hold is Hold.LATE
    assert report.reason == "the action came 1 ms after its period of 100 ms was over"


def test_streams_that_are_missing_at_the_beginning_are_waited_for_and_later_held_for():
    loop = loop_with(GOOD, {"image": "nothing received"})
    assert [r.state for r in ticks(loop, 3)] == [State.WAITING] * 3
    loop.lacks.clear()
    assert loop.take(Tick(3, 1_300 * MS, 0)).state is State.ACTING
    loop.lacks["image"] = "0.3 s old"
    assert [r.state for r in ticks(loop, 2, first=4)] == [State.HOLDING] * 2


def test_what_holds_for_longer_than_its_patience_is_stopped_and_asks_the_policy_no_more():
    loop = loop_with({"action": np.zeros(8)})
    reports = ticks(loop, 13)
    assert [r.state for r in reports] == [State.HOLDING] * 10 + [State.STOPPED] * 3, "from 0 s to 1.0 s are ten periods"
    assert loop.policy.asked == 11 and "shape [8]" in reports[-1].reason
    loop.policy.answer = GOOD
    assert loop.take(Tick(13, 2_300 * MS, 0)).state is State.STOPPED, "until the next episode"
    loop.begin()
    assert loop.take(Tick(0, 3_000 * MS, 0)).state is State.ACTING


def test_one_action_in_time_renews_its_patience():
    loop = loop_with(RuntimeError("no"))
    ticks(loop, 9)
    loop.policy.answer = GOOD
    ticks(loop, 1, first=9)
    loop.policy.answer = RuntimeError("no")
    assert [r.state for r in ticks(loop, 10, first=10)] == [State.HOLDING] * 10


def test_without_a_limit_it_holds_for_ever():
    assert ticks(loop_with(RuntimeError("no"), give_up_ns=None), 50)[-1].state is State.HOLDING


def test_outside_of_episodes_it_waits_for_its_first_streams_as_long_as_that_takes():
    loop = loop_with(GOOD, {"image": "nothing received"})
    loop.patience = Patience(1_000 * MS, in_episodes=False)
    assert ticks(loop, 50)[-1].state is State.WAITING


def test_while_a_person_has_the_arm_it_looks_on_and_its_patience_is_renewed():
    loop = loop_with(RuntimeError("no"))
    ticks(loop, 9)
    loop.policy.answer = GOOD
    reports = ticks(loop, 20, first=9, taken_over=True)
    assert {r.state for r in reports} == {State.TAKEN_OVER} and {r.action is None for r in reports} == {True}
    assert loop.policy.asked == 29, "it has seen every tick"
    loop.lacks["image"] = "0.3 s old"
    report = loop.take(Tick(29, 3_900 * MS, 0), taken_over=True)
    assert report.state is State.TAKEN_OVER and report.hold is None and "image" in report.reason


def test_those_who_look_on_see_every_report():
    loop, seen = loop_with(GOOD), []
    loop.on_tick.append(seen.append)
    report = loop.take(TICK)
    assert seen == [report]


def test_an_infinite_value_is_a_fault_and_a_finite_one_is_not():
    with pytest.raises(NoAction, match="not finite"):
        check_action(np.array([0, np.inf, 0, 0, 0, 0, 0]), (7,))
    check_action(np.zeros(7), (7,))


def test_a_contract_that_gives_all_that_is_read_fits():
    check_fit({"q": (7,), "image": (64, 64, 3)}, (7,), PANDA)


@pytest.mark.parametrize(
    ("reads", "answers", "message"),
    [
        ({"depth": (64, 64)}, (7,), "reads 'depth', which the contract does not have; it has ee_position"),
        ({"image": (128, 128, 3)}, (7,), r"reads 'image' as \[128, 128, 3\], the contract gives \[64, 64, 3\]"),
        ({"q": (7,)}, (8,), r"answers \[8\], the contract's 'action' is \[7\]"),
    ],
)
def test_a_mismatch_names_the_key_and_both_sides(reads, answers, message):
    with pytest.raises(PolicyMismatch, match=message):
        check_fit(reads, answers, PANDA)


def test_a_narrowed_contract_reads_only_what_the_policy_reads():
    assert list(narrowed(PANDA, {"image": (64, 64, 3), "q": (7,)}).observations) == ["image", "q"]


def test_another_contract_than_the_checkpoints_is_reported_and_the_same_is_not():
    other = load_contract("panda")
    assert difference(PANDA, PANDA) == "" and difference(None, other) == "" and difference(PANDA, None) == ""
    assert "'panda'" in difference(PANDA, other) and "trained with 'panda_sim'" in difference(PANDA, other)


def test_no_model_file_is_refused_with_an_example():
    with pytest.raises(PolicyMismatch, match="name a checkpoint, such as"):
        load_policy("", "cpu", 1, None)
