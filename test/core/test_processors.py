"""How many processors may be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from muse_core import processors
from muse_core.processors import usable_processors


@pytest.mark.parametrize(
    ("text", "expected"), [("max 100000\n", 8), ("200000 100000\n", 2), ("50000 100000\n", 1), ("9900000 100000", 8)]
)
def test_a_container_limit_counts_where_it_is_below_the_cores(tmp_path: Path, monkeypatch, text: str, expected: int):
    (tmp_path / "cpu.max").write_text(text)
    monkeypatch.setattr(processors, "_CGROUP_V2", tmp_path / "cpu.max")
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(8)))
    assert usable_processors() == expected


@pytest.mark.parametrize(("quota", "expected"), [("-1\n", 8), ("300000\n", 3)])
def test_the_older_control_groups_are_read_too(tmp_path: Path, monkeypatch, quota: str, expected: int):
    (tmp_path / "cpu.cfs_quota_us").write_text(quota)
    (tmp_path / "cpu.cfs_period_us").write_text("100000\n")
    monkeypatch.setattr(processors, "_CGROUP_V2", tmp_path / "none")
    monkeypatch.setattr(processors, "_CGROUP_V1", tmp_path)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(8)))
    assert usable_processors() == expected
