"""A checkpoint that has learnt nothing, and demonstrations in the point mass to learn from within seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from muse_core.datasets.episode_folder import EpisodeFolder
from muse_core.environments.point_mass import PointMass
from muse_core.environments.point_mass_expert import PointMassExpert
from muse_core.spec import Spec


@pytest.fixture
def checkpoint(tiny_dataset, tmp_path) -> Path:
    pytest.importorskip("torch")
    from muse_core.configs import TrainConfig
    from muse_core.trainers.setup import prepare

    path = tmp_path / "experiment" / "models" / "model.pt"
    prepare(TrainConfig(dataset=str(tiny_dataset.path), task="lift", threads=1, device="cpu")).save(path)
    return tmp_path / "experiment"


@pytest.fixture(scope="session")
def ways(tmp_path_factory) -> Path:
    """A hundred ways of the shaken expert to its targets, the targets themselves not among the arrays."""
    environment, expert = PointMass(), PointMassExpert(noise=0.1)
    spec = Spec({**environment.observation_spec.select(["position", "velocity"]), **environment.action_spec})
    folder = EpisodeFolder.create(tmp_path_factory.mktemp("data") / "ways", spec, provenance={"rate_hz": 10.0})
    for seed in range(100):
        observation, _ = environment.reset(seed=seed)
        rows, over = [], False
        while not over:
            label = PointMassExpert().act(observation)
            rows.append({**observation, **label})
            observation, _, terminated, truncated, _ = environment.step(expert.act(observation))
            over = terminated or truncated
        folder.add_episode(f"way_{seed:03d}", {name: np.stack([row[name] for row in rows]) for name in spec})
    return folder.path
