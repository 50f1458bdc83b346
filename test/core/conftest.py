"""Small made-up datasets that a model can learn from, for the tests of the learning library."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from muse_core.datasets.episode_folder import EpisodeFolder
from muse_core.spec import ArraySpec, Spec

pytest.register_assert_rewrite("conformance.environments", "conformance.models", "conformance.policies")

TINY_SPEC = Spec(
    {
        "ee_position": ArraySpec((3,), unit="m"),
        "ee_orientation": ArraySpec((4,), unit="quaternion xyzw"),
        "gripper_width": ArraySpec((1,), unit="m"),
        "image": ArraySpec((16, 16, 3), "uint8", unit="rgb"),
        "ego_image": ArraySpec((16, 16, 3), "uint8", unit="rgb"),
        "action": ArraySpec((7,), role="action"),
    }
)


def tiny_episode(rng: np.random.Generator, length: int) -> dict[str, np.ndarray]:
    """The action points from the hand to a bright pixel that only the front camera sees; the gripper closes halfway."""
    row, column = rng.integers(2, 14, 2)
    arrays = TINY_SPEC.zeros(length)
    arrays["ee_position"] = rng.normal(0, 0.1, (length, 3)).astype(np.float32)
    arrays["ee_orientation"][:, 0] = 1.0
    arrays["gripper_width"][:, 0] = rng.uniform(0, 0.08, length)
    arrays["image"][:, row - 1 : row + 2, column - 1 : column + 2] = 255
    target = np.array([row / 16 - 0.5, column / 16 - 0.5, 0.0], np.float32) * 0.1
    arrays["action"][:, :3] = 0.1 * (target - arrays["ee_position"])
    arrays["action"][length // 2 :, 6] = 1.0
    return arrays


def make_tiny_dataset(path: Path, episodes: int = 8, length: int = 12, rate_hz: float = 10.0) -> EpisodeFolder:
    """A dataset of `episodes` made-up episodes."""
    folder = EpisodeFolder.create(path, TINY_SPEC, provenance={"rate_hz": rate_hz, "source": "made up for tests"})
    rng = np.random.default_rng(3)
    for i in range(episodes):
        folder.add_episode(f"episode_{i:03d}", tiny_episode(rng, length), {"success": True})
    return folder


@pytest.fixture
def tiny_dataset(tmp_path: Path) -> EpisodeFolder:
    """Eight episodes of twelve steps, in ``data/tiny`` of a temporary folder."""
    return make_tiny_dataset(tmp_path / "data" / "tiny")
