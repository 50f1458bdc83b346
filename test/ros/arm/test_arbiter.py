"""Who has the arm, with times worked by hand: milliseconds here, nanoseconds there."""

import numpy as np
import pytest

from muse_core.control.limits import Limit
from muse_core.control.state import ArmAction
from muse_ros.arm.arbiter import Arbiter, Choice

MS = 1_000_000


def action(source, stamp_ms, deadman=True, period_s=0.1):
    return ArmAction("ee_delta", np.zeros(7), period_s, stamp_ms * MS, source, deadman)


def heartbeat(source, stamp_ms=0, deadman=True):
    return ArmAction("ee_delta", np.zeros(0), 0.1, stamp_ms * MS, source, deadman)


def choose(arbiter, now_ms, steady_ms=None):
    return arbiter.choose(now_ms * MS, (now_ms if steady_ms is None else steady_ms) * MS)


def test_nobody_has_the_arm_at_first():
    assert choose(Arbiter(), 0) == Choice(reason=Limit.NO_DEADMAN)


def test_teleop_moves_the_arm_while_its_deadman_is_held():
    arbiter = Arbiter()
    wish = action("teleop", 1000)
    arbiter.hear(wish, 1000 * MS, 1000 * MS, origin="message")
    choice = choose(arbiter, 1010)
    assert (choice.source, choice.origin, choice.reason) == ("teleop", "message", Limit.NOT_LIMITED)
    assert choice.action is wish


def test_teleop_without_its_deadman_does_not():
    arbiter = Arbiter()
    arbiter.hear(action("teleop", 1000, deadman=False), 1000 * MS, 1000 * MS)
    assert choose(arbiter, 1010) == Choice(reason=Limit.NO_DEADMAN)


def test_a_heartbeat_that_lets_the_deadman_go_holds_the_arm():
    arbiter = Arbiter()
    arbiter.hear(action("teleop", 1000), 1000 * MS, 1000 * MS)
    arbiter.hear(heartbeat("teleop", deadman=False), 1020 * MS, 1020 * MS)
    assert choose(arbiter, 1021).reason == Limit.NO_DEADMAN


def test_an_action_heard_without_the_deadman_is_not_carried_out_when_it_is_pressed():
    arbiter = Arbiter()
    arbiter.hear(action("teleop", 1000, deadman=False), 1000 * MS, 1000 * MS)
    arbiter.hear(heartbeat("teleop", 1000, deadman=True), 1020 * MS, 1020 * MS)
    assert choose(arbiter, 1030) == Choice("teleop", reason=Limit.STALE)


@pytest.mark.parametrize("steady_ms, alive", [(1170, True), (1171, False)])
def test_a_source_is_gone_when_its_heartbeat_is_150_ms_late(steady_ms, alive):
    # The last message came at 1000, the next was due at 1020: 1170 is the last instant at which it is not too late.
    arbiter = Arbiter()
    arbiter.hear(action("teleop", 1000), 1000 * MS, 1000 * MS)
    assert bool(choose(arbiter, 1050, steady_ms).source) is alive


def test_heartbeats_keep_a_source_but_not_its_action_alive():
    arbiter = Arbiter()
    arbiter.hear(action("teleop", 1000), 1000 * MS, 1000 * MS)
    for ms in range(1020, 1300, 20):
        arbiter.hear(action("teleop", 1000), ms * MS, ms * MS)
    assert choose(arbiter, 1250).action is not None  # 2.5 periods of 100 ms
    assert choose(arbiter, 1251) == Choice("teleop", reason=Limit.STALE)


def test_an_older_stamp_is_only_a_heartbeat():
    arbiter = Arbiter()
    newer = action("teleop", 1100)
    arbiter.hear(newer, 1100 * MS, 1100 * MS)
    arbiter.hear(action("teleop", 1000), 1110 * MS, 1110 * MS)
    assert choose(arbiter, 1120).action is newer


def test_a_policy_moves_the_arm_only_while_an_episode_is_recorded():
    arbiter = Arbiter()
    arbiter.hear(action("policy", 1000), 1000 * MS, 1000 * MS)
    assert choose(arbiter, 1010).reason == Limit.NO_DEADMAN
    arbiter.record(True)
    arbiter.hear(action("policy", 1100), 1100 * MS, 1100 * MS)
    assert choose(arbiter, 1110).source == "policy"
    arbiter.record(False)
    assert choose(arbiter, 1120).reason == Limit.NO_DEADMAN


def test_an_action_from_before_the_episode_is_not_carried_out_in_it():
    arbiter = Arbiter()
    arbiter.hear(action("policy", 1000), 1000 * MS, 1000 * MS)
    arbiter.record(True)
    assert choose(arbiter, 1010) == Choice("policy", reason=Limit.STALE)


def test_execute_always_needs_no_episode():
    arbiter = Arbiter(execute_always=True)
    arbiter.hear(action("policy", 1000), 1000 * MS, 1000 * MS)
    assert choose(arbiter, 1010).source == "policy"


def test_teleop_takes_the_arm_from_a_policy_and_gives_it_back_for_new_actions_only():
    arbiter = Arbiter()
    arbiter.record(True)
    arbiter.hear(action("policy", 1000), 1000 * MS, 1000 * MS)
    arbiter.hear(action("teleop", 1020), 1020 * MS, 1020 * MS)
    assert choose(arbiter, 1030).source == "teleop"
    arbiter.hear(action("policy", 1100), 1100 * MS, 1100 * MS)
    arbiter.hear(heartbeat("teleop", deadman=False), 1110 * MS, 1110 * MS)
    assert choose(arbiter, 1120) == Choice("policy", reason=Limit.STALE)
    after = action("policy", 1200)
    arbiter.hear(after, 1200 * MS, 1200 * MS)
    assert choose(arbiter, 1210).action is after


def test_of_policy_and_replay_the_first_keeps_the_arm_and_the_other_is_a_conflict():
    arbiter = Arbiter()
    arbiter.record(True)
    arbiter.hear(action("replay", 1000), 1000 * MS, 1000 * MS)
    arbiter.hear(action("policy", 1010), 1010 * MS, 1010 * MS)
    choice = choose(arbiter, 1020)
    assert (choice.source, choice.conflict) == ("replay", "policy")


def test_the_second_source_gets_the_arm_when_the_first_falls_silent():
    arbiter = Arbiter()
    arbiter.record(True)
    arbiter.hear(action("replay", 1000), 1000 * MS, 1000 * MS)
    arbiter.hear(action("policy", 1010), 1010 * MS, 1010 * MS)
    later = action("policy", 1180)
    arbiter.hear(later, 1180 * MS, 1180 * MS)
    choice = choose(arbiter, 1190)
    assert (choice.source, choice.conflict) == ("policy", "")
    assert choice.action is later


def test_forgetting_drops_actions_and_keeps_sources():
    arbiter = Arbiter()
    arbiter.hear(action("teleop", 1000), 1000 * MS, 1000 * MS)
    arbiter.forget()
    assert choose(arbiter, 1010) == Choice("teleop", reason=Limit.STALE)


def test_an_unknown_source_is_refused_with_the_known_ones():
    with pytest.raises(KeyError, match="teleop, policy, replay"):
        Arbiter().hear(action("joystick", 0), 0, 0)
