"""The set-up: what it checks, when it works again, and how it mends the ROS wheels. Nothing is installed here."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path
from types import ModuleType

import numpy
import pytest

TOOLS = Path(__file__).resolve().parents[1] / "tools"


@pytest.fixture
def set_up(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(TOOLS))
    spec = importlib.util.spec_from_file_location("muse_set_up", TOOLS / "set_up.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module.prerequisites, "find_missing", dict)
    return module


@pytest.fixture
def recorded(set_up: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A set-up whose steps only note that they were done."""
    setup = set_up.Setup(tmp_path / "venv", "")
    done: list[str] = []

    def note(name: str):
        def act() -> None:
            setup.venv.mkdir(exist_ok=True)
            done.append(name)

        return act

    keys = {"venv": "1", "packages": "1", "build": "1", "check": "1"}
    monkeypatch.setattr(setup, "steps", lambda: [(name, name, note(name), key) for name, key in keys.items()])
    return setup, done, keys


def test_the_first_call_does_every_step_and_the_second_none(recorded):
    setup, done, _ = recorded
    setup.run()
    assert done == ["venv", "packages", "build", "check"]
    setup.run()
    assert done == ["venv", "packages", "build", "check"]


def test_a_step_whose_key_changed_is_done_again_with_those_after_it(recorded):
    setup, done, keys = recorded
    setup.run()
    done.clear()
    keys["build"] = "2"
    setup.run()
    assert done == ["build", "check"]


def test_a_step_that_was_cut_short_is_done_again(recorded, monkeypatch: pytest.MonkeyPatch):
    setup, done, _ = recorded
    steps = setup.steps

    def broken() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(setup, "steps", lambda: [*steps()[:2], ("build", "build", broken, "1"), steps()[3]])
    with pytest.raises(KeyboardInterrupt):
        setup.run()
    monkeypatch.setattr(setup, "steps", steps)
    setup.run()
    assert done == ["venv", "packages", "build", "check"]


def test_nothing_is_begun_while_something_is_missing_on_the_machine(recorded, set_up, monkeypatch: pytest.MonkeyPatch):
    setup, done, _ = recorded
    monkeypatch.setattr(set_up.prerequisites, "find_missing", lambda: {"g++": "compiles"})
    with pytest.raises(set_up.SetupError, match=r"apt-get install -y g\+\+"):
        setup.run()
    assert done == []


def test_the_key_of_the_build_changes_with_a_message_and_with_no_line_of_python(
    set_up, monkeypatch: pytest.MonkeyPatch
):
    setup = set_up.Setup(Path("/nowhere"), "")
    keys = {name: key for name, _, _, key in setup.steps()}
    assert keys["build"] == keys["check"] != keys["packages"]
    monkeypatch.setattr(set_up, "files", lambda *patterns: [])
    assert {name: key for name, _, _, key in setup.steps()}["build"] != keys["build"]


def test_another_ros_makes_another_virtual_environment(set_up):
    first, second = (set_up.Setup(Path("/nowhere"), distro).steps()[0][3] for distro in ("", "jazzy"))
    assert first != second


def test_the_wheels_name_the_folders_of_this_machine_after_mending(set_up, tmp_path: Path):
    cmake = tmp_path / "share" / "std_msgs" / "cmake"
    cmake.mkdir(parents=True)
    (cmake / "export.cmake").write_text(
        'INCLUDES "/opt/python/cp311-cp311/include/python3.11;'
        '/opt/python/cp311-cp311/lib/python3.11/site-packages/numpy/_core/include"\n'
    )
    set_up.mend_wheels(tmp_path, Path(sys.executable))
    expected = f'INCLUDES "{sysconfig.get_paths()["include"]};{numpy.get_include()}"\n'
    assert (cmake / "export.cmake").read_text() == expected


def test_a_folder_that_is_no_virtual_environment_is_left_alone(set_up, tmp_path: Path):
    (tmp_path / "precious").touch()
    with pytest.raises(set_up.SetupError, match="not a virtual environment"):
        set_up.Setup(tmp_path, "").make_venv()
    assert (tmp_path / "precious").exists()


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("  Downloading torch-2.13.0.whl (190.1 MB)", True),
        ("Downloading tyro-1.0.whl (217 kB)", False),
        ("Downloading small-1.0.whl (2.1 MB)", False),
        ("Collecting numpy", False),
        ("Finished <<< muse_ros [11.5s]", True),
    ],
)
def test_the_lines_that_tell_of_progress_are_shown(set_up, line: str, shown: bool):
    assert set_up.telling(line.strip()) is shown


def test_a_command_that_outlives_its_set_up_keeps_the_next_one_waiting(
    set_up, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(set_up, "ROOT", tmp_path)
    with set_up.only_one():
        set_up.Setup(tmp_path, "")._run(["/bin/sh", "-c", "sleep 60 > /dev/null 2>&1 & echo $! > pid"])
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        with pytest.raises(BlockingIOError):
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        os.close(folder)
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)


def test_what_a_failed_command_said_is_in_the_error_and_in_the_log(set_up, tmp_path: Path):
    setup = set_up.Setup(tmp_path, "")
    with pytest.raises(set_up.SetupError, match="no such wheel"):
        setup._run([sys.executable, "-c", "print('no such wheel'); raise SystemExit(1)"])
    assert "no such wheel" in setup.log.read_text()


def test_a_python_that_is_too_new_or_too_old_is_refused_by_name(set_up):
    assert set_up.prerequisites.explain_python((3, 11)) is None
    assert "is Python 3.13" in set_up.prerequisites.explain_python((3, 13))
    assert "make PYTHON=python3." in set_up.prerequisites.explain_python((3, 9))


@pytest.mark.parametrize(
    ("folder", "named"), [("/home/me/my muse (2)", None), ("/home/josé/muse", "é"), ("/srv/a:b", ":")]
)
def test_a_path_that_ros_cannot_be_built_in_is_refused_at_once(set_up, folder: str, named: str | None):
    message = set_up.prerequisites.explain_path(folder)
    assert message is None if named is None else f"a path with {named} in it: {folder}" in message


def test_what_is_missing_is_explained_with_the_command_that_installs_it(set_up):
    text = set_up.prerequisites.explain({"g++": "it compiles", "libegl1": "it renders"})
    assert "it compiles" in text
    assert text.endswith("apt-get install -y g++ libegl1")


def test_a_missing_compiler_and_missing_gl_are_found(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    import prerequisites

    monkeypatch.setattr(prerequisites.shutil, "which", lambda name: None)
    monkeypatch.setattr(prerequisites, "_loads", lambda library: False)
    missing = prerequisites.find_missing()
    assert {"g++", "make", "libegl1", "libopengl0", "libgl1", "libgl1-mesa-dri"} <= set(missing)


@pytest.mark.parametrize(
    ("before", "after"), [(None, "{venv}"), ("/ws/install", "/ws/install:{venv}"), ("{venv}", "{venv}")]
)
def test_a_program_of_the_virtual_environment_knows_it_as_a_ros_prefix(
    set_up, tmp_path: Path, before: str | None, after: str
):
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    python = venv / "bin" / "python"
    set_up.announce_prefix(python)
    environment = {name: value for name, value in os.environ.items() if name != "AMENT_PREFIX_PATH"}
    if before is not None:
        environment["AMENT_PREFIX_PATH"] = before.format(venv=venv)
    query = "import os; print(os.environ['AMENT_PREFIX_PATH'])"
    found = subprocess.run([python, "-c", query], env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
    assert found.strip() == after.format(venv=venv)
