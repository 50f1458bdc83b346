"""The command line of ``muse interactive_collect``: the original's flags, a training config, graph arguments.

What comes out is a :class:`Plan`: which checkpoint acts, where the episodes go, when enough is kept. No ROS, no torch.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from pathlib import Path

from muse_core.configs import ConfigError, TrainConfig, suggestion
from muse_core.policies.random import RANDOM
from muse_core.trainers.command_line import parse as parse_training

REDUCTIONS = ("sum", "mean", "max", "min")
LARGEST_CAPACITY = 1_000_000
_EPILOG = """\
CONFIG.py --dataset NAME are those of `muse train`: they say which experiment the checkpoint lies in. All after them are
fields of the config, and name:=value are arguments of the graph (`muse up interactive_collect --help`).

Each kept episode is a bag at once, and converted at once. After Ctrl-C, a crash or a power cut the same command goes on
with the session, and assembles --save_file of all that was kept.

examples:
  muse interactive_collect --max_eps 20 --model_file model.pt --save_file eval.npz config/train/sim/lift.py
  muse interactive_collect --max_eps 10 --save_file data/mine.npz task:=lift teleop:=gamepad
  muse interactive_collect --max_steps 10000 --model_file experiments/lift/models/model.pt --save_file eval.npz
"""


class FlagError(ValueError):
    """The command line asks for something that cannot be; the message says what to give instead."""


@dataclass(frozen=True)
class Plan:
    """What to run and what to keep.

    Attributes:
        session: Name of the recording session; the same command has the same one.
        dataset: Folder of the converted episodes.
        save_file: What is assembled of them: .npz, .hdf5 or .h5.
        model_file: The checkpoint that acts; ``random``; None where a person does.
        max_steps: Rows to keep, at most.
        max_eps: Episodes to keep; None: as many as come.
        episodic: One file for each episode instead of one for all.
        start_episode: Number of the first of these files.
        window: ``auto``, or ``true`` where the window must open.
        returns: How rewards of an episode are reduced; None: they are not shown.
        show_policy: Print who acts, at every episode.
        show_last: Print the last observation of every kept episode.
        arguments: Further arguments of the graph.
    """

    session: str
    dataset: Path
    save_file: Path
    model_file: str | None = None
    max_steps: int = LARGEST_CAPACITY
    max_eps: int | None = None
    episodic: bool = False
    start_episode: int = 0
    window: str = "auto"
    returns: str | None = None
    show_policy: bool = False
    show_last: bool = False
    arguments: dict[str, str] = field(default_factory=dict)

    def file_of(self, number: int) -> Path:
        """Where kept episode `number`, from 0, goes where each has a file of its own."""
        return self.save_file.with_name(f"{self.save_file.stem}_ep{self.start_episode + number}{self.save_file.suffix}")


FLAG_OF = {name: f"--{name}" for name in ("save_file", "model_file", "max_steps", "max_eps", "save_episodic")} | {
    "save_start_ep": "--save_start_ep",
    "dataset": "--dataset_save_group",
    "returns": "--track_returns",
    "print_policy_name": "--print_policy_name",
    "print_last_obs": "--print_last_obs",
}
"""Arguments of the graph that a flag says, to which flag: said twice, the command and its node would disagree."""


def parse(argv: list[str]) -> Plan:
    """The plan that a command line asks for.

    Raises:
        FlagError: when flags contradict each other, or a checkpoint is not there.
        ConfigError: when the config or one of its fields is wrong.
        SystemExit: from the parser, after it printed help or named what it misses.
    """
    arguments = dict(word.split(":=", 1) for word in argv if ":=" in word)
    for argument in arguments:
        if argument in FLAG_OF:
            raise FlagError(f"{argument}:={arguments[argument]}: say it by its flag, {FLAG_OF[argument]}")
    words = [word for word in argv if ":=" not in word]
    parser = _parser()
    _refuse_misspelt(parser, words)
    flags, rest = parser.parse_known_args(words)
    config = _config(rest)
    experiment = config.experiment_path if config else None
    name = flags.save_file.stem if experiment is None else f"{experiment.name}-{flags.save_file.stem}"
    save_file = (
        flags.save_file if experiment is None or flags.save_file.parent != Path() else experiment / flags.save_file
    )
    if save_file.suffix not in (".npz", ".hdf5", ".h5"):
        raise FlagError(f"--save_file {flags.save_file}: must end in .npz, .hdf5 or .h5")
    capacity = int(flags.capacity)
    return Plan(
        session=arguments.pop("session", "") or name,
        dataset=Path(config.data_dir if config else "data") / (flags.dataset_save_group or name),
        save_file=save_file,
        model_file=_model_file(flags, experiment),
        max_steps=min(flags.max_steps or capacity, capacity),
        max_eps=flags.max_eps,
        episodic=flags.save_episodic,
        start_episode=flags.save_start_ep,
        window="true" if flags.use_env_display else "auto",
        returns=flags.reduce_returns if flags.track_returns else None,
        show_policy=flags.print_policy_name,
        show_last=flags.print_last_obs,
        arguments=arguments,
    )


def _refuse_misspelt(parser: argparse.ArgumentParser, words: list[str]) -> None:
    """Name a flag that is none before the parser asks for the one that was meant.

    Behind a config the flags are its fields, which answer for themselves.

    Raises:
        FlagError: with the nearest flag there is.
    """
    known = [name for action in parser._actions for name in action.option_strings]
    config = next((index for index, word in enumerate(words) if word.endswith(".py")), len(words))
    for word in words[:config]:
        name = word.partition("=")[0]
        if name.startswith("--") and name not in known:
            raise FlagError(f"{name} is no flag of this command{suggestion(name, known)}")


def _config(rest: list[str]) -> TrainConfig | None:
    """The training config that is named, with its fields; None where none is.

    Raises:
        FlagError: when something else is left of the command line.
    """
    if not rest:
        return None
    if not any(word.endswith(".py") for word in rest):
        raise FlagError(
            f"{rest[0]!r} is neither a flag nor a config: `muse interactive_collect --help` lists what there is"
        )
    command = parse_training(rest)
    if command is None:
        raise ConfigError("name a config file, such as config/train/sim/lift.py")
    return command.config


def _model_file(flags: argparse.Namespace, experiment: Path | None) -> str | None:
    """Who acts.

    Raises:
        FlagError: when flags contradict each other, or there is no such file.
    """
    chosen = [n for n in ("model_file", "random_policy", "no_model_file") if getattr(flags, n)]
    if len(chosen) > 1:
        raise FlagError(f"--{chosen[0]} and --{chosen[1]}: only one of them can say who acts")
    if flags.random_policy:
        return RANDOM
    if flags.model_file is None:
        return None
    places = [flags.model_file] if experiment is None else [experiment / "models" / flags.model_file, flags.model_file]
    for place in places:
        if place.is_file():
            return str(place.absolute())
    there = sorted(path.name for path in places[0].parent.glob("*.pt"))
    known = f"{places[0].parent} has {', '.join(there)}" if there else "train one first, see `muse train`"
    raise FlagError(f"--model_file {flags.model_file}: no such checkpoint; {known}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="muse interactive_collect",
        usage="muse interactive_collect (--max_steps N | --max_eps N) --save_file FILE [flags] "
        "[CONFIG.py --dataset NAME ...] [name:=value ...]",
        description="Run a policy, or lead the arm yourself, episode by episode, in a window that keeps or discards "
        "each and shows the success rate; the kept episodes become one file to train on.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    until = parser.add_mutually_exclusive_group(required=True)
    until.add_argument("--max_steps", type=_count, metavar="N", help="end when this many rows are kept")
    until.add_argument("--max_eps", type=_count, metavar="N", help="end when this many episodes are kept")
    add = parser.add_argument
    add("--save_file", type=Path, required=True, metavar="FILE",
        help="what the kept episodes are assembled into; a bare name lies in the experiment's folder")  # fmt: skip
    add("--model_file", type=Path, metavar="FILE",
        help="the checkpoint that acts, by path or by its name in the experiment's models/")  # fmt: skip
    add("--no_model_file", action="store_true", help="no policy: a person leads the arm (the default)")
    add("--random_policy", action="store_true", help="actions at random, to see what chance does")
    add("--save_episodic", action="store_true", help="a file for each episode: FILE_ep0, FILE_ep1, ...")
    add("--save_start_ep", type=int, default=0, metavar="N", help="number of the first of these (default: 0)")
    add("--dataset_save_group", metavar="NAME",
        help="name of the folder of converted episodes (default: from experiment and FILE)")  # fmt: skip
    add("--capacity", type=float, default=LARGEST_CAPACITY, metavar="N",
        help="never keep more rows than this (default: %(default)s)")  # fmt: skip
    add("--track_returns", action="store_true", help="print the return of every kept episode")
    add("--reduce_returns", choices=REDUCTIONS, default="sum", help="of rewards to a return (default: sum)")
    add("--print_policy_name", action="store_true", help="print who acts, at every episode")
    add("--print_last_obs", action="store_true", help="print the last observation of every kept episode")
    add("--use_env_display", action="store_true", help="insist on the window: without a screen, an error")
    return parser


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number, at least 1, got {text}")
    return int(text)
