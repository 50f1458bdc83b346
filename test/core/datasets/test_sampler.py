"""The order of training windows."""

from __future__ import annotations

import numpy as np
import pytest

from muse_core.datasets.sampler import WindowSampler, epoch_order


def draw(sampler: WindowSampler, batches: int) -> np.ndarray:
    return np.concatenate([sampler.next() for _ in range(batches)])


def test_each_epoch_holds_every_window_once():
    drawn = draw(WindowSampler(10, 4, seed=0), 5)
    assert sorted(drawn[:10]) == list(range(10))
    assert sorted(drawn[10:]) == list(range(10))


def test_a_batch_may_cross_from_one_epoch_to_the_next_and_is_never_short():
    sampler = WindowSampler(3, 4, seed=0)
    expected = np.concatenate([epoch_order(3, 0, epoch) for epoch in range(4)])
    assert draw(sampler, 3).tolist() == expected.tolist()


def test_the_same_seed_gives_the_same_order_and_another_gives_another():
    assert draw(WindowSampler(100, 10, 1), 20).tolist() == draw(WindowSampler(100, 10, 1), 20).tolist()
    assert draw(WindowSampler(100, 10, 1), 20).tolist() != draw(WindowSampler(100, 10, 2), 20).tolist()


def test_epochs_differ_in_order():
    assert epoch_order(100, 0, 0).tolist() != epoch_order(100, 0, 1).tolist()


def test_it_goes_on_from_a_saved_state_in_the_middle_of_an_epoch():
    one = WindowSampler(10, 3, seed=5)
    draw(one, 5)
    other = WindowSampler(10, 3, seed=5)
    other.load_state_dict(one.state_dict())
    assert draw(other, 7).tolist() == draw(one, 7).tolist()


def test_resuming_on_other_data_is_refused():
    with pytest.raises(ValueError, match="its size was 10, now it is 11; is this the same dataset"):
        WindowSampler(11, 3, 0).load_state_dict(WindowSampler(10, 3, 0).state_dict())


def test_nothing_to_sample_from_is_an_error():
    with pytest.raises(ValueError, match="at least one window"):
        WindowSampler(0, 3, 0)
