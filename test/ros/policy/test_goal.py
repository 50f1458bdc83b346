"""The goal of a goal-conditioned policy: from a file or an episode's end, and what is said where that cannot be."""

from __future__ import annotations

import numpy as np
import pytest

from muse_core.datasets.episode_folder import EpisodeFolder
from muse_core.spec import ArraySpec, Spec
from muse_ros.policy.fit import PolicyMismatch
from muse_ros.policy.goal import load_goal

NEEDED = Spec({"goal/ee_position": ArraySpec((3,), "float32", "m")})


@pytest.mark.parametrize("name", ["goal/ee_position", "ee_position"])
def test_a_file_of_arrays_names_its_goals_either_way(tmp_path, name):
    np.savez(tmp_path / "goal.npz", **{name: np.array([1, 2, 3], np.float32)})
    assert load_goal(str(tmp_path / "goal.npz"), NEEDED)["goal/ee_position"].tolist() == [1, 2, 3]


def test_the_goal_of_an_episode_is_where_it_ended(tmp_path):
    dataset = EpisodeFolder.create(tmp_path / "data", Spec({"ee_position": ArraySpec((3,), "float32", "m")}))
    dataset.add_episode("first", {"ee_position": np.arange(12, dtype=np.float32).reshape(4, 3)})
    assert load_goal(str(tmp_path / "data/first"), NEEDED)["goal/ee_position"].tolist() == [9, 10, 11]


def test_a_policy_without_goals_needs_none():
    assert load_goal("", Spec({})) == {}


@pytest.mark.parametrize(
    ("path", "spec", "said"),
    [
        ("", NEEDED, r"needs a goal \(goal/ee_position\): set parameter goal_file"),
        ("goal.npz", Spec({}), "not conditioned on a goal: leave it empty"),
        ("wrong.npz", NEEDED, r"wrong.npz: .*expected shape \(3\), got \(2,\)"),
        ("other.npz", NEEDED, "other.npz: .*ee_position.*; the policy needs goal/ee_position"),
        ("empty", NEEDED, "is no dataset"),
    ],
)
def test_what_does_not_fit_is_said(tmp_path, monkeypatch, path, spec, said):
    monkeypatch.chdir(tmp_path)
    np.savez("wrong.npz", ee_position=np.zeros(2, np.float32))
    np.savez("other.npz", q=np.zeros(7))
    (tmp_path / "empty").mkdir()
    with pytest.raises(PolicyMismatch, match=said):
        load_goal(path, spec)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load_goal(str(tmp_path / "nowhere.npz"), NEEDED)


def test_a_checkpoint_that_is_conditioned_on_a_goal_is_loaded_with_one_and_refused_without(tmp_path):
    pytest.importorskip("torch")
    from muse_core.checkpoints import save_checkpoint
    from muse_core.configs import BCRNNConfig, GoalConfig, TrainConfig
    from muse_core.policies.untrained import untrained_checkpoint
    from muse_ros.contract.contract import load_contract
    from muse_ros.policy.loading import load_policy

    contract, model = load_contract("panda_sim"), str(tmp_path / "model.pt")
    config = TrainConfig(
        observations=("ee_position",), goal=GoalConfig(keys=("ee_position",)), model=BCRNNConfig(hidden_size=8)
    )
    save_checkpoint(model, untrained_checkpoint(config, contract.spec(), contract.to_dict(), 10.0))
    with pytest.raises(PolicyMismatch, match=r"needs a goal \(goal/ee_position\)"):
        load_policy(model, "cpu", 1, None)
    actions = []
    for place in (0.0, 0.3):
        np.savez(tmp_path / "goal.npz", ee_position=np.full(3, place, np.float32))
        loaded = load_policy(model, "cpu", 1, None, str(tmp_path / "goal.npz"))
        actions.append(loaded.policy.act({"ee_position": np.zeros(3, np.float32)})["action"])
        assert list(loaded.contract.observations) == ["ee_position"] and loaded.readiness.chunk == 1
    assert not np.array_equal(*actions), "the goal is heeded"
