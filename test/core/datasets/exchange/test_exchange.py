"""`muse import` and `muse export`: from format to format and back."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from muse_core.datasets.episode_folder import EpisodeFolder
from muse_core.datasets.exchange import export_cli, import_cli
from muse_core.datasets.exchange.exchange import ImportOptions, import_dataset
from muse_core.datasets.npz.unpacking import unpacked_path
from muse_core.datasets.opening import open_dataset
from muse_core.datasets.store import DatasetError
from muse_core.spec import ArraySpec, Spec

SPEC = Spec(
    {
        "ee_position": ArraySpec((3,), unit="m"),
        "image": ArraySpec((8, 8, 3), "uint8", "rgb"),
        "action": ArraySpec((2,), role="action"),
        "policy_name": ArraySpec((1,), "str", role="output"),
        "goal/ee_position": ArraySpec((3,), role="episode"),
    }
)


@pytest.fixture
def folder(tmp_path: Path) -> EpisodeFolder:
    """Three episodes of 2, 3 and 4 rows."""
    made = EpisodeFolder.create(tmp_path / "data" / "set", SPEC, {"rate_hz": 10.0}, {"by": "a test"})
    for number, name in enumerate(("a", "b", "c")):
        arrays = SPEC.sample(np.random.default_rng(number), number + 2)
        arrays["policy_name"][:] = name
        made.add_episode(name, arrays, {"success": number != 1})
    return made


def same(one: EpisodeFolder, other: EpisodeFolder) -> None:
    assert dict(one.spec) == dict(other.spec) and one.ids == other.ids
    assert one.contract == other.contract and one.provenance["by"] == other.provenance["by"]
    for number in range(len(one)):
        mine, theirs = one.get_episode(number), other.get_episode(number)
        assert mine.metadata.items() <= theirs.metadata.items()
        assert all(np.array_equal(theirs.arrays[key], array) for key, array in mine.arrays.items())


@pytest.mark.parametrize("name", ["out.npz", "out.hdf5", "out.h5"])
@pytest.mark.parametrize("flags", [[], ["--colour_order", "bgr"], ["--uncompressed"]])
def test_export_and_import_give_the_same_dataset(folder, tmp_path, capsys, name, flags):
    if name != "out.npz":
        pytest.importorskip("h5py")
        flags = []
    file, back = tmp_path / name, tmp_path / "data" / "back"
    assert export_cli.main([str(folder.path), "-o", str(file), *flags]) == 0
    assert f"{file}: 3 episodes, 9 rows" in capsys.readouterr().out
    assert import_cli.main([str(file), "-o", str(back)]) == 0
    assert f"{back}: 3 episodes, 9 rows of ee_position, image" in capsys.readouterr().out
    same(folder, EpisodeFolder.open(back))
    assert not unpacked_path(file).exists() and not list(back.parent.glob(".*"))


def test_episodes_whose_names_would_be_in_another_order_are_numbered(folder, tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.hdf5", "w") as file:
        for number in (2, 10):
            file[f"data/demo_{number}/actions"] = np.full((3, 1), number, np.float32)
    made = import_dataset(tmp_path / "a.hdf5", tmp_path / "set")
    assert made.ids == ["episode_00000", "episode_00001"]
    assert [made.metadata(n)["source_id"] for n in range(2)] == ["demo_2", "demo_10"]
    assert [float(made.get_episode(n).arrays["action"][0, 0]) for n in range(2)] == [2, 10]


def test_keys_may_be_left_out_images_stored_small_and_a_rate_given(folder, tmp_path):
    pytest.importorskip("cv2")
    for source in (folder.path, tmp_path / "out.npz"):
        if source.suffix:
            export_cli.main([str(folder.path), "-o", str(source)])
        target = tmp_path / f"made{source.suffix}"
        flags = ["--leave_out", "policy_name", "--images", "jpeg", "--jpeg_quality", "50", "--rate_hz", "20"]
        assert import_cli.main([str(source), "-o", str(target), *flags]) == 0
        made = EpisodeFolder.open(target)
        assert list(made.spec) == ["ee_position", "image", "action", "goal/ee_position"]
        assert made.images == "jpeg" and made.provenance["rate_hz"] == 20
        assert made.get_episode(2).arrays["image"][1].shape == (8, 8, 3)


def test_an_import_that_fails_leaves_nothing_and_names_rows_and_key(tmp_path, capsys):
    position = np.zeros((4, 3), np.float32)
    position[3] = np.nan
    done = np.array([False, True, False, True])
    np.savez_compressed(tmp_path / "a.npz", ee_position=position, action=np.zeros((4, 1), np.float32), done=done)
    target = tmp_path / "data" / "made"
    assert import_cli.main([str(tmp_path / "a.npz"), "-o", str(target)]) == 1
    said = capsys.readouterr().err
    assert "a.npz, rows 2 to 3 (episode 1): 'ee_position': 3 of 6 values are not finite" in said
    assert "--leave_out" in said and not list(target.parent.iterdir())
    assert import_cli.main([str(tmp_path / "a.npz"), "-o", str(target), "--leave_out", "ee_position"]) == 0


def test_what_exists_is_not_overwritten_unless_asked_for(folder, tmp_path, capsys):
    (tmp_path / "out.npz").write_text("old")
    command = [str(folder.path), "-o", str(tmp_path / "out.npz")]
    assert export_cli.main(command) == 1 and "exists; choose another name, or --replace it" in capsys.readouterr().err
    assert export_cli.main([*command, "--replace"]) == 0
    with pytest.raises(DatasetError, match="set exists; choose another name"):
        import_dataset(tmp_path / "out.npz", folder.path)


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["-o", "out.txt"], "out.txt: the name must end in .npz"),
        (["-o", "out.npz", "--scale_actions"], "out.npz: --scale_actions is not for files of this format"),
        (["-o", "out.hdf5", "--uncompressed"], "out.hdf5: --uncompressed is not for files of this format"),
    ],
)
def test_an_export_that_cannot_be_is_refused(folder, capsys, monkeypatch, tmp_path, command, message):
    monkeypatch.chdir(tmp_path)
    assert export_cli.main([str(folder.path), *command]) == 1
    assert message in capsys.readouterr().err


def test_options_of_npz_files_are_refused_for_others(folder, tmp_path):
    with pytest.raises(DatasetError, match=r"questions of \.npz files alone"):
        import_dataset(folder.path, tmp_path / "made", ImportOptions(colour_order="rgb"))
    with pytest.raises(DatasetError, match="no key 'nothing' to leave out; there are ee_position"):
        import_dataset(folder.path, tmp_path / "made", ImportOptions(leave_out=("nothing",)))


def test_a_missing_dataset_says_what_there_is(folder, capsys):
    assert export_cli.main([str(folder.path.with_name("sett")), "-o", "x.npz"]) == 1
    assert "no such dataset" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "flags", "message"),
    [
        (import_cli, ["--images", "jpeg", "--jpeg_quality", "0"], "--jpeg_quality: must be 1 to 100, got 0"),
        (import_cli, ["--jpeg_quality", "high"], "--jpeg_quality: must be a whole number, got 'high'"),
        (import_cli, ["--rate_hz", "-3"], "--rate_hz: must be positive, got -3"),
        (import_cli, ["--rate_hz", "nan"], "--rate_hz: must be positive, got nan"),
        (import_cli, ["--rate_hz", "fast"], "--rate_hz: must be a number, got 'fast'"),
        (export_cli, ["--validation_fraction", "1"], "--validation_fraction: must be at least 0 and below 1, got 1"),
    ],
)
def test_a_value_out_of_range_is_refused_before_anything_is_written(folder, tmp_path, capsys, command, flags, message):
    with pytest.raises(SystemExit) as stopped:
        command.main([str(folder.path), "-o", str(tmp_path / "out.hdf5"), *flags])
    assert stopped.value.code == 2 and message in capsys.readouterr().err
    assert not (tmp_path / "out.hdf5").exists()


def test_the_conversion_of_colours_is_told(tmp_path, caplog):
    images = np.zeros((2, 4, 4, 3), np.uint8)
    np.savez(tmp_path / "a.npz", image=images, done=np.array([False, True]), action=np.zeros((2, 1)))
    with caplog.at_level(logging.INFO):
        assert open_dataset(tmp_path / "a.npz").provenance["source_colour_order"] == "bgr"
    assert "image: colours converted from BGR to RGB" in caplog.text
