"""The stable train/validation split."""

from __future__ import annotations

import pytest

from muse_core.datasets.split import is_validation, split_episodes

IDS = [f"episode_{i}" for i in range(1000)]


def test_about_the_asked_share_is_held_out():
    train, held_out = split_episodes(IDS, 0.1)
    assert len(train) + len(held_out) == 1000
    assert 70 <= len(held_out) <= 130


def test_adding_or_reordering_episodes_moves_none_to_the_other_side():
    before = {name for name in IDS if is_validation(name, 0.1)}
    _, held_out = split_episodes([*reversed(IDS), "new"], 0.1)
    names = [*reversed(IDS), "new"]
    assert {names[i] for i in held_out} - {"new"} == before


def test_a_larger_share_holds_out_all_that_a_smaller_one_does():
    assert {n for n in IDS if is_validation(n, 0.1)} < {n for n in IDS if is_validation(n, 0.3)}


def test_no_share_holds_nothing_out():
    assert split_episodes(IDS, 0.0) == (list(range(1000)), [])


def test_a_share_of_all_is_an_error():
    with pytest.raises(ValueError, match="below 1, got 1"):
        split_episodes(IDS, 1.0)
