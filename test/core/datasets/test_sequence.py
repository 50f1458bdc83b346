"""Batches of windows out of a dataset folder."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from muse_core.datasets.batches import allocate
from muse_core.datasets.episode_folder import EpisodeFolder
from muse_core.datasets.sequence import SequenceDataset
from muse_core.datasets.store import DatasetError
from muse_core.datasets.views import View
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
        "q": "float32", "image": "uint8", "action": "float32", "mask": "bool", "observation_mask": "bool"
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
    with pytest.raises(
        DatasetError, match=r"data, episode e1: q holds values that are not finite in 1 of its rows, first in row 2"
    ):
        SequenceDataset(folder, ["q", "image"], 3)


def test_a_key_that_the_folder_lacks_is_named(folder):
    with pytest.raises(KeyError, match="no array named 'imag' in the spec; it has q, image, action"):
        SequenceDataset(folder, ["imag"], 2)


@pytest.mark.parametrize("memory_bytes", [0, 2**30])
def test_observations_may_cover_the_first_steps_only(folder, memory_bytes):
    names = ["q", "image", "action"]
    data = SequenceDataset(folder, names, 4, observation_steps=2, pad_start=1, pad_end=2, memory_bytes=memory_bytes)
    batch = data.get_batch([0])  # begins one step before the episode of rows 0 and 1
    assert batch["action"][..., 0].tolist() == [[0, 0, 1, 1]] and batch["mask"].tolist() == [[False, True, True, False]]
    assert batch["q"][..., 0].tolist() == [[0, 0]] and batch["image"][..., 0, 0, 0].tolist() == [[0, 0]]
    assert batch["observation_mask"].tolist() == [[False, True]]


def test_observations_that_all_lie_before_the_episode_repeat_its_first_row(folder):
    data = SequenceDataset(folder, ["image", "action"], 4, observation_steps=2, pad_start=3, memory_bytes=0)
    batch = data.get_batch([0])
    assert batch["image"][0, :, 0, 0, 0].tolist() == [0, 0] and not batch["observation_mask"].any()


def test_rows_may_be_skipped_within_a_window(folder):
    data = SequenceDataset(folder, ["q", "image"], 3, skip=2, pad_end=1, memory_bytes=0)
    batch = data.get_batch([1])  # of episode 1, from row 1
    assert batch["q"][0, :, 0].tolist() == [11, 13, 14] and batch["image"][0, :, 0, 0, 0].tolist() == [11, 13, 14]
    assert batch["mask"].tolist() == [[True, True, False]]


@pytest.mark.parametrize("memory_bytes", [0, 2**30])
def test_the_goal_may_be_the_last_row_of_the_episode(folder, memory_bytes):
    data = SequenceDataset(folder, ["action"], 2, goal_keys=("q", "image"), memory_bytes=memory_bytes)
    batch = data.get_batch([0, 2, 8])
    assert batch["goal/q"].tolist() == [[1, -1], [14, -14], [22, -22]]
    assert batch["goal/image"].shape == (3, 4, 4, 3) and batch["goal/image"][:, 0, 0, 0].tolist() == [1, 14, 22]
    assert data.spec["goal/q"].role == "goal" and data.statistics()["goal/q"].count == 10


@pytest.mark.parametrize("memory_bytes", [0, 2**30])
def test_a_goal_that_is_stored_step_by_step_is_that_of_the_windows_first_step(tmp_path, memory_bytes):
    spec = Spec({"goal/q": ArraySpec((2,), role="goal"), "goal/image": ArraySpec((4, 4, 3), "uint8", role="goal")})
    made = EpisodeFolder.create(tmp_path / "stored", Spec({**SPEC, **spec}))
    made.add_episode(
        "e", {name: np.stack([np.full(a.shape, i, a.dtype) for i in range(3)]) for name, a in made.spec.items()}
    )
    data = SequenceDataset(made, ["action"], 2, goal_keys=("q", "image"), memory_bytes=memory_bytes)
    batch = data.get_batch([0, 2])
    assert batch["goal/q"].tolist() == [[0, 0], [2, 2]]
    assert batch["goal/image"].shape == (2, 4, 4, 3) and batch["goal/image"][:, 0, 0, 0].tolist() == [0, 2]


def test_future_goals_cover_the_windows_last_step_to_the_end_and_depend_on_the_position_alone(folder):
    data = SequenceDataset(folder, ["action"], 2, goal_keys=("q",), goal_kind="future", pad_end=0, seed=3)
    first = np.full(400, 2)  # episode 1 from row 1: its last step is row 2, the episode's last row 4
    rows = data.get_batch(first, positions=np.arange(400))["goal/q"][:, 0]
    assert np.bincount(rows.astype(int), minlength=15)[12:].min() > 100 and set(rows) == {12, 13, 14}
    halves = [data.get_batch(first[:200], positions=np.arange(n, n + 200))["goal/q"][:, 0] for n in (0, 200)]
    assert np.array_equal(np.concatenate(halves), rows)


def test_buffers_are_reused_and_wrong_ones_refused(folder):
    data = SequenceDataset(folder, ["q", "image"], 3)
    buffers = allocate(data, 2)
    batch = data.get_batch([1, 7], buffers)
    assert all(batch[name] is buffers[name] for name in buffers)
    assert all(np.array_equal(a, batch[n]) for n, a in data.get_batch([1, 7]).items())
    with pytest.raises(ValueError, match=r"buffer for 'q': expected shape \(3, 3, 2\), got \(2, 3, 2\)"):
        data.get_batch([1, 2, 3], buffers)


def test_an_added_episode_is_drawn_from_after_all_others(folder):
    data = SequenceDataset(folder, ["q", "image", "action"], 2, pad_end=0)
    before = data.get_batch(np.arange(len(data)))
    arrays = {name: np.array(array) for name, array in folder.get_episode("e0").arrays.items()}
    arrays["action"][:] = [[70], [71]]
    data.add_episode("a_first_by_name", arrays)
    after = data.get_batch(np.arange(len(data)))
    assert len(data) == 8 and after["action"][-1, :, 0].tolist() == [70, 71]
    assert all(np.array_equal(after[name][:-1], before[name]) for name in before)
    assert data.statistics()["action"].high == 71 and data.get_episode(3).id == "a_first_by_name"


def test_float64_on_disk_is_float32_in_a_batch(tmp_path):
    spec = Spec({"q": ArraySpec((2,), "float64")})
    made = EpisodeFolder.create(tmp_path / "data", spec)
    made.add_episode("e", {"q": np.ones((3, 2))})
    data = SequenceDataset(made, ["q"], 2)
    assert data.get_batch([0])["q"].dtype == np.float32 and data.spec["q"].dtype == "float32"


def test_statistics_read_no_image(folder, monkeypatch):
    data = SequenceDataset(folder, ["q", "image", "action"], 2, memory_bytes=0)
    monkeypatch.setattr(folder, "get_episode", None)  # nothing is read any more
    assert sorted(data.statistics()) == ["action", "q"]


def test_a_crop_is_cut_where_the_augmentation_says(folder):
    class Corner:
        sizes: ClassVar = {"image": (2, 3)}

        def views(self, positions, steps):
            return {"image": View((2, 3), np.stack([positions, positions], axis=1))}

        def finish(self, batch, positions):
            pass

    path = folder.path / "e0" / "image.npy"
    image = np.load(path)
    image[:] = np.arange(16).reshape(4, 4, 1)
    np.save(path, image)
    for memory_bytes in (0, 2**30):
        data = SequenceDataset(folder, ["image"], 2, memory_bytes=memory_bytes)
        batch = data.get_batch([0, 1], positions=np.array([1, 3]), augment=Corner())
        assert batch["image"].shape == (2, 2, 2, 3, 3)
        assert batch["image"][0, 0, :, :, 0].tolist() == [[5, 6, 7], [9, 10, 11]]
        assert batch["image"][1, 1, :, :, 0].tolist() == [[15, 15, 15], [15, 15, 15]]  # beyond the border
