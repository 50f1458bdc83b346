"""The command ``muse train``: a config file and overrides in, an experiment folder out.

Only what parses the command line is imported at once; torch is, when training begins.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from muse_core.configs import ConfigError, TrainConfig
from muse_core.datasets.store import DatasetError
from muse_core.trainers.command_line import USAGE, parse
from muse_core.trainers.experiment import LAST, Experiment, ExperimentError, is_remnant

logger = logging.getLogger("muse_core.trainers.train")

STOPPED = 130


def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 when training is done, 1 when it diverged, 2 when it could not begin, 130 when stopped."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        command = parse(arguments)
        if command is None:
            print(USAGE)
            return 0
        if command.print_only:
            print(command.config.to_json())
            return 0
        resume = command.resume
        if command.go_on and command.config.experiment_path.exists():
            resume = command.config.experiment_path
        return run(command.config, resume)
    except (ConfigError, DatasetError, ExperimentError, FileNotFoundError) as error:
        print(f"muse train: {error}", file=sys.stderr)
        return 2
    except ArithmeticError as error:
        print(f"muse train: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # nobody reads the output any more: `muse` ends quietly
        raise
    except OSError as error:  # a disk that is full or gone; what was saved before is whole
        print(
            f"muse train: {error}. What was saved is whole; mend it and `muse train --resume` goes on", file=sys.stderr
        )
        return 1


def run(config: TrainConfig, resume: Path | None = None) -> int:
    """Train, in a new experiment or in the one to resume; in each of the processes that torchrun started."""
    from muse_core.checkpoints import load_checkpoint
    from muse_core.trainers.board import Board, make_board
    from muse_core.trainers.distributed import processes_of_torchrun
    from muse_core.trainers.setup import prepare

    _log_to_terminal()
    path = resume or config.experiment_path
    if resume is None and path.exists() and not is_remnant(path):
        raise ExperimentError(Experiment.exists_message(path))
    newest = newest_model(path) if resume is not None else None
    begun = newest is not None
    if resume is not None and not begun:
        logger.info("%s was stopped before it saved a model: it begins anew", path)
    with processes_of_torchrun() as processes:
        if not processes.is_first:
            logging.getLogger("muse_core").setLevel(logging.WARNING)  # the first one says it for all
        trainer = prepare(config, load_checkpoint(newest) if begun else None, processes)
        if not processes.is_first:
            trainer.run(path / "models", Board())
            return 0
        experiment = Experiment.open(path, config) if begun else Experiment.create(path, config)
        step = trainer.progress.step
        board = None
        try:
            board = make_board(experiment.path, config, step)
            logger.info("experiment %s", experiment.path)
            logger.info("%s", trainer.describe())
            state = trainer.run(experiment.models, board)
        except BaseException:
            if not begun and trainer.progress.step == 0:
                experiment.remove()
            raise
        finally:
            if board is not None:
                board.close()
            experiment.close()
    held_out = f", held-out loss {state.validation_loss:.4f}" if state.validation_loss is not None else ""
    success = f", success {100 * state.success_rate:.0f} %" if state.success_rate is not None else ""
    print(f"{experiment.models / LAST}: {state.step} steps{held_out}{success}")
    if trainer.finished:
        return 0
    print(f"stopped early; `muse train --resume {experiment.path}` goes on")
    return STOPPED


def newest_model(path: Path) -> Path | None:
    """What an experiment goes on from: ``model.pt``, or where it was killed before the first, the last model it kept.

    All models of an experiment hold what training goes on from.
    """
    if (path / "models" / LAST).is_file():
        return path / "models" / LAST
    return max(path.glob("models/[!.]*.pt"), key=lambda model: model.stat().st_mtime_ns, default=None)


def _log_to_terminal() -> None:
    root = logging.getLogger("muse_core")
    root.setLevel(logging.INFO)
    if not root.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(message)s"))
        root.addHandler(handler)


if __name__ == "__main__":
    sys.exit(main())
