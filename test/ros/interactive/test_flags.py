"""The original's flags: who acts, where the files go, when it is enough, and what contradicts what."""

from pathlib import Path

import pytest

from muse_ros.interactive.flags import LARGEST_CAPACITY, FlagError, parse

CONFIG = "config/train/sim/lift.py"
WITH_CONFIG = [CONFIG, "--dataset", "lift", "--exp_name", "monday"]


@pytest.fixture
def experiment(tmp_path):
    """An experiment `monday` with one checkpoint; its folder's parent as flags of the config."""
    models = tmp_path / "monday" / "models"
    models.mkdir(parents=True)
    (models / "model.pt").write_bytes(b"")
    return ["--experiments_dir", str(tmp_path)]


def test_the_originals_command_line_finds_the_experiments_model_and_folder(experiment, tmp_path):
    plan = parse(
        ["--max_steps", "10000", "--model_file", "model.pt", "--save_file", "robot_eval.npz", *WITH_CONFIG, *experiment]
    )
    assert plan.model_file == str(tmp_path / "monday/models/model.pt")
    assert plan.save_file == tmp_path / "monday/robot_eval.npz"
    assert plan.session == "monday-robot_eval"
    assert plan.dataset == Path("data/monday-robot_eval")
    assert (plan.max_steps, plan.max_eps) == (10000, None)


def test_without_a_config_the_file_lies_where_it_says_and_a_person_acts():
    plan = parse(["--max_eps", "5", "--save_file", "here/mine.npz", "task:=reach", "teleop:=gamepad"])
    assert plan.save_file == Path("here/mine.npz")
    assert plan.session == "mine"
    assert plan.model_file is None
    assert plan.arguments == {"task": "reach", "teleop": "gamepad"}
    assert (plan.max_steps, plan.max_eps) == (LARGEST_CAPACITY, 5)


def test_a_save_file_with_a_folder_is_not_moved_to_the_experiment(experiment):
    assert parse(["--max_eps", "5", "--save_file", "data/mine.npz", *WITH_CONFIG, *experiment]).save_file == Path(
        "data/mine.npz"
    )


def test_what_a_flag_says_is_not_said_again_as_an_argument_and_the_session_may_be_named():
    with pytest.raises(FlagError, match="dataset:=data/x: say it by its flag, --dataset_save_group"):
        parse(["--max_eps", "1", "--save_file", "a.npz", "dataset:=data/x"])
    plan = parse(["--max_eps", "1", "--save_file", "a.npz", "session:=monday", "task:=reach"])
    assert (plan.session, plan.dataset.name) == ("monday", "a")
    assert plan.arguments == {"task": "reach"}


def test_capacity_bounds_the_rows_as_max_steps_does():
    assert parse(["--max_steps", "500", "--capacity", "300", "--save_file", "a.npz"]).max_steps == 300
    assert parse(["--max_steps", "500", "--save_file", "a.npz"]).max_steps == 500
    assert parse(["--max_eps", "5", "--capacity", "1e3", "--save_file", "a.npz"]).max_steps == 1000


def test_a_checkpoint_that_is_not_there_is_named_with_those_that_are(experiment, tmp_path):
    with pytest.raises(FlagError, match=r"best\.pt: no such checkpoint; .*/monday/models has model\.pt"):
        parse(["--max_eps", "5", "--model_file", "best.pt", "--save_file", "a.npz", *WITH_CONFIG, *experiment])


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (["--model_file", "x.pt", "--random_policy"], "--model_file and --random_policy"),
        (["--model_file", "x.pt", "--no_model_file"], "--model_file and --no_model_file"),
        (["--save_file", "a.txt"], r"a\.txt: must end in"),
        (["lift"], "'lift' is neither a flag nor a config"),
    ],
)
def test_what_contradicts_itself_is_refused_by_name(flags, complaint):
    with pytest.raises(FlagError, match=complaint):
        parse(["--max_eps", "5", "--save_file", "a.npz", *flags])


@pytest.mark.parametrize("until", [[], ["--max_eps", "5", "--max_steps", "5"], ["--max_eps", "0"], ["--max_eps", "-1"]])
def test_one_bound_is_needed_and_it_is_a_count(until, capsys):
    with pytest.raises(SystemExit):
        parse([*until, "--save_file", "a.npz"])
    assert "max_" in capsys.readouterr().err


def test_a_misspelt_flag_is_named_with_the_one_that_was_meant():
    with pytest.raises(FlagError, match=r"--save_fle is no flag of this command.*--save_file"):
        parse(["--max_eps", "5", "--save_fle", "a.npz"])


def test_each_of_the_originals_flags_is_there():
    plan = parse(
        [
            "--max_eps",
            "3",
            "--save_file",
            "out/a.npz",
            "--no_model_file",
            "--save_episodic",
            "--save_start_ep",
            "7",
            "--dataset_save_group",
            "mine",
            "--track_returns",
            "--reduce_returns",
            "max",
            "--print_policy_name",
            "--print_last_obs",
            "--use_env_display",
        ]
    )
    assert plan.episodic
    assert plan.file_of(2) == Path("out/a_ep9.npz")
    assert plan.dataset == Path("data/mine")
    assert (plan.returns, plan.show_policy, plan.show_last, plan.window) == ("max", True, True, "true")


def test_returns_are_shown_only_when_asked_for():
    assert parse(["--max_eps", "3", "--save_file", "a.npz", "--reduce_returns", "max"]).returns is None


def test_a_random_policy_is_called_random():
    assert parse(["--max_eps", "3", "--save_file", "a.npz", "--random_policy"]).model_file == "random"
