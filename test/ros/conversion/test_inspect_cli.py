"""`muse inspect` of datasets that Muse did not make."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from muse_ros.conversion import inspect_cli


def test_a_flat_npz_shows_its_keys_without_being_unpacked(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    done = np.array([False, True, False, False, True])
    arrays = {"image": np.zeros((5, 4, 6, 3), np.uint8), "action": np.zeros((5, 7), np.float32), "done": done}
    np.savez_compressed(tmp_path / "coffee.npz", **arrays)
    assert inspect_cli.main([str(tmp_path / "coffee.npz")]) == 0
    said = capsys.readouterr().out
    assert "[4, 6, 3]" in said and "action" in said and "float32" in said
    assert "2 episodes, 5 rows, 2 to 3 each; images bgr in the file" in said
    assert [path.name for path in tmp_path.iterdir()] == ["coffee.npz"]


def test_robomimics_file_shows_its_demos(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "lift.hdf5", "w") as file:
        file["data/demo_0/actions"] = np.zeros((3, 7))
    assert inspect_cli.main([str(tmp_path / "lift.hdf5")]) == 0
    assert "1 episodes, 3 rows, 3 to 3 each" in capsys.readouterr().out


def test_a_damaged_file_is_an_error_and_no_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "coffee.npz").write_bytes(b"")
    assert inspect_cli.main([str(tmp_path / "coffee.npz")]) == 1
    assert "coffee.npz: the file is empty" in capsys.readouterr().err


def test_a_folder_of_datasets_is_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "real").mkdir()
    for name in ("lift.npz", "real/coffee.npz"):
        np.savez(tmp_path / name, action=np.zeros((1, 7), np.float32), done=np.array([True]))
    assert inspect_cli.main([str(tmp_path)]) == 0
    first, second, count = capsys.readouterr().out.splitlines()
    assert [first, second] == [str(tmp_path / "lift.npz"), str(tmp_path / "real/coffee.npz")]
    assert count == f"2 datasets; `muse inspect {tmp_path / 'lift.npz'}` says what one holds"
