"""The topic ``collect/status``: where a session stands, for operators, teleop, policy and the arm."""

from __future__ import annotations

from rclpy.node import Node

from muse_ros.bridge import STATUS_QOS, time_message
from muse_ros.msg import EpisodeStatus
from muse_ros.recording.episode_file import Description
from muse_ros.recording.episodes import Session, State, advice

_NS_PER_S = 1_000_000_000


class StatusTopic:
    """The status of one session; latched."""

    def __init__(self, node: Node, session_name: str) -> None:
        """Advertise the topic."""
        self._publisher = node.create_publisher(EpisodeStatus, "collect/status", STATUS_QOS)
        self._session_name = session_name
        self.advice = ""

    def is_news(self, session: Session) -> bool:
        """Whether what the operator was told last is no longer so."""
        return advice(session) != self.advice

    def publish(self, session: Session, description: Description, now_ns: int) -> None:
        """Say where `session` stands at `now_ns`; while it records also what is wrong with its streams."""
        self.advice = advice(session)
        recording = session.state is State.RECORDING
        alarm = "; ".join(session.problems) if recording else ""
        end_ns = now_ns if recording else session.stop_ns
        status = EpisodeStatus(
            state=int(session.state),
            session=self._session_name,
            episode_id=session.episode_id,
            episode_index=session.episode_index,
            task=description.task,
            operator_name=description.operator,
            seed=description.seed,
            start=time_message(session.start_ns),
            elapsed=max(0, end_ns - session.start_ns) / _NS_PER_S,
            outcome=int(session.outcome),
            kept=session.kept,
            discarded=session.discarded,
            successes=session.successes,
            message=f"{self.advice}; {alarm}" if alarm else self.advice,
        )
        status.header.stamp = time_message(now_ns)
        self._publisher.publish(status)
