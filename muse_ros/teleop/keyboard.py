"""Which key means what: motion keys become a device sample, the others verbs for the episode and the arm.

Pure tables and one function over key names (pygame's, such as ``w`` or ``space``); the window shows the same tables, so
what it says is what the keys do. Must not import rclpy or pygame.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

from muse_ros.teleop.mapper import DeviceSample

DEADMAN_KEY = "space"
GRIPPER_KEY = "g"
FASTER_KEY = "="
SLOWER_KEY = "-"
CLICK_KEY = "c"
ENABLE_KEY = "tab"


@dataclass(frozen=True)
class Axis:
    """A pair of keys for the two directions of one axis.

    Attributes:
        positive: Key of the positive direction.
        negative: Key of the negative direction.
        label: What the two do, in the order positive, negative.
    """

    positive: str
    negative: str
    label: str


LINEAR_AXES = (
    Axis("w", "s", "forward / back"),
    Axis("a", "d", "left / right"),
    Axis("e", "q", "up / down"),
)
ANGULAR_AXES = (
    Axis("o", "u", "roll right / left"),
    Axis("i", "k", "pitch forward / back"),
    Axis("j", "l", "turn left / right"),
)


@dataclass(frozen=True)
class Verb:
    """A key that calls a service.

    Attributes:
        key: Name of the key.
        service: The service it calls, relative to the namespace.
        label: What it does.
    """

    key: str
    service: str
    label: str


START_STOP_KEY = "r"
VERBS = (
    Verb("return", "collect/keep", "keep"),
    Verb("x", "collect/discard", "discard"),
    Verb("y", "collect/success", "it was a success"),
    Verb("n", "collect/failure", "it was a failure"),
    Verb("z", "collect/undo", "undo the last"),
    Verb("b", "collect/reset", "reset: next scene, or arm home"),
    Verb("h", "panda/home", "send the arm home"),
    Verb("escape", "panda/stop", "STOP the arm"),
    Verb("p", "panda/recover", "release the stop"),
)
SERVICES = ("collect/start", "collect/stop", *(verb.service for verb in VERBS))


def sample_of(held: Set[str]) -> DeviceSample:
    """The device sample that the keys held down mean; opposite keys cancel.

    Args:
        held: Names of the keys that are down.
    """
    return DeviceSample(
        linear=_deflections(LINEAR_AXES, held),
        angular=_deflections(ANGULAR_AXES, held),
        gripper=GRIPPER_KEY in held,
        deadman=DEADMAN_KEY in held,
        faster=FASTER_KEY in held,
        slower=SLOWER_KEY in held,
    )


def service_of(key: str, recording: bool) -> str | None:
    """The service that pressing `key` calls, or None; one key starts and stops an episode.

    Args:
        key: Name of the key that went down.
        recording: Whether an episode is being recorded.
    """
    if key == START_STOP_KEY:
        return "collect/stop" if recording else "collect/start"
    return next((verb.service for verb in VERBS if verb.key == key), None)


def help_lines() -> list[tuple[str, str]]:
    """(keys, what they do) for every key, in the order in which a window should show them."""
    motion = [(f"{axis.positive} {axis.negative}".upper(), axis.label) for axis in (*LINEAR_AXES, *ANGULAR_AXES)]
    verbs = [(verb.key.upper(), verb.label) for verb in VERBS]
    return [
        (DEADMAN_KEY.upper(), "hold to move"),
        *motion,
        (GRIPPER_KEY.upper(), "open / close the gripper"),
        (f"{FASTER_KEY} {SLOWER_KEY}", "faster / slower"),
        (ENABLE_KEY.upper(), "hold to let a policy or a replay move"),
        (CLICK_KEY.upper(), "mark this instant"),
        (START_STOP_KEY.upper(), "start / stop an episode"),
        *verbs,
    ]


def motion_meanings() -> frozenset[str]:
    """Of :func:`help_lines` what only acts where the keyboard leads the arm."""
    axes = (axis.label for axis in (*LINEAR_AXES, *ANGULAR_AXES))
    return frozenset({"hold to move", *axes, "open / close the gripper", "faster / slower"})


def _deflections(axes: tuple[Axis, ...], held: Set[str]) -> tuple[float, float, float]:
    x, y, z = (float((axis.positive in held) - (axis.negative in held)) for axis in axes)
    return x, y, z
