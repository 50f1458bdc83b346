"""The command ``muse relabel``: clicks, or speeds, into modes and waypoints to train HYDRA on."""

from __future__ import annotations

import argparse
import sys
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from muse_core.datasets.flag_values import positive, whole
from muse_core.spec import SpecError

if TYPE_CHECKING:
    from muse_core.datasets.relabelling.relabel import RelabelledEpisode, RelabelOptions
    from muse_core.waypoints import WaypointSteps

_DESCRIPTION = """\
Label a dataset for HYDRA, which moves to waypoints where only the end of a way matters (sparse) and imitates every
action where the motion matters (dense).
"""
_EPILOG = """\
What clicks mean, row by row (x is a click):
  ..x.....   one: a waypoint, where a way ends. The last row always counts as one
  ..xx....   a double click counts once
  ..xxxx..   three or more in a row: dense from the first to the last

An episode without clicks is labelled by the tool's speed: slow is dense, and long ways get a waypoint every
--waypoint_steps rows. Sparse rows head for the next waypoint, dense ones for the row after them.

What is written beside the arrays of DATASET, which stays as it is:
  mode                   0 sparse, 1 dense
  target/ee_position     where the row is on its way to [m]
  target/ee_orientation  the same, quaternion xyzw
  target/gripper         the gripper's command on the way
  action                 in sparse rows: a bounded step towards the waypoint
  raw/action             the actions as recorded

examples:
  muse relabel data/coffee -o data/coffee_hydra
  muse relabel data/lift -o data/lift_hydra --source speeds --waypoint_steps 10
  muse train config/train/sim/lift.py --dataset lift_hydra --model hydra
"""


def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 when every episode is labelled, 3 when some were left out, 1 when nothing could be done."""
    arguments = _parse(argv)
    from muse_core.datasets.opening import open_dataset
    from muse_core.datasets.relabelling.relabel import RelabelOptions, relabel
    from muse_core.datasets.store import DatasetError, recorded_rate
    from muse_core.waypoints import WaypointSteps

    options = RelabelOptions(**_of(RelabelOptions, arguments), steps=WaypointSteps(**_of(WaypointSteps, arguments)))
    try:
        store = open_dataset(arguments.dataset)
        rate_hz = arguments.rate_hz or recorded_rate(store)
        if rate_hz is None:
            raise DatasetError(f"{arguments.dataset} does not say how many rows a second it has: give --rate_hz")
        outcomes = relabel(store, arguments.output, rate_hz, options)
    except (DatasetError, SpecError, OSError) as error:
        print(f"muse relabel: {error}", file=sys.stderr)
        return 1
    _tell(outcomes, arguments.output, options)
    return 0 if all(each.source for each in outcomes) else 3


def _parse(argv: list[str] | None) -> argparse.Namespace:
    from muse_core.datasets.relabelling.relabel import RelabelOptions

    default = RelabelOptions()
    parser = argparse.ArgumentParser(
        prog="muse relabel",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("dataset", type=Path, metavar="DATASET", help="a dataset: a folder, an .npz or an .hdf5 file")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="data/NAME", help="folder of the new one")
    parser.add_argument(
        "--source",
        choices=("auto", "clicks", "speeds"),
        default=default.source,
        help="label by clicks where an episode has any, else by speeds (auto, the default); leave episodes without "
        "clicks out; or label all by speeds",
    )
    parser.add_argument(
        "--keep_actions", action="store_true", help="leave the actions of sparse rows as they were recorded"
    )
    parser.add_argument("--rate_hz", type=positive, metavar="HZ", help="rows per second (default: what DATASET says)")
    _add_groups(parser, default)
    return parser.parse_args(argv)


def _add_groups(parser: argparse.ArgumentParser, default: RelabelOptions) -> None:
    _add_numbers(
        parser.add_argument_group("actions of sparse rows"),
        default.steps,
        {
            "step_m": "longest translation of one action; 0.025 at 10 Hz is 0.25 m/s [m]",
            "step_rad": "largest turn of one action [rad]",
            "gain": "share of the remaining way that one action may go; 1 overshoots with an arm that lags behind",
            "translation_scale": "numbers of an action for a metre: 1 where actions are metres, the rate for m/s",
            "rotation_scale": "numbers of an action for a radian",
        },
    )
    speeds = parser.add_argument_group("labels by speeds")
    limits = {"dense_m_s": "slower is dense [m/s]", "dense_rad_s": "turning slower, as well, is dense [rad/s]"}
    _add_numbers(speeds, default, limits)
    for name, text in (
        ("waypoint_steps", "rows between the waypoints of a long way"),
        ("shortest_dense", "fewest rows of a dense segment"),
    ):
        value = getattr(default, name)
        speeds.add_argument(f"--{name}", type=whole(1), default=value, metavar="N", help=f"{text} (default: {value})")
    keys = parser.add_argument_group("names of arrays")
    for name, text in (
        ("clicks", "clicks"),
        ("position", "position of the tool"),
        ("orientation", "its orientation, a quaternion xyzw; '' for a tool that does not turn"),
        ("action", "actions"),
    ):
        value = getattr(default, name)
        keys.add_argument(f"--{name}", default=value, metavar="KEY", help=f"{text} (default: {value})")


def _of(cls: type, arguments: argparse.Namespace) -> dict[str, Any]:
    """The arguments that are fields of a dataclass."""
    return {f.name: getattr(arguments, f.name) for f in fields(cls) if f.name in arguments}


def _add_numbers(
    group: argparse._ArgumentGroup, default: RelabelOptions | WaypointSteps, texts: dict[str, str]
) -> None:
    for name, text in texts.items():
        value = getattr(default, name)
        group.add_argument(f"--{name}", type=positive, default=value, metavar="X", help=f"{text} (default: {value:g})")


def _tell(outcomes: list[RelabelledEpisode], output: Path, options: RelabelOptions) -> None:
    done = [each for each in outcomes if each.source]
    rows, dense = sum(each.rows for each in done), sum(each.dense for each in done)
    for each in outcomes:
        if not each.source:
            print(f"left out {each.id}: no click in {options.clicks}", file=sys.stderr)
    clicked = sum(each.source == "clicks" for each in done)
    print(
        f"{len(done)} of {len(outcomes)} episodes labelled, {clicked} by clicks and {len(done) - clicked} by speeds: "
        f"{dense} of {rows} rows ({100 * dense / rows:.0f} %) dense, "
        f"{sum(each.waypoints for each in done) / len(done):.1f} waypoints an episode. The dataset: {output}"
    )


if __name__ == "__main__":
    sys.exit(main())
