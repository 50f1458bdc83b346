"""Checkpoint files."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from muse_core import checkpoints  # noqa: E402
from muse_core.checkpoints import Checkpoint, CheckpointError, load_checkpoint, save_checkpoint  # noqa: E402
from muse_core.configs import TrainConfig  # noqa: E402
from muse_core.spec import ArraySpec, Spec  # noqa: E402


def example(step: int = 3) -> Checkpoint:
    return Checkpoint(
        step=step,
        config=TrainConfig(seed=9).to_dict(),
        spec=Spec({"q": ArraySpec((7,), unit="rad")}).to_dict(),
        model={"weight": torch.arange(3.0)},
        contract={"rate_hz": 10.0, "observations": {"q": {"topic": "panda/joint_states"}}},
        training={"random": {"cpu": torch.get_rng_state()}},
    )


def test_all_of_it_comes_back(tmp_path: Path):
    save_checkpoint(tmp_path / "model.pt", example())
    back = load_checkpoint(tmp_path / "model.pt")
    assert (back.step, back.train_config.seed, back.array_spec["q"].unit) == (3, 9, "rad")
    assert back.contract == example().contract
    assert torch.equal(back.model["weight"], torch.arange(3.0))


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch):
    save_checkpoint(tmp_path / "model.pt", example(1))

    def fail(content, path):
        Path(path).write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(torch, "save", fail)
    with pytest.raises(OSError, match="disk full"):
        save_checkpoint(tmp_path / "model.pt", example(2))
    assert load_checkpoint(tmp_path / "model.pt").step == 1
    assert [p.name for p in tmp_path.iterdir()] == ["model.pt"]


def test_a_missing_file_names_the_most_similar_one_beside_it(tmp_path: Path):
    save_checkpoint(tmp_path / "best_model.pt", example())
    with pytest.raises(FileNotFoundError, match=r"best_mdel.pt; did you mean 'best_model.pt'\?"):
        load_checkpoint(tmp_path / "best_mdel.pt")


class Payload:
    def __reduce__(self):
        return (print, ("code was run",))


def test_a_file_that_would_run_code_is_refused_and_runs_none(tmp_path: Path, capsys):
    torch.save({"format": checkpoints.FORMAT, "x": Payload()}, tmp_path / "model.pt")
    with pytest.raises(CheckpointError, match="cannot be read as a checkpoint"):
        load_checkpoint(tmp_path / "model.pt")
    (tmp_path / "plain.pt").write_bytes(pickle.dumps(Payload(), protocol=2))
    with pytest.raises(CheckpointError, match="cannot be read as a checkpoint"):
        load_checkpoint(tmp_path / "plain.pt")
    assert "code was run" not in capsys.readouterr().out


def test_a_torch_file_of_another_kind_is_refused(tmp_path: Path):
    torch.save({"step": 3}, tmp_path / "model.pt")
    with pytest.raises(CheckpointError, match="not a checkpoint of Muse"):
        load_checkpoint(tmp_path / "model.pt")


def test_a_checkpoint_that_lacks_a_part_is_refused(tmp_path: Path):
    torch.save({"format": checkpoints.FORMAT, "version": checkpoints.VERSION, "step": 3}, tmp_path / "model.pt")
    with pytest.raises(CheckpointError, match="lacks config, spec, model"):
        load_checkpoint(tmp_path / "model.pt")


def test_another_version_is_refused_by_number(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(checkpoints, "VERSION", 99)
    save_checkpoint(tmp_path / "model.pt", example())
    monkeypatch.undo()
    with pytest.raises(CheckpointError, match="has checkpoint version 99; this Muse reads 2"):
        load_checkpoint(tmp_path / "model.pt")


def test_a_full_disk_is_an_error_of_the_disk_and_the_old_file_stays(tmp_path, monkeypatch):
    save_checkpoint(tmp_path / "model.pt", example(1))
    before = (tmp_path / "model.pt").read_bytes()

    def full(*_: object) -> None:
        raise RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 64 vs 0")

    monkeypatch.setattr("torch.save", full)
    with pytest.raises(OSError, match="cannot be written: is the disk full"):
        save_checkpoint(tmp_path / "model.pt", example(2))
    assert (tmp_path / "model.pt").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["model.pt"]
