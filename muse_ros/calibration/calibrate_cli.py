"""The command ``muse calibrate latency``: moves the arm a little, or reads a bag, and says how late each camera is.

What it finds it writes into the contract's file. Reading a bag needs no ROS.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from muse_ros.conversion.text_table import text_table
from muse_ros.missing_package import explain

if TYPE_CHECKING:
    from muse_ros.calibration.from_bag import CameraDelay
    from muse_ros.contract.contract import Contract

_EPILOG = """\
A picture is stamped later than the light that made it: exposure, read-out, USB, a driver that stamps on arrival. The
arm's state is stamped within a millisecond or two. If a contract does not know by how much the camera lags, a policy is
trained on pictures and states that were never true together. `latency_s` of a stream says it; this command measures it.

The arm sways sideways and up, 4 cm and 3 cm at most (--size makes it less), for --duration seconds, from wherever it
stands, and ends there. Pictures and state are recorded into a bag. Then, for each delay in question, the pictures are
fitted as a function of the state so long before their stamp; the delay that fits best is the camera's. It needs:
  - an arm in view of the camera (or a camera on the arm, and something in view), nothing else moving, steady light
  - room of 5 cm to both sides and above the tool
  - cameras and arm stamped by one clock: with two computers first see to it that their clocks agree (muse doctor)

  muse calibrate latency                               the simulated arm: it should find the delay that was planted
  muse calibrate latency --robot polymetis --contract mine.yaml robot_ip:=10.0.0.1 cameras:=my_cameras.yaml
  muse calibrate latency --attach --contract mine.yaml
                                                       beside an arm and cameras that run already
  muse calibrate latency --contract mine.yaml --bag recordings/monday/episode_0003
                                                       no arm is moved: any bag will do in which the arm went back and
                                                       forth in view for some 15 s
  muse calibrate latency --contract mine.yaml --bag calibration/latency-20261123-101500 --dry-run

A contract given as a file is changed in place, and only at latency_s (--output writes elsewhere, --dry-run nowhere);
Muse's own, given by name, never. Recordings keep the contract that they were made by: convert them again with
--contract mine.yaml to have the new delay in the dataset. Read the plot: the curve should have one deep minimum, and
the orange line should run through the dots.

An attached arm must be allowed to follow a replay: panda with execute_always:=true, or an episode being recorded (which
you discard afterwards); a real arm also wants the operator's enable. Further arguments of the graph follow as
name:=value (`muse up calibrate --help` lists them).

exit status: 0 every camera's delay was found; 1 not all were, saying why; 2 a wrong command line; 130 Ctrl-C
"""


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    parser = _parser()
    arguments, rest = parser.parse_known_args(argv)
    strange = [word for word in rest if ":=" not in word]
    if strange:
        parser.error(f"unknown argument {strange[0]!r}; arguments of the graph look like name:=value")
    if arguments.bag is not None and rest:
        parser.error(f"--bag starts no graph: {rest[0]} means nothing there")
    from muse_ros.bags.bags import BagError
    from muse_ros.calibration.latency import CalibrationError
    from muse_ros.contract.contract import ContractError
    from muse_ros.launching.arguments import GraphError

    try:
        return _of_bag(arguments) if arguments.bag is not None else _live(arguments, rest)
    except (BagError, CalibrationError, ContractError, GraphError, OSError) as error:
        print(f"muse calibrate latency: {error}", file=sys.stderr)
    except ModuleNotFoundError as error:
        print(f"muse calibrate latency: {explain(error)}", file=sys.stderr)
    return 1


def _of_bag(arguments: argparse.Namespace) -> int:
    from muse_ros.bags.bags import open_bag
    from muse_ros.calibration.latency import CalibrationError
    from muse_ros.contract.contract import load_contract
    from muse_ros.conversion.convert_recording import recorded_contract
    from muse_ros.conversion.recordings import find_recordings

    if arguments.contract:
        return _report(arguments, arguments.contract, load_contract(arguments.contract), arguments.bag)
    contract = recorded_contract(open_bag(arguments.bag), find_recordings([arguments.bag])[0])
    if contract is None:
        raise CalibrationError(f"{arguments.bag} names no contract: give one with --contract")
    return _report(arguments, "", contract, arguments.bag)


def _live(arguments: argparse.Namespace, rest: list[str]) -> int:
    """Have the arm sway and be recorded, and go on with the bag."""
    from muse_ros.calibration.from_bag import calibrated_topics
    from muse_ros.contract.contract import load_contract
    from muse_ros.launching.graph import build
    from muse_ros.launching.up import main as up

    bag = arguments.out_dir / f"latency-{datetime.now():%Y%m%d-%H%M%S}"
    values = {
        "bag": str(bag),
        "contract": arguments.contract,
        "state": arguments.state,
        "duration": str(arguments.duration),
        "size": str(arguments.size),
        "namespace": arguments.namespace,
        "robot": "none" if arguments.attach else arguments.robot,
    }
    values = {name: value for name, value in values.items() if value}
    values |= dict(word.split(":=", 1) for word in rest)
    (node,) = (each for each in build("calibrate", values) if each.name == "calibrate")
    named, arguments.namespace = str(node.parameters["contract"]), node.namespace
    arguments.state = str(node.parameters["state"])
    contract = load_contract(named)
    calibrated_topics(contract, arguments.state)  # what lacks is told before any arm moves
    status = up(["calibrate", *(f"{name}:={value}" for name, value in values.items())])
    return status or _report(arguments, named, contract, bag)


def _report(arguments: argparse.Namespace, named: str, contract: Contract, bag: Path) -> int:
    """Work the delays out of a bag, say, draw and write them; the command's exit status.

    Args:
        arguments: The command's.
        named: The contract's file or name; empty for one that only the bag has.
        contract: It.
        bag: Where the moving arm was recorded.
    """
    from muse_ros.bags.bags import open_bag
    from muse_ros.calibration.from_bag import camera_delays

    cameras = camera_delays(open_bag(bag), contract, arguments.namespace, arguments.state, arguments.longest)
    print(_table(cameras))
    for camera in cameras:
        if camera.trouble:
            print(f"{camera.topic}: {camera.trouble}")
    _plot(cameras, arguments.plot or arguments.out_dir / f"{bag.resolve().name}.png")
    _write(arguments, named, contract, cameras)
    return 1 if any(camera.trouble for camera in cameras) else 0


def _table(cameras: Sequence[CameraDelay]) -> str:
    lines = [("camera", "keys", "delay ms", "+-", "follows the arm", "pictures", "contract had ms")]
    for camera in cameras:
        delay, had = camera.delay, f"{1e3 * camera.contract_s:.1f}"
        figures = ("-", "-", "-", "-") if delay is None else (
            f"{1e3 * delay.delay_s:.1f}",
            f"{1e3 * delay.error_s:.1f}",
            f"{100.0 * delay.explained:.0f} %",
            str(len(delay.seconds)),
        )  # fmt: skip
        lines.append((camera.topic, ", ".join(camera.keys), *figures, had))
    return text_table(lines, left=2)


def _plot(cameras: Sequence[CameraDelay], path: Path) -> None:
    try:
        from muse_ros.calibration.plot import draw
    except ModuleNotFoundError as error:
        print(f"no plot: {explain(error)}")
        return
    if draw(cameras, path):
        print(f"plot: {path}")


def _write(arguments: argparse.Namespace, named: str, contract: Contract, cameras: Sequence[CameraDelay]) -> None:
    """Put what was found into the contract's file, where it may be, and say what follows from it."""
    from muse_core.files import write_text
    from muse_ros.calibration.contract_file import with_latencies
    from muse_ros.calibration.from_bag import settle_advice
    from muse_ros.contract.contract import contract_path

    good = [camera for camera in cameras if not camera.trouble]
    if not good:
        print("nothing is written: no delay was found")
        return
    own = not named or not Path(named).is_file()
    target: Path | None = arguments.output or (None if own else Path(named))
    if arguments.dry_run:
        print("nothing is written (--dry-run)")
    elif not named:
        print("nothing is written: --contract mine.yaml says into which contract")
    elif target is None:
        print(f"nothing is written: {named} is Muse's own contract; --output mine.yaml writes a changed copy of it")
    else:
        today = f"{datetime.now():%Y-%m-%d}"
        text = contract_path(named).read_text(encoding="utf-8")
        for camera in good:
            comment = f"measured {today} by muse calibrate latency, +- {1e3 * camera.delay.error_s:.1f} ms"
            text = with_latencies(text, dict.fromkeys(camera.keys, camera.delay.latency_s), comment)
        write_text(target, text)
        print(f"written into {target}: latency_s of {', '.join(key for camera in good for key in camera.keys)}")
    for line in settle_advice(contract, good):
        print(line)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="muse calibrate", description="Measure what a contract has to know.")
    verbs = parser.add_subparsers(dest="verb", metavar="WHAT", required=True)
    verb = verbs.add_parser(
        "latency",
        help="how late each camera's pictures are stamped, by moving the arm a little or from a bag",
        description="Measure how late each camera's pictures are stamped, and write it into the contract.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = verb.add_argument
    add("--contract", default="", metavar="FILE|NAME", help="names the topics (default: the robot's, or the bag's)")
    add("--bag", type=Path, metavar="BAG", help="move nothing, take this recording")
    add("--state", default="", metavar="KEY", help="what tells where the arm is (default: the contract's joints)")
    add("--longest", type=float, default=0.5, metavar="S", help="longest delay that is looked for (default: 0.5)")
    add("--namespace", default="", metavar="NAME", help="where the robot's topics are, such as left")
    move = verb.add_argument_group("the motion")
    move.add_argument("--robot", default="sim", help="the arm's driver (default: sim)")
    move.add_argument("--attach", action="store_true", help="beside an arm and cameras that run already")
    move.add_argument("--duration", type=float, default=20.0, metavar="S", help="of the motion (default: 20)")
    move.add_argument("--size", type=float, default=1.0, metavar="SHARE", help="of the motion, 0.2 to 1 (default: 1)")
    result = verb.add_argument_group("the result")
    result.add_argument("--output", type=Path, metavar="FILE", help="write the changed contract here")
    result.add_argument("--dry-run", action="store_true", help="write no contract")
    result.add_argument("--plot", type=Path, metavar="FILE", help="(default: DIR/NAME OF THE BAG.png)")
    result.add_argument(
        "--out_dir",
        type=Path,
        default=Path("calibration"),
        metavar="DIR",
        help="of bag and plot (default: calibration)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
