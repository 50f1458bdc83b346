"""The scripted expert of a simulated task as a teleoperation device.

Event-driven: it acts when the state of a tick is complete, so it works at any speed of the simulation, and the
simulation in lockstep waits for it. It holds the deadman only while an episode is recorded.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from geometry_msgs.msg import PoseArray, PoseStamped, TwistStamped
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import JointState

from muse_core.environments.panda.expert import make_expert
from muse_core.environments.panda.tasks import TASKS, find_task
from muse_ros.bridge import ACTION_QOS, STATUS_QOS
from muse_ros.contract.message_fields import DecodeError, cdr_stamp_ns, time_ns
from muse_ros.msg import Action, EpisodeStatus
from muse_ros.nodes.parameters import declare
from muse_ros.nodes.polled_topic import PolledTopic
from muse_ros.teleop.expert import EE_POSE, EE_TWIST, JOINT_STATES, OBJECTS, ExpertDriver, TickJoin
from muse_ros.window.events import WindowInput

MESSAGES = {JOINT_STATES: JointState, EE_POSE: PoseStamped, EE_TWIST: TwistStamped, OBJECTS: PoseArray}
STATE_QOS = QoSProfile(depth=100, reliability=ReliabilityPolicy.BEST_EFFORT)  # a second of state between two drains


class ExpertDevice:
    """Publishes the expert's noisy action, and the clean one beside it on ``action/teleop_label``."""

    mapper = None

    def __init__(self, node: Any) -> None:
        """Listen to the arm, the objects and the episodes."""
        self._node = node
        task = declare(node, "task", "lift", f"simulated task: one of {', '.join(TASKS)}", choices=tuple(TASKS))
        noise_m = declare(node, "noise_m", 0.006, "standard deviation of the executed translation [m]", (0.0, 0.05))
        noise_rad = declare(node, "noise_rad", 0.0, "standard deviation of the executed rotation [rad]", (0.0, 0.5))
        seed = declare(node, "seed", 0, "seed of the noise", (0, 2**31 - 1))
        rate_hz = declare(node, "rate_hz", 10.0, "actions per second [Hz]", (0.1, 100.0))
        self._period_s = 1.0 / rate_hz
        self._driver = ExpertDriver(
            lambda noise_seed: make_expert(task, noise_m, noise_rad, noise_seed), find_task(task).info.objects, seed
        )
        self._join = TickJoin(MESSAGES, rate_hz)
        self._joined: tuple[int, dict[str, Any]] | None = None
        self._episode_id = ""
        self._labels = node.create_publisher(Action, "action/teleop_label", ACTION_QOS)
        # An executor's turn costs ten times what taking a message does, and nine of ten messages lie between ticks:
        # only what is published last, and least often, wakes it.
        others = [topic for topic in MESSAGES if topic != OBJECTS]
        self._state = {topic: PolledTopic(node, MESSAGES[topic], topic, STATE_QOS, raw=True) for topic in others}
        node.create_subscription(PoseArray, OBJECTS, self._take_objects, STATE_QOS, raw=True)
        node.create_subscription(EpisodeStatus, "collect/status", self._take_status, STATUS_QOS)

    def beat(self, keys: WindowInput) -> None:
        """Look for state that overtook nothing; the heartbeat repeats the last action: this device acts on events."""
        self._drain()

    def close(self) -> None:
        """Nothing to close."""

    def _take_objects(self, data: bytes) -> None:
        self._take(OBJECTS, data)
        self._drain()

    def _drain(self) -> None:
        for topic, polled in self._state.items():
            for data in polled.take():
                self._take(topic, data)

    def _take(self, topic: str, data: bytes) -> None:
        try:
            stamp_ns = cdr_stamp_ns(data)
            found = self._join.add(topic, stamp_ns, data)
            if found is None:
                return
            messages = {name: deserialize_message(found[name], kind) for name, kind in MESSAGES.items()}
        except (DecodeError, RuntimeError) as error:  # another publisher's bytes: the tick is not answered
            self._node.get_logger().warning(f"{topic}: {error}", throttle_duration_sec=5.0)
            return
        self._joined = (self._join.tick_ns, messages)
        self._act()

    def _take_status(self, status: EpisodeStatus) -> None:
        recording = status.state == EpisodeStatus.RECORDING
        if recording and not (self._driver.acting and status.episode_id == self._episode_id):
            self._episode_id = status.episode_id
            self._driver.begin(status.episode_index, time_ns(status.start))
            self._act()  # the tick that the simulation waits at may have come in before the news of the episode
        elif not recording and self._driver.acting:
            self._driver.end()
            self._node.publish(self._node.action((), self._node.now_ns(), self._period_s, deadman=False))

    def _act(self) -> None:
        if self._joined is None:
            return
        stamp_ns, messages = self._joined
        answer = self._driver.act(stamp_ns, messages)
        if answer is not None:
            # The label first: a simulation in lockstep goes on at the action, up to the end of the episode.
            self._labels.publish(self._action(answer.label, stamp_ns))
            self._node.publish(self._action(answer.executed, stamp_ns))

    def _action(self, values: np.ndarray, stamp_ns: int) -> Action:
        return self._node.action(values.astype(np.float64).tolist(), stamp_ns, self._period_s, deadman=True)
