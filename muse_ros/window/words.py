"""What is said of the arm, the policy, a stream and the success rate, in words that fit one line. Pure.

The operator's window and the rqt panel say the same.
"""

from __future__ import annotations

from muse_core.metrics.intervals import wilson_interval
from muse_ros.window.prompt import seconds
from muse_ros.window.view import ArmView, Level, PolicyView

IMAGE_ENDS = ("/image/compressed", "/image_raw/compressed", "/image_raw", "/compressed")


def rate_text(successes: int, trials: int) -> str:
    """A success rate and its Wilson interval of 95 %, such as ``75 % (47 .. 91)``."""
    low, high = wilson_interval(successes, trials)
    return f"{successes / trials:.0%} ({100 * low:.0f} .. {100 * high:.0f})"


def short_topic(topic: str) -> str:
    """A topic without what every topic of its kind has: ``/cameras/front/image/compressed`` is ``cameras/front``."""
    for end in IMAGE_ENDS:
        if topic.endswith(end):
            topic = topic.removesuffix(end)
            break
    return topic.lstrip("/")


def arm_words(arm: ArmView) -> tuple[Level, str, str]:
    """The arm's light, what it does, and more about it."""
    name = f"arm: {arm.robot}" if arm.robot else "arm"
    if not arm.known:
        return Level.MISSING, "no arm", "the panda node is not heard"
    if arm.silent_s is not None:
        return Level.MISSING, "arm silent", f"for {seconds(arm.silent_s)}"
    if arm.stopped:
        return Level.MISSING, "STOPPED", f"{name}; P releases the stop"
    if arm.homing:
        return Level.OK, "going home", f"{name}; taking it with the deadman ends that"
    if arm.takeover:
        return Level.DEGRADED, "TAKEN OVER by the operator", name
    if arm.to_be_released and not arm.source:
        return Level.DEGRADED, "holds still", "let go of the deadman first"
    if arm.source:
        return Level.OK, f"{arm.source} moves it", name
    return Level.OK, "holds still", name


def policy_words(policy: PolicyView) -> tuple[Level, str, str]:
    """The policy's light, what it does, and more about it."""
    if policy.silent_s is not None:
        return Level.MISSING, "policy silent", f"for {seconds(policy.silent_s)}"
    level = {"STOPPED": Level.MISSING, "HOLDING": Level.DEGRADED, "INACTIVE": Level.DEGRADED}.get(
        policy.state, Level.OK
    )
    head = f"policy {policy.state.lower().replace('_', ' ')}"
    figures = f"{policy.rate_hz:.1f} Hz, {policy.latency_ms:.0f} ms" if policy.rate_hz else ""
    return level, head, policy.reason if policy.reason and level is not Level.OK else figures or policy.reason
