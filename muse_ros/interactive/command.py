"""The command ``muse interactive_collect``: a policy or a person, episodes kept or discarded, one file out."""

from __future__ import annotations

import sys
from pathlib import Path

from muse_core.configs import ConfigError
from muse_core.datasets.store import DatasetError
from muse_ros.interactive.flags import FlagError, Plan, parse
from muse_ros.interactive.keeping import Keeper, KeepingError
from muse_ros.launching.up import main as up

GRAPH = "interactive_collect"
ROOT = "recordings"


def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 when enough is kept, 1 after a failure, 2 for a wrong command line, 130 after Ctrl-C."""
    try:
        plan = parse(list(sys.argv[1:] if argv is None else argv))
    except (FlagError, ConfigError, FileNotFoundError) as error:
        print(f"muse {GRAPH}: {error}", file=sys.stderr)
        return 2
    root = Path(plan.arguments.get("root_dir", ROOT)).expanduser()
    keeper = Keeper(plan, root / plan.session)
    print(f"recordings: {root / plan.session}\nepisodes:   {plan.dataset}\nat the end: {plan.save_file}", flush=True)
    try:
        tally = keeper.convert()
    except KeepingError as error:
        print(f"muse {GRAPH}: {error}", file=sys.stderr)
        return 1
    if tally.episodes:
        print(f"going on with a session: {tally.text(plan)}", flush=True)
    status = 0 if tally.enough(plan) else up([GRAPH, *graph_arguments(plan)])
    return status if status == 2 else max(status, _settle(keeper, plan))


def graph_arguments(plan: Plan) -> list[str]:
    """The plan as arguments of the graph, so that `ros2 launch` can be given the same."""
    given = {
        "session": plan.session,
        "dataset": str(plan.dataset.absolute()),
        "save_file": str(plan.save_file.absolute()),
        "model_file": plan.model_file or "",
        "max_steps": plan.max_steps,
        "max_eps": plan.max_eps or 0,
        "save_episodic": str(plan.episodic).lower(),
        "save_start_ep": plan.start_episode,
        "returns": plan.returns or "none",
        "print_policy_name": str(plan.show_policy).lower(),
        "print_last_obs": str(plan.show_last).lower(),
        "window": plan.window,
    }
    return [f"{name}:={value}" for name, value in {**given, **plan.arguments}.items()]


def _settle(keeper: Keeper, plan: Plan) -> int:
    """Convert what is left, assemble, and say what came of it."""
    try:
        tally = keeper.convert()
        keeper.assemble()
    except (KeepingError, DatasetError, OSError) as error:
        print(f"muse {GRAPH}: {error}. What was kept is safe; the same command goes on", file=sys.stderr)
        return 1
    if not tally.episodes:
        print("no episode was kept; nothing is assembled")
        return 0
    target = (
        plan.file_of(0).with_name(f"{plan.save_file.stem}_ep*{plan.save_file.suffix}")
        if plan.episodic
        else plan.save_file
    )
    print(f"{tally.text(plan)}\n{target}: to train on it, `muse train CONFIG.py --dataset {plan.dataset}`, or the file")
    return 0
