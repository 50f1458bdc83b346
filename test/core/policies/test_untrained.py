"""A checkpoint without training loads and acts like any other, and moves little."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from muse_core.checkpoints import load_checkpoint, save_checkpoint
from muse_core.configs import BCRNNConfig, TrainConfig
from muse_core.policies.learned import LearnedPolicy
from muse_core.policies.untrained import SMALL_ACTION, untrained_checkpoint
from muse_core.spec import ArraySpec, Spec

SPEC = Spec(
    {
        "q": ArraySpec((7,), "float32", "rad"),
        "image": ArraySpec((32, 32, 3), "uint8", "rgb"),
        "wrench": ArraySpec((6,), "float32", "N"),
        "action": ArraySpec((7,), "float32", "m", role="action"),
    }
)
CONFIG = TrainConfig(observations=("q", "image"), model=BCRNNConfig(hidden_size=16), device="cpu")


def actions_of(checkpoint) -> np.ndarray:
    policy = LearnedPolicy.from_checkpoint(checkpoint)
    rng = np.random.default_rng(0)
    return np.stack([policy.act(policy.observation_spec.sample(rng))["action"] for _ in range(20)])


def test_it_reads_only_its_own_keys_and_moves_little_but_not_nothing(tmp_path):
    checkpoint = untrained_checkpoint(CONFIG, SPEC, None, 10.0)
    save_checkpoint(tmp_path / "model.pt", checkpoint)
    policy = LearnedPolicy.from_checkpoint(tmp_path / "model.pt")
    assert list(policy.observation_spec) == ["q", "image"] and policy.rate_hz == 10.0
    actions = actions_of(load_checkpoint(tmp_path / "model.pt"))
    assert np.abs(actions).max() <= SMALL_ACTION and np.ptp(actions, axis=0).min() > 0


def test_the_same_seed_gives_the_same_policy_and_another_another():
    first, second, other = (actions_of(untrained_checkpoint(CONFIG, SPEC, None, 10.0, seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, second)
    assert np.abs(first - other).max() > 0
