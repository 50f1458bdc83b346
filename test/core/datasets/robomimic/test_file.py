"""robomimic's HDF5: what its code writes is read; what we write has its layout and comes back to the last bit."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import pytest

from muse_core.datasets.episode_folder import EpisodeFolder
from muse_core.datasets.opening import open_dataset
from muse_core.datasets.sequence import SequenceDataset
from muse_core.datasets.store import DatasetError, EpisodeStore, recorded_rate
from muse_core.spec import ArraySpec, Spec

h5py = pytest.importorskip("h5py")

from muse_core.datasets.robomimic.file import RobomimicFile, SlicedDataset  # noqa: E402
from muse_core.datasets.robomimic.writing import write_robomimic  # noqa: E402

LENGTHS = {"demo_0": 3, "demo_2": 4, "demo_10": 2}
ENVIRONMENT = {"env_name": "Lift", "type": 1, "env_kwargs": {"robots": ["Panda"]}}


def write(path: Path, **image_options: object) -> dict[str, dict[str, np.ndarray]]:
    """A file as robosuite's and robomimic's scripts make it; returns what is in it."""
    rng, demos = np.random.default_rng(0), {}
    with h5py.File(path, "w") as file:
        data = file.create_group("data")
        data.attrs["total"], data.attrs["env_args"] = sum(LENGTHS.values()), json.dumps(ENVIRONMENT)
        for name, length in reversed(LENGTHS.items()):
            demos[name] = {
                "actions": rng.uniform(-1, 1, (length, 7)),
                "rewards": np.eye(length)[-1],
                "dones": np.eye(length, dtype=np.int64)[-1],
                "states": rng.normal(size=(length, 32)),
                "obs/robot0_eef_pos": rng.normal(size=(length, 3)),
                "obs/agentview_image": rng.integers(0, 256, (length, 6, 8, 3), dtype=np.uint8),
            }
            demo = data.create_group(name)
            demo.attrs["num_samples"], demo.attrs["model_file"] = length, "<mujoco/>"
            for key, array in demos[name].items():
                options = image_options if key.endswith("image") else {}
                demo.create_dataset(key, data=array, **options)
            demo.create_dataset("next_obs/robot0_eef_pos", data=demos[name]["obs/robot0_eef_pos"])
        file["mask/train"] = np.array(["demo_2", "demo_0"], "S")
        file["mask/valid"] = np.array(["demo_10"], "S")
    return demos


@pytest.mark.parametrize(
    "options", [{}, {"compression": "gzip"}, {"chunks": (1, 6, 8, 3)}], ids=["contiguous", "gzip", "chunked"]
)
def test_demos_are_read_in_the_order_of_their_numbers(tmp_path: Path, options: dict):
    demos, file = write(tmp_path / "a.hdf5", **options), open_dataset(tmp_path / "a.hdf5")
    assert isinstance(file, RobomimicFile) and isinstance(file, EpisodeStore)
    assert file.ids == ["demo_0", "demo_2", "demo_10"] and file.lengths.tolist() == [3, 4, 2]
    names = {"action": "actions", "reward": "rewards", "done": "dones", "states": "states"}
    names |= {"robot0_eef_pos": "obs/robot0_eef_pos", "agentview_image": "obs/agentview_image"}
    assert set(file.spec) == set(names)
    for demo, arrays in demos.items():
        found = file.get_episode(demo).arrays
        for key, place in names.items():
            assert np.array_equal(np.asarray(found[key]), arrays[place]), key
    image = file.get_episode(1).arrays["agentview_image"]
    assert isinstance(image, SlicedDataset if options else np.ndarray)
    assert np.array_equal(image[1:3], demos["demo_2"]["obs/agentview_image"][1:3])


def test_spec_provenance_and_filter_keys_come_from_the_file(tmp_path: Path):
    write(tmp_path / "a.hdf5")
    file = RobomimicFile(tmp_path / "a.hdf5")
    roles = {key: array.role for key, array in file.spec.items()}
    assert roles == {
        "robot0_eef_pos": "observation", "agentview_image": "observation", "action": "action",
        "reward": "output", "done": "output", "states": "output",
    }  # fmt: skip
    assert file.spec["done"].dtype == "bool" and file.spec["agentview_image"].is_image
    assert file.provenance == {"read_from": "a.hdf5", "env_args": ENVIRONMENT}
    assert file.filter_keys() == {"train": ["demo_2", "demo_0"], "valid": ["demo_10"]}
    assert file.metadata(2) == {"model_file": "<mujoco/>", "filter_keys": ["valid"]}


def test_the_rate_is_the_one_that_robosuite_ran_at(tmp_path: Path):
    with h5py.File(tmp_path / "a.hdf5", "w") as file:
        file["data/demo_0/actions"] = np.zeros((2, 7))
        file["data"].attrs["env_args"] = json.dumps({"env_name": "Lift", "env_kwargs": {"control_freq": 20}})
    assert recorded_rate(RobomimicFile(tmp_path / "a.hdf5")) == 20.0


def test_the_orientation_of_robosuites_hand_is_known_to_be_a_quaternion(tmp_path: Path):
    with h5py.File(tmp_path / "a.hdf5", "w") as file:
        file["data/demo_0/actions"] = np.zeros((2, 7))
        file["data/demo_0/obs/robot0_eef_quat"] = np.zeros((2, 4))
    assert RobomimicFile(tmp_path / "a.hdf5").spec["robot0_eef_quat"].unit == "quaternion xyzw"


@pytest.mark.parametrize("options", [{}, {"compression": "gzip"}], ids=["contiguous", "gzip"])
def test_windows_are_drawn_from_it_as_float32(tmp_path: Path, options: dict):
    demos = write(tmp_path / "a.hdf5", **options)
    data = SequenceDataset(
        RobomimicFile(tmp_path / "a.hdf5"), ["agentview_image", "robot0_eef_pos", "action"], 2, memory_bytes=0
    )
    batch = data.get_batch([2, 3])  # the last row of demo_0, the first of demo_2
    assert np.array_equal(batch["agentview_image"][1], demos["demo_2"]["obs/agentview_image"][:2])
    assert batch["action"].dtype == np.float32 and np.allclose(batch["action"][0, 1], demos["demo_0"]["actions"][2])


def test_what_is_wrong_with_a_file_is_said(tmp_path: Path):
    path = tmp_path / "a.hdf5"
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(DatasetError, match=r"a\.hdf5: not readable as HDF5"):
        RobomimicFile(path)
    for change, message in (
        (lambda file: file.__delitem__("data"), r"no group `data`.*found mask"),
        (lambda file: [file["data"].__delitem__(name) for name in LENGTHS], r"`data` holds no demos"),
        (lambda file: file["data/demo_2"].__delitem__("actions"), r"/data/demo_2: no `actions`; found dones"),
        (lambda file: file["data/demo_2"].attrs.update(num_samples=7), "num_samples is 7, but there are 4 actions"),
        (lambda file: file["data"].attrs.update(env_args="{"), r"/data: attribute 'env_args' is no JSON"),
    ):
        path.unlink()
        write(path)
        with h5py.File(path, "a") as file:
            change(file)
        with pytest.raises(DatasetError, match=message):
            RobomimicFile(path)
    with pytest.raises(FileNotFoundError):
        RobomimicFile(tmp_path / "b.hdf5")


def test_a_demo_that_differs_from_the_first_is_named(tmp_path: Path):
    write(tmp_path / "a.hdf5")
    with h5py.File(tmp_path / "a.hdf5", "a") as file:
        del file["data/demo_2/obs/robot0_eef_pos"], file["data/demo_10/states"]
        file["data/demo_10/states"] = np.zeros((2, 5))
    found = RobomimicFile(tmp_path / "a.hdf5")
    with pytest.raises(DatasetError, match="no data/demo_2/obs/robot0_eef_pos, which the first demo has"):
        found.get_episode(1)
    with pytest.raises(DatasetError, match=r"demo_10/states: expected shape \(2, 32\), found \(2, 5\)"):
        found.get_episode("demo_10")


SPEC = Spec(
    {
        "ee_position": ArraySpec((3,), unit="m"),
        "image": ArraySpec((6, 8, 3), "uint8", "rgb"),
        "action": ArraySpec((7,), role="action", low=-1.0, high=1.0),
        "reward": ArraySpec((1,), role="output"),
        "done": ArraySpec((), "bool", role="output"),
        "target/ee_position": ArraySpec((3,), role="output"),
        "policy_name": ArraySpec((1,), "str", role="output"),
        "goal/ee_position": ArraySpec((3,), role="episode"),
    }
)


@pytest.fixture
def folder(tmp_path: Path) -> EpisodeFolder:
    """Twelve episodes of 2 to 13 rows."""
    made = EpisodeFolder.create(tmp_path / "set", SPEC, contract={"rate_hz": 10}, provenance={"by": "a test"})
    for number in range(12):
        arrays = SPEC.sample(np.random.default_rng(number), number + 2)
        arrays["policy_name"][:] = f"é{number}"
        made.add_episode(f"e{number:02d}", arrays, {"success": True})
    return made


def test_what_is_written_is_read_back_to_the_last_bit(folder, tmp_path):
    write_robomimic(tmp_path / "out.hdf5", folder)
    back = RobomimicFile(tmp_path / "out.hdf5")
    assert dict(back.spec) == dict(SPEC) and back.ids == folder.ids and back.contract == {"rate_hz": 10}
    assert back.provenance["by"] == "a test"
    for number in range(len(folder)):
        assert {**back.metadata(number), "filter_keys": 0} == {**folder.metadata(number), "filter_keys": 0}
        for key, array in folder.get_episode(number).arrays.items():
            assert np.array_equal(np.asarray(back.get_episode(number).arrays[key]), array), key


def test_plain_h5py_finds_what_robomimic_looks_for(folder, tmp_path):
    write_robomimic(tmp_path / "out.hdf5", folder, validation_fraction=0.3)
    with h5py.File(tmp_path / "out.hdf5") as file:
        assert file["data"].attrs["total"] == int(folder.lengths.sum())
        assert set(json.loads(file["data"].attrs["env_args"])) == {"env_name", "type", "env_kwargs"}
        demos = [name.decode() for mask in ("train", "valid") for name in file[f"mask/{mask}"]]
        assert sorted(demos) == sorted(file["data"]) and len(file["mask/train"]) > len(file["mask/valid"]) > 0
        for number, episode in enumerate(folder):
            demo = file[f"data/demo_{number}"]
            assert demo.attrs["num_samples"] == len(episode) and set(demo["obs"]) == {"ee_position", "image"}
            assert np.array_equal(demo["actions"], episode.arrays["action"])
            assert demo["rewards"].shape == demo["dones"].shape == (len(episode),)
            image = demo["obs/image"]
            assert np.array_equal(image, episode.arrays["image"]) and image.dtype == np.uint8 and image.chunks is None


def test_actions_beyond_one_are_warned_of_and_scaled_where_that_is_asked_for(tmp_path, caplog):
    spec = Spec({"twist": ArraySpec((2,), role="action"), "gripper": ArraySpec((), role="action")})
    made = EpisodeFolder.create(tmp_path / "set", spec)
    twist = np.array([[0.5, -4.0], [1.0, 2.0]], np.float32)
    made.add_episode("e", {"twist": twist, "gripper": np.zeros(2, np.float32)})
    with caplog.at_level(logging.WARNING):
        write_robomimic(tmp_path / "out.hdf5", made)
    assert "actions reach 4; robomimic expects them in [-1, 1]" in caplog.text and "1, 4, 0" in caplog.text
    assert RobomimicFile(tmp_path / "out.hdf5").get_episode(0).arrays["action"].tolist() == [[0.5, -4, 0], [1, 2, 0]]
    caplog.clear()
    write_robomimic(tmp_path / "out.hdf5", made, scale_actions=True)
    with h5py.File(tmp_path / "out.hdf5") as file:
        assert file["data/demo_0/actions"][()].tolist() == [[0.5, -1, 0], [1, 0.5, 0]]
        assert file["data"].attrs["action_scale"].tolist() == [1, 4, 1]
        assert "rewards" in file["data/demo_0"] and file["data/demo_0/dones"][()].tolist() == [0, 1]
    assert not caplog.text


def test_filter_keys_survive_a_round_trip(tmp_path):
    write(tmp_path / "a.hdf5")
    write_robomimic(tmp_path / "b.hdf5", RobomimicFile(tmp_path / "a.hdf5"))
    back = RobomimicFile(tmp_path / "b.hdf5")
    assert {n: sorted(ids) for n, ids in back.filter_keys().items()} == {
        "train": ["demo_0", "demo_2"],
        "valid": ["demo_10"],
    }
    with h5py.File(tmp_path / "b.hdf5") as file:
        assert json.loads(file["data"].attrs["env_args"]) == ENVIRONMENT
        assert file["data/demo_2"].attrs["model_file"] == "<mujoco/>"


def test_unknown_actions_are_named(folder, tmp_path):
    with pytest.raises(DatasetError, match="no 'twist' to write as actions; there are ee_position"):
        write_robomimic(tmp_path / "out.hdf5", folder, actions=["twist"])
    assert not (tmp_path / "out.hdf5").exists()


def test_a_disk_without_room_is_refused_before_anything_is_written(folder, tmp_path, monkeypatch):
    import shutil

    needed = int(folder.lengths.sum()) * sum(
        int(np.prod(array.shape)) * np.dtype(array.dtype).itemsize
        for array in folder.spec.values()
        if array.dtype != "str"
    )
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9 - needed, needed))
    with pytest.raises(OSError, match=r"the disk is full: .* MB are needed, .* MB are free"):
        write_robomimic(tmp_path / "out" / "a.hdf5", folder)
    assert list((tmp_path / "out").iterdir()) == []
