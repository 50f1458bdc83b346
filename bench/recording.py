"""What the recorder costs and loses: 2 cameras of JPEG size at 30 Hz, 1 kHz joint states, a 100 Hz pose.

Two processes publish numbered messages, the collect node records them as it always does, and the numbers are counted in
the bag afterwards. Run: ``python bench/recording.py --seconds 60``. Needs rclpy; starts its own nodes in a domain of
its own.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

STREAMS = {  # topic: (type, rate [Hz], bytes of image)
    "cameras/front/image/compressed": ("sensor_msgs/msg/CompressedImage", 30.0, 90_000),
    "cameras/wrist/image/compressed": ("sensor_msgs/msg/CompressedImage", 30.0, 90_000),
    "panda/joint_states": ("sensor_msgs/msg/JointState", 1000.0, 0),
    "panda/ee_pose": ("geometry_msgs/msg/PoseStamped", 100.0, 0),
}
PROCESSES = (tuple(STREAMS)[:2], tuple(STREAMS)[2:])
FIELDS = {
    "sensor_msgs/msg/JointState": {"fields": ["position.0"], "shape": [1]},
    "geometry_msgs/msg/PoseStamped": {"fields": ["pose.position.x"], "shape": [1]},
    "sensor_msgs/msg/CompressedImage": {"size": [64, 64]},
}
RECORDER_TARGET_CORE = 0.25
NS_PER_S = 1_000_000_000


def publish(topics: list[str], stop: threading.Event) -> None:
    """Publish numbered messages at their rates, on absolute deadlines, until `stop`."""
    import rclpy
    from rclpy.signals import SignalHandlerOptions

    from muse_ros.bridge import ACTION_QOS, SENSOR_QOS, message_class

    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    node = rclpy.create_node(f"bench_source_{os.getpid()}")
    sources = []
    for topic in topics:
        type_name, rate_hz, size = STREAMS[topic]
        message = message_class(type_name)()
        if size:
            message.data = random.randbytes(size)
        if hasattr(message, "position"):
            message.position = message.velocity = [0.0] * 9
            message.name = [f"panda_joint{i}" for i in range(9)]
        # reliable where a robot's driver would be, so that what is lost is lost by the recorder
        qos = SENSOR_QOS if size else ACTION_QOS
        sources.append([time.monotonic(), 1.0 / rate_hz, node.create_publisher(type(message), topic, qos), message, 0])
    while not stop.is_set():
        source = min(sources, key=lambda each: each[0])
        time.sleep(max(0.0, source[0] - time.monotonic()))
        message, number = source[3], source[4]
        message.header.stamp = node.get_clock().now().to_msg()
        message.header.frame_id = str(number)
        source[2].publish(message)
        source[0] += source[1]
        source[4] = number + 1
    node.destroy_node()
    rclpy.shutdown()


def write_contract(path: Path) -> None:
    """A contract that expects the four streams."""
    observations = {
        f"stream_{number}": {"topic": topic, "type": type_name, "max_age_s": 0.5, **FIELDS[type_name]}
        for number, (topic, (type_name, _, _)) in enumerate(STREAMS.items())
    }
    path.write_text(json.dumps({"name": "bench", "rate_hz": 10.0, "observations": observations}))


def cpu_s(pid: int) -> float:
    """Processor time that a process has used [s]."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def record(folder: Path, seconds: float) -> dict[str, float]:
    """Run the collect node beside the sources for one episode; answers its share of a core, and its memory."""
    import rclpy
    from std_srvs.srv import Trigger

    contract = folder / "contract.yaml"
    write_contract(contract)
    parameters = {"root_dir": folder, "session": "bench", "contract": contract}
    arguments = [word for name, value in parameters.items() for word in ("-p", f"{name}:={value}")]
    command = [sys.executable, "-c", "from muse_ros.nodes.collect import main; raise SystemExit(main())"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    collect = subprocess.Popen([*command, "--ros-args", *arguments], cwd=ROOT, env=environment)
    rclpy.init()
    node = rclpy.create_node("bench_operator")

    def ask(verb: str, deadline_s: float = 30.0) -> None:
        client = node.create_client(Trigger, f"collect/{verb}")
        end_s, answer = time.monotonic() + deadline_s, None
        while time.monotonic() < end_s:
            if not client.wait_for_service(1.0):
                continue
            future = client.call_async(Trigger.Request())
            rclpy.spin_until_future_complete(node, future, timeout_sec=5.0)
            answer = future.result()
            if answer and answer.success:
                return
            time.sleep(0.2)
        raise SystemExit(f"collect/{verb} was refused: {answer.message if answer else 'no answer'}")

    try:
        ask("start")
        before_s, began_s = cpu_s(collect.pid), time.monotonic()
        time.sleep(seconds)
        used = (cpu_s(collect.pid) - before_s) / (time.monotonic() - began_s)
        memory = next(line for line in Path(f"/proc/{collect.pid}/status").read_text().splitlines() if "VmHWM" in line)
        ask("stop")
        ask("keep")
    finally:
        collect.send_signal(signal.SIGINT)
        collect.wait(timeout=30)
        node.destroy_node()
        rclpy.shutdown()
    return {"core": used, "peak_memory_mb": int(memory.split()[1]) / 1024}


def count(episode: Path) -> dict[str, dict[str, int]]:
    """Per topic, from the numbers in the bag's messages: recorded, missing between first and last, doubled."""
    from muse_ros.bags.bags import read_bag

    numbers: dict[str, Counter] = {f"/{topic}": Counter() for topic in STREAMS}
    for topic, _, data, _ in read_bag(episode, numbers):
        length = int.from_bytes(data[12:16], "little")
        numbers[topic][int(bytes(data[16 : 16 + length - 1]))] += 1
    return {
        topic: {
            "recorded": len(seen),
            "missing": max(seen) - min(seen) + 1 - len(seen),
            "doubled": sum(times - 1 for times in seen.values()),
        }
        for topic, seen in numbers.items()
    }


def measure(seconds: float) -> dict:
    """One run: sources, recorder, count."""
    from muse_ros.recording.provenance import software

    os.environ["ROS_DOMAIN_ID"] = str(random.SystemRandom().randint(1, 100))
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    sources = [
        subprocess.Popen([sys.executable, __file__, "--publish", *topics], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for topics in PROCESSES
    ]
    with tempfile.TemporaryDirectory() as folder:
        try:
            cost = record(Path(folder), seconds)
        finally:
            for source in sources:
                source.send_signal(signal.SIGINT)
                source.communicate(timeout=30)
        episode = Path(folder) / "bench" / "episode_0000"
        topics = count(episode)
        told = json.loads((episode / "episode.json").read_text())
    return {
        "seconds": seconds,
        "recorder": cost,
        "target_core": RECORDER_TARGET_CORE,
        "topics": topics,
        "missing": sum(figures["missing"] for figures in topics.values()),
        "lost_by_its_own_count": told["messages_lost"],
        "machine": {"processor": platform.processor() or platform.machine(), "cores": os.cpu_count()},
        "load_average": os.getloadavg()[0],
        "software": software(),
    }


def main() -> int:
    """Measure, print a table, write ``bench/results/recording.json``."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--seconds", type=float, default=60.0, help="length of the recorded episode [s]")
    parser.add_argument("--publish", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.publish:
        stop = threading.Event()
        signal.signal(signal.SIGINT, lambda *_: stop.set())
        publish(given.publish, stop)
        return 0
    result = measure(given.seconds)
    print(f"\n{'topic':40s} {'recorded':>9s} {'missing':>8s} {'doubled':>8s}")
    for topic, figures in result["topics"].items():
        print(f"{topic:40s} {figures['recorded']:9d} {figures['missing']:8d} {figures['doubled']:8d}")
    cost = result["recorder"]
    print(f"recorder: {100 * cost['core']:.1f} % of a core, {cost['peak_memory_mb']:.0f} MB at most")
    print(f"lost by its own count: {result['lost_by_its_own_count']}; load average {result['load_average']:.1f}")
    target = ROOT / "bench" / "results" / "recording.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(result, indent=2) + "\n")
    print(f"written: {target.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
