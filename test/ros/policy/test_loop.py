"""One tick of a policy, and whether a checkpoint fits a contract."""

from __future__ import annotations

import numpy as np
import pytest

from muse_ros.contract.assemble import Observation
from muse_ros.contract.contract import load_contract
from muse_ros.policy.loading import difference, load_policy, narrowed
from muse_ros.policy.loop import PolicyLoop, PolicyMismatch, action_fault, check_fit
from muse_ros.policy.pacing import Tick

TICK = Tick(0, 1_000_000_000, 0)
PANDA = load_contract("panda_sim")


class Answering:
    def __init__(self, answer):
        self.answer, self.asked = answer, 0

    def reset(self):
        pass

    def act(self, observation):
        self.asked += 1
        return self.answer


def loop_with(answer, missing=None):
    steady = iter(range(0, 10**12, 1_000_000))
    observation = Observation(TICK.stamp_ns, {"q": np.zeros(7)}, {}, {}, missing or {})
    return PolicyLoop(Answering(answer), PANDA, lambda _: observation, lambda: 1_025_000_000, lambda: next(steady))


def test_a_tick_reports_how_late_it_began_and_how_long_each_stage_took():
    report = loop_with({"action": np.arange(7, dtype=np.float32)}).take(TICK)
    assert (report.wait_s, report.assembly_s, report.inference_s) == (0.025, 0.001, 0.001)
    np.testing.assert_array_equal(report.action, np.arange(7.0))
    assert report.reason == ""


def test_an_incomplete_observation_never_reaches_the_policy():
    loop = loop_with({"action": np.zeros(7)}, {"image": "nothing received", "q": "0.3 s old"})
    report = loop.take(TICK)
    assert report.action is None and loop.policy.asked == 0 and report.inference_s == 0
    assert report.reason == "image: nothing received; q: 0.3 s old"


def test_a_policy_without_the_contracts_action_makes_the_arm_hold():
    assert "shape [0], the contract's has [7]" in loop_with({"other": np.zeros(7)}).take(TICK).reason


def test_those_who_look_on_see_every_report():
    loop, seen = loop_with({"action": np.zeros(7)}), []
    loop.on_tick.append(seen.append)
    report = loop.take(TICK)
    assert seen == [report]


def test_an_infinite_value_is_a_fault_and_a_finite_one_is_not():
    assert "not finite" in action_fault(np.array([0, np.inf, 0, 0, 0, 0, 0]), (7,))
    assert action_fault(np.zeros(7), (7,)) == ""


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
