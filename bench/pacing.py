"""How regular a control period of 50 ms is with one core busy: the policy node's ticks beside sleep pacing.

    python bench/pacing.py [--minutes 1] [--rate-hz 20] [--busy 1]

Both run at the same time, each in a process of its own: the policy node, which ticks on absolute deadlines of its clock
while its executor takes in poses at 100 Hz, and the usual loop that works and then sleeps for the rest of the period.
Each tick works for 5 ms, in the place of a network. Processes that do nothing but count keep cores busy. Told are the
deviation of each period from 50 ms and the drift: how far the last tick lies from where the first one and the number of
ticks between say that it should.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
from timing import bar, machine, parser, table, write

WORK_S = 0.005
LEAD_IN_TICKS = 20
P99_S = 0.005
CONTENDERS, POSES = ("policy node", "sleep"), "poses"


def work() -> None:
    """Keep this thread busy as a small network would."""
    end = time.perf_counter() + WORK_S
    while time.perf_counter() < end:
        pass


def sleep_paced(seconds: float, rate_hz: float) -> list[tuple[int, float]]:
    """Work, then sleep for what is left of the period. Number and time of each tick's start [s]."""
    starts = []
    end = time.monotonic() + seconds
    while (began := time.monotonic()) < end:
        starts.append((len(starts), began))
        work()
        time.sleep(max(0.0, 1.0 / rate_hz - (time.monotonic() - began)))
    return starts


def policy_node(seconds: float, rate_hz: float) -> list[tuple[int, float]]:
    """The same from the policy node, with a policy that works and answers nothing but zeros."""
    import rclpy
    from rclpy.executors import SingleThreadedExecutor
    from rclpy.parameter import Parameter

    from muse_ros.contract.contract import Contract
    from muse_ros.nodes.policy import SWITCH_INTERVAL_S, PolicyNode
    from muse_ros.policy.loading import LoadedPolicy
    from muse_ros.policy.loop import TickReport

    class Working:
        def reset(self) -> None:
            pass

        def act(self, observation: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
            work()
            return {"action": np.zeros(7)}

    sys.setswitchinterval(SWITCH_INTERVAL_S)
    rclpy.init()
    contract = Contract.from_dict(contract_at(rate_hz))
    ungated = [Parameter("episode_gating", value=False)]
    node = PolicyNode(load=lambda *_: LoadedPolicy(Working(), contract), parameter_overrides=ungated)
    starts: list[tuple[int, float]] = []

    def note(report: TickReport) -> None:
        offset_s = time.time() - time.monotonic()
        starts.append((report.tick.number, report.tick.stamp_ns / 1e9 - offset_s + report.wait_s))

    node.on_tick.append(note)
    node.start()
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        executor.spin_once(timeout_sec=0.1)
    node.close()
    node.destroy_node()
    rclpy.shutdown()
    return starts


def publish_poses(seconds: float) -> None:
    """The arm's side: a pose at 100 Hz."""
    import rclpy
    from geometry_msgs.msg import PoseStamped

    from muse_ros.bridge import SENSOR_QOS

    rclpy.init()
    node = rclpy.create_node("poses")
    publisher, pose = node.create_publisher(PoseStamped, "panda/ee_pose", SENSOR_QOS), PoseStamped()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pose.header.stamp = node.get_clock().now().to_msg()
        publisher.publish(pose)
        time.sleep(0.01)
    node.destroy_node()
    rclpy.shutdown()


def contract_at(rate_hz: float) -> dict[str, Any]:
    """A contract of one pose, as plain data."""
    position = {
        "topic": "panda/ee_pose", "type": "geometry_msgs/msg/PoseStamped", "shape": [3], "max_age_s": 0.5,
        "fields": ["pose.position.x", "pose.position.y", "pose.position.z"],
    }  # fmt: skip
    action = {
        "topic": "action", "type": "muse_ros/msg/Action", "fields": ["values"], "shape": [7], "space": "ee_delta",
    }  # fmt: skip
    streams = {"observations": {"ee_position": position}, "actions": {"action": action}}
    return {"name": "pacing", "rate_hz": rate_hz, "settle_s": 0.005, **streams}


def judge(starts: list[tuple[int, float]], rate_hz: float) -> dict[str, float]:
    """Deviations of the periods and the drift [ms], without the first ticks."""
    numbers, times = (np.array(each, float) for each in zip(*starts[LEAD_IN_TICKS:], strict=True))
    steps, periods = np.diff(numbers), np.diff(times)
    deviations = 1e3 * np.abs(periods - 1.0 / rate_hz)[steps == 1]
    half = len(times) // 10 or 1  # the middle of the first and of the last tenth: one late tick is no drift
    late = times - numbers / rate_hz
    drift = float(np.median(late[-half:]) - np.median(late[:half]))
    percentiles = dict(zip(("p50", "p95", "p99"), np.percentile(deviations, (50, 95, 99)), strict=True))
    return {
        **{name: float(f"{value:.4g}") for name, value in percentiles.items()},
        "max": float(f"{deviations.max():.4g}"),
        "drift": float(f"{1e3 * drift:.4g}"),
        "ticks": len(times),
        "missed": int((steps - 1).sum()),
    }


def main() -> int:
    words = parser(__doc__)
    words.add_argument("--minutes", type=float, default=1.0)
    words.add_argument("--rate-hz", type=float, default=20.0)
    words.add_argument("--busy", type=int, default=1, help="processes that keep a core busy each [1]")
    words.add_argument("--contender", choices=(*CONTENDERS, POSES), help="run one of them alone and print its ticks")
    arguments = words.parse_args()
    seconds = 60.0 * arguments.minutes
    if arguments.contender == POSES:
        publish_poses(seconds + 5.0)
        return 0
    if arguments.contender:
        run = policy_node if arguments.contender == "policy node" else sleep_paced
        print(json.dumps(run(seconds, arguments.rate_hz)))
        return 0
    begun = machine()
    with Busy(arguments.busy):
        found = measure(arguments.minutes, arguments.rate_hz)
    names = ("p50", "p95", "p99", "max", "drift", "ticks", "missed")
    table([["deviation [ms]", *names], *([name, *(each[n] for n in names)] for name, each in found.items())])
    ours = found["policy node"]
    result = {
        "contenders": found,
        "minutes": arguments.minutes,
        "busy_processes": arguments.busy,
        "bars": [
            bar("policy node: p99 deviation [ms]", ours["p99"], 1e3 * P99_S, at_most=True),
            bar("policy node: drift [ms]", abs(ours["drift"]), 1.0, at_most=True),
        ],
    }
    write(arguments.results / "pacing.json", result, ("muse", "ros-jazzy-rclpy"), begun)
    return 0


class Busy:
    """Processes that count for as long as the block runs."""

    def __init__(self, number: int) -> None:
        self._number = number

    def __enter__(self) -> None:
        command = [sys.executable, "-c", "while True: pass"]
        self._processes = [subprocess.Popen(command) for _ in range(self._number)]

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()
            process.wait()


def measure(minutes: float, rate_hz: float) -> dict[str, dict[str, float]]:
    """All contenders at once, in a ROS domain of their own."""
    environment = {**os.environ, "ROS_DOMAIN_ID": str(os.getpid() % 100 + 1)}
    environment["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    command = [sys.executable, str(Path(__file__).resolve()), "--minutes", str(minutes), "--rate-hz", str(rate_hz)]
    running = {
        name: subprocess.Popen([*command, "--contender", name], env=environment, stdout=subprocess.PIPE, text=True)
        for name in (*CONTENDERS, POSES)
    }
    found: dict[str, str] = {}

    def collect(name: str) -> None:
        found[name] = running[name].communicate()[0]

    threads = [threading.Thread(target=collect, args=(name,)) for name in running]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name, process in running.items():
        if process.returncode:
            raise SystemExit(f"{name} ended with exit code {process.returncode}")
    return {name: judge(json.loads(found[name].splitlines()[-1]), rate_hz) for name in CONTENDERS}


if __name__ == "__main__":
    raise SystemExit(main())
