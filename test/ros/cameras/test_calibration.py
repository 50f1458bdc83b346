"""A calibration file as ROS's tools write it: all of it comes out, and what does not fit is refused with the cure."""

import copy

import pytest
import yaml

from muse_ros.cameras.calibration import Calibration, fitting, read_calibration
from muse_ros.cameras.settings import CameraSettingError

WRITTEN = {  # the layout of camera_calibration_parsers
    "image_width": 640,
    "image_height": 480,
    "camera_name": "front",
    "camera_matrix": {"rows": 3, "cols": 3, "data": [600, 0, 320.5, 0, 601.0, 240.5, 0, 0, 1]},
    "distortion_model": "plumb_bob",
    "distortion_coefficients": {"rows": 1, "cols": 5, "data": [0.1, -0.2, 0.001, 0.002, 0.0]},
    "rectification_matrix": {"rows": 3, "cols": 3, "data": [1, 0, 0, 0, 1, 0, 0, 0, 1]},
    "projection_matrix": {"rows": 3, "cols": 4, "data": [590, 0, 321, 0, 0, 591, 241, 0, 0, 0, 1, 0]},
}


def written(tmp_path, **changes):
    path = tmp_path / "front.yaml"
    path.write_text(yaml.safe_dump({**copy.deepcopy(WRITTEN), **changes}))
    return path


def test_all_of_a_calibration_comes_out(tmp_path):
    assert read_calibration(written(tmp_path)) == Calibration(
        size=(480, 640),
        model="plumb_bob",
        d=(0.1, -0.2, 0.001, 0.002, 0.0),
        k=(600.0, 0.0, 320.5, 0.0, 601.0, 240.5, 0.0, 0.0, 1.0),
        r=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0),
        p=(590.0, 0.0, 321.0, 0.0, 0.0, 591.0, 241.0, 0.0, 0.0, 0.0, 1.0, 0.0),
    )


def test_a_model_with_eight_coefficients_is_taken_and_the_older_form_is_plumb_bob(tmp_path):
    eight = {"rows": 1, "cols": 8, "data": [0.0] * 8}
    path = written(tmp_path, distortion_model="rational_polynomial", distortion_coefficients=eight)
    assert len(read_calibration(path).d) == 8
    content = {name: value for name, value in WRITTEN.items() if name != "distortion_model"}
    path.write_text(yaml.safe_dump(content))
    assert read_calibration(path).model == "plumb_bob"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"image_width": 0}, "image_width: must be a number of pixels, got 0"),
        ({"camera_matrix": None}, "camera_matrix: must have rows, cols and data"),
        ({"camera_matrix": {"rows": 3, "cols": 3, "data": [1.0] * 8}}, "camera_matrix: must be 3 x 3 numbers"),
        ({"camera_matrix": {"rows": 3, "cols": 3, "data": [0.0] * 9}}, "the focal lengths must be > 0"),
        ({"projection_matrix": {"rows": 3, "cols": 3, "data": [1.0] * 9}}, "projection_matrix: must be 3 x 4 numbers"),
        (
            {"distortion_coefficients": {"rows": 1, "cols": 5, "data": [0, "x"]}},
            "distortion_coefficients: must be rows",
        ),
    ],
)
def test_what_is_wrong_is_named(tmp_path, changes, said):
    with pytest.raises(CameraSettingError) as error:
        read_calibration(written(tmp_path, **changes))
    assert said in str(error.value) and "front.yaml" in str(error.value)


def test_a_file_that_is_no_calibration_is_named(tmp_path):
    (tmp_path / "words.yaml").write_text("words")
    for name, said in (("words.yaml", "this is no mapping"), ("none.yaml", "not readable as a calibration")):
        with pytest.raises(CameraSettingError, match=said):
            read_calibration(tmp_path / name)


def test_a_calibration_of_other_pictures_is_refused_with_both_sizes(tmp_path):
    calibration = read_calibration(written(tmp_path))
    assert fitting(calibration, "front.yaml", (480, 640)) is calibration
    with pytest.raises(CameraSettingError, match=r"is of pictures of 640x480 .*publishes 1280x720: set width"):
        fitting(calibration, "front.yaml", (720, 1280))
