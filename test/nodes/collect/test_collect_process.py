"""The collect node as a process: what is left on disk when it is ended, politely or not, and what it says next time."""

import json
import os
import re
import signal
import subprocess
import sys
import threading

import pytest

pytest.importorskip("rclpy")

from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger

from muse_ros.bags.bags import open_bag
from muse_ros.bridge import SENSOR_QOS

CONTRACT = {
    "name": "test",
    "rate_hz": 10.0,
    "observations": {
        "q": {
            "topic": "panda/joint_states",
            "type": "sensor_msgs/msg/JointState",
            "fields": ["position.a"],
            "shape": [1],
            "max_age_s": 0.5,
        },
    },
}
NODE = "from muse_ros.nodes.collect import main; raise SystemExit(main())"


class Process:
    """A collect node in a process of its own, with its output."""

    def __init__(self, root, **parameters):
        contract = root / "contract.yaml"
        contract.write_text(json.dumps(CONTRACT))
        values = {"root_dir": root, "session": "s", "contract": contract, "min_free_gb": 0.0, **parameters}
        arguments = [word for name, value in values.items() for word in ("-p", f"{name}:={value}")]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        self.lines = []
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-c", NODE, "--ros-args", *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=lambda: self.lines.extend(self.process.stdout), daemon=True)
        self._reader.start()

    @property
    def output(self):
        return "".join(self.lines)

    def end(self, number):
        """Send a signal; answers the exit code."""
        self.process.send_signal(number)
        code = self.process.wait(timeout=30)
        self._reader.join(timeout=10)
        return code


@pytest.fixture
def start_collect(tmp_path):
    started = []

    def start(**parameters):
        started.append(Process(tmp_path, **parameters))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.process.kill()
            each.process.wait()


@pytest.fixture
def joints(make_node, spin):
    """Joint states at 200 Hz."""
    node = make_node("world")
    publisher = node.create_publisher(JointState, "panda/joint_states", SENSOR_QOS)

    def publish():
        message = JointState()
        message.header.stamp = node.get_clock().now().to_msg()
        publisher.publish(message)

    node.create_timer(0.005, publish)
    return spin(node)


@pytest.fixture
def ask(make_node, spin, call, wait_until):
    """``ask(verb)`` until the node has gone along, with this request or with one whose answer was lost."""
    node = spin(make_node("operator"))

    def until_done(verb):
        def once():
            answer = call(node, Trigger, f"collect/{verb}")
            return answer.success or f"{verb} is refused in state RECORDING" in answer.message

        wait_until(once, what=f"collect/{verb}")

    return until_done


def record(ask, *last):
    for verb in ("start", *last):
        ask(verb)


def grown(path, beyond):
    files = list(path.glob("*.mcap"))
    return bool(files) and files[0].stat().st_size > beyond


def test_ctrl_c_closes_the_bag_whole_and_leaves_the_episode_undecided(start_collect, joints, ask, wait_until, tmp_path):
    collect = start_collect()
    record(ask)
    wait_until(lambda: grown(tmp_path / "s" / "episode_0000.recording", 4000))
    assert collect.end(signal.SIGINT) == 0
    folder = tmp_path / "s" / "episode_0000.recording"
    assert "the episode stays, undecided, in" in collect.output
    assert "to keep it, rename it to episode_0000" in collect.output
    bag = open_bag(folder)
    assert not bag.truncated
    assert bag.topics["/panda/joint_states"].count > 10
    content = json.loads((folder / "episode.json").read_text())
    assert (content["complete"], content["outcome"]) == (True, "unlabelled")
    assert "ended" in content["cut_short"]


def test_sigterm_does_the_same(start_collect, joints, ask, tmp_path):
    collect = start_collect()
    record(ask)
    assert collect.end(signal.SIGTERM) == 0
    assert not open_bag(tmp_path / "s" / "episode_0000.recording").truncated


def test_a_kill_harms_no_kept_episode_and_the_cut_one_is_read_to_its_last_chunk(
    start_collect, joints, ask, wait_until, tmp_path
):
    collect = start_collect()
    record(ask, "stop", "keep")
    kept = {path.name: path.read_bytes() for path in (tmp_path / "s" / "episode_0000").iterdir()}
    record(ask)
    cut = tmp_path / "s" / "episode_0001.recording"
    wait_until(lambda: grown(cut, 4000), what="the first chunk on disk")
    collect.end(signal.SIGKILL)
    assert {path.name: path.read_bytes() for path in (tmp_path / "s" / "episode_0000").iterdir()} == kept
    bag = open_bag(cut)
    assert bag.truncated
    assert bag.topics["/panda/joint_states"].count > 10
    assert json.loads((cut / "episode.json").read_text())["complete"] is False


def test_a_kill_while_deciding_costs_nothing_of_the_episode(start_collect, joints, ask, tmp_path):
    collect = start_collect()
    record(ask, "success")
    collect.end(signal.SIGKILL)
    bag = open_bag(tmp_path / "s" / "episode_0000.recording")
    assert bag.topics["/collect/events"].count == 3


def test_the_next_start_names_what_was_cut_short_and_numbers_go_on(start_collect, joints, ask, wait_until, tmp_path):
    collect = start_collect()
    record(ask)
    collect.end(signal.SIGKILL)
    again = start_collect()
    wait_until(lambda: "was cut short" in again.output)
    assert re.search(r"episode_0000\.recording was cut short.*rename it to episode_0000", again.output)
    record(ask, "stop", "keep")
    assert (tmp_path / "s" / "episode_0001").is_dir()
    assert (tmp_path / "s" / "episode_0000.recording").is_dir()


def test_a_contract_that_is_not_there_ends_the_node_with_the_reason(start_collect):
    collect = start_collect(contract="nowhere.yaml")
    assert collect.process.wait(timeout=30) == 1
    collect._reader.join(timeout=10)
    assert "no contract file nowhere.yaml" in collect.output


def test_recording_never_imports_torch():
    code = "import sys, muse_ros.nodes.collect; print('torch' in sys.modules, 'mujoco' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.split() == ["False", "False"]
