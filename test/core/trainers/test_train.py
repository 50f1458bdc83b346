"""`muse train`, from the command line to the experiment's folder."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("tensorboard")
pytest.importorskip("tyro")

from muse_core.checkpoints import load_checkpoint  # noqa: E402
from muse_core.trainers.train import main  # noqa: E402


def weights(experiment: str) -> dict[str, torch.Tensor]:
    return load_checkpoint(Path("experiments") / experiment / "models" / "model.pt").model


def test_an_experiment_holds_config_git_log_metrics_events_and_models(train):
    options = ("--validation_fraction", "0.3", "--log_every", "2", "--checkpoint_every", "3")
    assert train("--exp_name", "one", "--max_steps", "6", *options) == 0
    folder = Path("experiments/one")
    assert {p.name for p in (folder / "models").iterdir()} == {
        "model.pt", "best_model.pt", "chkpt_0000000003.pt", "chkpt_0000000006.pt"
    }  # fmt: skip
    config = json.loads((folder / "config.json").read_text())
    assert (config["max_steps"], config["model"]["hidden_size"]) == (6, 16)
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if "train/loss" in line] == [2, 4, 6]
    assert any("validation/loss" in line for line in lines)
    assert "done after 6 steps" in (folder / "log.txt").read_text()
    assert (folder / "git" / "diff.txt").exists()
    assert list(folder.glob("events.out.tfevents.*"))


def test_a_run_too_short_for_an_entry_in_the_log_ends_with_one(train):
    assert train("--exp_name", "short", "--max_steps", "3", "--log_every", "50") == 0
    lines = [json.loads(line) for line in Path("experiments/short/metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if "train/loss" in line] == [3]


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(train):
    for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        assert train("--exp_name", name, "--max_steps", "4", "--seed", seed) == 0
    a, b, c = weights("a"), weights("b"), weights("c")
    assert all(torch.equal(a[key], b[key]) for key in a)
    assert not all(torch.equal(a[key], c[key]) for key in a)


def test_a_resumed_run_ends_with_the_weights_of_one_that_ran_through(train):
    # The schedule follows max_steps, so both runs must be told of the same end from the beginning.
    options = ("--max_steps", "8", "--validation_fraction", "0.3", "--validate_every", "3")
    assert train("--exp_name", "straight", *options, "--checkpoint_every", "3") == 0
    broken = Path("experiments/broken/models")
    broken.mkdir(parents=True)
    (Path("experiments/straight/models/chkpt_0000000003.pt")).rename(broken / "model.pt")
    assert train("--resume", "experiments/broken", config=False) == 0
    straight, resumed = weights("straight"), weights("broken")
    assert all(torch.equal(straight[key], resumed[key]) for key in straight)


def test_a_run_is_not_resumed_on_other_data_or_with_another_model(train, tiny_dataset, capsys):
    assert train("--exp_name", "one", "--max_steps", "2") == 0
    assert train("--resume", "experiments/one", "--model.hidden_size", "8", config=False) == 2
    assert "cannot resume: Error(s) in loading state_dict for BCRNN. Model, dataset" in capsys.readouterr().err
    tiny_dataset.remove_episode("episode_003")
    assert train("--resume", "experiments/one", config=False) == 2
    assert "cannot resume: the episodes to learn from are not the same" in capsys.readouterr().err


def test_a_resumed_run_logs_every_step_once(train):
    options = ("--max_steps", "6", "--log_every", "1")
    assert train("--exp_name", "one", *options, "--checkpoint_every", "3") == 0
    folder = Path("experiments/one")
    (folder / "models" / "chkpt_0000000003.pt").rename(folder / "models" / "model.pt")
    with (folder / "metrics.jsonl").open("a") as file:
        file.write('{"step": 7, "tr')  # as a crash leaves it
    assert train("--resume", "experiments/one", config=False) == 0
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if "train/loss" in line] == [1, 2, 3, 4, 5, 6]


def test_a_disk_that_fills_up_ends_the_run_in_one_line_and_the_run_goes_on_later(train, capsys, monkeypatch):
    assert train("--exp_name", "one", "--max_steps", "2") == 0

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("muse_core.trainers.trainer.save_checkpoint", full)
        assert train("--resume", "experiments/one", "--max_steps", "4", config=False) == 1
    assert "No space left on device. What was saved is whole" in capsys.readouterr().err
    assert train("--resume", "experiments/one", "--max_steps", "4", config=False) == 0


def test_an_existing_experiment_is_refused_and_stays_as_it_was(train, capsys):
    assert train("--exp_name", "one", "--max_steps", "2") == 0
    before = Path("experiments/one/models/model.pt").read_bytes()
    assert train("--exp_name", "one", "--max_steps", "3") == 2
    assert "experiment experiments/one exists already" in capsys.readouterr().err
    assert Path("experiments/one/models/model.pt").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--dataset", "missing"], "no dataset 'missing' in data: data has tiny. Name one with --dataset"),
        (["--observations", "ee_position", "imagee"], "has no imagee; it has ee_position, ee_orientation"),
        (["--observations", "ee_position", "--actions", "image"], "image is an image, which is no action"),
        (["--augment.shift", "16"], "a shift of 16 px leaves nothing of image"),
        (["--precision", "float16"], "--precision float16 is for GPUs; on a CPU use float32"),
        (["--device", "cuda:99"], "device 'cuda:99' cannot be used here"),
    ],
)
def test_a_failed_start_says_why_and_leaves_nothing_behind(train, capsys, arguments, message):
    assert train("--exp_name", "one", *arguments) == 2
    assert message in capsys.readouterr().err
    assert not Path("experiments").exists()


def test_episodes_labelled_as_failures_are_left_out_unless_asked_for(train, tiny_dataset):
    arrays = {name: np.array(array) for name, array in tiny_dataset.get_episode(0).arrays.items()}
    tiny_dataset.add_episode("failed", arrays, {"success": False})
    tiny_dataset.add_episode("unlabelled", arrays, {"success": None})
    for name, flag, used in (("without", [], 9), ("with", ["--include_failures"], 10)):
        assert train("--exp_name", name, "--max_steps", "1", "--validation_fraction", "0", *flag) == 0
        assert f"{used} episodes" in Path(f"experiments/{name}/log.txt").read_text()


def test_a_dataset_of_failures_alone_cannot_be_trained_on(train, tiny_dataset, capsys):
    for name in list(tiny_dataset.ids):
        arrays = {key: np.array(array) for key, array in tiny_dataset.get_episode(name).arrays.items()}
        tiny_dataset.remove_episode(name)
        tiny_dataset.add_episode(name, arrays, {"success": False})
    assert train("--exp_name", "one") == 2
    assert "none of 8 episodes is left to train on; see --validation_fraction" in capsys.readouterr().err


def test_training_that_diverges_stops_and_says_what_to_change(train, capsys):
    options = ("--max_gradient_norm", "1e30", "--warmup_steps", "0", "--log_every", "1")
    assert train("--exp_name", "one", "--max_steps", "50", "--learning_rate", "1e30", *options) == 1
    assert "training has diverged. Lower --learning_rate" in capsys.readouterr().err


def test_a_misspelt_flag_is_an_error_that_suggests_the_right_one(train, capsys):
    with pytest.raises(SystemExit) as stopped:
        train("--max_stepz", "3")
    assert stopped.value.code == 2
    assert "--max_steps" in capsys.readouterr().err


def test_a_value_out_of_range_is_named(train, capsys):
    with pytest.raises(SystemExit) as stopped:
        train("--learning_rate", "-1")
    assert stopped.value.code == 2
    assert "learning_rate must be positive, got -1.0" in capsys.readouterr().err


def test_resuming_what_is_no_experiment_is_refused(train, capsys):
    assert train("--resume", "experiments/none", config=False) == 2
    assert (
        "there is neither experiments/none/config.json nor experiments/none/models/model.pt" in capsys.readouterr().err
    )


def test_without_arguments_it_shows_how_it_is_used(capsys):
    assert main([]) == 0
    assert "muse train config/train/sim/lift.py --dataset lift" in capsys.readouterr().out


def test_sigterm_saves_a_checkpoint_that_resumes(workplace, train):
    options = ("--max_steps", "1000000", "--log_every", "1", "--save_every", "1000000", "--exp_name", "stopped")
    child = workplace.begin(*workplace.lift, *options)
    assert workplace.reached(child, "stopped", 4), workplace.log().read_text()
    child.send_signal(signal.SIGTERM)
    assert child.wait(timeout=workplace.patience_s) == 130
    saved = load_checkpoint("experiments/stopped/models/model.pt").step
    assert saved >= 4
    assert train("--resume", "experiments/stopped", "--max_steps", str(saved + 2), config=False) == 0
    assert load_checkpoint("experiments/stopped/models/model.pt").step == saved + 2
