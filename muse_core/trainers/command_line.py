"""The command line of ``muse train``: a config file, flags for its fields, and what replaces whole parts of it."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, get_type_hints

from muse_core.configs import ConfigError, TrainConfig, load_config, suggestion
from muse_core.configs.construction import config_classes, kind_of
from muse_core.trainers.experiment import ExperimentError, saved_config

USAGE = """\
usage: muse train CONFIG.py [--FIELD VALUE ...]
       muse train --resume experiments/NAME [--FIELD VALUE ...]
       muse train CONFIG.py --help

Train a policy on a dataset. CONFIG.py is one of config/train/; every field of it can be overridden, and
`muse train CONFIG.py --help` lists them with their values. What comes out lies in experiments/<exp_name>/: the
resolved config, log, metrics, TensorBoard events, and models/model.pt, which `muse eval` and the policy node load.

  --model KIND     replace the model by another kind, with its own fields; so too --model.encoder, --model.head and
                   --model.denoiser where the model has them
  --print_config   print the resolved config and end
  --continue       go on with the experiment of that name where there is one
  --no_env         train without rollouts in an environment

  muse train config/train/sim/lift.py --dataset lift --max_minutes 8

Several GPUs, and several machines (run it on each; NODE is its number, HOST the first one's address):
  torchrun --nproc-per-node 4 -m muse_core.trainers.train CONFIG.py ...
  torchrun --nnodes 2 --node-rank NODE --master-addr HOST --nproc-per-node 4 -m muse_core.trainers.train CONFIG.py ...
--batch_size is that of one process: N processes learn as one would with N times the batch.
"""

PARTS = ("model", "model.encoder", "model.head", "model.denoiser")

# Flags of the original's goal_train.py that are none here, and what takes their place.
GONE = {
    "--num_datasets": "name further datasets with --extra_datasets, and their shares with --dataset_weights",
    "--model_dataset_idx": "statistics are taken over all training datasets",
    "--do_holdout_env": "held-out seeds are what --rollouts.every runs; see also `muse eval`",
    "--different_env_holdout": "held-out seeds are what --rollouts.every runs; see also `muse eval`",
    "--run_async": "batches are always read ahead, on threads",
    "--print_all": "--print_config prints the whole config",
    "--local_rank": "torchrun says it to each process itself",
    "--wandb_tags": "set WANDB_TAGS=a,b in the environment, which wandb reads itself",
    "--cpu": "use --device cpu",
}


@dataclass(frozen=True)
class Command:
    """What to do.

    Attributes:
        config: The resolved config.
        resume: The experiment to go on with.
        go_on: Go on with the experiment of the config's name where there is one.
        print_only: Print the config and end.
    """

    config: TrainConfig
    resume: Path | None = None
    go_on: bool = False
    print_only: bool = False


def parse(arguments: Sequence[str]) -> Command | None:
    """What a command line asks for; None where it asks for nothing but help.

    Raises:
        ConfigError: when there is neither a config nor an experiment to resume, or a flag is one of the original's.
        SystemExit: from the parser, after it printed help or named an unknown flag.
    """
    import tyro

    rest = list(arguments)
    _refuse_gone(rest)
    resume = _take_value(rest, "--resume", "the folder of an experiment, such as experiments/NAME")
    go_on, print_only, no_env = (_take_flag(rest, n) for n in ("--continue", "--print_config", "--no_env"))
    files = [a for a in rest if a.endswith(".py") and not a.startswith("-")]
    if resume is None and not files:
        if not rest or rest[0] in ("-h", "--help"):
            return None
        raise ConfigError("name a config file first, such as config/train/sim/lift.py, or --resume experiments/NAME")
    if resume is not None and files:
        raise ConfigError(f"--resume goes on with the experiment's own config; leave {files[0]} out")
    if resume is not None:
        default, program = _config_of(Path(resume)), f"muse train --resume {resume}"
    else:
        rest.remove(files[0])
        default, program = load_config(files[0]), f"muse train {files[0]}"
    for part in PARTS:
        kind = _take_value(rest, f"--{part}", "a kind") or _take_value(rest, f"--{part}.kind", "a kind")
        if kind is not None:
            default = swap(default, part, kind)
    config = tyro.cli(
        TrainConfig, default=default, args=rest, prog=program, config=(tyro.conf.AvoidSubcommands,),
        use_underscores=True, description=_describe(default),
    )  # fmt: skip
    if no_env:
        config = replace(config, rollouts=replace(config.rollouts, every=0))
    return Command(config, Path(resume) if resume is not None else None, go_on, print_only)


def swap(config: TrainConfig, part: str, kind: str) -> TrainConfig:
    """The config with one part replaced by another kind's defaults.

    What the parts are to each other is not checked yet: other flags may still set that right.

    Args:
        config: To change.
        part: One of PARTS.
        kind: Which.

    Raises:
        ConfigError: when there is no such part or kind, naming those there are.
    """
    parents = [config]
    for name in part.split(".")[:-1]:
        parents.append(getattr(parents[-1], name))
    for parent, name in zip(reversed(parents), reversed(part.split(".")), strict=True):
        if parent is parents[-1]:
            value: Any = kinds_of(parent, name, part).get(kind)
            if value is None:
                raise ConfigError(f"--{part}: unknown kind {kind!r}{suggestion(kind, [*kinds_of(parent, name, part)])}")
            value = value()
        changed = copy.copy(parent)
        object.__setattr__(changed, name, value)
        value = changed
    return value


def kinds_of(parent: Any, name: str, part: str) -> dict[str, type]:
    """The kinds of a part, by what they call themselves.

    Raises:
        ConfigError: when the parent has no such part.
    """
    if name not in {f.name for f in fields(parent)}:
        raise ConfigError(f"--{part}: model {parent.kind} has no {name}")
    return {kind_of(cls): cls for cls in config_classes(get_type_hints(type(parent))[name])}


def _describe(config: TrainConfig) -> str:
    """What stands above the fields in the help."""
    lines = [
        "Train a policy on a dataset; `muse train` alone says how. Any field can be set here, dashes are as good as "
        "underscores. Other parts, each with fields of its own:"
    ]
    for part in PARTS:
        parent, name = (config, "model") if part == "model" else (config.model, part.split(".")[1])
        if hasattr(parent, name):
            kinds = kinds_of(parent, name, part)
            lines.append(f"--{part} {'|'.join(kinds)} (now {getattr(parent, name).kind})")
    return "\n".join(lines)


def _refuse_gone(arguments: list[str]) -> None:
    for argument in arguments:
        flag = argument.split("=", 1)[0].replace("-", "_").replace("__", "--", 1)
        if flag in GONE:
            raise ConfigError(f"{flag} is a flag of the original Muse that is none here: {GONE[flag]}")
        if argument.startswith("%"):
            raise ConfigError(
                f"{argument}: groups are written with dots, such as --model.encoder resnet --model.encoder.depth 34"
            )
        if argument.startswith("exp=") or flag == "--exp":
            raise ConfigError(f"{argument}: an experiment is gone on with by --resume {argument.split('=', 1)[-1]}")


def _take_flag(arguments: list[str], name: str) -> bool:
    """Remove a flag from the arguments, dashes or underscores; whether it was there."""
    found = [a for a in arguments if a.replace("-", "_") == name.replace("-", "_")]
    for each in found:
        arguments.remove(each)
    return bool(found)


def _take_value(arguments: list[str], name: str, what: str) -> str | None:
    """Remove ``name VALUE`` or ``name=VALUE`` from the arguments and return the value.

    Raises:
        ConfigError: when the value is missing.
    """
    for i, argument in enumerate(arguments):
        if argument == name:
            if i + 1 == len(arguments) or arguments[i + 1].startswith("--"):
                raise ConfigError(f"{name} needs {what}")
            del arguments[i]
            return arguments.pop(i)
        if argument.startswith(name + "="):
            return arguments.pop(i).split("=", 1)[1]
    return None


def _config_of(experiment: Path) -> TrainConfig:
    """The config to resume with."""
    try:
        return saved_config(experiment)
    except ExperimentError as error:
        raise ConfigError(str(error)) from error
