"""Batches of windows out of a dataset folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from muse_core.datasets.episode_folder import EpisodeFolder
from muse_core.datasets.sequence import SequenceDataset
from muse_core.datasets.store import DatasetError
from muse_core.spec import ArraySpec, Spec

SPEC = Spec({"q": ArraySpec((2,)), "image": ArraySpec((4, 4, 3), "uint8"), "action": ArraySpec((1,), role="action")})


@pytest.fixture
def folder(tmp_path: Path) -> EpisodeFolder:
    """Episodes of lengths 2, 5 and 3 in which every number says which episode and row it is: 10 * episode + row."""
    made = EpisodeFolder.create(tmp_path / "data", SPEC)
    for episode, length in enumerate((2, 5, 3)):
        code = 10 * episode + np.arange(length)
        made.add_episode(
            f"e{episode}",
            {
                "q": np.stack([code, -code], axis=1).astype(np.float32),
                "image": np.broadcast_to(code[:, None, None, None], (length, 4, 4, 3)).astype(np.uint8),
                "action": code[:, None].astype(np.float32),
            },
        )
    return made


@pytest.mark.parametrize("memory_bytes", [0, 2**30])
def test_a_window_holds_its_rows_and_repeats_the_last_one_under_a_false_mask(folder, memory_bytes):
    data = SequenceDataset(folder, ["q", "image", "action"], 3, memory_bytes=memory_bytes)
    assert data.in_memory == (memory_bytes > 0)
    assert len(data) == 2 + 5 + 3
    batch = data.get_batch([0, 5])
    assert batch["q"][..., 0].tolist() == [[0, 1, 1], [13, 14, 14]]
    assert batch["image"][..., 0, 0, 0].tolist() == [[0, 1, 1], [13, 14, 14]]
    assert batch["mask"].tolist() == [[True, True, False], [True, True, False]]
    assert {name: a.dtype.name for name, a in batch.items()} == {
        "q": "float32", "image": "uint8", "action": "float32", "mask": "bool"
    }  # fmt: skip


def test_padding_at_the_start_repeats_the_first_row(folder):
    data = SequenceDataset(folder, ["q"], 3, pad_start=2, pad_end=0)
    batch = data.get_batch([0])
    assert batch["q"][..., 0].tolist() == [[0, 0, 0]]
    assert batch["mask"].tolist() == [[False, False, True]]


def test_an_episode_shorter_than_the_padding_at_both_ends(folder):
    data = SequenceDataset(folder, ["q"], 5, episodes=[0], pad_start=2)
    assert data.windows.start.tolist() == [-2, -1, 0, 1]
    batch = data.get_batch([1])
    assert batch["q"][..., 0].tolist() == [[0, 0, 1, 1, 1]]
    assert batch["mask"].tolist() == [[False, True, True, False, False]]


def test_only_the_chosen_episodes_are_drawn_from(folder):
    data = SequenceDataset(folder, ["action"], 2, episodes=[2, 0], pad_end=0)
    assert data.get_batch(np.arange(len(data)))["action"][..., 0].tolist() == [[20, 21], [21, 22], [0, 1]]


def test_statistics_cover_the_chosen_episodes_and_leave_images_out(folder):
    statistics = SequenceDataset(folder, ["q", "image", "action"], 2, episodes=[0, 2]).statistics()
    assert sorted(statistics) == ["action", "q"]
    assert statistics["action"].count == 5
    assert statistics["action"].mean == pytest.approx((0 + 1 + 20 + 21 + 22) / 5)


def test_a_value_that_is_not_finite_is_refused_with_its_file(folder):
    path = folder.path / "e1" / "q.npy"
    array = np.load(path)
    array[2, 1] = np.nan
    np.save(path, array)
    with pytest.raises(DatasetError, match=r"e1/q.npy: holds values that are not finite"):
        SequenceDataset(folder, ["q", "image"], 3)


def test_a_key_that_the_folder_lacks_is_named(folder):
    with pytest.raises(KeyError, match="no array named 'imag' in the spec; it has q, image, action"):
        SequenceDataset(folder, ["imag"], 2)
