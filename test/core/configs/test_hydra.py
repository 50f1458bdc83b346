"""What HYDRA's config refuses, and which labels it learns from."""

from __future__ import annotations

import pytest

from muse_core.configs import ConfigError, HydraConfig, MixtureHeadConfig, TrainConfig


def test_the_labels_follow_from_the_keys():
    assert HydraConfig().labels == ("mode", "target/ee_position", "target/ee_orientation", "target/gripper")
    assert HydraConfig(position="p", orientation="", gripper="none").labels == ("mode", "target/p")
    assert HydraConfig(gripper="action").labels == ("mode", "target/ee_position", "target/ee_orientation")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"gamma": 0.6}, r"model.gamma must be in \[0, 0.5\], got 0.6"),
        ({"mode_beta": 0.0}, "model.mode_beta must be positive, got 0.0"),
        ({"gain": 1.5}, r"model.gain must be in \(0, 1\], got 1.5"),
        ({"tolerance_m": 0.0}, "model.tolerance_m must be positive, got 0.0"),
        ({"mode_sizes": (8, 0)}, r"model.mode_sizes must be positive, got \(8, 0\)"),
        ({"position": ""}, "model.position must be the key of an observation, got ''"),
        ({"waypoint": "both"}, "waypoint must be one of 'absolute', 'relative', got 'both'"),
        ({"head": MixtureHeadConfig(bounded=True)}, "normalization must be min_max with a bounded mixture head"),
    ],
)
def test_what_cannot_be_is_refused_by_name(fields, message):
    with pytest.raises(ConfigError, match=message):
        HydraConfig(**fields)


def test_it_comes_back_from_plain_data():
    config = TrainConfig(model=HydraConfig(gamma=0.1, mode_sizes=(8,), waypoint="relative"))
    assert TrainConfig.from_dict(config.to_dict()) == config
