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


@pytest.mark.parametrize("steady_ms, alive", [(1120, True), (1121, False)])
def test_a_source_is_gone_120_ms_after_its_last_message(steady_ms, alive):
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


def test_where_it_is_required_a_policy_moves_only_while_a_living_teleop_says_enable():
    arbiter = Arbiter(require_enable=True)
    arbiter.record(True)
    arbiter.hear(action("policy", 1000), 1000 * MS, 1000 * MS)
    assert choose(arbiter, 1001).reason == Limit.NO_DEADMAN
    arbiter.hear(heartbeat("teleop", deadman=False), 1002 * MS, 1002 * MS, enable=True)
    arbiter.hear(action("policy", 1003), 1003 * MS, 1003 * MS)
    assert choose(arbiter, 1004).source == "policy"
    arbiter.hear(heartbeat("policy"), 1120 * MS, 1120 * MS)
    assert choose(arbiter, 1122).source == "policy"
    assert choose(arbiter, 1123).reason == Limit.NO_DEADMAN  # the enable is 121 ms old
    assert not arbiter.enabled(1123 * MS)


def test_teleop_needs_no_enable():
    arbiter = Arbiter(require_enable=True)
    arbiter.hear(action("teleop", 1000), 1000 * MS, 1000 * MS)
    assert choose(arbiter, 1001).source == "teleop"


def test_whom_teleop_displaced_is_known_until_it_lets_go():
    arbiter = Arbiter()
    arbiter.record(True)
    arbiter.hear(action("policy", 1000), 1000 * MS, 1000 * MS)
    assert choose(arbiter, 1001).displaced == ""
    arbiter.hear(action("teleop", 1010), 1010 * MS, 1010 * MS)
    assert choose(arbiter, 1011).displaced == "policy"
    for ms in range(1020, 1300, 20):  # the policy dies meanwhile: a takeover it remains
        arbiter.hear(action("teleop", ms), ms * MS, ms * MS)
        assert choose(arbiter, ms).displaced == "policy"
    arbiter.hear(heartbeat("teleop", deadman=False), 1300 * MS, 1300 * MS)
    assert choose(arbiter, 1301).displaced == ""


def test_teleop_that_has_the_arm_when_an_episode_begins_displaces_the_policy_that_waits():
    arbiter = Arbiter()
    arbiter.hear(action("teleop", 1000), 1000 * MS, 1000 * MS)
    arbiter.hear(action("policy", 1000), 1000 * MS, 1000 * MS)
    assert choose(arbiter, 1001).displaced == ""
    arbiter.record(True)
    assert choose(arbiter, 1002).displaced == "policy"


def test_letting_go_of_the_enable_and_taking_over_is_a_takeover():
    arbiter = Arbiter(require_enable=True)
    arbiter.record(True)
    arbiter.hear(heartbeat("teleop", deadman=False), 1000 * MS, 1000 * MS, enable=True)
    arbiter.hear(action("policy", 1000), 1000 * MS, 1000 * MS)
    arbiter.hear(heartbeat("teleop", deadman=False), 1020 * MS, 1020 * MS)
    assert choose(arbiter, 1021).source == ""
    arbiter.hear(action("teleop", 1040), 1040 * MS, 1040 * MS)
    assert choose(arbiter, 1041).displaced == "policy"


def test_a_policy_on_whose_topic_two_publishers_speak_does_not_move_the_arm_and_teleop_does():
    arbiter = Arbiter()
    arbiter.record(True)
    arbiter.double(frozenset({"policy"}))
    arbiter.hear(action("policy", 1000), 1000 * MS, 1000 * MS)
    assert choose(arbiter, 1001) == Choice(reason=Limit.NO_DEADMAN)
    arbiter.hear(action("teleop", 1010), 1010 * MS, 1010 * MS)
    assert choose(arbiter, 1011).source == "teleop"


def test_with_two_teleops_nobody_moves_the_arm_until_one_is_gone():
    arbiter = Arbiter()
    arbiter.record(True)
    arbiter.hear(action("policy", 1000), 1000 * MS, 1000 * MS)
    arbiter.hear(action("teleop", 1000), 1000 * MS, 1000 * MS)
    arbiter.double(frozenset({"teleop"}))
    assert choose(arbiter, 1001) == Choice(reason=Limit.NO_DEADMAN)
    arbiter.double(frozenset())
    assert choose(arbiter, 1002).source == "teleop"


def test_forgetting_drops_actions_and_keeps_sources():
    arbiter = Arbiter()
    arbiter.hear(action("teleop", 1000), 1000 * MS, 1000 * MS)
    arbiter.forget()
    assert choose(arbiter, 1010) == Choice("teleop", reason=Limit.STALE)


def delta(stamp_ms, x=0.004, period_s=0.02, space="ee_delta"):
    return ArmAction(space, np.array([x, 0, 0, 0, 0, 0, 0.0]), period_s, stamp_ms * MS, "teleop")


def hear_at(arbiter, now_ms, *actions):
    for each in actions:
        arbiter.hear(each, now_ms * MS, now_ms * MS)


def test_deltas_that_come_together_are_handed_out_one_per_period_oldest_first():
    arbiter = Arbiter()
    first, second = delta(1000), delta(1009)
    hear_at(arbiter, 1010, first, second)
    assert [choose(arbiter, ms).action for ms in (1010, 1020, 1030)] == [first, second, second]
    assert arbiter.dropped == 0


def test_a_delta_older_than_its_life_by_its_turn_is_dropped_and_counted():
    arbiter = Arbiter()
    old, living = delta(1000), delta(1020)
    hear_at(arbiter, 1030, old, living)
    assert choose(arbiter, 1051).action is living  # 2.5 periods of 20 ms after 1000
    assert arbiter.dropped == 1
    hear_at(arbiter, 1110, delta(1040), delta(1050))
    assert choose(arbiter, 1111) == Choice("teleop", reason=Limit.STALE)
    assert arbiter.dropped == 3


def test_of_a_flood_only_four_deltas_wait():
    arbiter = Arbiter()
    flood = [delta(1000 + i, period_s=1.0) for i in range(100)]
    hear_at(arbiter, 1100, *flood)
    handed_out = [choose(arbiter, 1100 + 10 * period).action for period in range(10)]
    assert handed_out == flood[-4:] + [flood[-1]] * 6
    assert arbiter.dropped == 96


def test_the_deadman_let_go_drops_what_waits_at_once():
    arbiter = Arbiter()
    hear_at(arbiter, 1000, *(delta(990 + i) for i in range(4)), heartbeat("teleop", deadman=False))
    hear_at(arbiter, 1000, heartbeat("teleop", deadman=True))
    assert choose(arbiter, 1001) == Choice("teleop", reason=Limit.STALE)


def test_what_waits_is_dropped_by_a_stop():
    arbiter = Arbiter()
    hear_at(arbiter, 1000, delta(990), delta(991))
    arbiter.forget()
    assert choose(arbiter, 1001).action is None


@pytest.mark.parametrize("space, size", [("ee_pose", 8), ("joint_position", 8)])
def test_of_poses_the_newest_counts(space, size):
    arbiter = Arbiter()
    older, newer = (ArmAction(space, np.zeros(size), 0.02, ms * MS, "teleop") for ms in (1000, 1005))
    hear_at(arbiter, 1010, older, newer)
    assert [choose(arbiter, ms).action for ms in (1010, 1020)] == [newer, newer]


def releasing():
    arbiter = Arbiter(require_release=True)
    hear_at(arbiter, 1000, heartbeat("teleop", deadman=False), action("teleop", 1000))
    assert choose(arbiter, 1001).source == "teleop"
    return arbiter


def test_after_a_stop_a_deadman_that_was_held_all_the_while_counts_once_it_was_let_go():
    arbiter = releasing()
    arbiter.await_release()
    hear_at(arbiter, 1020, action("teleop", 1020))
    assert choose(arbiter, 1021) == Choice(reason=Limit.NO_DEADMAN) and arbiter.to_be_released
    hear_at(arbiter, 1040, heartbeat("teleop", deadman=False), action("teleop", 1040))
    assert choose(arbiter, 1041).source == "teleop"


def test_a_teleop_that_comes_back_with_its_deadman_down_moves_nothing_until_it_was_let_go():
    arbiter = releasing()
    for ms in range(4000, 5000, 20):  # its process was stopped for 3 s
        hear_at(arbiter, ms, action("teleop", ms))
        assert choose(arbiter, ms + 1) == Choice(reason=Limit.NO_DEADMAN)
    assert arbiter.to_be_released
    hear_at(arbiter, 5000, heartbeat("teleop", deadman=False))
    assert not arbiter.to_be_released
    pressed = action("teleop", 5020)
    hear_at(arbiter, 5020, pressed)
    assert choose(arbiter, 5021).action is pressed


def test_a_deadman_that_is_down_in_the_first_message_does_not_count():
    arbiter = Arbiter(require_release=True)
    hear_at(arbiter, 1000, action("teleop", 1000))
    assert choose(arbiter, 1001).reason == Limit.NO_DEADMAN


@pytest.mark.parametrize("ms, source", [(1500, "teleop"), (1501, "")])
def test_a_hiccup_of_half_a_second_needs_no_release(ms, source):
    arbiter = releasing()
    hear_at(arbiter, ms, action("teleop", ms))
    assert choose(arbiter, ms).source == source


def test_a_deadman_held_through_a_silence_displaces_no_policy():
    arbiter = releasing()
    arbiter.record(True)
    hear_at(arbiter, 4000, action("teleop", 4000), action("policy", 4000))
    choice = choose(arbiter, 4001)
    assert (choice.source, choice.displaced) == ("policy", "")


def test_a_clock_that_is_set_back_an_hour_mutes_no_source():
    arbiter = Arbiter(execute_always=True)
    hour_ms = 3_600_000
    arbiter.hear(action("policy", hour_ms + 1000), (hour_ms + 1040) * MS, 1000 * MS)
    choose(arbiter, hour_ms + 1041, 1001)
    back = action("policy", 1100)  # stamped at a tick, 40 ms before it comes
    arbiter.hear(back, 1140 * MS, 1100 * MS)
    assert choose(arbiter, 1141, 1101).action is back
    arbiter.hear(action("policy", 1050), 1150 * MS, 1110 * MS)
    assert choose(arbiter, 1151, 1111).action is back


def test_an_unknown_source_is_refused_with_the_known_ones():
    with pytest.raises(KeyError, match="teleop, policy, replay"):
        Arbiter().hear(action("joystick", 0), 0, 0)


def test_an_enable_that_was_held_through_a_stop_lets_a_policy_move_only_once_it_was_let_go():
    arbiter = Arbiter(require_enable=True, require_release=True)
    arbiter.record(True)

    def policy_has_the_arm(now_ms, enable):
        arbiter.hear(heartbeat("teleop", deadman=False), now_ms * MS, now_ms * MS, enable=enable)
        arbiter.hear(action("policy", now_ms), now_ms * MS, now_ms * MS)
        return choose(arbiter, now_ms + 1).source == "policy"

    assert policy_has_the_arm(1000, enable=True)
    arbiter.await_release()
    assert not policy_has_the_arm(1020, enable=True) and arbiter.enable_to_be_released
    assert not policy_has_the_arm(1040, enable=False)
    assert policy_has_the_arm(1060, enable=True) and not arbiter.enable_to_be_released
