"""From an action received to its set-point in the arm's server, stage by stage; none lost; and back after a restart.

    python bench/set_points.py [--minutes 1] [--actions-hz 15.3] [--rate-hz 50] [--restarts 5]

The panda node drives a Polymetis server on loopback, each in a process of its own, while actions come at a rate that is
no divisor of any other, with heartbeats between, as a source sends them. Noted are when an action is received, when its
set-point is decided, when it leaves, and when the controller in the server has it. Then the server is restarted again
and again: told is the time from when it serves again until the arm is led again, with recover asked every 50 ms.
"""

from __future__ import annotations

import itertools
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
from collecting import own_domain
from timing import bar, machine, parser, table, write

from muse_ros.polymetis.loopback.process import SceneClient

CHILD = "import sys, tapped; sys.exit(tapped.main(*sys.argv[1:]))"
HEARTBEAT_S = 0.02
TURN_S = 1.0
"""The tool goes forwards for so long, then backwards."""
SPEED_M_S = 0.03
LEAD_IN_S = 2.0
P50_S, P99_S, BACK_S = 0.003, 0.010, 2.0


class Source(threading.Thread):
    """Leads the arm to and fro, as a teleop with its deadman held."""

    def __init__(self, node: Any, actions_hz: float) -> None:
        from muse_ros.bridge import ACTION_QOS
        from muse_ros.msg import Action

        super().__init__(name="source", daemon=True)
        self._node, self._hz, self.ended = node, actions_hz, threading.Event()
        self._publisher = node.create_publisher(Action, "action/teleop", ACTION_QOS)
        self._action = Action(action_space="ee_delta", period=1.0 / actions_hz, deadman=True)
        self._action.header.frame_id = "panda_link0"

    def run(self) -> None:
        """Publish until it is ended."""
        began = due = beat = time.monotonic()
        while not self.ended.wait(max(0.0, min(due, beat) - time.monotonic())):
            now = time.monotonic()
            if now >= due:
                forwards = int((now - began) / TURN_S) % 2 == 0
                step = (SPEED_M_S if forwards else -SPEED_M_S) / self._hz
                self._action.values = [step, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
                self._action.header.stamp = self._node.get_clock().now().to_msg()
                due += 1.0 / self._hz
            self._publisher.publish(self._action)
            beat = now + HEARTBEAT_S


def main() -> int:
    words = parser(__doc__)
    words.add_argument("--minutes", type=float, default=1.0)
    words.add_argument("--actions-hz", type=float, default=15.3)
    words.add_argument("--rate-hz", type=float, default=50.0, help="set-points a second")
    words.add_argument("--restarts", type=int, default=5)
    words.add_argument("--server", default="", help="IP:PORT of a server that runs elsewhere, in place of the loopback")
    words.add_argument("--hand-port", type=int, default=0, help="of that server's hand; 0: none")
    arguments = words.parse_args()
    begun = machine()
    own_domain()
    with tempfile.TemporaryDirectory() as folder:
        server = Elsewhere(arguments.server, arguments.hand_port) if arguments.server else Loopback(Path(folder))
        node, taken, window, back_s = measure(Path(folder), server, arguments)
    stages, counts = stages_of(node, taken, window), counts_of(node, taken, window)
    rows = [["stage", "p50 [ms]", "p99 [ms]", "max [ms]"]]
    table(rows + [[name, *(1e3 * each for each in spread.values())] for name, spread in stages.items()])
    print(", ".join(f"{name}: {value}" for name, value in {**counts, **server.figures}.items()))
    bars = [
        bar("action received to set-point in the server: p50 [ms]", 1e3 * stages["in all"]["p50"], 1e3 * P50_S, True),
        bar("the same: p99 [ms]", 1e3 * stages["in all"]["p99"], 1e3 * P99_S, True),
        bar("set-points lost or out of order", counts["lost"] + counts["out of order"], 0, True),
    ]
    if back_s:
        bars.append(bar("from the server's return to the arm led again, the longest [s]", max(back_s), BACK_S, True))
    result = {"stages_s": stages, "set_points": counts, "server": server.figures, "back_s": back_s, "bars": bars}
    packages = ("muse", "ros-jazzy-rclpy", "grpcio", "torch", "mujoco")
    write(arguments.results / "set_points.json", result, packages, begun)
    return 0


class Loopback:
    """A loopback server in a process of its own, which notes what it takes."""

    def __init__(self, folder: Path) -> None:
        self._notes, self.figures = folder / "server.json", {}
        self._process = child("server", folder, "--follow_stdin", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        addresses = json.loads(self._process.stdout.readline())
        self.address, self.hand_port = addresses["arm"], addresses["hand"].rpartition(":")[2]
        self.scene = SceneClient(addresses["scene"])

    def begin(self) -> None:
        """Count from now on."""
        self._began_s, self._began = time.monotonic(), self.scene.ask("statistics")

    def end(self) -> None:
        """Count no more."""
        seconds, now = time.monotonic() - self._began_s, self.scene.ask("statistics")
        done = {name: now[name] - self._began[name] for name in ("cycles", "lost_ms")}
        self.figures = {"cycles a second": round(done["cycles"] / seconds, 1), "ms lost": done["lost_ms"]}

    def close(self) -> None:
        """End it."""
        self.scene.close()
        self._process.stdin.close()
        self._process.wait()

    def taken(self, _: dict) -> list:
        """Numbers of set-points, with when the running controller had them [s]."""
        return json.loads(self._notes.read_text())["taken"]


class Elsewhere:
    """A server that somebody else has started; it had taken a set-point when it had answered for it."""

    scene = None

    def __init__(self, address: str, hand_port: int) -> None:
        self.address, self.hand_port, self.figures = address, hand_port, {"at": "elsewhere"}

    def begin(self) -> None:
        """Nothing: it does not tell."""

    end = close = begin

    def taken(self, node: dict) -> list:
        """Numbers of set-points, with when they were answered for [s]."""
        return [[number, back_s] for number, _, _, back_s, taken in node["sent"] if taken]


def measure(folder: Path, server: Any, arguments: Any) -> tuple[dict, list, tuple[float, float], list[float]]:
    """Run node and source; answers the notes of node and server, from when to when they count, and each return [s]."""
    import rclpy

    ip, _, port = server.address.rpartition(":")
    given = {
        "robot": "polymetis",
        "robot_ip": ip,
        "robot_port": port,
        "hand_port": server.hand_port,
        "require_release": "false",
        "set_point_rate_hz": arguments.rate_hz,
    }
    node = child("node", folder, "--ros-args", *(word for k, v in given.items() for word in ("-p", f"{k}:={v}")))
    rclpy.init()
    own = rclpy.create_node("bench_operator")
    source, restarts = Source(own, arguments.actions_hz), arguments.restarts if server.scene else 0
    try:
        wait_for_arm(own)
        source.start()
        time.sleep(LEAD_IN_S)
        server.begin()
        window = (time.monotonic(), time.monotonic() + 60.0 * arguments.minutes)
        time.sleep(60.0 * arguments.minutes)
        server.end()
        back_s = [back_after_restart(own, server.scene, int(port)) for _ in range(restarts)]
    finally:
        source.ended.set()
        node.terminate()
        node.wait()
        server.close()
        own.destroy_node()
        rclpy.shutdown()
    notes = json.loads((folder / "node.json").read_text())
    return notes, server.taken(notes), window, back_s


def child(role: str, folder: Path, *arguments: str, **pipes: Any) -> subprocess.Popen:
    command = [sys.executable, "-c", CHILD, role, str(folder / f"{role}.json"), *arguments]
    path = os.pathsep.join((str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")))
    return subprocess.Popen(command, text=True, env={**os.environ, "PYTHONPATH": path}, **pipes)


def wait_for_arm(node: Any) -> None:
    from muse_ros.bridge import SENSOR_QOS
    from muse_ros.msg import AppliedAction

    heard: list[Any] = []
    subscription = node.create_subscription(AppliedAction, "panda/applied_action", heard.append, SENSOR_QOS)
    spin_until(node, lambda: bool(heard), 60.0)
    node.destroy_subscription(subscription)


def spin_until(node: Any, condition: Any, within_s: float) -> None:
    import rclpy

    end = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > end:
            raise SystemExit(f"waited {within_s:g} s in vain for the panda node")
        rclpy.spin_once(node, timeout_sec=0.02)


def back_after_restart(node: Any, scene: SceneClient, port: int) -> float:
    """Restart the server; from when it listens again until recover has succeeded [s]."""
    from std_srvs.srv import Trigger

    scene.ask("restart", for_s=1.0)
    while listens(port):
        time.sleep(0.002)
    while not listens(port):
        time.sleep(0.002)
    listening_s = time.monotonic()
    client = node.create_client(Trigger, "panda/recover")
    spin_until(node, client.service_is_ready, 20.0)
    while True:
        future = client.call_async(Trigger.Request())
        spin_until(node, future.done, 20.0)
        answer = future.result()
        if answer.success and "recovered" in answer.message:
            break
        time.sleep(0.05)
    took_s = time.monotonic() - listening_s
    node.destroy_client(client)
    time.sleep(LEAD_IN_S)
    return took_s


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=0.5).close()
    except OSError:
        return False
    return True


def stages_of(node: dict, found: list, window: tuple[float, float]) -> dict[str, dict[str, float]]:
    """Of each action that began in the window, the stages of its first set-point [s]."""
    taken, answered = dict(found), set()
    rows = []
    for number, stamp, left_s, back_s, _ in node["sent"]:
        received_s, begun_s = (node[each].get(str(stamp)) for each in ("received", "begun"))
        first = stamp and stamp not in answered
        answered.add(stamp)
        if first and received_s and number in taken and window[0] <= received_s < window[1]:
            rows.append([received_s, begun_s, left_s, taken[number], back_s])
    times = np.array(rows)
    names = ("received to decided", "decided to leaving", "leaving to in the server", "in the server to answered")
    stages = dict(zip(names, np.diff(times, axis=1).T, strict=True))
    stages["in all"] = times[:, 3] - times[:, 0]
    return {
        name: {key: round(float(np.percentile(each, q)), 6) for key, q in (("p50", 50), ("p99", 99), ("max", 100))}
        for name, each in stages.items()
    }


def counts_of(node: dict, found: list, window: tuple[float, float]) -> dict[str, int]:
    """Set-points that left in the window: how many, and what became of them."""
    sent = [number for number, _, left_s, _, _ in node["sent"] if window[0] <= left_s < window[1]]
    wanted = sum(window[0] <= put_s < window[1] for put_s in node["put"])
    taken = [number for number, _ in found if sent[0] <= number <= sent[-1]]
    skipped = sent[-1] - sent[0] + 1 - len(sent)  # numbers are given as set-points leave
    return {
        "sent": len(sent),
        "left out for a newer one": max(0, wanted - len(sent)),
        "lost": len(set(sent) - set(taken)) + skipped,
        "out of order": sum(later <= earlier for earlier, later in itertools.pairwise(taken)),
        "twice": len(taken) - len(set(taken)),
    }


if __name__ == "__main__":
    raise SystemExit(main())
