"""One decoder for every image: geometry by hand, the same bytes the same pixels, and errors that say what is wrong."""

import cv2
import numpy as np
import pytest

from muse_core.images import ImageError, decode_image, encode_jpeg, image_size, transform


def _quarters() -> np.ndarray:
    """48x64 pixels: red, green over blue, white, in quarters of 24x32."""
    rgb = np.zeros((48, 64, 3), np.uint8)
    rgb[:24, :32], rgb[:24, 32:] = (255, 0, 0), (0, 255, 0)
    rgb[24:, :32], rgb[24:, 32:] = (0, 0, 255), (255, 255, 255)
    return rgb


def _png(rgb: np.ndarray) -> bytes:
    return cv2.imencode(".png", rgb[..., ::-1])[1].tobytes()


def test_colours_come_back_as_rgb():
    decoded = decode_image(encode_jpeg(_quarters(), 95))
    assert decoded.shape == (48, 64, 3) and decoded.dtype == np.uint8
    for row, column, colour in ((12, 16, (255, 0, 0)), (12, 48, (0, 255, 0)), (36, 16, (0, 0, 255))):
        np.testing.assert_allclose(decoded[row, column], colour, atol=6)


def test_the_crop_is_in_source_pixels_whatever_the_size():
    for size in (None, (24, 32), (12, 16), (6, 8), (3, 4), (10, 20)):
        decoded = decode_image(encode_jpeg(_quarters(), 95), size=size, crop=(24, 0, 24, 32))
        assert decoded.shape == (*(size or (24, 32)), 3)
        np.testing.assert_allclose(decoded[decoded.shape[0] // 2, decoded.shape[1] // 2], (0, 0, 255), atol=6)


def test_a_png_shrinks_by_the_mean_of_each_area():
    rgb = np.zeros((4, 4, 3), np.uint8)
    rgb[:2, :2, 0] = [[10, 20], [30, 40]]
    assert decode_image(_png(rgb), size=(2, 2))[0, 0, 0] == 25


def test_raw_pixels_take_the_same_geometry_as_a_lossless_file():
    rgb = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    for size, crop in (((12, 16), None), ((10, 10), (4, 8, 40, 40)), (None, (1, 2, 3, 4)), ((96, 128), None)):
        np.testing.assert_array_equal(decode_image(_png(rgb), size, crop), transform(rgb, size, crop))


@pytest.mark.parametrize("size", [(24, 32), (12, 16), (6, 8), (5, 7)])
def test_a_jpeg_decoded_small_is_close_to_one_decoded_whole_and_shrunk(size: tuple[int, int]):
    rows, columns = np.mgrid[:48, :64]
    rgb = np.stack([4 * columns, 5 * rows, 255 - 3 * columns], axis=-1).clip(0, 255).astype(np.uint8)
    data = encode_jpeg(rgb, 95)
    error = decode_image(data, size).astype(int) - transform(decode_image(data), size).astype(int)
    assert np.abs(error).max() <= 6


def test_a_crop_off_the_block_grid_is_decoded_whole_and_keeps_its_place():
    rgb = np.zeros((48, 64, 3), np.uint8)
    rgb[9:21, 13:29] = 255
    decoded = decode_image(encode_jpeg(rgb, 100), size=(6, 8), crop=(9, 13, 12, 16))
    assert decoded.min() > 200


def test_the_same_bytes_give_the_same_pixels():
    data = encode_jpeg(_quarters(), 80)
    np.testing.assert_array_equal(decode_image(data, (12, 16)), decode_image(bytearray(data), (12, 16)))


def test_the_size_is_read_from_the_header():
    assert image_size(encode_jpeg(_quarters())) == image_size(_png(_quarters())) == (48, 64)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "got 0 bytes"),
        (b"not an image at all", "expected a JPEG or PNG"),
        (encode_jpeg(_quarters())[:-40], "cut short"),
        (b"\xff\xd8\xff\xd9", "no frame header"),
        (_png(_quarters())[:60], "do not decode"),
    ],
)
def test_bytes_that_are_no_whole_image_are_refused(data: bytes, message: str):
    with pytest.raises(ImageError, match=message):
        decode_image(data, (12, 16))


@pytest.mark.parametrize("crop", [(0, 0, 49, 64), (-1, 0, 10, 10), (40, 60, 8, 5), (0, 0, 0, 10)])
def test_a_crop_that_leaves_the_image_is_refused_with_its_numbers(crop: tuple[int, int, int, int]):
    with pytest.raises(ImageError, match="does not lie inside an image of 48x64"):
        decode_image(encode_jpeg(_quarters()), crop=crop)


def test_only_rgb_bytes_are_encoded():
    with pytest.raises(ImageError, match=r"got \(4, 4\) of uint8"):
        encode_jpeg(np.zeros((4, 4), np.uint8))
    with pytest.raises(ImageError, match="quality must be 1 to 100, got 0"):
        encode_jpeg(_quarters(), 0)


def test_a_header_that_claims_more_pixels_than_can_be_read_is_an_image_error():
    data = bytearray(encode_jpeg(np.zeros((16, 16, 3), np.uint8)))
    height = data.find(b"\xff\xc0") + 5  # the start of frame: marker, length, precision, then height and width
    data[height : height + 4] = b"\xff\xff\xff\xff"
    with pytest.raises(ImageError, match="65535x65535 but do not decode"):
        decode_image(bytes(data))
