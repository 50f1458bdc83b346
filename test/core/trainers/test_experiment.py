"""The folder of an experiment: what begins one, goes on with one, and what a killed start leaves."""

from __future__ import annotations

import fcntl
import json
import subprocess
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("tensorboard")

from muse_core.checkpoints import load_checkpoint  # noqa: E402
from muse_core.configs import TrainConfig  # noqa: E402
from muse_core.trainers.experiment import Experiment, ExperimentError, is_remnant  # noqa: E402
from muse_core.trainers.git_state import git_state  # noqa: E402

ONE = Path("experiments/one")


def test_a_start_that_was_killed_does_not_block_its_retry(train):
    Experiment.create(ONE, TrainConfig()).close()  # as kill -9 leaves it: no model yet
    (ONE / "models" / ".model.pt.partial").write_bytes(b"half")
    (ONE / "events.out.tfevents.1").touch()
    assert is_remnant(ONE)
    assert train("--exp_name", "one", "--max_steps", "2") == 0
    assert load_checkpoint(ONE / "models" / "model.pt").step == 2
    assert not (ONE / "events.out.tfevents.1").exists()


def test_a_folder_with_a_model_or_with_anything_not_ours_is_never_cleared(train, capsys):
    Experiment.create(ONE, TrainConfig()).close()
    (ONE / "notes.txt").write_text("mine")
    assert train("--exp_name", "one") == 2
    assert "exists already" in capsys.readouterr().err
    assert (ONE / "notes.txt").read_text() == "mine"


def test_one_process_at_a_time_trains_an_experiment(train, capsys):
    running = Experiment.create(ONE, TrainConfig())
    assert train("--exp_name", "one") == 2
    assert "is being trained by another process" in capsys.readouterr().err
    assert (ONE / "config.json").is_file()
    running.close()
    with (ONE / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_run_killed_before_its_first_save_begins_anew_on_resume(train):
    assert train("--exp_name", "straight", "--max_steps", "3", "--seed", "4") == 0
    assert train("--exp_name", "one", "--max_steps", "3", "--seed", "4") == 0
    for model in (ONE / "models").glob("*.pt"):
        model.unlink()
    assert train("--resume", str(ONE), config=False) == 0
    ours, theirs = (load_checkpoint(f"experiments/{n}/models/model.pt").model for n in ("one", "straight"))
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_a_run_killed_between_its_best_model_and_its_first_save_goes_on_from_the_best(train):
    steps = ("--max_steps", "4", "--validation_fraction", "0.5", "--validate_every", "2")
    assert train("--exp_name", "straight", *steps) == 0
    assert train("--exp_name", "one", *steps) == 0
    assert (ONE / "models" / "best_model.pt").is_file()
    (ONE / "models" / "model.pt").unlink()
    assert train("--resume", str(ONE), config=False) == 0
    ours, theirs = (load_checkpoint(f"experiments/{n}/models/model.pt").model for n in ("one", "straight"))
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_continue_begins_an_experiment_and_later_goes_on_with_it(train):
    for steps in ("2", "5"):
        assert train("--exp_name", "one", "--max_steps", steps, "--continue") == 0
        assert load_checkpoint(ONE / "models" / "model.pt").step == int(steps)
    assert json.loads((ONE / "config.json").read_text())["max_steps"] == 5


def test_what_is_overridden_on_resume_is_recorded_and_stays(train):
    assert train("--exp_name", "one", "--max_steps", "2") == 0
    assert train("--resume", str(ONE), "--max_steps", "4", "--log_every", "1", config=False) == 0
    saved = json.loads((ONE / "config.json").read_text())
    assert (saved["max_steps"], saved["log_every"]) == (4, 1)
    assert TrainConfig.from_dict(saved) == load_checkpoint(ONE / "models" / "model.pt").train_config
    assert train("--resume", str(ONE), config=False) == 0  # needs nothing else
    assert load_checkpoint(ONE / "models" / "model.pt").step == 4


def test_a_damaged_config_says_which_file(train, capsys):
    assert train("--exp_name", "one", "--max_steps", "2") == 0
    (ONE / "config.json").write_text('{"max_stepz": 3}')
    assert train("--resume", str(ONE), config=False) == 2
    assert "unknown key 'max_stepz'; did you mean 'max_steps'" in capsys.readouterr().err
    (ONE / "config.json").write_text("{")
    assert train("--resume", str(ONE), config=False) == 2
    assert "experiments/one/config.json is no JSON" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_an_error_of_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ExperimentError, match="cannot be written"):
        Experiment.create(tmp_path / "file" / "one", TrainConfig())


def test_the_state_of_git_lists_what_is_new_and_what_differs(tmp_path):
    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=t", "-c", "user.email=t@t")
        subprocess.run(["git", "-C", str(tmp_path), *identity, *arguments], check=True, capture_output=True)

    git("init")
    (tmp_path / "old.py").write_text("a = 1\n")
    git("add", "old.py")
    git("commit", "-m", "one")
    (tmp_path / "old.py").write_text("a = 2\n")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "new.py").write_text("")
    commit, diff = git_state(tmp_path / "sub")
    assert len(commit) == 40
    assert "untracked: sub/new.py\n" in diff and "+a = 2" in diff
    assert git_state(Path("/")) == ("", "")
