"""The topic ``collect/status``: where a session stands, for operators, teleop, policy and the arm."""

from __future__ import annotations

from rclpy.node import Node

from muse_ros.bridge import STATUS_QOS, time_message
from muse_ros.msg import EpisodeStatus, StreamHealth
from muse_ros.recording.disk import DiskGuard
from muse_ros.recording.episode_file import Description
from muse_ros.recording.health import Health, StreamState
from muse_ros.recording.session import Session, State, advice, legal_verbs

_NS_PER_S = 1_000_000_000


class StatusTopic:
    """The status of one session; latched."""

    def __init__(self, node: Node, session_name: str, health: Health, disk: DiskGuard) -> None:
        """Advertise the topic."""
        self._publisher = node.create_publisher(EpisodeStatus, "collect/status", STATUS_QOS)
        self._session_name, self._health, self._disk = session_name, health, disk
        self.advice = ""

    def is_news(self, session: Session) -> bool:
        """Whether what the operator was told last is no longer so."""
        return advice(session) != self.advice

    def publish(self, session: Session, description: Description, now_ns: int) -> None:
        """Say where `session` stands at `now_ns` [ns], and how its streams and its disk are."""
        self.advice = advice(session)
        end_ns = now_ns if session.state is State.RECORDING else session.stop_ns
        free_gb = self._disk.free_gb()
        warning = self._disk.warning(free_gb)
        status = EpisodeStatus(
            state=int(session.state),
            session=self._session_name,
            episode_id=session.episode_id,
            episode_index=session.episode_index,
            task=description.task,
            operator_name=description.operator,
            note=description.note,
            seed=description.seed,
            start=time_message(session.start_ns),
            elapsed=max(0, end_ns - session.start_ns) / _NS_PER_S,
            outcome=int(session.outcome),
            kept=session.kept,
            discarded=session.discarded,
            successes=session.successes,
            failures=session.failures,
            degraded=bool(self._health.shortcomings(now_ns)),
            alarm=bool(session.alarms),
            free_disk=free_gb,
            legal_verbs=list(legal_verbs(session)),
            streams=[_health_message(state) for state in self._health.streams(now_ns)],
            message=f"{self.advice}; {warning}" if warning else self.advice,
        )
        status.header.stamp = time_message(now_ns)
        self._publisher.publish(status)


def _health_message(state: StreamState) -> StreamHealth:
    figures = state.figures
    return StreamHealth(
        topic=state.expected.topic,
        level=int(state.level),
        problem=state.problem,
        rate=figures.rate_hz,
        expected_rate=state.expected.rate_hz,
        age=figures.age_s,
        largest_gap=figures.largest_gap_s,
        lag=figures.lag_s,
        lost=figures.lost,
    )
