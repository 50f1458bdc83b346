"""The files in config/nodes: each lists what its node declares, no more and no less, at the defaults of the code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from muse_ros.contract.unique_keys import UniqueKeyLoader

ROOT = Path(__file__).resolve().parents[1]
NODES = sorted(path.stem for path in ROOT.glob("config/nodes/*.yaml"))

# Declared from a table or by a function, so that no literal stands where the name would.
BY_TABLE = {"collect": {"task", "operator", "note", "seed"}, "teleop": {"mapping", "buttons"}}
BY_COMMAND = {  # no file can know them: `muse interactive_collect` and its graph set them
    "interactive_collect": {"root_dir", "session", "dataset", "save_file", "model_file"},
    "teleop": {"allow_headless"},  # of tests
}
OF_THE_ROBOT = {"panda": {"require_enable"}}  # whose default depends on another parameter: named in a comment


def trees(node: str) -> Iterator[ast.Module]:
    """The modules that a node is made of: its own, and those of ``muse_ros.nodes`` that these import."""
    waiting, seen = [f"muse_ros.nodes.{node}"], set()
    while waiting:
        module = waiting.pop()
        path = ROOT / f"{module.replace('.', '/')}.py"
        if module in seen or not path.is_file():
            continue
        seen.add(module)
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for each in ast.walk(tree):
            if isinstance(each, ast.ImportFrom) and (each.module or "").startswith("muse_ros.nodes."):
                waiting += [each.module, *(f"{each.module}.{alias.name}" for alias in each.names)]
            elif isinstance(each, ast.Constant) and str(each.value).startswith("muse_ros.nodes."):
                waiting.append(each.value.partition(":")[0])  # imported when chosen
        yield tree


def declared(node: str) -> dict[str, set[Any]]:
    """Name to defaults (as far as they are literals) of all parameters that a node may declare."""
    found: dict[str, set[Any]] = {}
    for tree in trees(node):
        for call in (each for each in ast.walk(tree) if isinstance(each, ast.Call)):
            named = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            texts = [each.value for each in call.args[:2] if isinstance(each, ast.Constant)]
            if named == "declare_parameter" and texts and isinstance(texts[0], str):
                found.setdefault(texts[0], set()).update(texts[1:])
            elif named == "declare" and texts and isinstance(texts[0], str):
                default = call.args[2] if len(call.args) > 2 else None
                found.setdefault(texts[0], set()).update([default.value] if isinstance(default, ast.Constant) else [])
    return found


def listed(node: str) -> dict[str, Any]:
    """Name to value in the node's file."""
    return parameters(ROOT / f"config/nodes/{node}.yaml", node)


def parameters(path: Path, node: str) -> dict[str, Any]:
    """Name to value of a node's parameters in a file, in which nothing is given twice."""
    return yaml.load(path.read_text(), Loader=UniqueKeyLoader)[f"/**/{node}"]["ros__parameters"]


def expected(node: str) -> set[str]:
    """What its file has to list."""
    if node == "camera":
        settings = pytest.importorskip("muse_ros.cameras.settings")
        return {parameter.name for parameter in settings.PARAMETERS} | {"autostart"}
    elsewhere = BY_COMMAND.get(node, set()) | OF_THE_ROBOT.get(node, set())
    return {*declared(node)} - elsewhere | BY_TABLE.get(node, set())


@pytest.mark.parametrize("node", NODES)
def test_the_file_of_a_node_lists_what_it_declares_and_nothing_else(node: str):
    assert set(listed(node)) == expected(node)


@pytest.mark.parametrize("node", NODES)
def test_the_file_of_a_node_repeats_its_defaults(node: str):
    defaults = declared(node)
    assert len(defaults) > 0
    differing = {
        name: (value, defaults[name])
        for name, value in listed(node).items()
        if isinstance(value, (bool, int, float, str)) and defaults.get(name) and value not in defaults[name]
    }
    assert not differing, f"config/nodes/{node}.yaml: value, then the code's default"


@pytest.mark.parametrize("node", NODES)
def test_every_parameter_of_a_file_is_explained_beside_it(node: str):
    lines = (ROOT / f"config/nodes/{node}.yaml").read_text().splitlines()
    bare = [
        line.strip()
        for above, line in zip(["", *lines], lines, strict=False)
        if ": " in line.partition("#")[0] and "#" not in line and "#" not in above
    ]
    assert not bare


@pytest.mark.parametrize("path", sorted(ROOT.glob("config/arms/*_ros2.yaml")), ids=lambda path: path.stem)
def test_an_example_of_an_arm_sets_parameters_that_the_panda_node_has_and_can_be_opened(path: Path):
    from muse_ros.arm.drivers.joint_settings import JointSettings

    given = parameters(path, "panda")
    known = listed("panda")
    assert set(given) <= set(known)
    assert [name for name in given if type(given[name]) is not type(known[name])] == []
    others = {"arm_id", "set_point_rate_hz", "gripper_largest"}
    settings = JointSettings(**{name: value for name, value in given.items() if name not in others})
    assert settings.commands.endswith("/joint_trajectory")


def test_the_controllers_for_franka_ros2_are_those_that_the_example_commands():
    given = parameters(ROOT / "config/arms/fr3_franka_ros2.yaml", "panda")
    controllers = parameters(ROOT / "config/arms/franka_ros2_controllers.yaml", "fr3_arm_controller")
    assert given["command_topic"] == "fr3_arm_controller/joint_trajectory"
    assert controllers["joints"] == [f"fr3_joint{i}" for i in range(1, 8)] == list(controllers["gains"])
    assert controllers["interpolate_from_desired_state"]
