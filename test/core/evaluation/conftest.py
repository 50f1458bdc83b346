"""A checkpoint that has learnt nothing, in an experiment's folder."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def checkpoint(tiny_dataset, tmp_path) -> Path:
    pytest.importorskip("torch")
    from muse_core.configs import TrainConfig
    from muse_core.trainers.setup import prepare

    path = tmp_path / "experiment" / "models" / "model.pt"
    prepare(TrainConfig(dataset=str(tiny_dataset.path), task="lift", threads=1, device="cpu")).save(path)
    return tmp_path / "experiment"
