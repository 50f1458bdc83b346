"""What a collect node finds in its session's folder when it starts: numbers that go on, and the next scene."""

from __future__ import annotations

from rclpy.node import Node

from muse_ros.nodes.recording.parameters import CollectParameters
from muse_ros.nodes.run_node import NodeFailure
from muse_ros.recording.session import Session


def resume(node: Node, given: CollectParameters) -> Session:
    """The session as it lies on disk, a new one where there is none; episodes that were cut short are told.

    Raises:
        NodeFailure: where the folder cannot be made or read.
    """
    folder = given.folder
    try:
        folder.make()
        cut = folder.cut_short()
        counts = folder.counts()
    except OSError as error:
        raise NodeFailure(f"node collect: session folder: {error}") from error
    for path in cut:
        node.get_logger().warning(
            f"{path} was cut short and never decided about; it is readable to its last chunk. "
            f"To keep it, rename it to {path.stem}; to drop it, delete it"
        )
    resets_itself = given.reset != "none" and not given.auto_episodes
    return Session(next_index=folder.next_index(), resets_itself=resets_itself, **counts)


def unseen_seed(node: Node, given: CollectParameters) -> int | None:
    """The seed to go on with where the simulated world that stands there has been recorded in this session.

    None where it has not, or where the seeds are somebody else's affair: an automatic session counts its own.
    """
    newest = given.folder.newest_seed()
    if (
        given.reset not in ("sim", "home_sim")
        or given.auto_episodes
        or not 0 <= node.get_parameter("seed").value <= newest
    ):
        return None
    return newest + 1
