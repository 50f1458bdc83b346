"""The launch files, with ROS's real launch: they take the arguments of the graph and start its nodes."""

from __future__ import annotations

import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

launch = pytest.importorskip("launch", reason="needs ROS's launch, which is not on PyPI")
pytest.importorskip("launch_ros", reason="needs ROS's launch_ros, which is not on PyPI")
if not hasattr(launch, "LaunchDescription"):
    pytest.skip("this `launch` is not ROS's", allow_module_level=True)

from ament_index_python.packages import PackageNotFoundError, get_package_prefix  # noqa: E402
from launch.actions import DeclareLaunchArgument, OpaqueFunction  # noqa: E402
from launch_ros.actions import Node  # noqa: E402
from std_srvs.srv import Trigger  # noqa: E402

from muse_ros.launching.graph import GRAPHS  # noqa: E402

FOLDER = Path(__file__).resolve().parents[2] / "launch"
DEADLINE_S = 60.0
LAUNCH = """
import sys
from launch import LaunchDescription, LaunchService
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource

service = LaunchService(argv=sys.argv[2:])
arguments = [tuple(word.split(":=")) for word in sys.argv[2:]]
source = PythonLaunchDescriptionSource(sys.argv[1])
service.include_launch_description(
    LaunchDescription([IncludeLaunchDescription(source, launch_arguments=arguments)])
)
sys.exit(service.run())
"""


def description(graph: str):
    return runpy.run_path(str(FOLDER / f"{graph}.launch.py"))["generate_launch_description"]()


@pytest.mark.parametrize("graph", GRAPHS)
def test_a_launch_file_declares_the_arguments_of_its_graph(graph: str):
    declared = {each.name: each for each in description(graph).entities if isinstance(each, DeclareLaunchArgument)}
    assert list(declared) == [argument.name for argument in GRAPHS[graph].arguments]
    assert all(each.description for each in declared.values())


def test_a_launch_file_starts_the_nodes_of_its_graph():
    context = launch.LaunchContext()
    context.launch_configurations["teleop"] = "expert"
    entities = description("collect").entities
    for entity in entities:
        if isinstance(entity, DeclareLaunchArgument):
            entity.execute(context)
    (start,) = (entity for entity in entities if isinstance(entity, OpaqueFunction))
    nodes = [action for action in start.execute(context) if isinstance(action, Node)]
    assert [node.node_executable for node in nodes] == ["panda", "teleop", "collect"]


class Launched:
    """A launch file that runs in a process of its own, included in another as a lab would."""

    def __init__(self, folder: Path, graph: str, *arguments: str) -> None:
        self.log = folder / "launch.log"
        command = [sys.executable, "-c", LAUNCH, str(FOLDER / f"{graph}.launch.py"), *arguments]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "ROS_LOG_DIR": str(folder / "log")}
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=subprocess.STDOUT, env=environment, start_new_session=True
            )

    @property
    def output(self) -> str:
        return self.log.read_text(errors="replace")

    @property
    def running(self) -> list[int]:
        """Numbers of the nodes' processes, as launch tells them, that have not ended."""
        told = [line for line in self.output.splitlines() if "started with pid" in line]
        numbers = [int(line.rsplit("[", 1)[1].rstrip("]")) for line in told]
        return [number for number in numbers if Path(f"/proc/{number}").exists()]

    def kill(self, node: str) -> None:
        """Kill the process that runs a node, as launch tells its number."""
        (line,) = (line for line in self.output.splitlines() if f"[{node}-" in line and "started with pid" in line)
        os.kill(int(line.rsplit("[", 1)[1].rstrip("]")), signal.SIGKILL)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Launched]]:
    try:
        get_package_prefix("muse_ros")
    except PackageNotFoundError as error:
        pytest.skip(f"muse_ros is not built as a ROS package here: {error}")
    running: list[Launched] = []

    def launch(graph: str, *arguments: str) -> Launched:
        running.append(Launched(tmp_path, graph, *arguments))
        return running[-1]

    yield launch
    for each in running:
        if each.process.poll() is None:
            os.killpg(each.process.pid, signal.SIGKILL)
            each.process.wait(DEADLINE_S)


def test_the_death_of_a_device_ends_nothing_and_that_of_the_arm_all_and_the_bag_is_closed(
    start: Callable[..., Launched], wait_until: Callable, tmp_path: Path
):
    run = start("collect", "teleop:=expert", f"root_dir:={tmp_path}", "session:=0815", "namespace:=left")
    wait_until(
        lambda: all(word in run.output for word in ("at 100 Hz", "]: session", "by expert")), DEADLINE_S, "nodes"
    )
    run.kill("teleop")
    wait_until(lambda: "teleop was killed by SIGKILL; the others go on" in run.output, DEADLINE_S, "the message")
    assert run.process.poll() is None
    run.kill("panda")
    assert run.process.wait(DEADLINE_S) == 1, run.output
    assert "panda was killed by SIGKILL; it is required, so everything stops" in run.output
    assert run.output.count("process has finished cleanly") == 1, run.output


def test_one_ctrl_c_closes_the_bag(
    start: Callable[..., Launched],
    wait_until: Callable,
    call: Callable,
    make_node: Callable,
    spin: Callable,
    tmp_path: Path,
):
    run = start("collect", "teleop:=none", f"root_dir:={tmp_path}", "session:=0815", "namespace:=left")
    node = spin(make_node("operator"))
    wait_until(lambda: call(node, Trigger, "/left/collect/start").success, DEADLINE_S, "the start of an episode")
    os.killpg(run.process.pid, signal.SIGINT)  # as a terminal does it
    assert run.process.wait(DEADLINE_S) == 0, run.output
    assert run.output.count("process has finished cleanly") == 2, run.output
    (bag,) = (tmp_path / "0815").glob("episode_0000.recording/*.mcap")
    assert bag.read_bytes().endswith(b"\x89MCAP0\r\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_launch_that_ends_without_a_word_leaves_no_node_and_no_open_bag(
    start: Callable[..., Launched],
    wait_until: Callable,
    call: Callable,
    make_node: Callable,
    spin: Callable,
    tmp_path: Path,
    number: int,
):
    run = start("collect", "teleop:=none", f"root_dir:={tmp_path}", "session:=0815", "namespace:=left")
    node = spin(make_node("operator"))
    wait_until(lambda: call(node, Trigger, "/left/collect/start").success, DEADLINE_S, "the start of an episode")
    assert len(run.running) == 2
    run.process.send_signal(number)
    wait_until(lambda: not run.running, DEADLINE_S, "the end of the nodes")
    (bag,) = (tmp_path / "0815").glob("episode_0000.recording/*.mcap")
    assert bag.read_bytes().endswith(b"\x89MCAP0\r\n")
