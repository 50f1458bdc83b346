"""Action chunks, step by step, against sequences worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from muse_core.policies.chunking import ChunkExecutor


def chunk(*values: float) -> np.ndarray:
    """One episode's chunk of single numbers, (1, T, 1)."""
    return np.array(values, np.float32).reshape(1, -1, 1)


def test_a_receding_horizon_executes_some_actions_of_each_chunk():
    executor = ChunkExecutor(execute=2)
    executed = []
    for start in (10, 20, 30):
        assert executor.needs_prediction().tolist() == [True]
        executor.add(chunk(start, start + 1, start + 2))
        for _ in range(2):
            assert executor.needs_prediction().tolist() == [False]
            executed.append(executor.next().item())
    assert executed == [10, 11, 20, 21, 30, 31]


def test_ensembling_weighs_the_oldest_prediction_most():
    # weights exp(-i ln 2) = 1, 1/2, 1/4 from the oldest on
    executor = ChunkExecutor(execute=1, ensemble=np.log(2.0))
    executor.add(chunk(0, 1, 2))
    assert executor.next().item() == 0
    executor.add(chunk(4, 5, 6))
    assert executor.next().item() == pytest.approx((1 * 1 + 0.5 * 4) / 1.5)
    executor.add(chunk(8, 9, 10))
    assert executor.next().item() == pytest.approx((1 * 2 + 0.5 * 5 + 0.25 * 8) / 1.75)
    executor.add(chunk(12, 13, 14))  # the first chunk has run out: the second is the oldest now
    assert executor.next().item() == pytest.approx((1 * 6 + 0.5 * 9 + 0.25 * 12) / 1.75)


def test_ensembling_without_decay_is_the_mean():
    executor = ChunkExecutor(execute=2, ensemble=0.0)
    executor.add(chunk(0, 0, 3, 0))
    executor.next(), executor.next()
    executor.add(chunk(5, 0, 0, 0))
    assert executor.next().item() == 4


def test_each_episode_of_a_batch_keeps_its_own_count():
    executor = ChunkExecutor(execute=2, batch_size=2)
    first = np.array([[1, 2, 3], [10, 20, 30]], np.float32)
    executor.add(first)
    assert executor.next().tolist() == [1, 10]
    executor.reset(np.array([False, True]))
    assert executor.needs_prediction().tolist() == [False, True]
    executor.add(np.array([[-1, -1, -1], [40, 50, 60]], np.float32))  # the first episode is not asked: keeps its chunk
    assert executor.next().tolist() == [2, 40]
    assert executor.needs_prediction().tolist() == [True, False]
    executor.add(np.array([[7, 8, 9], [-1, -1, -1]], np.float32))
    assert executor.next().tolist() == [7, 50]


@pytest.mark.parametrize("ensemble", [None, 0.1])
def test_a_batch_acts_as_its_episodes_would_alone(ensemble):
    rng = np.random.default_rng(0)
    batch = ChunkExecutor(3, ensemble, batch_size=3)
    single = [ChunkExecutor(3, ensemble) for _ in range(3)]
    for step in range(20):
        which = rng.random(3) < 0.2
        batch.reset(which)
        for executor in np.array(single)[which]:
            executor.reset()
        predicted = rng.normal(size=(3, 5, 2))
        batch.add(predicted)
        for i, executor in enumerate(single):
            executor.add(predicted[i : i + 1])
        together = batch.next()
        np.testing.assert_array_equal(together, np.concatenate([executor.next() for executor in single]), str(step))


def test_actions_keep_the_dtype_of_the_chunk():
    executor = ChunkExecutor(ensemble=0.01)
    executor.add(chunk(0.1, 0.2))
    assert executor.next().dtype == np.float32


def test_acting_without_a_prediction_is_an_error():
    executor = ChunkExecutor(batch_size=2)
    with pytest.raises(RuntimeError, match=r"episodes \[0, 1\] of the batch need a prediction"):
        executor.next()
    executor.add(np.zeros((2, 4, 7)))
    executor.next()
    with pytest.raises(RuntimeError, match=r"\[0, 1\]"):
        executor.next()


def test_what_is_no_chunk_is_refused():
    with pytest.raises(ValueError, match=r"T >= execute = 3, \.\.\.\), got shape \(1, 2, 1\)"):
        ChunkExecutor(3).add(chunk(0, 1))
    with pytest.raises(ValueError, match="at least 1, got 0"):
        ChunkExecutor(0)
    executor = ChunkExecutor()
    executor.add(chunk(0, 1))
    with pytest.raises(ValueError, match=r"keep their shape: \(2, 1\) before, \(3, 1\) now"):
        executor.add(chunk(0, 1, 2))


def test_quaternions_of_either_sign_are_averaged_as_rotations():
    # Behind a position of 1 and 3: no turn, and minus a quarter turn about z. Halfway lies an eighth of a turn.
    still, quarter = [0, 0, 0, 1], [0, 0, -np.sin(np.pi / 4), -np.cos(np.pi / 4)]
    executor = ChunkExecutor(1, 0.0, quaternion=slice(1, 5))
    executor.add(np.array([[[0, *still], [1, *still]]], np.float32))
    assert executor.next()[0].tolist() == [0, *still]
    executor.add(np.array([[[3, *quarter], [0, *still]]], np.float32))
    expected = [2, 0, 0, -np.sin(np.pi / 8), -np.cos(np.pi / 8)]
    np.testing.assert_allclose(executor.next()[0], expected, atol=1e-6)
