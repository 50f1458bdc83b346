"""What a report needs from the recording of one evaluated episode: its label, its camera frames, its delays. No ROS."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from muse_core.images import decode_image
from muse_ros.bags import open_bag
from muse_ros.cdr_stamps import stamp_ns as read_stamp_ns
from muse_ros.latency import LatencyLog
from muse_ros.report.film import Clip
from muse_ros.session_folder import EPISODE_FILE, read_episode_file

NS_PER_S = 1_000_000_000
CAMERAS = ("front", "wrist")
POLICY_STATUS, APPLIED_ACTION = "muse_ros/msg/PolicyStatus", "muse_ros/msg/AppliedAction"


@dataclass(frozen=True)
class Episode:
    """One kept episode of a session.

    Attributes:
        folder: Its recording.
        seed: Of the simulated reset before it.
        success: Its label.
        start_ns: When it began [ns].
        stop_ns: When it ended [ns].
        messages: Messages that were recorded.
        lost: Messages that were lost on the way to the recorder.
    """

    folder: Path
    seed: int
    success: bool
    start_ns: int
    stop_ns: int
    messages: int
    lost: int

    @property
    def duration_s(self) -> float:
        """From start to stop [s]."""
        return (self.stop_ns - self.start_ns) / NS_PER_S


def read_session(session: Path) -> list[Episode]:
    """The kept, whole episodes of a session, in the order in which they were recorded.

    Raises:
        ValueError: if the session holds none.
    """
    episodes = []
    for file in sorted(session.glob(f"*/{EPISODE_FILE}")):
        content = read_episode_file(file.parent)
        if content.get("complete") and content.get("stop_ns"):
            episodes.append(
                Episode(
                    folder=file.parent,
                    seed=-1 if content["seed"] is None else content["seed"],
                    success=content["outcome"] == "success",
                    start_ns=content["start_ns"],
                    stop_ns=content["stop_ns"],
                    messages=sum(topic["count"] for topic in content["topics"].values()),
                    lost=content["messages_lost"],
                )
            )
    if not episodes:
        raise ValueError(f"{session}: no kept episode in it; did the collection end as it should?")
    return episodes


def watch(episode: Episode, title: str, fps: float, log: LatencyLog) -> tuple[Clip, list[float]]:
    """Read an episode's bag once: its film at `fps`, and its delays into `log`.

    Returns:
        The clip, and the times between the starts of the policy's ticks [s].
    """
    bag = open_bag(episode.folder)
    cameras = {f"/cameras/{camera}/image/compressed": camera for camera in CAMERAS}
    timed = [name for name, topic in bag.topics.items() if topic.type in (POLICY_STATUS, APPLIED_ACTION)]
    codec = bag.codec([*timed, *(name for name in cameras if name in bag.topics)])
    images: dict[str, list[tuple[int, bytes]]] = {camera: [] for camera in CAMERAS}
    periods_s = []
    for topic, type_name, data, received_ns in bag.messages([*cameras, *timed]):
        if topic in cameras:
            stamp_ns = read_stamp_ns(data)
            log.camera(stamp_ns, received_ns)
            if episode.start_ns <= stamp_ns <= episode.stop_ns:
                images[cameras[topic]].append((stamp_ns, bytes(codec.parse(type_name, data).data)))
            continue
        message = codec.parse(type_name, data)
        if type_name == APPLIED_ACTION:
            log.applied(message)
            continue
        log.status(message)
        if message.period:
            periods_s.append(message.period)
    return Clip(title, episode.success, _frames(episode, images, fps), fps), periods_s


def _frames(episode: Episode, images: dict[str, list[tuple[int, bytes]]], fps: float) -> list[list[np.ndarray]]:
    """At each frame of the film, the newest picture of each camera that had been taken by then."""
    seen = {camera: taken for camera, taken in images.items() if taken}
    if not seen:
        return []
    begin = max(episode.start_ns, *(taken[0][0] for taken in seen.values()))
    ticks = np.arange(begin, episode.stop_ns, round(NS_PER_S / fps))
    columns = []
    for taken in seen.values():
        stamps = np.array([stamp for stamp, _ in taken])
        newest = np.searchsorted(stamps, ticks, side="right") - 1
        decoded = {index: decode_image(taken[index][1], None, None) for index in set(newest.tolist())}
        columns.append([decoded[index] for index in newest.tolist()])
    return [list(pictures) for pictures in zip(*columns, strict=True)]
