"""The slow hand: late by 0.1 s, 0.1 m/s at most, never far ahead of its fingers."""

import pytest

from muse_core.environments.panda.hand import LEAD_M, SlowHand

STEP_NS = 10_000_000


def _follow(hand: SlowHand, commanded_m: float, steps: int, start: int = 0) -> list[float]:
    """References when the fingers follow without delay."""
    widths = []
    for step in range(start, start + steps):
        widths.append(hand.update(step * STEP_NS, commanded_m, hand.width_m, 0.01))
    return widths


def test_the_fingers_stand_for_a_tenth_of_a_second_and_then_move_a_millimetre_per_10_ms():
    widths = _follow(SlowHand(), 0.0, 14)
    assert widths[:10] == [0.08] * 10
    assert widths[10:] == pytest.approx([0.079, 0.078, 0.077, 0.076])


def test_a_command_that_was_taken_back_is_still_heard_for_as_long_as_it_stood():
    hand = SlowHand()
    _follow(hand, 0.0, 5)
    widths = _follow(hand, 0.08, 20, start=5)
    assert min(widths) == pytest.approx(0.075)
    assert widths[-1] == pytest.approx(0.08)


def test_blocked_fingers_are_pressed_by_a_bounded_lead():
    hand = SlowHand()
    for step in range(100):
        hand.update(step * STEP_NS, 0.0, max(hand.width_m, 0.044), 0.01)
    assert hand.width_m == pytest.approx(0.044 - LEAD_M)


def test_reset_forgets_what_was_on_its_way():
    hand = SlowHand()
    _follow(hand, 0.0, 5)
    hand.reset()
    assert _follow(hand, 0.08, 20) == [0.08] * 20
