"""The command ``muse``: finds a subcommand and hands the rest of the command line to it.

Each subcommand is imported only when it is called, so that a robot without torch and a training machine without ROS
both have the commands that they can run. Imports no package that pip installs.
"""

from __future__ import annotations

import difflib
import os
import select
import sys
from importlib import import_module, metadata
from pathlib import Path

from muse_ros.missing_package import explain
from muse_ros.resources import resource

SUBCOMMANDS = {  # name: (module:function(argv) -> exit status, what it does)
    "demo": ("muse_ros.demo:main", "the whole loop on a simulated Panda, with a report"),
    "up": (
        "muse_ros.launching.up:main",
        "start a graph of nodes: sim, teleop, collect, policy, replay, calibrate, interactive_collect",
    ),
    "collect": ("muse_ros.launching.up:collect", "collect demonstrations; the same as `muse up collect`"),
    "replay": ("muse_ros.replay.replay_cli:main", "play an episode's actions to the arm again"),
    "interactive_collect": ("muse_ros.interactive.command:main", "run a policy or lead the arm, keep or discard, save"),
    "convert": ("muse_ros.conversion.convert_cli:main", "convert recordings into a dataset"),
    "contract": (
        "muse_ros.survey.contract_cli:main",
        "write a contract for the topics there are, or compare one with them",
    ),
    "calibrate": ("muse_ros.calibration.calibrate_cli:main", "measure how late the cameras are, into the contract"),
    "inspect": ("muse_ros.conversion.inspect_cli:main", "say what a bag, a folder of recordings or a dataset holds"),
    "doctor": ("muse_ros.doctor.doctor_cli:main", "say what is not well with this computer and the robot's nodes"),
    "import": ("muse_core.datasets.exchange.import_cli:main", "make a dataset of other software's .npz or .hdf5"),
    "export": ("muse_core.datasets.exchange.export_cli:main", "write a dataset as one of these"),
    "relabel": ("muse_core.datasets.relabelling.relabel_cli:main", "label a dataset with modes and waypoints"),
    "train": ("muse_core.trainers.train:main", "train a policy on a dataset"),
    "eval": ("muse_core.evaluation.evaluate:main", "run a trained policy in the simulator, without ROS"),
}


def main(argv: list[str] | None = None) -> int:
    """Run a subcommand; returns its exit status, 2 where there is no such command.

    Args:
        argv: The command line without the program's name, the process's own by default.
    """
    try:
        status = _run(sys.argv[1:] if argv is None else argv)
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:  # before the command itself was ready for one
        print("\nmuse: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        if not _unheard():  # another pipe broke
            raise
        # What is still buffered has to go somewhere when the interpreter flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + 13  # what a shell says of SIGPIPE


def _run(argv: list[str]) -> int:
    if not argv or argv[0] in ("-h", "--help", "help"):
        print(describe())
        return 0
    if argv[0] == "--version":
        print(f"muse {metadata.version('muse')}")
        return 0
    name, *rest = argv
    if name not in SUBCOMMANDS:
        close = difflib.get_close_matches(name, SUBCOMMANDS, n=1)
        advice = f"did you mean `muse {close[0]}`?" if close else f"there are: {', '.join(SUBCOMMANDS)}"
        print(f"muse: there is no command {name!r}; {advice}", file=sys.stderr)
        return 2
    module, _, function = SUBCOMMANDS[name][0].partition(":")
    try:
        return getattr(import_module(module), function)([shipped(argument) for argument in rest]) or 0
    except ModuleNotFoundError as error:
        said = explain(error)
        if said == str(error):
            raise
        print(f"muse {name}: {said}", file=sys.stderr)
        return 1


def _unheard() -> bool:
    """Whether nobody reads this command's output any more, as in ``muse inspect data/lift | head -3``."""
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)
    return any(events & select.POLLERR for _, events in poll.poll(0))


def shipped(argument: str) -> str:
    """The same argument; for a Python config of Muse's that is not here, such as config/train/sim/lift.py, its path."""
    if not (argument.startswith("config/") and argument.endswith(".py")) or Path(argument).exists():
        return argument
    try:
        return str(resource(argument))
    except FileNotFoundError:
        return argument


def describe() -> str:
    """The help text: what there is, and how to learn more."""
    width = max(len(name) for name in SUBCOMMANDS)
    commands = "\n".join(f"  {name:<{width}}  {summary}" for name, (_, summary) in SUBCOMMANDS.items())
    return (
        "usage: muse COMMAND ...\n\n"
        "Collect demonstrations on a robot arm, train a policy by imitation, run it on the arm.\n\n"
        f"{commands}\n\nmuse COMMAND --help says more about one of them."
    )


if __name__ == "__main__":
    sys.exit(main())
