"""Colours as affine maps."""

from __future__ import annotations

import numpy as np
import pytest

from muse_core.datasets.colour import colour_maps, recolour

pytest.importorskip("cv2")


def changed(pixel: tuple[int, int, int], brightness=1.0, contrast=1.0, saturation=1.0, hue=0.0) -> list[int]:
    image = np.full((2, 2, 3), pixel, np.uint8)
    (colour_map,) = colour_maps(*(np.array([v]) for v in (brightness, contrast, saturation, hue)))
    recolour(image, colour_map)
    assert (image == image[0, 0]).all()
    return image[0, 0].tolist()


def test_no_change_changes_nothing():
    image = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3), dtype=np.uint8)
    before = image.copy()
    recolour(image, colour_maps(np.ones(1), np.ones(1), np.ones(1), np.zeros(1))[0])
    assert np.array_equal(image, before)


def test_brightness_is_a_factor_cut_off_at_255():
    assert changed((100, 40, 200), brightness=1.5) == [150, 60, 255]


def test_contrast_moves_values_away_from_the_middle():
    assert changed((100, 40, 200), contrast=0.5) == pytest.approx([113.75, 83.75, 163.75], abs=0.76)


def test_without_saturation_only_the_luma_is_left():
    luma = 0.299 * 100 + 0.587 * 40 + 0.114 * 200
    assert changed((100, 40, 200), saturation=0.0) == pytest.approx([luma] * 3, abs=0.76)


def test_a_whole_turn_of_the_hue_comes_back_and_grey_has_none():
    assert changed((100, 40, 200), hue=1.0) == pytest.approx([100, 40, 200], abs=1)
    assert changed((90, 90, 90), hue=0.3) == pytest.approx([90] * 3, abs=1)


def test_a_third_of_a_turn_sends_red_towards_green_or_blue():
    red, green, blue = changed((160, 60, 60), hue=1 / 3)
    assert red < max(green, blue)
