"""The small vision encoder."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from muse_core.models.networks.keypoints import SpatialSoftmax, scale_images  # noqa: E402
from muse_core.models.vision import SmallEncoder  # noqa: E402


def test_spatial_softmax_of_a_two_by_three_map_worked_by_hand():
    # One channel; columns lie at x = -1, 0, 1 and rows at y = -1, 1. With logits ln 2 at the top right and 0 elsewhere
    # the weights are 2/7 there and 1/7 at the other five.
    features = torch.zeros(1, 1, 2, 3)
    features[0, 0, 0, 2] = math.log(2.0)
    x, y = SpatialSoftmax()(features)[0].tolist()
    assert x == pytest.approx((-1 + 0 + 2 - 1 + 0 + 1) / 7)
    assert y == pytest.approx((-1 - 1 - 2 + 1 + 1 + 1) / 7)


def test_a_single_strong_activation_gives_its_position():
    features = torch.zeros(1, 2, 5, 5)
    features[0, 0, 4, 0] = 100.0
    features[0, 1, 0, 2] = 100.0
    assert SpatialSoftmax()(features)[0].tolist() == pytest.approx([-1.0, 0.0, 1.0, -1.0], abs=1e-5)


def test_a_lower_temperature_sharpens():
    features = torch.zeros(1, 1, 1, 3)
    features[0, 0, 0, 2] = 1.0
    warm, cold = (SpatialSoftmax(temperature)(features)[0, 0].item() for temperature in (1.0, 0.1))
    assert warm == pytest.approx((math.e - 1) / (math.e + 2))
    assert cold == pytest.approx(1.0, abs=1e-3)


def test_bytes_are_scaled_to_minus_one_to_one():
    images = torch.tensor([0, 51, 255], dtype=torch.uint8).view(1, 1, 1, 3)
    assert scale_images(images).flatten().tolist() == pytest.approx([-1.0, -0.6, 1.0])


def test_each_last_channel_gives_two_numbers():
    encoder = SmallEncoder((4, 6), (3, 3), (2, 1))
    assert encoder.size == 12
    assert encoder(torch.zeros(5, 16, 16, 3, dtype=torch.uint8)).shape == (5, 12)


def test_lists_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="got 2, 3 and 2"):
        SmallEncoder((4, 6), (3, 3, 3), (2, 1))


def test_scaling_leaves_the_pictures_as_they_were():
    images = torch.full((1, 2, 2, 3), 255.0)
    assert scale_images(images).max() == 1.0
    assert images.min() == 255.0


def test_keypoints_keep_their_precision_under_half_precision():
    features = torch.zeros(1, 1, 1, 101)
    features[0, 0, 0, 67] = 100.0
    with torch.autocast("cpu", torch.bfloat16):
        assert SpatialSoftmax()(features)[0, 0].item() == pytest.approx(-1 + 67 / 50, abs=1e-5)
