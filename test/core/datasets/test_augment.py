"""Augmentation of batches: a function of seed and position, and only what was asked for."""

from __future__ import annotations

import numpy as np
import pytest

from muse_core.datasets.augment import Augmenter
from muse_core.datasets.views import copy_view, crop_size
from muse_core.spec import ArraySpec, Spec

SPEC = Spec(
    {
        "image": ArraySpec((10, 20, 3), "uint8"),
        "ego_image": ArraySpec((10, 20, 3), "uint8"),
        "position": ArraySpec((3,), unit="m"),
        "orientation": ArraySpec((4,), unit="quaternion xyzw"),
        "action": ArraySpec((2,), role="action"),
    }
)
STEPS = {"image": 3, "ego_image": 3}


def test_a_view_repeats_the_pixels_of_the_border():
    source = np.random.default_rng(0).integers(0, 256, (2, 5, 4, 3), dtype=np.uint8)
    for top, left, rows, columns in ((-2, -1, 5, 4), (3, 2, 4, 4), (1, 1, 2, 2), (-1, 0, 8, 4)):
        out = np.zeros((2, rows, columns, 3), np.uint8)
        copy_view(source, out, top, left)
        down, right = (np.clip(np.arange(n) + at, 0, size - 1) for n, at, size in ((rows, top, 5), (columns, left, 4)))
        assert np.array_equal(out, source[:, down][:, :, right])
    with pytest.raises(ValueError, match=r"a view of 2x2 pixels from \(5, 0\) misses the image, 5x4"):
        copy_view(source, np.zeros((2, 2, 2, 3), np.uint8), 5, 0)


def test_a_crop_keeps_its_share_of_both_sides():
    assert crop_size(240, 320, 0.9) == (216, 288)
    with pytest.raises(ValueError, match="above 0 and at most 1, got 0"):
        crop_size(240, 320, 0.0)


def test_crops_lie_anywhere_within_the_image_and_cameras_differ():
    augmenter = Augmenter(SPEC, crop=0.8, seed=1)
    assert augmenter.sizes == {"image": (8, 16), "ego_image": (8, 16)}
    views = augmenter.views(np.arange(500), STEPS)
    corners = views["image"].corners
    assert corners.shape == (500, 2) and views["image"].size == (8, 16)
    assert set(corners[:, 0]) == {0, 1, 2} and set(corners[:, 1]) == {0, 1, 2, 3, 4}
    assert not np.array_equal(corners, views["ego_image"].corners)


def test_shifts_reach_as_far_as_asked_in_each_direction():
    views = Augmenter(SPEC, shift=2).views(np.arange(500), STEPS)
    assert set(views["image"].corners.ravel()) == {-2, -1, 0, 1, 2} and views["image"].size == (10, 20)


def test_frames_of_a_window_move_apart_where_that_is_asked_for():
    corners = Augmenter(SPEC, shift=4, per="frame").views(np.arange(50), STEPS)["image"].corners
    assert corners.shape == (50, 3, 2) and (corners[:, 0] != corners[:, 1]).any()


@pytest.mark.parametrize("per", ["window", "frame"])
def test_what_is_drawn_for_a_sample_does_not_depend_on_its_batch(per: str):
    pytest.importorskip("cv2")
    strong = {"shift": 2, "crop": 0.8, "brightness": 0.5, "contrast": 0.5, "saturation": 0.5, "hue": 0.5}
    augmenter = Augmenter(SPEC, **strong, noise={"position": 1.0, "orientation": 0.1}, per=per, seed=3)
    batch = batch_of(8)
    together, apart = {n: a.copy() for n, a in batch.items()}, {n: a.copy() for n, a in batch.items()}
    augmenter.finish(together, np.arange(8))
    for n in range(8):
        augmenter.finish({name: array[n : n + 1] for name, array in apart.items()}, np.array([n]))
        (one,) = augmenter.views(np.array([n]), STEPS)["image"].corners
        assert np.array_equal(one, augmenter.views(np.arange(8), STEPS)["image"].corners[n])
    for name in batch:
        assert np.array_equal(together[name], apart[name]), name
        assert np.array_equal(together[name], batch[name]) == (name == "action"), name


def batch_of(size: int) -> dict[str, np.ndarray]:
    batch = SPEC.sample(np.random.default_rng(0), size, 3)
    batch["image"][:], batch["ego_image"][:] = batch["image"][:1, :1], batch["ego_image"][:1, :1]
    batch["orientation"] /= np.linalg.norm(batch["orientation"], axis=-1, keepdims=True)
    return batch


def test_colours_change_once_a_window_or_once_a_frame():
    pytest.importorskip("cv2")
    for per, alike in (("window", True), ("frame", False)):
        images = batch_of(4)
        Augmenter(SPEC, brightness=0.5, hue=0.1, per=per).finish(images, np.arange(4))
        found = images["image"]
        assert all(np.array_equal(found[b, 0], found[b, 1]) == alike for b in range(4))
        assert not np.array_equal(found[0, 0], found[1, 0]) and not np.array_equal(
            found[0, 0], images["ego_image"][0, 0]
        )


def test_noise_has_the_deviation_asked_for_and_leaves_quaternions_unit():
    batch = SPEC.zeros(2000, 3)
    batch["orientation"][..., 3] = 1.0
    Augmenter(SPEC, noise={"position": 0.01, "orientation": 0.05}, per="frame").finish(batch, np.arange(2000))
    assert batch["position"].std() == pytest.approx(0.01, rel=0.03)
    assert np.linalg.norm(batch["orientation"], axis=-1) == pytest.approx(1, abs=1e-6)
    assert batch["orientation"][..., 0].std() == pytest.approx(0.05, rel=0.05)
    assert batch["position"].dtype == np.float32 and not batch["action"].any()


def test_noise_once_a_window_is_the_same_in_every_step():
    batch = SPEC.zeros(5, 3)
    Augmenter(SPEC, noise={"position": 0.01}).finish(batch, np.arange(5))
    assert np.ptp(batch["position"], axis=1).max() == 0 and np.ptp(batch["position"], axis=0).min() > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"shift": 10}, "a shift of 10 px leaves nothing of image, 10x20 px"),
        ({"crop": 1.5}, "at most 1, got 1.5"),
        ({"hue": 0.7}, "hue must be 0 to 0.5, got 0.7"),
        ({"contrast": -0.1}, "contrast must be 0 to 1"),
        ({"per": "batch"}, "per must be window or frame, got 'batch'"),
        ({"noise": {"positon": 0.1}}, "no noise can be put on 'positon'; choose from position, orientation"),
        ({"noise": {"action": 0.1}}, "no noise can be put on 'action'"),
        ({"noise": {"position": -0.1}}, "noise on position must be at least 0"),
    ],
)
def test_an_argument_out_of_range_is_named(arguments: dict, message: str):
    with pytest.raises(ValueError, match=message):
        Augmenter(SPEC, **arguments)


def test_nothing_asked_for_changes_nothing():
    augmenter, batch = Augmenter(SPEC), batch_of(2)
    before = {name: array.copy() for name, array in batch.items()}
    assert augmenter.views(np.arange(2), STEPS) == {} and augmenter.sizes == {}
    augmenter.finish(batch, np.arange(2))
    assert all(np.array_equal(batch[name], before[name]) for name in batch)
