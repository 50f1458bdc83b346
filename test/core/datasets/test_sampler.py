"""The order of training windows."""

from __future__ import annotations

import numpy as np
import pytest

from muse_core.datasets.sampler import (
    EpisodeSampler,
    Sampler,
    WeightedSampler,
    WindowSampler,
    epoch_order,
    value_weights,
)


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


def test_another_kind_of_sampler_cannot_go_on():
    with pytest.raises(ValueError, match="its kind was WindowSampler, now it is WeightedSampler"):
        WeightedSampler(np.ones(10), 3, 0).load_state_dict(WindowSampler(10, 3, 0).state_dict())


MAKERS = {
    "windows": lambda batch, **process: WindowSampler(10, batch, 4, **process),
    "episodes": lambda batch, **process: EpisodeSampler([3, 0, 7], batch, 4, **process),
    "weighted": lambda batch, **process: WeightedSampler(np.arange(10), batch, 4, **process),
}


@pytest.mark.parametrize("kind", MAKERS)
def test_two_processes_together_draw_what_one_does_with_twice_the_batch(kind: str):
    one = MAKERS[kind](6)
    two = [MAKERS[kind](3, rank=rank, world_size=2) for rank in range(2)]
    for _ in range(5):
        assert np.concatenate([each.positions for each in two]).tolist() == one.positions.tolist()
        assert np.concatenate([each.next() for each in two]).tolist() == one.next().tolist()
    assert one.state_dict() == two[0].state_dict() == two[1].state_dict()


@pytest.mark.parametrize("kind", MAKERS)
def test_every_kind_goes_on_from_a_saved_state(kind: str):
    one, other = MAKERS[kind](3), MAKERS[kind](3)
    draw(one, 5)
    other.load_state_dict(one.state_dict())
    assert draw(other, 7).tolist() == draw(one, 7).tolist()


def test_drawing_by_episodes_gives_short_and_long_ones_the_same_share():
    drawn = draw(EpisodeSampler([5, 10, 40], 11, seed=0), 300)
    counts = np.histogram(drawn, [0, 5, 15, 55])[0]
    assert counts.tolist() == [1100, 1100, 1100]
    assert np.bincount(drawn[drawn < 5]).min() > 150  # all windows of an episode alike: 220 each


def test_drawing_by_windows_favours_long_episodes_in_proportion_not_inversely():
    drawn = draw(WindowSampler(55, 55, seed=0), 10)
    assert np.histogram(drawn, [0, 5, 15, 55])[0].tolist() == [50, 100, 400]


def test_an_epoch_of_a_multiple_of_the_batch_has_no_batch_too_many():
    sampler = WindowSampler(6, 3, seed=0)
    assert sorted(draw(sampler, 2)) == list(range(6))
    assert draw(sampler, 2).tolist() == epoch_order(6, 0, 1).tolist()


def test_weights_are_probabilities_up_to_a_factor():
    drawn = draw(WeightedSampler([0, 1, 3, 0], 1000, seed=0), 8)
    counts = np.bincount(drawn, minlength=4)
    assert counts[0] == counts[3] == 0
    assert counts[2] / 8000 == pytest.approx(0.75, abs=0.02)  # 0.75, standard error 0.005


def test_the_rarer_value_gets_its_share():
    assert value_weights(np.array([0, 1, 0, 0])).tolist() == pytest.approx([1 / 3, 1, 1 / 3, 1 / 3])
    assert value_weights(np.array([0, 1, 0, 2]), {0: 0.5, 1: 0.25}).tolist() == [0.25, 0.25, 0.25, 0]
    with pytest.raises(ValueError, match="no window has the value 7; there are 0, 1"):
        value_weights(np.array([0, 1]), {7: 1.0})


@pytest.mark.parametrize("weights", [[0.0, 0.0], [1.0, -1.0], [1.0, np.nan]])
def test_weights_that_are_none_are_refused(weights: list[float]):
    with pytest.raises(ValueError, match="weights must be finite, at least 0 and not all 0"):
        WeightedSampler(weights, 3, 0)


def test_a_process_beyond_the_world_is_refused():
    with pytest.raises(ValueError, match="rank 2 of 2"):
        Sampler(10, 3, 0, rank=2, world_size=2)
