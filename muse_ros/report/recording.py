"""What a report needs from recordings: the episodes of a session with their labels, and their camera frames. No ROS."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from muse_core.images import decode_image
from muse_ros.bags.bags import open_bag
from muse_ros.contract.message_fields import cdr_stamp_ns
from muse_ros.recording.session_folder import EPISODE_FILE, read_episode_file
from muse_ros.report.film import Clip

NS_PER_S = 1_000_000_000
CAMERAS = ("/cameras/front/image/compressed", "/cameras/wrist/image/compressed")


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


def read_clip(episode: Episode, title: str, fps: float) -> Clip:
    """An episode as its cameras saw it: at each frame, the newest picture that each camera had taken by then."""
    bag = open_bag(episode.folder)
    cameras = [name for name in CAMERAS if name in bag.topics]
    codec = bag.codec(cameras)
    taken: dict[str, list[tuple[int, memoryview | bytes]]] = {camera: [] for camera in cameras}
    for topic, _, data, _ in bag.messages(cameras):
        taken[topic].append((cdr_stamp_ns(data), data))
    if not cameras or not all(taken.values()):
        return Clip(title, episode.success, [], fps)
    begin = max(episode.start_ns, *(pictures[0][0] for pictures in taken.values()))
    instants = np.arange(begin, episode.stop_ns, round(NS_PER_S / fps))
    columns = []
    for camera, pictures in taken.items():
        newest = np.searchsorted([stamp for stamp, _ in pictures], instants, side="right") - 1
        decoded = {
            index: decode_image(codec.parse(bag.topics[camera].type, pictures[index][1]).data)
            for index in np.unique(newest).tolist()
        }
        columns.append([decoded[index] for index in newest.tolist()])
    return Clip(title, episode.success, [list(pictures) for pictures in zip(*columns, strict=True)], fps)
