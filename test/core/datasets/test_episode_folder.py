"""The dataset folder: what goes in comes out, half an episode never shows, and every refusal names the reason."""

import json
import resource

import numpy as np
import pytest

from muse_core.datasets.episode_folder import EpisodeFolder
from muse_core.datasets.store import DatasetError
from muse_core.spec import ArraySpec, Spec, SpecError

SPEC = Spec(
    {
        "q": ArraySpec((2,), unit="rad"),
        "image": ArraySpec((16, 24, 3), "uint8", "rgb"),
        "done": ArraySpec((), "bool", role="output"),
    }
)


def episode(length, seed=0):
    """Random legal arrays of `length` rows."""
    return SPEC.sample(np.random.default_rng(seed), length)


@pytest.fixture
def folder(tmp_path):
    return EpisodeFolder.create(tmp_path / "set", SPEC, contract={"name": "panda"}, provenance={"by": "a test"})


def test_what_is_added_is_read_back_after_reopening(folder):
    arrays = episode(5)
    folder.add_episode("e1", arrays, {"success": True})
    again = EpisodeFolder.open(folder.path)
    assert again.ids == ["e1"] and len(again) == 1 and "e1" in again
    assert again.lengths.tolist() == [5] and again.lengths.dtype == np.int64
    assert again.contract == {"name": "panda"} and again.provenance == {"by": "a test"}
    assert dict(again.spec) == dict(SPEC)
    read = again.get_episode(0)
    assert len(read) == 5 and read.metadata == {"success": True}
    for key in SPEC:
        np.testing.assert_array_equal(read.arrays[key], arrays[key])


def test_arrays_are_memory_mapped_and_cannot_be_written(folder):
    folder.add_episode("e1", episode(3))
    array = folder.get_episode("e1").arrays["image"]
    assert isinstance(array, np.memmap)
    with pytest.raises(ValueError):
        array[0] = 0


def test_episodes_are_in_the_order_of_their_ids_whatever_the_order_of_writing(folder):
    for name, length in (("b", 2), ("a", 3), ("c", 4)):
        folder.add_episode(name, episode(length))
    assert folder.ids == ["a", "b", "c"] and folder.lengths.tolist() == [3, 2, 4]
    assert [e.id for e in folder] == ["a", "b", "c"]
    assert folder.get_episode(-1).id == "c"


def test_the_same_episode_gives_the_same_bytes(tmp_path):
    files = []
    for name in ("one", "two"):
        made = EpisodeFolder.create(tmp_path / name, SPEC)
        made.add_episode("e", episode(4), {"a": 1})
        files.append({p.name: p.read_bytes() for p in (made.path / "e").iterdir()})
    assert files[0] == files[1]


def test_an_episode_whose_writing_failed_leaves_nothing(folder):
    with pytest.raises(TypeError):
        folder.add_episode("e1", episode(3), {"not json": object()})
    assert [p.name for p in folder.path.iterdir()] == ["dataset.json"]


def test_leftovers_of_a_killed_writer_are_not_episodes(folder):
    (folder.path / ".e1.abc").mkdir()
    (folder.path / ".e1.abc" / "episode.json").write_text("{}")
    (folder.path / "no_record").mkdir()
    assert EpisodeFolder.open(folder.path).ids == []


def test_an_episode_is_never_overwritten(folder):
    folder.add_episode("e1", episode(3))
    with pytest.raises(DatasetError, match="exists"):
        folder.add_episode("e1", episode(4))


def test_a_removed_episode_is_gone_and_its_id_is_free(folder):
    folder.add_episode("e1", episode(3))
    folder.remove_episode("e1")
    assert folder.ids == [] and sorted(p.name for p in folder.path.iterdir()) == ["dataset.json"]
    folder.add_episode("e1", episode(4))
    assert folder.lengths.tolist() == [4]


def test_episodes_that_another_process_added_show_after_refresh(folder):
    EpisodeFolder.open(folder.path).add_episode("e1", episode(3))
    assert folder.ids == []
    folder.refresh()
    assert folder.ids == ["e1"]


@pytest.mark.parametrize("name", ["", "../up", ".hidden", "a/b", "x" * 201])
def test_ids_that_are_no_folder_names_are_refused(folder, name):
    with pytest.raises(DatasetError, match="episode id"):
        folder.add_episode(name, episode(3))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"q": np.zeros((3, 3), np.float32)}, r"'q': expected shape"),
        ({"q": np.zeros((3, 2), np.float64)}, "expected dtype float32"),
        ({"q": np.full((3, 2), np.nan, np.float32)}, "not finite"),
        ({"q": np.zeros((2, 2), np.float32)}, "same number of rows"),
        ({"extra": np.zeros(3)}, "unknown array extra"),
    ],
)
def test_arrays_that_break_the_spec_are_refused(folder, change, message):
    with pytest.raises(SpecError, match=message):
        folder.add_episode("e1", {**episode(3), **change})


def test_an_episode_without_rows_is_refused(folder):
    with pytest.raises(SpecError, match="at least 1"):
        folder.add_episode("e1", episode(0))


def test_a_damaged_array_is_named(folder):
    folder.add_episode("e1", episode(3))
    path = folder.path / "e1" / "q.npy"
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(DatasetError, match=r"q\.npy.*convert the episode again"):
        folder.get_episode("e1")


def test_an_array_shorter_than_the_episode_is_named(folder):
    folder.add_episode("e1", episode(3))
    np.save(folder.path / "e1" / "q.npy", np.zeros((2, 2), np.float32))
    with pytest.raises(DatasetError, match=r"expected float32 \(3, 2\), found float32 \(2, 2\)"):
        folder.get_episode("e1")


def test_a_pickled_array_is_refused(folder):
    folder.add_episode("e1", episode(3))
    np.save(folder.path / "e1" / "q.npy", np.array([object()] * 3), allow_pickle=True)
    with pytest.raises(DatasetError, match="e1"):
        folder.get_episode("e1")


def test_a_folder_without_dataset_json_says_what_to_do(tmp_path):
    with pytest.raises(DatasetError, match="muse convert"):
        EpisodeFolder.open(tmp_path)


def test_a_newer_schema_is_refused(folder):
    header = json.loads((folder.path / "dataset.json").read_text())
    (folder.path / "dataset.json").write_text(json.dumps({**header, "schema_version": 99}))
    with pytest.raises(DatasetError, match="schema_version 99"):
        EpisodeFolder.open(folder.path)


def test_creating_over_a_dataset_is_refused(folder):
    with pytest.raises(DatasetError, match="already"):
        EpisodeFolder.create(folder.path, SPEC)


def test_an_unknown_episode_is_a_key_error(folder):
    with pytest.raises(KeyError, match="no episode 'x'"):
        folder.get_episode("x")


def test_jpeg_storage_reads_like_an_array_and_stays_close(tmp_path):
    pytest.importorskip("cv2")
    folder = EpisodeFolder.create(tmp_path / "set", SPEC, images="jpeg")
    arrays = episode(4)
    ramp = np.linspace(0, 255, 24).astype(np.uint8)
    arrays["image"] = np.stack([np.broadcast_to(ramp[None, :, None], (16, 24, 3)) // (n + 1) for n in range(4)])
    folder.add_episode("e1", arrays)
    image = EpisodeFolder.open(folder.path).get_episode("e1").arrays["image"]
    assert image.shape == (4, 16, 24, 3) and image.dtype == np.uint8 and image.ndim == 4 and len(image) == 4
    whole = np.asarray(image)
    assert np.abs(whole.astype(int) - arrays["image"]).max() < 12
    np.testing.assert_array_equal(image[2], whole[2])
    np.testing.assert_array_equal(image[-1], whole[3])
    np.testing.assert_array_equal(image[1:3], whole[1:3])
    np.testing.assert_array_equal(image[[3, 0]], whole[[3, 0]])
    np.testing.assert_array_equal(image[1:3, ..., 0], whole[1:3, ..., 0])


def test_damaged_jpeg_frames_are_an_error_that_names_the_file(tmp_path):
    pytest.importorskip("cv2")
    folder = EpisodeFolder.create(tmp_path / "set", SPEC, images="jpeg")
    folder.add_episode("e1", episode(4))
    path = folder.path / "e1" / "image.jpg.npy"
    data = np.load(path)
    data[-2:] = 0
    np.save(path, data)
    with pytest.raises(ValueError, match=r"image.jpg.npy, frame 3: the JPEG is cut short"):
        folder.get_episode("e1").arrays["image"][:]
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(DatasetError, match="convert the episode again"):
        folder.get_episode("e1")
    (folder.path / "e1" / "image.ends.npy").unlink()
    with pytest.raises(DatasetError, match="convert the episode again"):
        folder.get_episode("e1")


def test_of_two_writers_of_one_episode_the_slower_is_refused_and_leaves_nothing(folder, monkeypatch):
    slower = EpisodeFolder.open(folder.path)
    check = slower._check

    def overtaken(arrays):
        folder.add_episode("e1", episode(3, seed=1))
        return check(arrays)

    monkeypatch.setattr(slower, "_check", overtaken)
    with pytest.raises(DatasetError, match="another process was faster"):
        slower.add_episode("e1", episode(5, seed=2))
    assert EpisodeFolder.open(folder.path).lengths.tolist() == [3]
    assert sorted(path.name for path in folder.path.iterdir()) == ["dataset.json", "e1"]


def test_text_per_episode_values_and_keys_with_odd_names_are_kept(tmp_path):
    spec = Spec(
        {
            "policy_name": ArraySpec((1,), "str", role="output"),
            "goal/q": ArraySpec((2,), role="episode"),
            "target/../up": ArraySpec((), "float32"),
            "50%": ArraySpec(()),
        }
    )
    arrays = {
        "policy_name": np.array([["a"], ["long é"]]),
        "goal/q": np.array([1, 2], np.float32),
        "target/../up": np.array([3, 4], np.float32),
        "50%": np.array([5, 6], np.float32),
    }
    made = EpisodeFolder.create(tmp_path / "set", spec)
    made.add_episode("e", arrays)
    read = EpisodeFolder.open(made.path).get_episode("e")
    assert len(read) == 2 and all(np.array_equal(read.arrays[key], array) for key, array in arrays.items())
    assert (made.path / "e" / "goal" / "q.npy").is_file() and not (made.path / "e" / "up.npy").exists()
    assert {p.name for p in tmp_path.iterdir()} == {"set"}


@pytest.mark.parametrize("key", ["", "/a", "a//b", "a/"])
def test_keys_that_cannot_be_files_are_refused(tmp_path, key):
    with pytest.raises(SpecError, match="a key is names with single slashes"):
        EpisodeFolder.create(tmp_path / "set", Spec({key: ArraySpec((2,))}))


def test_rows_may_come_in_pieces_from_anything_that_is_sliced(folder):
    class Rows:
        def __init__(self, array):
            self.array, self.shape, self.largest = array, array.shape, 0

        def __getitem__(self, rows):
            self.largest = max(self.largest, rows.stop - rows.start)
            return self.array[rows]

    arrays = episode(50_000)
    pieces = {key: Rows(array) for key, array in arrays.items()}
    folder.add_episode("e1", pieces)
    for key, array in arrays.items():
        np.testing.assert_array_equal(folder.get_episode(0).arrays[key], array)
    assert pieces["image"].largest * 16 * 24 * 3 <= 16 * 1024**2


def test_a_disk_that_takes_no_more_is_named_and_what_was_there_stays(tmp_path):
    folder = EpisodeFolder.create(tmp_path / "data", SPEC)
    folder.add_episode("first", episode(2))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))  # bytes of a file: more fails as a full disk does
    try:
        with pytest.raises(OSError, match=r"MB are free\. Nothing of the episode is left") as caught:
            folder.add_episode("second", episode(12))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.filename == str(folder.path / "second")
    assert sorted(p.name for p in folder.path.iterdir()) == ["dataset.json", "first"]
    assert len(EpisodeFolder.open(folder.path).get_episode("first").arrays["image"]) == 2
