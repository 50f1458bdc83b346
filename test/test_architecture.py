"""What holds for the whole tree: who may import what, files that parse, files that stay small."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted([*ROOT.glob("muse_core/**/*.py"), *ROOT.glob("muse_ros/**/*.py")])
SCRIPTS = sorted(
    [*ROOT.glob("launch/*.py"), *ROOT.glob("tools/*.py"), *ROOT.glob("bench/**/*.py"), *ROOT.glob("test/**/*.py")]
)
CONFIGS = sorted(ROOT.glob("config/**/*.yaml"))
MESSAGES = sorted(ROOT.glob("msg/*.msg"))
MAX_LINES = {"test": 400}  # by folder; 300 elsewhere. A file of tests is a list, a module is an argument

# What a file may import beside the standard library, Muse, and what pyproject.toml declares.
ROS = {
    "action_msgs", "builtin_interfaces", "diagnostic_msgs", "geometry_msgs", "lifecycle_msgs", "rcl_interfaces",
    "rclpy", "rosbag2_py", "rosgraph_msgs", "rosidl_runtime_py", "sensor_msgs", "std_msgs", "std_srvs",
    "trajectory_msgs",
}  # fmt: skip
ROS_SIDE = ("muse_ros/bridge.py", "muse_ros/nodes/", "muse_ros/rqt/")
QT = {"python_qt_binding", "rqt_gui_py"}
QT_SIDE = "muse_ros/rqt/"
LAUNCH = {"launch", "launch_ros"}
LAUNCH_SIDE = ("muse_ros/launching/launch_description.py", "launch/")
DECLARED = {
    "av", "backports", "cv2", "google", "grpc", "gymnasium", "h5py", "jinja2", "lz4", "matplotlib", "mujoco", "numpy",
    "pygame", "rosbags", "ruckig", "tensorboard", "torch", "tqdm", "tyro", "wandb", "yaml",
}  # fmt: skip

# What the folders of each package may import of their siblings. FOR_ALL and the files beside them belong to all, and
# nodes/ imports whatever it wires. Of nodes/ itself: a node's folder knows the files of FOR_NODES, no other node's.
FOR_NODES = {
    "diagnostics_topic",
    "guarded_parameters",
    "managed_node",
    "node_clock",
    "parameters",
    "polled_topic",
    "run_node",
    "unknown_parameters",
}
FOR_ALL = {"configs"}
ARROWS = {
    "muse_core": {
        "configs": set(),
        "control": set(),
        "datasets": set(),
        "metrics": set(),
        "models": {"datasets"},
        "policies": {"datasets", "models"},
        "environments": {"control"},
        "evaluation": {"datasets", "environments", "metrics", "policies"},
        "rewards": {"datasets", "environments", "models"},
        "trainers": {"datasets", "evaluation", "models", "policies"},
    },
    "muse_ros": {
        "contract": set(),
        "cameras": {"contract"},
        "doctor": {"cameras", "contract", "polymetis"},
        "launching": {"cameras", "teleop"},  # what the cameras are, which keys work
        "bags": {"contract"},
        "recording": {"bags", "contract"},
        "conversion": {"bags", "contract", "recording"},
        "polymetis": set(),
        "arm": {"contract", "polymetis"},
        "calibration": {"bags", "contract", "conversion", "launching", "replay"},
        "teleop": {"contract"},
        "window": {"recording", "teleop"},
        "policy": {"bags", "contract"},
        "replay": {"bags", "contract", "conversion", "launching"},
        "interactive": {"bags", "conversion", "launching"},
        "survey": {"bags", "contract", "launching", "recording"},
        "report": {"bags", "contract", "policy", "recording"},
    },
}

# Drawing and gamepads, of which the part that imports pygame is imported only where that is.
PYGAME_SIDE = ("muse_ros/window/", "muse_ros/teleop/gamepad.py")


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def module_name(path: Path) -> str:
    return name(path).removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def imports(path: Path, nested: bool = True) -> Iterator[str]:
    """Dotted names that a file imports; without `nested`, only those that happen when it is imported."""
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    nodes = list(ast.walk(tree)) if nested else tree.body
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


@pytest.mark.parametrize("path", [*MODULES, *SCRIPTS], ids=name)
def test_every_file_compiles(path: Path):
    compile(path.read_text(encoding="utf-8"), str(path), "exec")


@pytest.mark.parametrize("path", [*MODULES, *SCRIPTS], ids=name)
def test_a_file_can_be_read_in_a_sitting(path: Path):
    count = len(path.read_text(encoding="utf-8").splitlines())
    assert count <= MAX_LINES.get(path.relative_to(ROOT).parts[0], 300), (
        f"{name(path)}: {count} lines; split it by subject"
    )


@pytest.mark.parametrize("path", [path for path in MODULES if name(path).startswith("muse_core")], ids=name)
def test_the_core_knows_no_ros(path: Path):
    found = {imported for imported in imports(path) if imported.split(".")[0] in ROS | LAUNCH | {"muse_ros"}}
    assert not found, f"{name(path)} imports {found}: muse_core imports neither ROS nor muse_ros"


@pytest.mark.parametrize("path", [path for path in MODULES if name(path).startswith("muse_ros")], ids=name)
def test_ros_is_imported_at_the_edge_only(path: Path):
    if name(path).startswith(ROS_SIDE):
        return
    found = {each for each in imports(path) if each.split(".")[0] in ROS or each.startswith("muse_ros.msg")}
    assert not found, f"{name(path)} imports {found}: only {', '.join(ROS_SIDE)} may"


@pytest.mark.parametrize(("package", "folder"), [(p, folder) for p, folders in ARROWS.items() for folder in folders])
def test_arrows_between_folders_point_one_way(package: str, folder: str):
    siblings = {path.parent.name for path in (ROOT / package).glob("*/__init__.py")} - {folder} - FOR_ALL
    modules = [path for path in MODULES if name(path).startswith(f"{package}/{folder}/")]
    found = {
        parts[1]
        for path in modules
        for each in imports(path)
        if len(parts := each.split(".")) > 1 and parts[0] == package
    }
    assert modules
    assert found & siblings <= ARROWS[package][folder], (
        f"{package}/{folder} may import {ARROWS[package][folder] or 'none'}"
    )


def test_no_modules_import_each_other_in_a_circle():
    known = {module_name(path) for path in MODULES}
    left = {module_name(path): {*imports(path)} & known - {module_name(path)} for path in MODULES}
    while ends := {module for module, needed in left.items() if not needed & left.keys()}:
        left = {module: needed for module, needed in left.items() if module not in ends}
    assert not left, f"in a circle, or above one: {', '.join(left)}"


def test_every_folder_has_its_arrows():
    folders = {package: {path.parent.name for path in (ROOT / package).glob("*/__init__.py")} for package in ARROWS}
    assert folders["muse_core"] == set(ARROWS["muse_core"])
    assert folders["muse_ros"] == {*ARROWS["muse_ros"], "nodes", "rqt"}


def test_beside_the_nodes_lies_only_what_all_of_them_use():
    nodes = {path.stem for path in ROOT.glob("config/nodes/*.yaml")}
    assert {path.stem for path in ROOT.glob("muse_ros/nodes/*.py")} == {"__init__", *FOR_NODES, *nodes}


@pytest.mark.parametrize("folder", sorted(path.parent for path in ROOT.glob("muse_ros/nodes/*/__init__.py")), ids=name)
def test_what_a_node_is_made_of_knows_no_other_node(folder: Path):
    modules = {each for path in folder.glob("*.py") for each in imports(path) if each.startswith("muse_ros.nodes.")}
    assert {each.split(".")[2] for each in modules} <= {folder.name, *FOR_NODES}


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_launch_is_imported_by_the_launch_files_only(path: Path):
    if not name(path).startswith(LAUNCH_SIDE):
        assert not LAUNCH & {imported.split(".")[0] for imported in imports(path)}


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_qt_is_imported_by_the_rqt_plugin_only(path: Path):
    if not name(path).startswith(QT_SIDE):
        assert not QT & {imported.split(".")[0] for imported in imports(path)}


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_everything_imported_is_declared_in_pyproject(path: Path):
    allowed = {"muse_core", "muse_ros", "__future__", *sys.stdlib_module_names, *DECLARED, *ROS, *LAUNCH, *QT}
    allowed |= {"compression"}  # of the standard library from Python 3.14 on
    found = {imported.split(".")[0] for imported in imports(path)} - allowed
    assert not found, f"{name(path)} imports {found}: declare it in pyproject.toml, and here"


@pytest.mark.parametrize("path", [*MODULES, *SCRIPTS], ids=name)
def test_mujoco_is_imported_where_its_renderer_is_chosen_only(path: Path):
    found = "mujoco" in {imported.split(".")[0] for imported in imports(path)}
    found = found or re.search(r'importorskip\("mujoco"', path.read_text(encoding="utf-8"))
    assert not found or path.stem == "mujoco_gl", f"{name(path)}: import it from muse_core.environments.panda.mujoco_gl"


def probe(blocked: tuple[str, ...], modules: list[str]) -> str:
    """Import modules in a bare subprocess where some packages cannot be imported; what went wrong, or nothing."""
    script = (
        "import importlib, sys\n"
        f"for name in {blocked!r}:\n    sys.modules[name] = None\n"
        f"for name in {modules!r}:\n"
        "    try:\n        importlib.import_module(name)\n"
        "    except ImportError as error:\n        print(f'{name}: {error}')\n"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT)
    return result.stdout + result.stderr


def test_a_training_machine_needs_no_ros():
    for needed in ("torch", "gymnasium", "muse_core.environments.panda.mujoco_gl", "matplotlib"):
        pytest.importorskip(needed)
    elsewhere = (*ROS_SIDE, *LAUNCH_SIDE, *PYGAME_SIDE)
    modules = [module_name(path) for path in MODULES if not name(path).startswith(elsewhere)]
    assert probe(("rclpy", "muse_ros.msg", "rosbag2_py", "std_msgs", "sensor_msgs", "pygame"), modules) == ""


def test_a_robots_computer_needs_no_torch():
    pytest.importorskip("rclpy")
    nodes = ("panda", "teleop", "collect", "camera", "replay")
    alone = (*(f"muse_ros.nodes.{node}" for node in nodes), "muse_ros.launching.up")
    assert probe(("torch", "tensorboard", "mujoco"), [*alone]) == ""


def test_converting_needs_neither_ros_nor_torch():
    folders = ("muse_ros/contract/", "muse_ros/bags/", "muse_ros/conversion/")
    modules = [module_name(path) for path in MODULES if name(path).startswith(folders)]
    assert "muse_ros.conversion.convert_cli" in modules
    assert probe(("rclpy", "muse_ros.msg", "rosbag2_py", "torch", "mujoco", "pygame"), modules) == ""


@pytest.mark.parametrize("folder", ["launch", "config", "msg", "test"])
def test_a_folder_that_would_hide_a_ros_package_is_none(folder: str):
    assert not list((ROOT / folder).glob("**/__init__.py")), f"{folder}/__init__.py would shadow ROS's own {folder}"


def test_the_package_file_that_ros_overwrites_holds_nothing_else():
    body = ast.parse((ROOT / "muse_ros/__init__.py").read_text()).body
    assert len(body) == 3, "muse_ros/__init__.py: a docstring and the two lines of extend_path, nothing else"
    assert not (ROOT / "muse_ros/msg.py").exists()
    assert not (ROOT / "muse_ros/msg").exists()


@pytest.mark.parametrize(("tests", "package"), [("test/core", "muse_core"), ("test/ros", "muse_ros")])
def test_tests_lie_where_their_code_does(tests: str, package: str):
    folders = {path.parent.relative_to(ROOT / tests) for path in ROOT.glob(f"{tests}/**/test_*.py")}
    assert not {folder for folder in folders if not (ROOT / package / folder / "__init__.py").is_file()}


@pytest.mark.parametrize("path", CONFIGS, ids=name)
def test_every_configuration_parses(path: Path):
    assert isinstance(yaml.safe_load(path.read_text(encoding="utf-8")), dict)


@pytest.mark.parametrize("path", sorted(ROOT.glob("config/nodes/*.yaml")), ids=name)
def test_parameters_reach_their_node_in_any_namespace(path: Path):
    assert list(yaml.safe_load(path.read_text())) == [f"/**/{path.stem}"]


@pytest.mark.parametrize("path", MESSAGES, ids=name)
def test_every_message_parses(path: Path):
    typesys = pytest.importorskip("rosbags.typesys")
    assert typesys.get_types_from_msg(path.read_text(encoding="utf-8"), f"muse_ros/msg/{path.stem}")


@pytest.mark.parametrize("path", MESSAGES, ids=name)
def test_every_field_of_a_message_has_a_unit(path: Path):
    for line in path.read_text(encoding="utf-8").splitlines():
        content, _, comment = line.partition("#")
        if content.strip() and "=" not in content:
            assert re.search(r"\[[^\]]+\]", comment), f"{path.name}: {content.strip()!r} has no unit in its comment"


def test_every_node_is_an_executable_and_every_command_is_run_by_ros_too():
    from muse_ros.command import SUBCOMMANDS
    from muse_ros.launching.graph import GRAPHS

    cmake = (ROOT / "CMakeLists.txt").read_text()
    nodes, commands = (re.search(rf"foreach\({kind} ([^)]*)\)", cmake)[1].split() for kind in ("node", "command"))
    assert set(nodes) == {path.stem for path in ROOT.glob("config/nodes/*.yaml")}
    assert set(commands) == {*SUBCOMMANDS} - {*nodes}
    assert {path.stem for path in ROOT.glob("launch/*.py")} == {f"{graph}.launch" for graph in GRAPHS}


def test_every_configuration_is_part_of_an_installation():
    listed = (ROOT / "pyproject.toml").read_text()
    folders = {path.parent for path in ROOT.glob("config/**/*") if path.suffix in (".py", ".yaml")}
    assert not [name(folder) for folder in folders if f'"share/muse_ros/{name(folder)}"' not in listed]


def test_what_rosdep_has_no_key_for_is_installed_by_the_dockerfile_and_named_in_the_readme():
    pyproject, manifest = (ROOT / "pyproject.toml").read_text(), (ROOT / "package.xml").read_text()
    lists = [
        re.search(rf"^{role} = \[(.*?)^\]", pyproject, re.M | re.S)[1] for role in ("dependencies", "robot", "sim")
    ]
    needed = {name.lower() for each in lists for name in re.findall(r'^ +"([\w.-]+?)[>=;]', each, re.M)}
    needed -= {"lz4", "backports.zstd"}  # rosbags brings them
    keys = {"opencv-python-headless": "opencv", "pyyaml": "yaml"}
    without = {name for name in needed if f"<exec_depend>python3-{keys.get(name, name)}</" not in manifest}
    assert {"rosbags", "tyro", "ruckig", "mujoco"} <= without
    docker = (ROOT / "docker/Dockerfile").read_text()
    readme = re.search(
        r"`pip install (rosbags [^`]*)` \(and\s+for the simulator `([^`]*)`\)", (ROOT / "README.md").read_text()
    )
    assert not [name for name in without if f"'{name}>=" not in docker]
    assert {*readme[1].split(), *readme[2].split()} == without


def test_every_ros_package_that_is_imported_is_declared_in_package_xml():
    manifest = (ROOT / "package.xml").read_text()
    found = {each.split(".")[0] for path in MODULES for each in imports(path)} & (ROS | LAUNCH | QT)
    missing = {package for package in found if not re.search(rf"depend>{package}</", manifest)}
    assert not missing, f"package.xml lacks {missing}"
