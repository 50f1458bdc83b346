"""Made-up recordings of a Panda that never was, whose numbers can be worked out by hand. For tests and benchmarks.

Every value is a simple function of the time since the episode's start, so that a row tells which sample it was made of:
``ee_position`` is (t, 2, 3), joint i stands at i + t, camera frame k is grey of level ``10 * k % 250``. Imports no ROS.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from muse_core.images import encode_jpeg
from muse_ros.bags.bags import open_writer
from muse_ros.bags.message_types import serializer
from muse_ros.contract.contract import Contract

if TYPE_CHECKING:
    from rosbags.typesys.store import Typestore

START_NS = 1_760_000_000_000_000_000
JOINTS = [*(f"panda_joint{n}" for n in range(1, 8)), "panda_finger_joint1", "panda_finger_joint2"]
CAMERAS = ("front", "wrist")
_NS = 1_000_000_000
_TYPES = (
    "geometry_msgs/msg/PoseStamped",
    "geometry_msgs/msg/TwistStamped",
    "geometry_msgs/msg/WrenchStamped",
    "sensor_msgs/msg/CompressedImage",
    "sensor_msgs/msg/Image",
    "sensor_msgs/msg/JointState",
    "muse_ros/msg/Action",
    "muse_ros/msg/AppliedAction",
    "muse_ros/msg/EpisodeEvent",
    "muse_ros/msg/PolicyStatus",
)


@cache
def store() -> Typestore:
    """The type store that makes and serialises the messages."""
    return serializer(_TYPES)


@dataclass(frozen=True)
class Sent:
    """One message on its way to a bag: absolute topic, message, receive time [ns]."""

    topic: str
    message: Any
    received_ns: int

    @property
    def type(self) -> str:
        """The message's type."""
        return str(self.message.__msgtype__)

    @property
    def stamp_ns(self) -> int:
        """The message's header stamp [ns]."""
        return int(self.message.header.stamp.sec) * _NS + int(self.message.header.stamp.nanosec)

    def data(self) -> bytes:
        """The message as CDR bytes."""
        return bytes(store().serialize_cdr(self.message, self.type))

    def stamped(self, stamp_ns: int) -> Sent:
        """The same with another header stamp."""
        return replace(self, message=replace(self.message, header=header(stamp_ns)))


@dataclass(frozen=True)
class Shape:
    """How a made-up episode is made.

    Attributes:
        duration_s: From its start to its stop event [s].
        start_ns: Stamp of the start event [ns].
        state_hz: Rate of joint states, pose, twist and wrench [Hz].
        camera_hz: Rate of the cameras [Hz].
        action_hz: Rate of actions [Hz].
        lead_s: How long the streams ran before the start, and run on after the stop [s].
        delay_s: From a message's stamp to its receipt [s].
        source: Who acts: teleop or policy.
        labels: Whether clean labels are there beside the teleoperator's actions.
        events: Whether start, stop and success events are there.
        episode: Name of the episode.
    """

    duration_s: float = 2.0
    start_ns: int = START_NS
    state_hz: float = 100.0
    camera_hz: float = 20.0
    action_hz: float = 10.0
    lead_s: float = 0.2
    delay_s: float = 0.002
    source: str = "teleop"
    labels: bool = False
    events: bool = True
    episode: str = "episode_0000"


def episode(shape: Shape = Shape(), frame: Callable[[str, int], bytes] | None = None) -> list[Sent]:
    """The messages of an episode in the order of their receipt.

    Args:
        shape: How it is made.
        frame: Camera and frame number to JPEG bytes; the number's grey by default.
    """
    frame = frame or (lambda camera, number: grey(10 * number % 250))
    sent: list[Sent] = []
    for stamp in _stamps(shape, shape.state_hz):
        sent += [_later(shape, stamp, each) for each in _state(stamp, (stamp - shape.start_ns) / _NS)]
    for number, stamp in enumerate(_stamps(shape, shape.camera_hz)):
        for camera in CAMERAS:
            sent.append(
                _later(shape, stamp, (f"/cameras/{camera}/image/compressed", jpeg(stamp, frame(camera, number))))
            )
    for number, stamp in enumerate(_stamps(shape, shape.action_hz)):
        values = action_values(number)
        sent.append(_later(shape, stamp, ("/action", action(stamp, values, shape.source))))
        if shape.labels:
            sent.append(_later(shape, stamp, ("/action/teleop_label", action(stamp, -values, shape.source))))
    if shape.events:
        stop_ns = shape.start_ns + round(shape.duration_s * _NS)
        sent.append(event(shape.start_ns, "start", shape.episode))
        sent += [event(stop_ns, name, shape.episode) for name in ("success", "stop")]
    return sorted(sent, key=lambda each: each.received_ns)


def action_values(number: int) -> np.ndarray:
    """The (7,) ``ee_delta`` of action `number`, counted from the first in the bag."""
    return np.array([0.001 * number, 0.0, 0.0, 0.0, 0.0, 0.0, float(number % 2)])


def write_bag(folder: Path, messages: Iterable[Sent], contract: Contract | None = None, close: bool = True) -> Path:
    """Write messages as a bag with Muse's own writer.

    Args:
        folder: The bag's folder.
        messages: What to write.
        contract: Embedded where given.
        close: False leaves the bag as a crash would.
    """
    data, digest = (contract.to_dict(), contract.digest()) if contract else (None, "")
    writer = open_writer(folder, data, digest)
    for each in messages:
        writer.write(each.topic, each.type, each.data(), each.received_ns)
    if close:
        writer.close()
    else:
        writer.flush()
    return folder


def write_episode(
    session: Path, shape: Shape, messages: Sequence[Sent] | None = None, outcome: str = "success", **info: Any
) -> Path:
    """Write an episode as the collect node leaves it: a bag with ``episode.json`` in ``session/<episode>``."""
    folder = write_bag(session / shape.episode, episode(shape) if messages is None else messages)
    content = {"schema_version": 1, "episode": shape.episode, "session": session.name, "outcome": outcome, **info}
    (folder / "episode.json").write_text(json.dumps(content, indent=2), encoding="utf-8")
    return folder


def make(type_name: str, **fields: Any) -> Any:
    """A message of this type."""
    return store().types[type_name](**fields)


def ros_time(stamp_ns: int) -> Any:
    """A ``builtin_interfaces/Time``."""
    return make("builtin_interfaces/msg/Time", sec=int(stamp_ns // _NS), nanosec=int(stamp_ns % _NS))


def header(stamp_ns: int, frame_id: str = "panda_link0") -> Any:
    """A ``std_msgs/Header``."""
    return make("std_msgs/msg/Header", stamp=ros_time(stamp_ns), frame_id=frame_id)


def action(stamp_ns: int, values: Sequence[float] | np.ndarray, source: str = "teleop", space: str = "ee_delta") -> Any:
    """An ``Action`` of 0.1 s."""
    return make(
        "muse_ros/msg/Action",
        header=header(stamp_ns),
        action_space=space,
        values=np.asarray(values, np.float64),
        period=0.1,
        target_time=ros_time(0),
        source=source,
        deadman=True,
        enable=False,
        takeover=False,
    )


def event(stamp_ns: int, name: str, episode_id: str, detail: str = "") -> Sent:
    """An ``EpisodeEvent`` on its topic."""
    message = make(
        "muse_ros/msg/EpisodeEvent", header=header(stamp_ns), event=name, episode_id=episode_id, detail=detail
    )
    return Sent("/collect/events", message, stamp_ns)


def status(stamp_ns: int, samples_ns: dict[str, int], state: int = 2, episode_id: str = "episode_0000") -> Sent:
    """A ``PolicyStatus`` on its topic: a tick that used these samples."""
    message = make(
        "muse_ros/msg/PolicyStatus",
        header=header(stamp_ns),
        state=state,
        episode_id=episode_id,
        tick=0,
        keys=list(samples_ns),
        sample_stamps=[ros_time(stamp) for stamp in samples_ns.values()],
        ages=np.array([(stamp_ns - stamp) / _NS for stamp in samples_ns.values()]),
        **dict.fromkeys(("wait", "assembly", "inference", "publish", "period"), 0.0),
        late_samples=0,
        overruns=0,
        dropped_actions=0,
        compensation=0.0,
        reason="",
    )
    return Sent("/policy/status", message, stamp_ns + 30_000_000)


def jpeg(stamp_ns: int, data: bytes) -> Any:
    """A ``CompressedImage``."""
    return make(
        "sensor_msgs/msg/CompressedImage", header=header(stamp_ns), format="jpeg", data=np.frombuffer(data, np.uint8)
    )


@cache
def grey(level: int, size: tuple[int, int] = (128, 128)) -> bytes:
    """JPEG bytes of a grey image."""
    return encode_jpeg(np.full((*size, 3), level, np.uint8), 90)


def _state(stamp: int, seconds: float) -> list[tuple[str, Any]]:
    vector = lambda x, y, z: make("geometry_msgs/msg/Vector3", x=x, y=y, z=z)  # noqa: E731
    force, torque = vector(seconds, 0.0, -1.0), vector(0.0, 0.1, 0.2)
    point = make("geometry_msgs/msg/Point", x=seconds, y=2.0, z=3.0)
    down = make("geometry_msgs/msg/Quaternion", x=1.0, y=0.0, z=0.0, w=0.0)
    pose = make("geometry_msgs/msg/Pose", position=point, orientation=down)
    twist = make("geometry_msgs/msg/Twist", linear=force, angular=torque)
    wrench = make("geometry_msgs/msg/Wrench", force=force, torque=torque)
    joints = np.array([*(n + seconds for n in range(1, 8)), 0.02, 0.01])
    joint_state = {"name": JOINTS, "position": joints, "velocity": -joints, "effort": np.zeros(9)}
    return [
        ("/panda/joint_states", make("sensor_msgs/msg/JointState", header=header(stamp, ""), **joint_state)),
        ("/panda/ee_pose", make("geometry_msgs/msg/PoseStamped", header=header(stamp), pose=pose)),
        ("/panda/ee_twist", make("geometry_msgs/msg/TwistStamped", header=header(stamp), twist=twist)),
        ("/panda/wrench", make("geometry_msgs/msg/WrenchStamped", header=header(stamp), wrench=wrench)),
    ]


def _stamps(shape: Shape, rate_hz: float) -> Iterable[int]:
    period = round(_NS / rate_hz)
    first = shape.start_ns - int(shape.lead_s * rate_hz) * period
    last = shape.start_ns + round((shape.duration_s + shape.lead_s) * _NS)
    return range(first, last + 1, period)


def _later(shape: Shape, stamp: int, addressed: tuple[str, Any]) -> Sent:
    return Sent(addressed[0], addressed[1], stamp + round(shape.delay_s * _NS))
