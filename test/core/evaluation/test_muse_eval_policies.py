"""`muse eval` without a checkpoint: demonstrations of the expert, their replay, and what goes wrong in between."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from muse_core.datasets.episode_folder import EpisodeFolder
from muse_core.evaluation.config import EvaluateConfig, EvaluationError
from muse_core.evaluation.evaluate import main

pytest.importorskip("muse_core.environments.panda.mujoco_gl")


def run(folder: Path, *arguments: str) -> dict:
    """The results of one run of the command, without videos."""
    arguments = (*arguments, "--videos", "0", "--output", str(folder))
    assert main(list(arguments)) == 0
    return json.loads((folder / "results.json").read_text())


@pytest.fixture(scope="module")
def demonstrations(tmp_path_factory) -> Path:
    """Three demonstrations of `reach` without noise, recorded by two processes."""
    folder = tmp_path_factory.mktemp("data")
    arguments = ["--policy", "expert", "--task", "reach", "--episodes", "3", "--noise_m", "0", "--workers", "2"]
    results = run(folder / "out", *arguments, "--image_size", "16", "16", "--record", str(folder / "reach"))
    assert (results["successes"], results["seed"], results["policy"]) == (3, 1_000_000, "expert")
    return folder / "reach"


def test_demonstrations_hold_what_a_training_needs(demonstrations):
    folder = EpisodeFolder.open(demonstrations)
    assert folder.ids == ["seed_1000000", "seed_1000001", "seed_1000002"]
    assert folder.spec["image"].shape == (16, 16, 3) and folder.spec["action"].role == "action"
    assert folder.provenance["rate_hz"] == 10.0
    for episode in folder:
        assert episode.metadata["success"] and episode.metadata["task"] == "reach"
        assert episode.arrays["reward"].sum() == 1.0 and episode.arrays["image"].std() > 0


def test_a_training_starts_from_demonstrations_as_they_are(demonstrations):
    pytest.importorskip("torch")
    from muse_core.configs import TrainConfig
    from muse_core.trainers.setup import prepare

    assert prepare(TrainConfig(dataset=str(demonstrations), threads=1, device="cpu", validation_fraction=0.0))


def test_a_replay_of_demonstrations_without_noise_repeats_them_bit_by_bit(demonstrations, tmp_path):
    arguments = ["--policy", f"replay:{demonstrations}", "--task", "reach", "--image_size", "16", "16"]
    arguments += ["--seed", "1000000", "--episodes", "2", "--workers", "1", "--record", str(tmp_path / "again")]
    assert run(tmp_path / "out", *arguments)["successes"] == 2
    for again in EpisodeFolder.open(tmp_path / "again"):
        first = EpisodeFolder.open(demonstrations).get_episode(again.id)
        for key, array in first.arrays.items():
            np.testing.assert_array_equal(again.arrays[key], array, key)


def test_an_expert_that_is_recorded_is_shaken_by_default_but_its_label_is_not(tmp_path):
    arguments = ["--policy", "expert", "--task", "reach", "--episodes", "1", "--record", str(tmp_path / "reach")]
    run(tmp_path / "out", *arguments, "--workers", "1")
    folder = EpisodeFolder.open(tmp_path / "reach")
    assert folder.provenance["noise_m"] == 0.006
    episode = folder.get_episode(0)
    assert episode.metadata["clean_labels"] == len(episode)
    from muse_core.environments.panda.expert import GAIN, SPEED_M_S

    steps = np.linalg.norm(episode.arrays["action"][:, :3], axis=1)
    assert steps.max() <= SPEED_M_S / 10 + 1e-6, f"a clean step is capped; noise would exceed it ({GAIN=})"


def test_two_policies_are_compared_on_the_same_seeds(tmp_path):
    common = ["--task", "reach", "--episodes", "3", "--workers", "1", "--max_steps", "40"]
    run(tmp_path / "random", "--policy", "random", *common)
    found = run(tmp_path / "expert", "--policy", "expert", *common, "--baseline", str(tmp_path / "random"))
    comparison = found["comparison"]
    assert (comparison["baseline"], comparison["trials"], comparison["first_only"]) == ("random", 3, 3)
    assert comparison["difference"] == 1.0 and comparison["p_value"] == pytest.approx(2 / 8)


def test_episodes_begin_at_presets_and_are_reported_by_them(tmp_path, capsys):
    arguments = ["--policy", "expert", "--task", "reach", "--episodes", "2", "--workers", "1"]
    found = run(tmp_path / "out", *arguments, "--presets", "--group_by", "preset")
    names = [each["preset"] for each in found["results"]]
    assert len(set(names)) == 2 and set(found["groups"]["groups"]) == set(names)
    assert found["groups"]["worst"] == 1.0
    assert "worst preset: 100.0 %" in capsys.readouterr().out


def test_results_are_not_written_over(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    arguments = ["--policy", "expert", "--task", "reach", "--episodes", "1", "--workers", "1", "--videos", "0"]
    assert main(arguments) == main(arguments) == 0
    assert sorted(path.name for path in (tmp_path / "evaluations").iterdir()) == ["expert_reach", "expert_reach_2"]
    assert main([*arguments, "--output", "evaluations/expert_reach"]) == 2
    assert "holds the results of another evaluation; choose another --output" in capsys.readouterr().err
    assert main([*arguments, "--output", "evaluations/expert_reach", "--overwrite"]) == 0


def test_each_shown_episode_has_a_video_where_asked_for(tmp_path):
    pytest.importorskip("av")
    arguments = ["--policy", "expert", "--task", "reach", "--episodes", "3", "--workers", "1", "--videos", "2"]
    assert main([*arguments, "--video_per_episode", "--output", str(tmp_path)]) == 0
    assert sorted(path.name for path in tmp_path.glob("*.mp4")) == ["episode_1000.mp4", "episode_1001.mp4"]


def test_a_worker_that_cannot_begin_says_why(tmp_path, capsys):
    arguments = ["--policy", f"replay:{tmp_path}", "--task", "reach", "--episodes", "4", "--workers", "2"]
    assert main([*arguments, "--videos", "0", "--output", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert "no dataset" in said and "BrokenProcessPool" not in said and "Traceback" not in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--policy", "expert", "--task", "reach", "--presets", "--group_by", "colour"], "says nothing of it; it has"),
        (["--policy", "expert", "--task", "reach", "--group_by", "preset"], "begin at them with --presets"),
        (["--policy", "expert", "--task", "reach", "--baseline", "nowhere"], "no such results"),
    ],
)
def test_what_does_not_go_together_is_said(arguments, said, tmp_path, capsys):
    fixed = ["--episodes", "1", "--workers", "1", "--max_steps", "2", "--videos", "0", "--output", str(tmp_path / "o")]
    assert main([*arguments, *fixed]) == 2
    assert said in capsys.readouterr().err


def test_options_that_contradict_each_other_are_refused():
    with pytest.raises(EvaluationError, match="--policy expert needs a --task, such as lift"):
        EvaluateConfig(policy="expert")
    with pytest.raises(EvaluationError, match=r"who is to act\? Give --experiment, --model_file or --policy"):
        EvaluateConfig()
    with pytest.raises(EvaluationError, match="--policy random needs no --model_file and no --experiment"):
        EvaluateConfig(Path("x.pt"), policy="random", task="reach")
    with pytest.raises(EvaluationError, match="no policy 'expret', nor such a file; did you mean 'expert'"):
        _ = EvaluateConfig(policy="expret", task="reach").checkpoint_path
    with pytest.raises(EvaluationError, match="name two checkpoints: leave one out"):
        EvaluateConfig(Path("x.pt"), policy="y.pt")


def test_an_experiments_checkpoint_is_found_by_its_name(tmp_path, monkeypatch):
    models = tmp_path / "experiments" / "monday" / "models"
    models.mkdir(parents=True)
    for name in ("model.pt", "best_model.pt"):
        (models / name).touch()
    monkeypatch.chdir(tmp_path)
    folder = Path("experiments/monday")
    for config, expected in (
        (EvaluateConfig(experiment=Path("monday")), "model.pt"),
        (EvaluateConfig(experiment=folder), "model.pt"),
        (EvaluateConfig(Path("best_model.pt"), experiment=folder), "best_model.pt"),
        (EvaluateConfig(folder), "model.pt"),
        (EvaluateConfig(policy="experiments/monday/models/best_model.pt"), "best_model.pt"),
        (EvaluateConfig(folder / "models" / "best_model.pt", experiment=folder), "best_model.pt"),
    ):
        assert config.checkpoint_path == folder / "models" / expected
        assert config.output_path() == folder / "eval"
    with pytest.raises(EvaluationError, match=r"has no checkpoint 'best.pt'; did you mean 'best_model.pt'"):
        _ = EvaluateConfig(Path("best.pt"), experiment=folder).checkpoint_path
    with pytest.raises(EvaluationError, match="no experiment 'tuesday'"):
        _ = EvaluateConfig(experiment=Path("tuesday")).checkpoint_path
