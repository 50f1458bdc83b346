"""Raw images of every encoding become the same pixels; depth is never mixed across edges."""

from types import SimpleNamespace

import numpy as np
import pytest

from muse_ros.contract.decode import decode
from muse_ros.contract.message_fields import DecodeError
from muse_ros.contract.raw_image import pixels, resized
from muse_ros.contract.stream import Stream

RGB = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)


def image(array, encoding, pad=0, big=False):
    """An Image message; `pad` bytes follow every row."""
    height, width = array.shape[:2]
    rows = array.astype(array.dtype.newbyteorder(">" if big else "<")).tobytes()
    step = len(rows) // height
    data = b"".join(rows[n * step : (n + 1) * step] + b"\0" * pad for n in range(height))
    return SimpleNamespace(
        height=height, width=width, step=step + pad, encoding=encoding, is_bigendian=int(big), data=data
    )


@pytest.mark.parametrize(
    ("encoding", "sent"),
    [
        ("rgb8", RGB),
        ("bgr8", RGB[:, :, ::-1]),
        ("8UC3", RGB[:, :, ::-1]),
        ("rgba8", np.dstack([RGB, np.full((4, 6), 9, np.uint8)])),
        ("bgra8", np.dstack([RGB[:, :, ::-1], np.full((4, 6), 9, np.uint8)])),
    ],
)
@pytest.mark.parametrize("pad", [0, 5])
def test_colours_come_out_as_rgb(encoding, sent, pad):
    np.testing.assert_array_equal(pixels(image(np.ascontiguousarray(sent), encoding, pad)), RGB)


def test_one_channel_stays_one():
    np.testing.assert_array_equal(pixels(image(RGB[:, :, :1], "mono8")), RGB[:, :, :1])


@pytest.mark.parametrize("big", [False, True])
def test_depth_keeps_its_sixteen_bits(big):
    depth = (np.arange(24, dtype=np.uint16) * 1000).reshape(4, 6, 1)
    found = pixels(image(depth, "16UC1", big=big))
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found, depth)


@pytest.mark.parametrize(
    ("encoding", "red_at"),
    [
        ("bayer_rggb8", (0, 0)),
        ("bayer_bggr8", (1, 1)),
        ("bayer_grbg8", (0, 1)),
        ("bayer_gbrg8", (1, 0)),
    ],
)
def test_bayer_patterns_find_red(encoding, red_at):
    mosaic = np.zeros((8, 8, 1), np.uint8)
    mosaic[red_at[0] :: 2, red_at[1] :: 2] = 200
    found = pixels(image(mosaic, encoding))[2:6, 2:6]
    assert found[..., 0].min() > 150 and found[..., 2].max() == 0


def test_an_unknown_encoding_lists_the_known_ones():
    with pytest.raises(DecodeError, match=r"encoding 'yuv422'; known are rgb8, .*bayer_rggb8"):
        pixels(image(RGB, "yuv422"))


def test_too_few_bytes_are_refused():
    message = image(RGB, "rgb8")
    message.data = message.data[:-1]
    with pytest.raises(DecodeError, match="71 bytes in rows of 18 for 4x6 pixels of rgb8"):
        pixels(message)


def test_depth_is_resized_by_picking_not_by_mixing():
    depth = np.repeat(np.array([[1000, 1000, 5000, 5000]], np.uint16), 4, axis=0)[:, :, None]
    assert set(np.unique(resized(depth, (2, 3), None))) <= {1000, 5000}
    np.testing.assert_array_equal(resized(depth, None, (0, 1, 1, 2))[..., 0], [[1000, 5000]])


def test_a_crop_outside_is_refused():
    for array in (RGB, np.zeros((4, 6, 1), np.uint16)):
        with pytest.raises(DecodeError, match="crop"):
            resized(array, None, (2, 0, 4, 6))


def test_a_grey_image_serves_a_colour_key():
    fields = {"topic": "c", "type": "sensor_msgs/msg/Image", "size": [4, 6], "max_age_s": 1.0}
    stream = Stream.from_dict("image", "observation", fields)
    decoded = decode(stream, image(RGB[:, :, :1], "mono8"))
    np.testing.assert_array_equal(decoded, np.repeat(RGB[:, :, :1], 3, axis=2))
