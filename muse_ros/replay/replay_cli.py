"""The command ``muse replay``: looks at the episode first, then starts the graph ``replay`` for it.

Looking needs no ROS: what cannot be replayed is refused before any node runs.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from muse_ros.replay.opening import WHAT

_EPILOG = """\
The actions go the road of every action: arbiter, inverse kinematics, safety filter. The arm must stand where the
recording began, or nothing moves: --reset puts a simulation there, --home and --approach move an arm. At a lower speed
the same movements are spread over more time. A replay looks at nothing: what lies elsewhere than it lay is missed, and
at its end you read how far the tool strayed. Ctrl-C, a person's deadman, the latched stop or a lost permission end it;
it never goes on by itself.

exit status: 0 played whole; 1 refused or stopped, saying why; 2 a wrong command line; 130 Ctrl-C

examples:
  muse replay recordings/monday/episode_0003 --reset           in the simulator, from the recorded scene
  muse replay recordings/monday/episode_0003 --speed 0.5 --approach --attach
                                                               beside an arm that runs, slowly, from the recorded start
  muse replay recordings/monday/episode_0003 --what set_points joints as they were commanded: the least drift
  muse replay data/lift --episode monday-episode_0003          an episode of a dataset
  muse replay recordings/monday/episode_0003 --reset --record --root_dir recordings --session replays
  muse replay recordings/monday/episode_0003 --dry-run         only say what would be played

On an arm that `muse up` or `ros2 launch` started, replay may move only while an episode is recorded, or where panda has
execute_always:=true; a real arm also wants the operator's enable. Further arguments of the graph follow as name:=value
(`muse up replay --help` lists them).
"""


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    parser = _parser()
    arguments, rest = parser.parse_known_args(argv)
    strange = [word for word in rest if ":=" not in word]
    if strange:
        parser.error(f"unknown argument {strange[0]!r}; arguments of the graph look like name:=value")
    from muse_core.datasets.store import DatasetError
    from muse_ros.bags.bags import BagError
    from muse_ros.contract.contract import ContractError
    from muse_ros.replay.motion import MotionError
    from muse_ros.replay.opening import open_motion
    from muse_ros.replay.schedule import scheduled

    try:
        motion = open_motion(arguments.path, arguments.episode, arguments.what)
        scheduled(motion.actions, 0, arguments.speed)
    except (MotionError, BagError, DatasetError, ContractError, FileNotFoundError) as error:
        print(f"muse replay: {error}", file=sys.stderr)
        return 1
    print(f"{motion.describe()}; at speed {arguments.speed:g} that takes {motion.duration_s / arguments.speed:.1f} s")
    for note in motion.notes:
        print(f"note: {note}")
    if arguments.dry_run:
        return 0
    from muse_ros.launching.up import main as up

    return up(["replay", *graph_arguments(arguments, motion.task), *rest])


def graph_arguments(arguments: argparse.Namespace, recorded_task: str) -> list[str]:
    """The graph's arguments, as ``name:=value``, that the command's options mean.

    Args:
        arguments: The command's options.
        recorded_task: What the recording says was shown; it is the simulation's task where none is named.
    """
    from muse_core.environments.registry import PANDA_TASKS

    task = arguments.task or (recorded_task if recorded_task in PANDA_TASKS else "")
    texts = {
        "path": str(arguments.path),
        "episode": arguments.episode,
        "what": arguments.what,
        "speed": str(arguments.speed),
        "robot": "none" if arguments.attach else arguments.robot,
        "task": task,
        "namespace": arguments.namespace,
        "session": arguments.session,
        "root_dir": arguments.root_dir,
        "window": "true" if arguments.window else "false",
        "teleop": arguments.teleop or ("auto" if arguments.window else "none"),
    }
    flags = {"reset_scene": arguments.reset, "home": arguments.home, "approach": arguments.approach}
    flags |= {"record": arguments.record}
    words = [f"{name}:={text}" for name, text in texts.items() if text]
    return words + [f"{name}:={json.dumps(value)}" for name, value in flags.items() if value]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="muse replay",
        description="Play an episode's actions to the arm again, from a checked start pose.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("path", type=Path, metavar="EPISODE", help="a kept episode's folder, any bag with actions, or a dataset")
    add("--episode", default="", metavar="ID", help="which episode of a dataset")
    add("--speed", type=float, default=1.0, help="share of the recorded speed, at most 1 (default: 1)")
    add("--what", choices=WHAT, default="actions", help="actions as asked for, or joint set-points as applied")
    start = parser.add_argument_group("getting to the start, in this order")
    start.add_argument("--reset", action="store_true", help="simulation: put the scene to the recorded seed")
    start.add_argument("--home", action="store_true", help="move home")
    start.add_argument("--approach", action="store_true", help="move to the recorded start, slowly, straight in joints")
    graph = parser.add_argument_group("what is started")
    graph.add_argument("--attach", action="store_true", help="only the replay, beside an arm that runs already")
    graph.add_argument("--robot", default="sim", help="the arm's driver (default: sim)")
    graph.add_argument("--task", default="", help="the simulation's (default: the recorded one)")
    graph.add_argument("--window", action="store_true", help="the operator's window beside it")
    graph.add_argument("--teleop", default="", metavar="DEVICE", help="a device that can take the arm over")
    graph.add_argument("--namespace", default="", metavar="NAME", help="where the arm's topics are, such as left")
    graph.add_argument("--record", action="store_true", help="record the replay as an episode of its own")
    graph.add_argument("--root_dir", default="", metavar="DIR", help="with --record: folder of all sessions")
    graph.add_argument("--session", default="", metavar="NAME", help="with --record: name of the session")
    add("--dry-run", action="store_true", help="say what would be played, and start nothing")
    return parser


if __name__ == "__main__":
    sys.exit(main())
