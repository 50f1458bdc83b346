"""`muse up`: command lines, parameters and environment of the processes that it starts."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from muse_ros.launching.arguments import GraphError
from muse_ros.launching.node_spec import NodeSpec
from muse_ros.launching.parameter_file import write_parameters
from muse_ros.launching.up import child_environment, main, program, read_arguments


def test_arguments_are_read_as_on_ros_command_lines():
    assert read_arguments(["robot:=sim", "note:=a:=b", "namespace:="]) == {
        "robot": "sim",
        "note": "a:=b",
        "namespace": "",
    }


@pytest.mark.parametrize("word", ["robot=sim", "--robot", ":=sim"])
def test_a_word_that_is_no_argument_is_refused_with_an_example(word: str):
    with pytest.raises(GraphError, match="name:=value"):
        read_arguments([word])


def test_texts_are_quoted_so_that_ros_does_not_read_them_as_numbers(tmp_path: Path):
    written = write_parameters(
        NodeSpec("collect", {"session": "0815", "rate": 10.0, "seed": 3, "clock": False}), tmp_path
    )
    lines = [line.strip(" ,") for line in written.read_text().splitlines()]
    assert {'"session": "0815"', '"rate": 10.0', '"seed": 3', '"clock": false'} <= set(lines)


def test_parameters_reach_a_node_in_its_namespace(tmp_path: Path):
    spec = NodeSpec("collect", {"seed": 1}, namespace="left/")
    assert spec.full_name == "/left/collect"
    assert yaml.safe_load(write_parameters(spec, tmp_path).read_text()) == {
        "/left/collect": {"ros__parameters": {"seed": 1}}
    }
    assert "__ns:=/left" in program(spec, tmp_path).command


def test_a_node_may_have_another_name_than_its_program(tmp_path: Path):
    command = program(NodeSpec("camera_front", {}, executable="camera"), tmp_path).command
    assert "muse_ros.nodes.camera import main" in command[2]
    assert "__node:=camera_front" in command


def test_a_node_in_the_root_is_given_no_namespace(tmp_path: Path):
    assert not [word for word in program(NodeSpec("collect", {}), tmp_path).command if word.startswith("__ns")]


def test_the_parameters_of_the_arguments_come_after_those_of_files(tmp_path: Path):
    command = program(NodeSpec("panda", {}, (Path("/a.yaml"), Path("/b.yaml"))), tmp_path).command
    files = [command[i + 1] for i, word in enumerate(command) if word == "--params-file"]
    assert files == ["/a.yaml", "/b.yaml", str(tmp_path / "panda.yaml")]


def test_colour_is_only_asked_for_on_a_terminal_without_no_color():
    assert "RCUTILS_COLORIZED_OUTPUT" in child_environment("machine", {}, tty=True)
    assert "RCUTILS_COLORIZED_OUTPUT" not in child_environment("machine", {}, tty=False)
    assert "RCUTILS_COLORIZED_OUTPUT" not in child_environment("machine", {"NO_COLOR": "1"}, tty=True)


def test_the_nodes_are_discovered_on_this_machine_only():
    assert child_environment("machine", {}, tty=False)["ROS_AUTOMATIC_DISCOVERY_RANGE"] == "LOCALHOST"


def test_help_lists_every_argument_with_its_meaning(capsys: pytest.CaptureFixture[str]):
    assert main(["collect", "--help"]) == 0
    printed = capsys.readouterr().out
    assert "teleop:=" in printed
    assert "spacemouse, twist, pose, joint, expert, none] (default: auto)" in printed


def test_ros2_launchs_word_for_help_is_understood(capsys: pytest.CaptureFixture[str]):
    assert main(["collect", "--show-args"]) == 0
    assert "root_dir:=" in capsys.readouterr().out


def test_help_without_a_graph_lists_the_graphs(capsys: pytest.CaptureFixture[str]):
    assert main(["--help"]) == 0
    assert "collect demonstrations" in capsys.readouterr().out


def test_a_wrong_argument_is_a_message_and_not_a_traceback(capsys: pytest.CaptureFixture[str]):
    assert main(["collect", "task:=juggle"]) == 2
    assert "must be one of reach, lift, place, coffee" in capsys.readouterr().err


def test_a_dry_run_prints_each_command_and_starts_nothing(capsys: pytest.CaptureFixture[str]):
    assert main(["collect", "teleop:=expert", "--dry-run"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["panda", "teleop", "collect"]
