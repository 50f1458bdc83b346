"""A dataset held on a device gives the batches that the one on disk gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from muse_core.datasets.episode_folder import EpisodeFolder
from muse_core.datasets.sequence import Goal, SequenceDataset
from muse_core.spec import ArraySpec, Spec

torch = pytest.importorskip("torch")

from muse_core.datasets.device import DeviceDataset, device_bytes  # noqa: E402

SPEC = Spec(
    {
        "q": ArraySpec((2,), "float64"),
        "image": ArraySpec((4, 5, 3), "uint8"),
        "mass": ArraySpec((), role="episode"),
        "clicked": ArraySpec((1,), "bool", role="output"),
        "action": ArraySpec((1,), role="action"),
    }
)


def test_every_window_is_the_same(tmp_path: Path):
    made = EpisodeFolder.create(tmp_path / "set", SPEC)
    for number, length in enumerate((2, 5, 3)):
        made.add_episode(f"e{number}", SPEC.sample(np.random.default_rng(number), length))
    goal = Goal(("q", "image"), "future")
    data = SequenceDataset(made, list(SPEC), 4, observation_steps=2, goal=goal, episodes=[2, 1], pad_start=1)
    held = DeviceDataset(data, "cpu")
    assert len(held) == len(data)
    indices = np.random.default_rng(0).permutation(len(data))
    positions = indices + 100
    expected, found = data.get_batch(indices, positions=positions), held.get_batch(indices, positions=positions)
    assert set(found) == set(expected)
    for name, array in expected.items():
        assert np.array_equal(found[name].numpy(), array) and found[name].numpy().dtype == array.dtype, name
    assert device_bytes(data) == 8 * (2 * 4 + 60 + 1 + 4) + 2 * 4
