"""What the recorder's benchmarks share: a collect node in a process, publishers of numbered messages, an operator."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

JPEG, JOINTS, POSE = "sensor_msgs/msg/CompressedImage", "sensor_msgs/msg/JointState", "geometry_msgs/msg/PoseStamped"
FIELDS = {
    JOINTS: {"fields": ["position.0"], "shape": [1]},
    POSE: {"fields": ["pose.position.x"], "shape": [1]},
    JPEG: {"size": [64, 64]},
}


ANSWER_S = 3.0
_HELD: list[TextIO] = []
OBEYED = {"start": "in state RECORDING", "keep": "no episode runs", "discard": "no episode runs"}
PACKAGES = ("ros-jazzy-rclpy", "rclpy", "numpy")


@dataclass(frozen=True)
class Source:
    """One topic of numbered messages: type, rate [Hz], and bytes of a JPEG of 640x480."""

    topic: str
    type: str
    rate_hz: float
    size: int = 0


def own_domain() -> None:
    """Keep what this process and its children say to themselves, in a domain that no test session has either.

    Raises:
        SystemExit: where all of them are in use.
    """
    for domain in random.SystemRandom().sample(range(51, 101), 50):
        with contextlib.suppress(OSError):  # somebody has it
            file = open(Path(tempfile.gettempdir()) / f"muse_test_domain_{domain}.lock", "w")  # noqa: SIM115
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _HELD.append(file)  # until this process ends
            os.environ["ROS_DOMAIN_ID"] = str(domain)
            os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
            return
    raise SystemExit("all 50 ROS domains for tests are in use; wait for other sessions to end")


def picture(size: int) -> bytes:
    """A JPEG of 640x480 that is `size` bytes long: decoders stop at its end mark, what follows is noise."""
    import numpy as np

    from muse_core.images import encode_jpeg

    jpeg = encode_jpeg(np.full((480, 640, 3), 128, np.uint8), 90)
    return jpeg + random.randbytes(size - len(jpeg))


def publish(sources: Sequence[Source], stop: threading.Event) -> None:
    """Publish numbered messages at their rates, on absolute deadlines, until `stop`; the number is the frame_id."""
    import rclpy
    from rclpy.signals import SignalHandlerOptions

    from muse_ros.bridge import ACTION_QOS, SENSOR_QOS, message_class

    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    node = rclpy.create_node(f"bench_source_{os.getpid()}")
    running = []
    for source in sources:
        message = message_class(source.type)()
        if source.size:
            message.data, message.format = picture(source.size), "jpeg"
        if hasattr(message, "position"):
            message.position = message.velocity = [0.0] * 9
            message.name = [f"panda_joint{i}" for i in range(9)]
        # reliable where a robot's driver would be, so that what is lost is lost by the recorder
        publisher = node.create_publisher(type(message), source.topic, SENSOR_QOS if source.size else ACTION_QOS)
        running.append([time.monotonic(), 1.0 / source.rate_hz, publisher, message, 0])
    while not stop.is_set():
        due = min(running, key=lambda each: each[0])
        time.sleep(max(0.0, due[0] - time.monotonic()))
        message, number = due[3], due[4]
        message.header.stamp = node.get_clock().now().to_msg()
        message.header.frame_id = str(number)
        due[2].publish(message)
        due[0] += due[1]
        due[4] = number + 1
    node.destroy_node()
    rclpy.shutdown()


def publish_until_signalled(sources: Sequence[Source]) -> int:
    """:func:`publish` as the body of a process of its own."""
    stop = threading.Event()
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    publish(sources, stop)
    return 0


@contextlib.contextmanager
def publishing(script: str, *publishers: str) -> Iterator[None]:
    """A domain of its own, in which a benchmark's sources publish until the block is left.

    Args:
        script: The benchmark; with ``--publish`` it is to run :func:`publish_until_signalled`.
        publishers: What stands behind ``--publish``, one for each process; by default one process, and nothing.
    """
    own_domain()
    sources = [
        subprocess.Popen([sys.executable, script, "--publish", *words], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for words in ([[name] for name in publishers] or [[]])
    ]
    try:
        yield
    finally:
        for source in sources:
            source.send_signal(signal.SIGINT)
            source.communicate(timeout=30)


@contextlib.contextmanager
def operating() -> Iterator[Any]:
    """A node to ask the recorder with."""
    import rclpy

    rclpy.init()
    node = rclpy.create_node("bench_operator")
    try:
        yield node
    finally:
        node.destroy_node()
        rclpy.shutdown()


def write_contract(path: Path, sources: Sequence[Source]) -> None:
    """A contract that expects all of `sources` at their rates."""
    observations = {
        f"stream_{number}": {
            "topic": source.topic,
            "type": source.type,
            "max_age_s": 0.5,
            "rate_hz": source.rate_hz,
            **FIELDS[source.type],
        }
        for number, source in enumerate(sources)
    }
    path.write_text(json.dumps({"name": "bench", "rate_hz": 10.0, "observations": observations}))


class Collect:
    """A collect node in a process of its own, and an operator who calls its verbs.

    Args:
        folder: Root of its sessions; the contract is written here, too. Its session is ``bench``.
        sources: What its contract expects.
        node: rclpy node of the operator; it spins only while a verb is asked for.
    """

    def __init__(self, folder: Path, sources: Sequence[Source], node: object) -> None:
        contract = folder / "contract.yaml"
        write_contract(contract, sources)
        given = {"root_dir": folder, "session": "bench", "contract": contract, "min_free_gb": 0.0, "warn_free_gb": 0.0}
        arguments = [word for name, value in given.items() for word in ("-p", f"{name}:={value}")]
        command = [sys.executable, "-c", "from muse_ros.nodes.collect import main; raise SystemExit(main())"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen([*command, "--ros-args", *arguments], cwd=ROOT, env=environment)
        self.session = folder / "bench"
        self._node = node
        self._clients: dict[str, object] = {}

    def ask(self, verb: str, deadline_s: float = 30.0) -> str:
        """Ask until it is done; answers what the node says.

        An answer may be lost where a node has just taken the place of one that was killed; the refusal of a second
        request then says that the first was obeyed.

        Raises:
            SystemExit: where it is refused for longer than `deadline_s`.
        """
        import rclpy
        from std_srvs.srv import Trigger

        if verb not in self._clients:
            self._clients[verb] = self._node.create_client(Trigger, f"collect/{verb}")
        client, end_s, answer, unanswered = self._clients[verb], time.monotonic() + deadline_s, None, False
        while time.monotonic() < end_s:
            if not client.wait_for_service(1.0):
                continue
            future = client.call_async(Trigger.Request())
            rclpy.spin_until_future_complete(self._node, future, timeout_sec=ANSWER_S)
            answer = future.result()
            if answer and (answer.success or (unanswered and OBEYED.get(verb, "-") in answer.message)):
                return answer.message
            unanswered = unanswered or answer is None
            time.sleep(0.05)
        raise SystemExit(f"collect/{verb} was refused: {answer.message if answer else 'no answer'}")

    def memory_mb(self, what: str = "VmRSS") -> float:
        """Its memory now, or at most (``VmHWM``) [MB]."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith(what)).split()[1]) / 1024

    def files(self) -> int:
        """File descriptors that it has open."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def close(self) -> None:
        """Ctrl-C, and wait."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=60)


def cpu_s(pid: int) -> float:
    """Processor time that a process has used so far [s]."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def count(episode: Path, topics: Sequence[str]) -> dict[str, dict[str, int]]:
    """Per topic, from the numbers in the bag's messages: recorded, missing between first and last, doubled."""
    from muse_ros.bags.bags import read_bag

    numbers: dict[str, Counter] = {f"/{topic}": Counter() for topic in topics}
    for topic, _, data, _ in read_bag(episode, numbers):
        length = int.from_bytes(data[12:16], "little")
        numbers[topic][int(bytes(data[16 : 16 + length - 1]))] += 1
    return {
        topic: {
            "recorded": len(seen),
            "missing": max(seen) - min(seen) + 1 - len(seen) if seen else 0,
            "doubled": sum(times - 1 for times in seen.values()),
        }
        for topic, seen in numbers.items()
    }
