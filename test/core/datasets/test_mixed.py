"""Several datasets as one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from muse_core.datasets.episode_folder import EpisodeFolder
from muse_core.datasets.mixed import MixedDataset
from muse_core.datasets.sequence import SequenceDataset
from muse_core.spec import ArraySpec, Spec


def dataset(path: Path, first: int, length: int, dtype: str = "float32", horizon: int = 2) -> SequenceDataset:
    """One episode whose values count from `first`."""
    spec = Spec({"q": ArraySpec((1,), dtype), "image": ArraySpec((2, 2, 3), "uint8")})
    made = EpisodeFolder.create(path, spec)
    code = first + np.arange(length)
    images = np.broadcast_to(code[:, None, None, None], (length, 2, 2, 3)).astype(np.uint8)
    made.add_episode("e", {"q": code[:, None].astype(dtype), "image": images})
    return SequenceDataset(made, ["q", "image"], horizon, goal_keys=("q",), memory_bytes=0)


def test_windows_follow_one_another_and_a_batch_may_mix_them(tmp_path):
    mixed = MixedDataset({"a": dataset(tmp_path / "a", 0, 3), "b": dataset(tmp_path / "b", 50, 2)})
    assert len(mixed) == 5 and mixed.sizes == [3, 2] and mixed.ids == ["e", "e"] and not mixed.in_memory
    batch = mixed.get_batch([4, 0, 3, 2])
    assert batch["q"][..., 0].tolist() == [[51, 51], [0, 1], [50, 51], [2, 2]]
    assert batch["image"][..., 0, 0, 0].tolist() == [[51, 51], [0, 1], [50, 51], [2, 2]]
    assert batch["goal/q"][:, 0].tolist() == [51, 2, 51, 2]
    assert batch["mask"].tolist() == [[True, False], [True, True], [True, True], [True, False]]


def test_statistics_count_every_row_once(tmp_path):
    mixed = MixedDataset({"a": dataset(tmp_path / "a", 0, 3), "b": dataset(tmp_path / "b", 50, 2)})
    found, values = mixed.statistics()["q"], np.array([0, 1, 2, 50, 51])
    assert found.count == 5 and found.low == 0 and found.high == 51
    assert found.mean == pytest.approx(values.mean()) and found.std == pytest.approx(values.std())


def test_datasets_that_do_not_fit_are_named(tmp_path):
    one, bytes_, longer = (
        dataset(tmp_path / name, 0, 3, dtype, horizon)
        for name, dtype, horizon in (("a", "float32", 2), ("b", "uint8", 2), ("c", "float32", 3))
    )
    with pytest.raises(ValueError, match=r"q is float32\[1\] in sim but uint8\[1\] in real"):
        MixedDataset({"sim": one, "real": bytes_})
    with pytest.raises(ValueError, match="windows of sim and real differ"):
        MixedDataset({"sim": one, "real": longer})
