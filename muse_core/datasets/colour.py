"""Changes of an image's colours as one affine map of its RGB values: bytes in, bytes out, in a single pass.

Brightness, contrast, saturation and hue are each affine in RGB (hue is a rotation about the grey axis, in YIQ), so that
their composition is one 3x4 matrix for each image. Values beyond 0..255 are cut off once, at the end.
"""

from __future__ import annotations

import numpy as np

_LUMA = np.array([0.299, 0.587, 0.114])
_RGB_TO_YIQ = np.array([_LUMA, [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
_YIQ_TO_RGB = np.linalg.inv(_RGB_TO_YIQ)
_MIDDLE = 127.5


def colour_maps(brightness: np.ndarray, contrast: np.ndarray, saturation: np.ndarray, hue: np.ndarray) -> np.ndarray:
    """The maps that change brightness, then contrast, saturation and hue.

    Args:
        brightness: (N,) factors on all values; 1 changes nothing.
        contrast: (N,) factors on the distance from the middle grey, 127.5; 1 changes nothing.
        saturation: (N,) factors on the distance from the pixel's own grey; 1 changes nothing, 0 leaves grey.
        hue: (N,) turns about the grey axis; 0 changes nothing, 1 is a whole turn.

    Returns:
        (N, 3, 4) float64: three columns for R, G and B, and what is added.
    """
    angle = 2.0 * np.pi * np.asarray(hue)
    turn = np.zeros((len(angle), 3, 3))
    turn[:, 0, 0] = 1.0
    turn[:, 1, 1] = turn[:, 2, 2] = np.cos(angle)
    turn[:, 1, 2], turn[:, 2, 1] = -np.sin(angle), np.sin(angle)
    turn = _YIQ_TO_RGB @ turn @ _RGB_TO_YIQ
    factor = np.asarray(saturation)[:, None, None]
    mix = turn @ (factor * np.eye(3) + (1.0 - factor) * np.broadcast_to(_LUMA, (3, 3)))
    linear = mix * (np.asarray(contrast) * np.asarray(brightness))[:, None, None]
    # Grey stays grey under hue and saturation, so that the middle is added as it is.
    added = np.broadcast_to((_MIDDLE * (1.0 - np.asarray(contrast)))[:, None, None], (len(angle), 3, 1))
    return np.concatenate([linear, added], axis=2)


def recolour(images: np.ndarray, colour_map: np.ndarray) -> None:
    """Send every pixel through a map, in place.

    Args:
        images: (..., height, width, 3) uint8, C-contiguous.
        colour_map: (3, 4), one of :func:`colour_maps`.
    """
    import cv2  # where it is used: datasets are read without it

    rows = images.reshape(-1, images.shape[-2], 3)
    rows[:] = cv2.transform(rows, colour_map)
