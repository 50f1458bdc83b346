"""The command ``muse train``: a config file and overrides in, an experiment folder out.

Only what parses the command line is imported at once; torch is, when training begins.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from muse_core.configs import ConfigError, TrainConfig, load_config
from muse_core.datasets.store import DatasetError

logger = logging.getLogger("muse_core.trainers.train")

STOPPED = 130
USAGE = """\
usage: muse train CONFIG.py [--FIELD VALUE ...]
       muse train --resume experiments/NAME [--FIELD VALUE ...]
       muse train CONFIG.py --help

Train a policy on a dataset. CONFIG.py is one of config/train/; every field of it can be overridden, and
`muse train CONFIG.py --help` lists them with their values. What comes out lies in experiments/<exp_name>/: the
resolved config, log, metrics, TensorBoard events, and models/model.pt, which `muse eval` and the policy node load.

  muse train config/train/sim/lift.py --dataset lift --max_minutes 8
"""


def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 when training is done, 1 when it diverged, 2 when it could not begin, 130 when stopped."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        config, resume = parse(arguments)
        if config is None:
            print(USAGE)
            return 0
        return run(config, resume)
    except (ConfigError, DatasetError, FileNotFoundError) as error:
        print(f"muse train: {error}", file=sys.stderr)
        return 2
    except ArithmeticError as error:
        print(f"muse train: {error}", file=sys.stderr)
        return 1


def parse(arguments: list[str]) -> tuple[TrainConfig | None, Path | None]:
    """The resolved config, and the experiment to resume; no config where only help was asked for.

    Raises:
        ConfigError: when there is neither a config nor an experiment to resume.
        SystemExit: from the parser, after it printed help or named an unknown flag.
    """
    import tyro

    rest = list(arguments)
    resume = _take_option(rest, "--resume")
    files = [a for a in rest if a.endswith(".py") and not a.startswith("-")]
    if resume is None and not files:
        if not rest or rest[0] in ("-h", "--help"):
            return None, None
        raise ConfigError("name a config file first, such as config/train/sim/lift.py, or --resume experiments/NAME")
    if resume is not None and files:
        raise ConfigError(f"--resume goes on with the experiment's own config; leave {files[0]} out")
    if resume is not None:
        default, program = _saved_config(Path(resume)), f"muse train --resume {resume}"
    else:
        rest.remove(files[0])
        default, program = load_config(files[0]), f"muse train {files[0]}"
    config = tyro.cli(
        TrainConfig, default=default, args=rest, prog=program, config=(tyro.conf.AvoidSubcommands,),
        use_underscores=True,
    )  # fmt: skip
    return config, Path(resume) if resume is not None else None


def run(config: TrainConfig, resume: Path | None = None) -> int:
    """Train, in a new experiment or in the one to resume."""
    from torch.utils.tensorboard import SummaryWriter

    from muse_core.checkpoints import load_checkpoint
    from muse_core.trainers.experiment import Experiment, ExperimentError
    from muse_core.trainers.setup import prepare

    _log_to_terminal()
    if resume is None and config.experiment_path.exists():
        raise ConfigError(Experiment.exists_message(config.experiment_path))
    trainer = prepare(config, load_checkpoint(resume / "models" / "model.pt") if resume else None)
    try:
        experiment = (
            Experiment.open(resume, trainer.progress.step)
            if resume
            else Experiment.create(config.experiment_path, config)
        )
    except ExperimentError as error:
        raise ConfigError(str(error)) from error
    logger.info("experiment %s", experiment.path)
    logger.info("%s", trainer.describe())
    writer = SummaryWriter(str(experiment.path), purge_step=trainer.progress.step + 1 if resume else None)
    try:
        state = trainer.run(experiment, writer)
    except BaseException:
        if not (experiment.models / "model.pt").exists() and trainer.progress.step == 0:
            experiment.remove()
        raise
    finally:
        writer.close()
        experiment.close()
    held_out = f", held-out loss {state.validation_loss:.4f}" if state.validation_loss is not None else ""
    print(f"{experiment.models / 'model.pt'}: {state.step} steps{held_out}")
    if trainer.finished:
        return 0
    print(f"stopped early; `muse train --resume {experiment.path}` goes on")
    return STOPPED


def _take_option(arguments: list[str], name: str) -> str | None:
    """Remove ``name VALUE`` or ``name=VALUE`` from the arguments and return the value.

    Raises:
        ConfigError: when the value is missing.
    """
    for i, argument in enumerate(arguments):
        if argument == name:
            if i + 1 == len(arguments):
                raise ConfigError(f"{name} needs the folder of an experiment, such as experiments/NAME")
            del arguments[i]
            return arguments.pop(i)
        if argument.startswith(name + "="):
            return arguments.pop(i).split("=", 1)[1]
    return None


def _saved_config(experiment: Path) -> TrainConfig:
    from muse_core.checkpoints import load_checkpoint

    path = experiment / "models" / "model.pt"
    if not path.is_file():
        raise ConfigError(f"cannot resume {experiment}: there is no {path}")
    return load_checkpoint(path).train_config


def _log_to_terminal() -> None:
    root = logging.getLogger("muse_core")
    root.setLevel(logging.INFO)
    if not root.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(message)s"))
        root.addHandler(handler)


if __name__ == "__main__":
    sys.exit(main())
