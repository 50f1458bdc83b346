from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from muse_ros.calibration.contract_file import with_latencies
from muse_ros.calibration.latency import CalibrationError
from muse_ros.contract.contract import Contract, load_contract

CONFIG = Path(__file__).resolve().parents[3] / "config/robot"
TEXT = """\
# A lab's own.
name: lab          # ours
rate_hz: 10.0
observations:
  q:               # joints
    topic: panda/joint_states
    type: sensor_msgs/msg/JointState
    fields: [position.panda_joint1]
    shape: [1]
    max_age_s: 0.1
  image:
    topic: cameras/front/image/compressed   # the one on the tripod
    type: sensor_msgs/msg/CompressedImage
    latency_s: 0.02   # guessed
    size:
      - 64
      - 64
    max_age_s: 0.2

  # the wrist's
  ego_image: {topic: cameras/wrist/image/compressed, type: sensor_msgs/msg/CompressedImage, size: [8, 8], max_age_s: 1}
"""


def latency_s(text: str, key: str) -> float:
    return Contract.from_dict(yaml.safe_load(text)).observations[key].latency_s


def test_a_value_that_is_there_is_replaced_and_nothing_else():
    changed = with_latencies(TEXT, {"image": 0.0431})
    assert changed == TEXT.replace("latency_s: 0.02 ", "latency_s: 0.0431 ")


def test_a_comment_takes_the_place_of_the_guess():
    changed = with_latencies(TEXT, {"image": 0.0431}, "measured")
    assert changed == TEXT.replace("0.02   # guessed", "0.0431  # measured")


def test_a_value_that_is_not_there_becomes_the_last_line_of_its_key():
    changed = with_latencies(TEXT, {"q": 0.001}, "measured")
    assert changed == TEXT.replace("    max_age_s: 0.1\n", "    max_age_s: 0.1\n    latency_s: 0.0010  # measured\n")


def test_the_line_goes_before_the_comments_of_the_next_key():
    text = TEXT.replace("    latency_s: 0.02   # guessed\n", "")
    changed = with_latencies(text, {"image": 0.05})
    assert "    max_age_s: 0.2\n    latency_s: 0.0500\n\n  # the wrist's\n" in changed


def test_a_key_on_one_line_takes_it_inside_its_braces():
    changed = with_latencies(TEXT, {"ego_image": 0.03}, "measured")
    assert changed.endswith("max_age_s: 1, latency_s: 0.0300}\n")
    assert latency_s(changed, "ego_image") == 0.03


def test_an_unknown_key_is_named():
    with pytest.raises(CalibrationError, match="'depth'"):
        with_latencies(TEXT, {"depth": 0.1})


def test_what_two_keys_share_is_not_edited():
    stream = "{topic: a/b, type: sensor_msgs/msg/CompressedImage, size: [8, 8], max_age_s: 1}"
    text = f"name: lab\nrate_hz: 10\nobservations:\n  image: &camera {stream}\n  again: *camera\n"
    with pytest.raises(CalibrationError, match="anchors"):
        with_latencies(text, {"image": 0.1})


@pytest.mark.parametrize("path", sorted(CONFIG.glob("panda*.yaml")), ids=lambda path: path.stem)
def test_every_contract_of_ours_can_be_edited_and_keeps_its_other_lines(path: Path):
    text = path.read_text()
    images = {key: 0.0123 for key, stream in load_contract(path).observations.items() if stream.is_image}
    changed = with_latencies(text, images, "measured")
    assert {key: latency_s(changed, key) for key in images} == images
    assert [line for line in changed.splitlines() if "measured" not in line] == text.splitlines()
