"""Normalisation inside the model."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from muse_core.datasets.statistics import Statistics  # noqa: E402
from muse_core.models.normalizer import Normalizer  # noqa: E402

STATISTICS = {
    "action": Statistics(4, np.array([1.0, 5.0]), np.array([2.0, 0.0]), np.array([-1.0, 5.0]), np.array([4.0, 5.0]))
}


def test_there_and_back():
    normalizer = Normalizer({"action": (2,)}, STATISTICS)
    normalized = normalizer.normalize("action", torch.tensor([[3.0, 5.0]]))
    assert normalized.tolist() == [[1.0, 0.0]]
    assert normalizer.unnormalize("action", normalized).tolist() == [[3.0, 5.0]]


def test_a_dimension_that_never_changed_is_centred_but_not_scaled():
    normalizer = Normalizer({"action": (2,)}, STATISTICS)
    assert normalizer.normalize("action", torch.tensor([1.0, 5.5])).tolist() == [0.0, 0.5]


def test_a_spread_below_a_thousandth_is_not_blown_up():
    noise = {"tilt": Statistics(9, np.zeros(1), np.array([1e-4]), np.zeros(1), np.zeros(1))}
    assert Normalizer({"tilt": (1,)}, noise).normalize("tilt", torch.tensor([1e-3])).item() == pytest.approx(1e-3)


def test_values_are_kept_within_what_was_seen():
    normalizer = Normalizer({"action": (2,)}, STATISTICS)
    assert normalizer.clamp("action", torch.tensor([9.0, 4.0])).tolist() == [4.0, 5.0]


def test_statistics_travel_with_the_weights():
    trained = Normalizer({"action": (2,)}, STATISTICS)
    loaded = Normalizer({"action": (2,)})
    loaded.load_state_dict(trained.state_dict())
    assert loaded.normalize("action", torch.tensor([3.0, 5.0])).tolist() == [1.0, 0.0]


def test_without_statistics_nothing_changes():
    normalizer = Normalizer({"q": (3,)})
    values = torch.tensor([1.0, -2.0, 1e6])
    assert normalizer.clamp("q", normalizer.normalize("q", values)).tolist() == values.tolist()


def test_minimum_and_maximum_become_minus_one_and_one():
    normalizer = Normalizer({"action": (2,)}, STATISTICS, "min_max")
    assert normalizer.normalize("action", torch.tensor([[-1.0, 5.0], [4.0, 5.5]])).tolist() == [[-1, 0], [1, 0.5]]
    assert [each.tolist() for each in normalizer.bounds("action")] == [[-1, 0], [1, 0]]
