"""The command `muse`."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from muse_ros import command
from muse_ros.launching.graph import GRAPHS


def test_help_lists_every_subcommand_with_what_it_does(capsys: pytest.CaptureFixture[str]):
    assert command.main([]) == 0
    printed = capsys.readouterr().out
    for name, (_, summary) in command.SUBCOMMANDS.items():
        assert f"{name} " in printed
        assert summary in printed


def test_help_names_every_graph_that_up_can_start():
    _, named = command.SUBCOMMANDS["up"][1].split(": ")
    assert named.split(", ") == list(GRAPHS)


def test_an_unknown_subcommand_suggests_the_nearest(capsys: pytest.CaptureFixture[str]):
    assert command.main(["colect"]) == 2
    assert "did you mean `muse collect`?" in capsys.readouterr().err


def test_an_unknown_subcommand_near_nothing_lists_all(capsys: pytest.CaptureFixture[str]):
    assert command.main(["xyzzy"]) == 2
    assert "there are: " in capsys.readouterr().err


@pytest.mark.parametrize("argv", [["--help"], ["train", "config/train/sim/lift.py", "--print_config"]])
def test_a_reader_that_goes_away_ends_it_without_a_word(argv: list[str]):
    program = f"from muse_ros.command import main; import sys; sys.exit(main({argv!r}))"
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    child.stdout.close()  # before anything is written
    assert (child.stderr.read(), child.wait(60)) == ("", 141)


def test_an_interrupt_while_a_command_starts_is_no_traceback(monkeypatch: pytest.MonkeyPatch, capsys):
    def interrupted(name: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "import_module", interrupted)
    assert command.main(["train"]) == 130
    assert "muse: interrupted" in capsys.readouterr().err


@pytest.mark.parametrize("name", command.SUBCOMMANDS)
def test_every_subcommand_exists(name: str):
    module, _, function = command.SUBCOMMANDS[name][0].partition(":")
    if "trainers" in module or "evaluation" in module:
        pytest.importorskip("torch")
    assert callable(getattr(import_module(module), function))


def test_the_rest_of_the_line_and_the_status_are_passed_on(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(command.SUBCOMMANDS, "echo", (f"{__name__}:echo", "for this test"))
    monkeypatch.setitem(sys.modules, __name__, sys.modules[__name__])
    assert command.main(["echo", "a", "--b"]) == 2


def test_a_config_that_muse_ships_is_found_from_anywhere(tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert Path(command.shipped("config/train/sim/lift.py")).is_file()
    assert command.shipped("config/train/sim/lifft.py") == "config/train/sim/lifft.py"
    own = tmp_path / "config" / "train" / "sim" / "lift.py"
    own.parent.mkdir(parents=True)
    own.write_text("")
    assert command.shipped("config/train/sim/lift.py") == "config/train/sim/lift.py"


def test_a_package_that_a_role_brings_is_named_with_the_role(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setitem(command.SUBCOMMANDS, "fly", (f"{__name__}:fly", "for this test"))
    monkeypatch.setitem(sys.modules, __name__, sys.modules[__name__])
    assert command.main(["fly", "torch.nn"]) == 1
    said = "muse fly: torch is not installed here; in Muse's checkout: pip install -e '.[train]'"
    assert capsys.readouterr().err.strip() == said
    with pytest.raises(ModuleNotFoundError):
        command.main(["fly", "wings"])


def fly(argv: list[str]) -> int:
    raise ModuleNotFoundError(f"No module named {argv[0]!r}", name=argv[0])


def echo(argv: list[str]) -> int:
    return len(argv)


def test_help_imports_neither_ros_nor_torch():
    probe = (
        "import sys; from muse_ros.command import main; main(['--help']); "
        "sys.exit(str([m for m in ('rclpy', 'torch', 'numpy', 'cv2') if m in sys.modules] or ''))"
    )
    result = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True)
    assert result.stderr.strip() == ""
