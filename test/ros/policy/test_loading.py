"""In place of a checkpoint: actions at random, other ones in every episode, of a demonstration's size."""

import numpy as np
import pytest

from muse_core.policies.random import EE_DELTA_LIMITS
from muse_ros.contract.contract import Contract, load_contract
from muse_ros.policy.fit import PolicyMismatch
from muse_ros.policy.loading import RANDOM, load_policy

CONTRACT = load_contract("panda_sim")


def test_a_random_policy_keeps_a_demonstrations_size_and_acts_otherwise_in_every_episode():
    loaded = load_policy(RANDOM, "cpu", 1, CONTRACT)
    episodes = []
    for _ in range(2):
        loaded.policy.reset()
        episodes.append([loaded.policy.act({})["action"] for _ in range(50)])
    low, high = EE_DELTA_LIMITS
    assert (np.array(episodes) >= low).all()
    assert (np.array(episodes) <= high).all()
    assert np.ptp(np.array(episodes[0])[:, 0]) > 0.02
    assert (np.array(episodes[0]) != np.array(episodes[1])).any(axis=1).all()


def test_a_random_policy_waits_for_no_picture():
    contract = load_policy(RANDOM, "cpu", 1, CONTRACT).contract
    assert len(contract.observations) == 1
    assert not next(iter(contract.observations.values())).is_image


def test_a_random_policy_needs_a_contract_of_tool_deltas():
    with pytest.raises(PolicyMismatch, match="set parameter contract"):
        load_policy(RANDOM, "cpu", 1, None)
    content = CONTRACT.to_dict()
    content["actions"]["action"] |= {"space": "joint_delta", "shape": [8]}
    with pytest.raises(PolicyMismatch, match="'action' is joint_delta"):
        load_policy(RANDOM, "cpu", 1, Contract.from_dict(content))


def test_the_threads_of_an_inference_are_bounded_before_any_model_is_loaded(monkeypatch, tmp_path):
    torch = pytest.importorskip("torch")
    bounds = []
    monkeypatch.setattr(torch, "set_num_threads", bounds.append)
    with pytest.raises(FileNotFoundError):
        load_policy(str(tmp_path / "none.pt"), "cpu", 3, None)
    assert bounds == [3]
