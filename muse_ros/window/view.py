"""What the window shows, as plain values that can be compared: what has not changed is not drawn again.

Must not import rclpy or pygame. Enumerations have the numbers of the messages that they come from.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from muse_ros.recording.session import Outcome, State
from muse_ros.window.entry import NOT_TYPING, Typing


class Level(IntEnum):
    """Health of a stream, numbered as in StreamHealth.msg."""

    OK = 0
    DEGRADED = 1
    MISSING = 2


@dataclass(frozen=True)
class TeleopView:
    """What the device asks of the arm now.

    Attributes:
        device: Name of the device.
        deadman: The operator allows motion.
        gripper_closed: What the gripper is asked to be; None where nothing is asked.
        speed_scale: Fraction of full speed that full deflection asks for; None where the device has no such steps.
        twist: Wanted velocity of the tool in the base frame: x y z [m/s], then about x y z [rad/s].
        enable: The operator lets a policy or a replay move the arm.
        problem: Why the device moves nothing, and what to do; empty where all is well.
        controls: (what it is for, what to press) of the device's buttons, where it has any: see ``mapping_words``.
    """

    device: str = ""
    deadman: bool = False
    gripper_closed: bool | None = None
    speed_scale: float | None = None
    twist: tuple[float, ...] = (0.0,) * 6
    enable: bool = False
    problem: str = ""
    controls: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class CameraView:
    """One camera.

    Attributes:
        name: Its name.
        data: Its newest picture, JPEG or PNG; None before the first.
        age_s: Time since that came [s], told only where it is too old; None where it is fresh.
        start: Its first picture of the last episode, to be laid over the live one; None where that is not shown.
    """

    name: str
    data: bytes | None = None
    age_s: float | None = None
    start: bytes | None = None


@dataclass(frozen=True)
class StreamView:
    """One stream of the contract: its topic, its health, rates [Hz] (expected: 0 where none is), and what is wrong."""

    topic: str
    level: Level = Level.OK
    problem: str = ""
    rate_hz: float = 0.0
    expected_hz: float = 0.0


@dataclass(frozen=True)
class EpisodeView:
    """The collect node's status.

    Attributes:
        known: It has ever been heard.
        silent_s: How long it has been silent [s], told only where that is too long; None where it is not.
        state: State of the episode.
        episode_id: Name of the current or last episode; empty before the first.
        index: Its number.
        elapsed_s: Its duration [s].
        outcome: Its label.
        degraded: It lost more than is allowed.
        alarm: A stream is not as it should be, now.
        kept: Episodes kept.
        discarded: Episodes discarded.
        successes: Kept episodes that are successes.
        failures: Kept episodes that are failures.
        free_disk_gb: Free space [GB].
        legal_verbs: Verbs that would not be refused.
        texts: The texts that can be typed in, by field.
        message: What is wrong, or what to do next, in the node's words.
    """

    known: bool = False
    silent_s: float | None = None
    state: State = State.IDLE
    episode_id: str = ""
    index: int = 0
    elapsed_s: float = 0.0
    outcome: Outcome = Outcome.UNLABELLED
    degraded: bool = False
    alarm: bool = False
    kept: int = 0
    discarded: int = 0
    successes: int = 0
    failures: int = 0
    free_disk_gb: float = 0.0
    legal_verbs: tuple[str, ...] = ()
    texts: tuple[tuple[str, str], ...] = ()
    message: str = ""

    @property
    def alive(self) -> bool:
        """The collect node is heard."""
        return self.known and self.silent_s is None


@dataclass(frozen=True)
class ArmView:
    """The panda node.

    Attributes:
        known: It has ever been heard.
        silent_s: How long it has been silent [s], told only where that is too long; None where it is not.
        robot: The driver's name, such as ``sim``; empty where not known.
        enabled: A policy or a replay may move it, as far as its operator's switch is concerned.
        to_be_released: The device's deadman is down since before a silence or a stop: it is to be let go first.
        recorder_lost: The recorder fell silent in this episode: it lets no policy or replay move any more.
        source: Who has the arm: teleop, policy, replay or home; empty while it holds.
        takeover: Teleop has displaced a policy or a replay.
        stopped: The latched stop is set.
        homing: It is on its way home.
        gripper_closed: The gripper is commanded closed.
        twist: Velocity of the commanded motion: x y z [m/s], about x y z [rad/s].
        limits: What limits it now, in words.
        asked: What policy or replay asks for, as `twist`; None while the device's own wish counts.
    """

    known: bool = False
    silent_s: float | None = None
    robot: str = ""
    enabled: bool = True
    to_be_released: bool = False
    recorder_lost: bool = False
    source: str = ""
    takeover: bool = False
    stopped: bool = False
    homing: bool = False
    gripper_closed: bool = False
    twist: tuple[float, ...] = (0.0,) * 6
    limits: tuple[str, ...] = ()
    asked: tuple[float, ...] | None = None

    @property
    def alive(self) -> bool:
        """The panda node is heard."""
        return self.known and self.silent_s is None


@dataclass(frozen=True)
class PolicyView:
    """The policy node's last tick: its state in a word, why it holds, its rate [Hz] and its latency [ms]."""

    state: str
    reason: str = ""
    rate_hz: float = 0.0
    latency_ms: float = 0.0
    silent_s: float | None = None


@dataclass(frozen=True)
class CallView:
    """What came of a verb: its service, ``pending``, ``done`` (later ``over``) or ``refused``, and the answer."""

    service: str
    state: str
    text: str = ""


@dataclass(frozen=True)
class WindowView:
    """All that the window shows.

    Attributes:
        episode: The collect node.
        arm: The panda node.
        teleop: The device.
        cameras: In the order in which they are shown.
        streams: The contract's, in its order.
        policy: The policy node; None where there is none.
        typing: The text that is being typed.
        calls: Verbs whose answer is awaited or still to be seen.
        overlay: The start of the last episode is laid over the cameras.
        focused: The window has the keyboard.
    """

    episode: EpisodeView = EpisodeView()
    arm: ArmView = ArmView()
    teleop: TeleopView = TeleopView()
    cameras: tuple[CameraView, ...] = ()
    streams: tuple[StreamView, ...] = ()
    policy: PolicyView | None = None
    typing: Typing = NOT_TYPING
    calls: tuple[CallView, ...] = ()
    overlay: bool = False
    focused: bool = False
