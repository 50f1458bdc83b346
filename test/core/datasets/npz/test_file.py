"""The original's flat .npz: what its code writes is read, whatever its form, and what is wrong is said."""

from __future__ import annotations

import io
import os
import shutil
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from muse_core.datasets.npz.file import NpzFile
from muse_core.datasets.npz.unpacking import unpacked_path
from muse_core.datasets.sequence import SequenceDataset
from muse_core.datasets.store import DatasetError, EpisodeStore

LENGTHS = (3, 5, 2)
ROWS = sum(LENGTHS)


def original(**changes: np.ndarray | None) -> dict[str, np.ndarray]:
    """What the original's collector saves, by its names and dtypes; a change of None leaves a key out."""
    rng = np.random.default_rng(0)
    names = np.empty((ROWS, 1), object)
    names[:, 0] = ["human"] * 4 + ["bc_rnn"] * 6
    arrays = {
        "ee_position": rng.normal(size=(ROWS, 3)).astype(np.float32),
        "gripper_open": rng.integers(0, 2, (ROWS, 1)).astype(bool),
        "image": rng.integers(0, 256, (ROWS, 6, 8, 3), dtype=np.uint8),
        "ego_image": rng.integers(0, 256, (ROWS, 6, 8, 3), dtype=np.uint8),
        "action": rng.normal(size=(ROWS, 7)).astype(np.float32),
        "policy_type": np.full((ROWS, 1), 255, np.uint8),
        "policy_name": names,
        "policy_switch": np.zeros((ROWS, 1), bool),
        "reward": np.zeros((ROWS, 1), np.float32),
        "done": np.isin(np.arange(ROWS), np.cumsum(LENGTHS) - 1),
        "rollout_timestep": np.concatenate([np.arange(n) for n in LENGTHS]),
        "target/ee_position": rng.normal(size=(ROWS, 3)).astype(np.float32),
        "goal/ee_position": rng.normal(size=(len(LENGTHS), 3)).astype(np.float32),
        "param/mass": np.array([1.0, 2.0, 3.0]),
    }
    arrays.update(changes)
    return {key: array for key, array in arrays.items() if array is not None}


def save(path: Path, compressed: bool = True, **changes: np.ndarray | None) -> Path:
    (np.savez_compressed if compressed else np.savez)(path, **original(**changes))
    return path


@pytest.mark.parametrize("compressed", [True, False])
def test_episodes_are_what_done_delimits_and_images_become_rgb(tmp_path: Path, compressed: bool):
    arrays, file = original(), NpzFile(save(tmp_path / "coffee.npz", compressed))
    assert isinstance(file, EpisodeStore) and len(file) == 3 and file.lengths.tolist() == [3, 5, 2]
    for number, begin in enumerate((0, 3, 8)):
        episode, rows = file.get_episode(number), slice(begin, begin + LENGTHS[number])
        assert len(episode) == LENGTHS[number] and set(episode.arrays) == set(arrays)
        for key, array in arrays.items():
            if key in ("goal/ee_position", "param/mass"):
                expected = array[number]
            else:
                expected = array[rows, ..., ::-1] if "image" in key else array[rows]
            assert np.array_equal(np.asarray(episode.arrays[key]), expected), key
    assert file.provenance["source_colour_order"] == "bgr" and file.provenance["colour_order"] == "rgb"
    assert file.get_episode("episode_00001").arrays["policy_name"][:, 0].tolist() == ["human"] + ["bc_rnn"] * 4


def test_the_spec_says_what_the_originals_keys_are(tmp_path: Path):
    spec = NpzFile(save(tmp_path / "a.npz")).spec
    assert {key: array.role for key, array in spec.items() if array.role != "output"} == {
        "ee_position": "observation", "gripper_open": "observation", "image": "observation",
        "ego_image": "observation", "action": "action", "goal/ee_position": "episode", "param/mass": "episode",
    }  # fmt: skip
    assert spec["ee_position"].unit == "m" and spec["image"].unit == "rgb" and spec["policy_name"].dtype == "str"
    assert spec["done"].shape == () and spec["reward"].shape == (1,) and spec["rollout_timestep"].dtype == "int64"


def test_it_trains_as_it_is(tmp_path: Path):
    file = NpzFile(save(tmp_path / "a.npz"))
    data = SequenceDataset(file, ["image", "ee_position", "goal/ee_position", "action"], 2, memory_bytes=0)
    batch, arrays = data.get_batch([2, 3]), original()
    assert np.array_equal(batch["image"][1], arrays["image"][3:5, ..., ::-1])
    assert np.array_equal(batch["action"][0], arrays["action"][[2, 2]]) and batch["mask"].tolist()[0] == [True, False]
    assert np.array_equal(batch["goal/ee_position"], arrays["goal/ee_position"][:2])
    with pytest.raises(ValueError, match="policy_name holds text"):
        SequenceDataset(file, ["policy_name"], 2)


def test_it_is_unpacked_once_and_again_only_when_it_changes(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    caplog.set_level("INFO")
    path = save(tmp_path / "a.npz")

    def times_unpacked() -> int:
        return sum(message.startswith("unpacking ") for message in caplog.messages)

    for _ in range(2):
        NpzFile(path).get_episode(0)
    assert times_unpacked() == 1 and unpacked_path(path).is_dir()
    os.utime(path)  # touched, with the same contents
    NpzFile(path).get_episode(0)
    assert times_unpacked() == 1
    save(path, action=np.zeros((ROWS, 7), np.float32))
    assert not np.asarray(NpzFile(path).get_episode(0).arrays["action"]).any() and times_unpacked() == 2
    NpzFile(path, colour_order="rgb").get_episode(0)
    assert times_unpacked() == 3
    assert sorted(p.name for p in tmp_path.iterdir() if not p.name.endswith(".lock")) == ["a.npz", "a.npz.unpacked"]


def test_what_needs_no_change_is_mapped_in_place(tmp_path: Path):
    file = NpzFile(save(tmp_path / "a.npz", compressed=False), colour_order="rgb")
    assert isinstance(file.get_episode(1).arrays["image"], np.memmap)
    assert np.array_equal(file.get_episode(1).arrays["image"], original()["image"][3:8])
    assert np.array_equal(file.get_episode(2).arrays["param/mass"], 3.0)
    assert not unpacked_path(file.path).exists()
    with pytest.raises(ValueError, match="read-only"):
        file.get_episode(1).arrays["image"][0] = 0


def test_an_unpacking_that_was_killed_leaves_no_half_dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = save(tmp_path / "a.npz")
    left_over = tmp_path / ".a.npz.unpacked.partial"
    left_over.mkdir()
    (left_over / "rubbish").write_text("x")
    assert NpzFile(path).get_episode(2).length == 2 and not left_over.exists()
    assert len(list(unpacked_path(path).glob("*/episode.json"))) == 3


def test_a_full_disk_is_said_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = save(tmp_path / "a.npz")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: type("Usage", (), {"free": 100})())
    with pytest.raises(
        DatasetError, match=r"a\.npz: cannot be unpacked.*the disk is full.*0\.0 GB are free; make room"
    ):
        NpzFile(path).get_episode(0)
    assert not unpacked_path(path).exists()


def test_a_long_column_is_never_in_memory_as_a_whole(tmp_path: Path):
    rows, episodes = 200, 20
    images = np.zeros((rows, 128, 128, 3), np.uint8)  # 9.8 MB
    done = np.arange(rows) % (rows // episodes) == rows // episodes - 1
    path = tmp_path / "a.npz"
    np.savez_compressed(path, image=images, action=np.zeros((rows, 7), np.float32), done=done)
    size = images.nbytes
    del images
    tracemalloc.start()
    file = NpzFile(path)
    assert not np.asarray(file.get_episode(7).arrays["image"]).any()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < size / 2, f"{peak / 1e6:.1f} MB for a column of {size / 1e6:.1f} MB"


@pytest.mark.parametrize("shape", [(ROWS,), (ROWS, 1)])
@pytest.mark.parametrize("dtype", [object, "<U8", "S8"])
def test_text_is_read_in_every_form(tmp_path: Path, shape: tuple[int, ...], dtype: object):
    names = np.array(["human"] * 4 + ["bc"] * 6, dtype).reshape(shape)
    found = NpzFile(save(tmp_path / "a.npz", policy_name=names)).get_episode(1).arrays["policy_name"]
    assert np.asarray(found).reshape(-1).tolist() == ["human"] + ["bc"] * 4


@pytest.mark.parametrize("compressed", [True, False])
def test_fortran_order_and_big_endian_arrays_are_read(tmp_path: Path, compressed: bool):
    image, action = original()["image"], original()["action"]
    changes = {"image": np.asfortranarray(image), "action": action.astype(">f8"), "done": original()["done"][:, None]}
    episode = NpzFile(save(tmp_path / "a.npz", compressed, **changes)).get_episode(1)
    assert np.array_equal(np.asarray(episode.arrays["image"]), image[3:8, ..., ::-1])
    assert np.array_equal(episode.arrays["action"], action[3:8].astype(np.float64))
    assert episode.arrays["action"].dtype == np.dtype(np.float64) and episode.arrays["action"].dtype.isnative


def test_goals_and_parameters_with_all_rows_are_cut_to_the_last_and_first(tmp_path: Path):
    rows = np.arange(ROWS, dtype=np.float32)
    file = NpzFile(save(tmp_path / "a.npz", **{"goal/ee_position": rows, "param/mass": rows}))
    assert [float(file.get_episode(i).arrays["goal/ee_position"]) for i in range(3)] == [2, 7, 9]
    assert [float(file.get_episode(i).arrays["param/mass"]) for i in range(3)] == [0, 3, 8]


class Attack:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


def test_a_hostile_pickle_is_refused_with_file_and_key_and_does_not_run(tmp_path: Path):
    names = np.empty((ROWS, 1), object)
    names[:] = Attack(tmp_path / "ran")
    path = save(tmp_path / "a.npz", policy_name=names)
    with pytest.raises(DatasetError, match=r"a\.npz, key 'policy_name': refused.*system.*--leave_out policy_name"):
        NpzFile(path).get_episode(0)
    assert not (tmp_path / "ran").exists() and not unpacked_path(path).exists()
    assert "policy_name" not in NpzFile(path, leave_out=["policy_name"]).get_episode(0).arrays


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"done": None}, r"no key `done`.*found ee_position, gripper_open.*It must be True"),
        ({"done": np.zeros(ROWS, bool)}, r"the last 10 of 10 rows, from row 0, end with no `done`.*--unfinished keep"),
        ({"done": np.arange(ROWS) == 4}, r"the last 5 of 10 rows, from row 5, end with no `done`"),
        ({"done": np.zeros((ROWS, 2), bool)}, r"`done` must be one truth value a row, got bool of shape \(10, 2\)"),
        ({"done": np.zeros(0, bool)}, "holds no rows"),
        ({"action": np.zeros((9, 7), np.float32)}, r"key 'action': 9 entries; expected 10.*or 3, one for each episode"),
        ({"when": np.zeros(ROWS, "datetime64[s]")}, "key 'when': damaged or cut short: its dtype is datetime64"),
        ({"z": np.zeros(ROWS, "c8")}, "its dtype is complex64, expected numbers"),
    ],
)
def test_a_wrong_layout_says_what_where_and_what_to_do(tmp_path: Path, changes: dict, message: str):
    with pytest.raises(DatasetError, match=rf"a\.npz.*{message}"):
        NpzFile(save(tmp_path / "a.npz", **changes))


def test_rows_after_the_last_done_are_kept_or_dropped_where_that_is_asked_for(tmp_path: Path):
    path = save(tmp_path / "a.npz", done=np.arange(ROWS) == 6, **{"goal/ee_position": None, "param/mass": None})
    assert NpzFile(path, unfinished="keep").lengths.tolist() == [7, 3]
    dropped = NpzFile(path, unfinished="drop")
    assert dropped.lengths.tolist() == [7]
    assert np.array_equal(dropped.get_episode(0).arrays["action"], original()["action"][:7])


def test_values_that_are_not_finite_matter_to_those_who_train_on_them(tmp_path: Path):
    position = original()["ee_position"]
    position[4, 1] = np.nan
    file = NpzFile(save(tmp_path / "a.npz", ee_position=position))
    SequenceDataset(file, ["image", "action"], 2)
    with pytest.raises(DatasetError, match=r"a\.npz, episode episode_00001: ee_position holds.*first in row 1"):
        SequenceDataset(file, ["ee_position", "action"], 2)


def test_a_file_cut_short_no_zip_or_empty_is_said_to_be_that(tmp_path: Path):
    path = save(tmp_path / "a.npz")
    data = path.read_bytes()
    for content, message in (
        (data[: len(data) // 2], r"a\.npz: the file is cut short.*copy it again"),
        (b"not a zip at all", r"a\.npz: no \.npz file: it begins with 6e 6f 74 20"),
        (b"", r"a\.npz: the file is empty"),
    ):
        path.write_bytes(content)
        with pytest.raises(DatasetError, match=message):
            NpzFile(path)
    with pytest.raises(FileNotFoundError):
        NpzFile(tmp_path / "b.npz")


def test_a_damaged_member_is_named(tmp_path: Path):
    path = save(tmp_path / "a.npz")
    with zipfile.ZipFile(path) as file:
        member = file.getinfo("image.npy")
    data = bytearray(path.read_bytes())
    middle = member.header_offset + member.compress_size // 2
    data[middle : middle + 20] = bytes(20)
    path.write_bytes(data)
    with pytest.raises(DatasetError, match=r"a\.npz, key 'image': damaged or cut short"):
        NpzFile(path).get_episode(0)
    assert not unpacked_path(path).exists()


def test_a_header_that_promises_more_than_there_is_is_refused(tmp_path: Path):
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "<f4", "fortran_order": False, "shape": (10**12,)})
    path = save(tmp_path / "a.npz")
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("huge.npy", buffer.getvalue())
    with pytest.raises(DatasetError, match=r"key 'huge': damaged or cut short: its header promises"):
        NpzFile(path)


def test_nothing_can_be_added_and_the_message_says_how_to(tmp_path: Path):
    with pytest.raises(DatasetError, match=r"muse import .*a\.npz -o data/NAME"):
        NpzFile(save(tmp_path / "a.npz")).add_episode("e", {})
