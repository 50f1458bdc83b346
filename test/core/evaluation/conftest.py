"""Demonstrations in the point mass, for policies that learn from them within seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from muse_core.datasets.episode_folder import EpisodeFolder
from muse_core.environments.point_mass import PointMass
from muse_core.environments.point_mass_expert import PointMassExpert
from muse_core.spec import Spec


@pytest.fixture(scope="session")
def ways(tmp_path_factory) -> Path:
    """Forty ways of the shaken expert to its targets, the targets themselves not among the arrays."""
    environment, expert = PointMass(), PointMassExpert(noise=0.1)
    spec = Spec({**environment.observation_spec.select(["position", "velocity"]), **environment.action_spec})
    folder = EpisodeFolder.create(tmp_path_factory.mktemp("data") / "ways", spec, provenance={"rate_hz": 10.0})
    for seed in range(40):
        observation, _ = environment.reset(seed=seed)
        rows, over = [], False
        while not over:
            label = PointMassExpert().act(observation)
            rows.append({**observation, **label})
            observation, _, terminated, truncated, _ = environment.step(expert.act(observation))
            over = terminated or truncated
        folder.add_episode(f"way_{seed:02d}", {name: np.stack([row[name] for row in rows]) for name in spec})
    return folder.path
