"""The node sim_server: a Polymetis server on loopback with the simulated Panda behind it, and the world's ROS face.

It starts the server as a process of its own, which the panda node (`robot:=polymetis`) leads like a real arm, and
publishes what only a simulator can: cameras, objects, success. `sim/reset` places the objects anew; the arm stays where
its controller has it.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.node import Node
from std_srvs.srv import Trigger

from muse_ros.arm.pace import RealTimePace
from muse_ros.bridge import STATUS_QOS
from muse_ros.contract.ticks import tick_at_or_after
from muse_ros.msg import EpisodeStatus
from muse_ros.nodes.arm.topics import OBJECTS_NS, WorldTopics
from muse_ros.nodes.diagnostics_topic import DiagnosticsTopic, diagnostic
from muse_ros.nodes.parameters import declare
from muse_ros.nodes.run_node import NodeFailure, run_node
from muse_ros.polymetis.loopback.process import LoopbackError, LoopbackProcess
from muse_ros.polymetis.loopback.scene_view import SceneView

PERIOD_NS = 10_000_000
REPORT_NS = 1_000_000_000
ARM_NODE = "panda"
SLOW_MS = 10.0
"""Simulated time that may be lost in a second before it is a warning."""
LET_GO_S = 5.0
"""How long the server waits at its end for the node that leads its arm to have let go of it."""
AHEAD_NS = 4_000_000
"""The scene is looked at this long before a whole multiple of the period, so that a tick there finds it in time."""


class SimServerNode(Node):
    """Runs the server and shows its world.

    Attributes:
        finished: Set when the server has ended by itself, or the world cannot be shown.
        failure: Why.
        server: The server's process.
    """

    def __init__(self, **options: Any) -> None:
        """Start the server; returns when it serves.

        Args:
            options: What rclpy's Node takes.

        Raises:
            NodeFailure: where it does not start.
        """
        super().__init__("sim_server", **options)
        self.finished = threading.Event()
        self.failure = ""
        self._closing = threading.Event()
        self._recording = False
        self._figures: dict[str, Any] | None = None
        task = declare(self, "task", "lift", "simulated task")
        wide = declare(self, "wide", False, "spread the simulated objects wider")
        declare(self, "seed", 0, "of the objects, used by the next sim/reset", (0, 2**31 - 1), fixed=False)
        port = declare(self, "port", 0, "of the arm's service; 0: a free one", (0, 65535))
        hand_port = declare(self, "hand_port", 0, "of the hand's service; 0: a free one", (0, 65535))
        height = declare(self, "camera_height", 128, "of the simulated cameras [px]", (16, 2160))
        width = declare(self, "camera_width", 128, "of the simulated cameras [px]", (16, 3840))
        views = declare(self, "publish_cameras", True, "false: other nodes publish cameras under these names")
        quality = declare(self, "jpeg_quality", 90, "of the cameras' pictures", (1, 100))
        self._camera_rate_hz = declare(self, "camera_rate_hz", 20.0, "pictures per second [Hz]", (0.1, 100.0))
        flags = ["--task", task, "--seed", str(self._seed()), "--port", str(port), "--hand_port", str(hand_port)]
        try:
            self._view = SceneView(task, (height, width))
            self.server = LoopbackProcess(*flags, *(["--wide"] if wide else []))
        except (LoopbackError, ValueError) as error:
            raise NodeFailure(f"node sim_server: {error}") from error
        self._world = WorldTopics(self, self._view, quality, clock=False, views=views)
        self._diagnostics = DiagnosticsTopic(self)
        self.create_service(Trigger, "sim/reset", self._reset)
        self.create_subscription(EpisodeStatus, "collect/status", self._take_status, STATUS_QOS)
        self.get_logger().info(
            f"arm at {self.server.arm}, hand at {self.server.hand}, scene at {self.server.scene.address}"
        )
        self._thread = threading.Thread(target=self._run, name="world", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the server, after whoever leads its arm. Safe to call twice."""
        end_s = time.monotonic() + LET_GO_S
        while not (self.finished.is_set() or self._closing.is_set()) and self._is_led() and time.monotonic() < end_s:
            time.sleep(0.05)
        self._closing.set()
        self._thread.join()
        self.server.close()

    def _run(self) -> None:
        pace = RealTimePace(PERIOD_NS, _ahead_ns, time.monotonic_ns, time.sleep)
        try:
            self._show()
            self._world.warm_up()
            pace.begin()
            while not self._closing.is_set():
                self._period(pace.wait())
        except Exception as error:  # whatever it is: nobody shows the world any more, and the graph must end
            ended = "the loopback server has ended; " if self.server.has_ended() else ""
            self.failure = f"node sim_server: {ended}{type(error).__name__}: {error}"
            self.finished.set()
        finally:
            self._view.close()

    def _period(self, grid_ns: int) -> None:
        objects = grid_ns % OBJECTS_NS == 0
        views = tick_at_or_after(grid_ns, self._camera_rate_hz) == grid_ns
        if not objects and not views:
            return
        stamp_ns = self._show()
        self._world.publish_success()
        if objects:
            self._world.publish_objects(stamp_ns)
        if views:
            self._world.take_views(stamp_ns)
            self._world.publish_views(stamp_ns)
        if grid_ns % REPORT_NS == 0:
            self._report(stamp_ns)

    def _report(self, stamp_ns: int) -> None:
        figures = {**self.server.scene.ask("statistics"), "stamp_ns": stamp_ns}
        before, self._figures = self._figures, figures
        if before is None:
            return
        passed_s = (stamp_ns - before["stamp_ns"]) * 1e-9
        rate_hz, lost_ms = ((figures[name] - before[name]) / passed_s for name in ("cycles", "lost_ms"))
        slow = lost_ms > SLOW_MS
        message = f"too slow a machine: {lost_ms:.0f} of 1000 ms were lost" if slow else "the arm's loop keeps up"
        values = {"control cycles [Hz]": f"{rate_hz:.0f}", "lost in all [ms]": str(figures["lost_ms"])}
        values |= {"latest cycle [ms]": f"{figures['largest_lag_ms']:.0f}", "reflexes": str(figures["reflexes"])}
        values["last reflex"] = figures["reason"] or "none"
        level = DiagnosticStatus.WARN if slow else DiagnosticStatus.OK
        self._diagnostics.publish(stamp_ns, [diagnostic(level, "sim_server: arm", message, values)])

    def _is_led(self) -> bool:
        return (ARM_NODE, self.get_namespace()) in self.get_node_names_and_namespaces()

    def _show(self) -> int:
        """Pose the view as the server's scene is; when that was [ns]."""
        snapshot = self.server.scene.ask("snapshot")
        self._view.show(snapshot)
        return snapshot["stamp_ns"]

    def _seed(self) -> int:
        return int(self.get_parameter("seed").value)

    def _take_status(self, status: EpisodeStatus) -> None:
        self._recording = status.state == EpisodeStatus.RECORDING

    def _reset(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        if self._recording:
            response.message = "an episode is being recorded: stop it before resetting the world"
            return response
        try:
            self.server.scene.ask("reset", seed=self._seed())
        except LoopbackError as error:
            response.message = str(error)
            return response
        response.success, response.message = True, f"objects placed with seed {self._seed()}; the arm stays"
        return response


def _ahead_ns() -> int:
    return time.time_ns() + AHEAD_NS


def main(args: list[str] | None = None) -> int:
    """Run the node until a signal; exit code 1 where the server ended by itself."""
    return run_node(SimServerNode, args)
