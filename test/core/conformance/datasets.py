"""What every dataset on disk must do. A new format inherits these checks by overriding `make`:

class TestNpz(EpisodeStoreConformance):
    def make(self, folder):
        return NpzFile(folder / "three_episodes.npz")
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from muse_core.datasets.sequence import SequenceDataset
from muse_core.datasets.store import DatasetError, EpisodeStore


class EpisodeStoreConformance:
    """Checks of one format."""

    def make(self, folder: Path) -> EpisodeStore:
        """A dataset in this empty folder, of at least two episodes, with an array of float32 among its keys."""
        raise NotImplementedError("override make()")

    @pytest.fixture
    def store(self, tmp_path: Path) -> EpisodeStore:
        return self.make(tmp_path)

    def test_it_is_a_store_and_says_what_it_holds(self, store: EpisodeStore):
        assert isinstance(store, EpisodeStore) and store.path.exists()
        assert len(store) == len(store.ids) == len(set(store.ids)) >= 2
        assert store.lengths.dtype == np.int64 and store.lengths.shape == (len(store),) and (store.lengths >= 1).all()

    def test_every_array_is_as_the_spec_says(self, store: EpisodeStore):
        for number, length in enumerate(store.lengths.tolist()):
            episode = store.get_episode(number)
            assert len(episode) == length and set(episode.arrays) == set(store.spec)
            store.spec.check({key: np.asarray(array) for key, array in episode.arrays.items()}, leading=1)
            rows = [array for key, array in episode.arrays.items() if store.spec[key].role != "episode"]
            assert {array.shape[0] for array in rows} == {length}

    def test_an_episode_is_found_by_number_and_by_name_and_only_what_is_asked_for_is_read(self, store: EpisodeStore):
        key = next(iter(store.spec))
        last = store.get_episode(len(store) - 1, [key])
        assert last.id == store.ids[-1] and list(last.arrays) == [key]
        assert np.array_equal(store.get_episode(store.ids[-1], [key]).arrays[key], last.arrays[key])
        assert store.metadata(len(store) - 1) == store.metadata(store.ids[-1]) == last.metadata
        assert len(store.get_episode(0, ()).arrays) == 0

    def test_an_episode_that_is_not_there_is_an_error(self, store: EpisodeStore):
        with pytest.raises(KeyError, match="nowhere"):
            store.get_episode("nowhere")
        with pytest.raises(IndexError):
            store.get_episode(len(store))

    def test_what_is_read_cannot_be_written(self, store: EpisodeStore):
        key = next(key for key, array in store.spec.items() if array.dtype == "float32" and array.role != "episode")
        before = np.array(store.get_episode(0).arrays[key])
        with pytest.raises((ValueError, TypeError)):
            store.get_episode(0).arrays[key][0] = 1e9
        assert np.array_equal(store.get_episode(0).arrays[key], before)

    def test_an_episode_is_added_whole_or_refused(self, store: EpisodeStore):
        first = store.get_episode(0)
        arrays = {key: np.array(array) for key, array in first.arrays.items()}
        count = len(store)
        try:
            store.add_episode("one_more", arrays, {"success": True})
        except DatasetError as error:
            assert str(store.path) in str(error) and len(store) == count
            return
        assert len(store) == count + 1 and store.metadata("one_more") == {"success": True}
        for key, array in store.get_episode("one_more").arrays.items():
            close = 40 if store.spec[key].is_image else 0  # images may be stored with a loss
            assert np.abs(np.asarray(array, np.float64) - arrays[key]).max() <= close
        with pytest.raises(DatasetError):
            store.add_episode("one_more", arrays)

    def test_it_trains_as_it_is(self, store: EpisodeStore):
        names = [key for key, array in store.spec.items() if array.dtype != "str"]
        data = SequenceDataset(store, names, horizon=2, pad_end=0)
        assert len(data) == int((store.lengths - 1).sum())
        batch = data.get_batch(np.arange(len(data)))
        key = next(key for key, array in store.spec.items() if array.dtype == "float32" and array.role != "episode")
        assert np.array_equal(batch[key][0], np.asarray(store.get_episode(0).arrays[key])[:2])
