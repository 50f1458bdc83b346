"""`muse contract`: a contract made from a bag converts that bag; a contract is compared with what a bag holds."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest
import yaml

from muse_core.datasets.episode_folder import EpisodeFolder
from muse_core.images import encode_jpeg
from muse_ros.contract.contract import Contract, load_contract
from muse_ros.conversion import convert_cli
from muse_ros.finding import Verdict
from muse_ros.survey import contract_cli
from muse_ros.survey.contract_text import contract_text
from muse_ros.survey.judge import judge
from muse_ros.survey.propose import propose
from muse_ros.survey.survey import survey_bag
from synthetic import START_NS, Sent, Shape, action, episode, header, jpeg, make, write_bag

MS = 1_000_000
SHAPE = Shape(duration_s=1.2, camera_hz=20.0, delay_s=0.005)


@pytest.fixture
def bag(tmp_path):
    """Writes a bag of an episode whose messages went through a function; gives its path."""

    def write(change=lambda messages: messages, shape=SHAPE):
        return write_bag(tmp_path / "bag", sorted(change(episode(shape)), key=lambda each: each.received_ns))

    return write


@pytest.fixture(scope="module")
def serving(tmp_path_factory) -> Contract:
    """The contract that is proposed for the whole episode."""
    return proposed(write_bag(tmp_path_factory.mktemp("whole") / "bag", episode(SHAPE)))


def proposed(path) -> Contract:
    """The contract proposed for a bag, read back from its text."""
    return Contract.from_dict(yaml.safe_load(contract_text(propose(survey_bag(path)), "mine", 10.0)))


def verdicts(contract: Contract, path) -> dict[str, tuple[Verdict, str]]:
    """Key to verdict and facts."""
    return {each.name: (each.verdict, each.found) for each in judge(contract, survey_bag(path))}


def only(*parts: str):
    """Keeps the topics whose names contain one of these."""
    return lambda messages: [each for each in messages if any(part in each.topic for part in parts)]


def renamed(old: str, new: str):
    return lambda messages: [replace(each, topic=each.topic.replace(old, new)) for each in messages]


def test_a_contract_made_from_a_bag_serves_and_converts_that_bag(bag, tmp_path, capsys):
    path, output = bag(), tmp_path / "mine.yaml"
    assert contract_cli.main(["init", str(path), "-o", str(output)]) == 0
    assert contract_cli.main(["check", str(output), str(path)]) == 0
    assert convert_cli.main([str(path), "-o", str(tmp_path / "data"), "--contract", str(output), "--workers", "1"]) == 0
    rows = EpisodeFolder.open(tmp_path / "data").get_episode(0).arrays
    np.testing.assert_allclose(rows["q"][0] - rows["q"][0][0], np.arange(7.0), atol=1e-6)  # joint i at i + t
    assert rows["image"].shape[1:] == (128, 128, 3)
    assert load_contract(output).name == "mine"
    assert "0 of 11 streams are wrong" in capsys.readouterr().out


def test_it_proposes_the_keys_that_the_rest_of_muse_uses_with_what_was_measured(bag):
    contract = proposed(bag())
    assert set(contract.observations) == {
        "q", "qdot", "gripper_width", "gripper_pos", "ee_position", "ee_orientation", "ee_twist", "wrench", "image",
        "ego_image",
    }  # fmt: skip
    assert contract.observations["image"].topic == "cameras/front/image/compressed"
    assert contract.observations["ego_image"].topic == "cameras/wrist/image/compressed"
    assert contract.observations["image"].rate_hz == 20.0
    assert contract.observations["image"].max_age_s == 0.15  # three periods of 50 ms
    assert contract.observations["q"].max_age_s == 0.1
    assert contract.observations["q"].rate_hz == 100.0
    action = contract.actions["action"]
    assert (action.topic, action.space, action.align, action.shape) == ("action", "ee_delta", "sum", (7,))
    assert contract.gripper_max_width == 0.08


def test_a_second_arm_a_third_camera_and_another_pose_get_names_that_tell_them_apart(bag):
    def more(messages):
        extra = [replace(each, topic=each.topic.replace("panda", "left")) for each in messages if "panda" in each.topic]
        side = [replace(each, topic="/cameras/side/image/compressed") for each in messages if "front" in each.topic]
        return [*messages, *extra, *side]

    keys = proposed(bag(more)).observations
    assert {"side_image", "image", "ego_image"} <= set(keys)
    assert len({stream.topic for key, stream in keys.items() if key.endswith("ee_position")}) == 2
    arms = {stream.topic.split("/")[0] for key, stream in keys.items() if key in ("q", "panda_q", "left_q")}
    assert arms == {"panda", "left"}


def test_clean_labels_are_proposed_beside_the_executed_actions(bag):
    contract = proposed(bag(shape=replace(SHAPE, labels=True)))
    assert contract.actions["action"].label_topic == "action/teleop_label"


def test_a_raw_image_is_not_used_where_it_is_compressed_too(bag):
    pixels = np.zeros(48, np.uint8)
    raw = make(
        "sensor_msgs/msg/Image", header=header(START_NS), height=4, width=4, encoding="rgb8", is_bigendian=0, step=12,
        data=pixels,
    )  # fmt: skip
    proposal = propose(survey_bag(bag(lambda messages: [*messages, Sent("/cameras/front/image", raw, START_NS)])))
    assert "compressed on /cameras/front/image/compressed" in proposal.left_out["/cameras/front/image"]


def test_large_pictures_are_proposed_smaller_in_their_own_shape(bag):
    large = jpeg(START_NS, encode_jpeg(np.zeros((480, 640, 3), np.uint8)))
    path = bag(lambda messages: [*only("panda")(messages), Sent("/cam/image/compressed", large, START_NS)])
    assert proposed(path).observations["image"].size == (240, 320)


def test_the_namespace_is_left_off_so_that_the_contract_fits_any_such_robot(bag):
    path = bag(lambda messages: [replace(each, topic=f"/left{each.topic}") for each in messages])
    proposal = propose(survey_bag(path), "left")
    assert proposal.observations["q"]["topic"] == "panda/joint_states"
    contract = Contract.from_dict(yaml.safe_load(contract_text(proposal, "mine", 10.0)))
    assert all(each.verdict is Verdict.OK for each in judge(contract, survey_bag(path), "left"))


def test_a_file_is_never_written_over_unasked(bag, tmp_path, capsys):
    path, output = str(bag()), tmp_path / "mine.yaml"
    output.write_text("mine: by hand")
    assert contract_cli.main(["init", path, "-o", str(output)]) == 1
    assert output.read_text() == "mine: by hand"
    assert "--force" in capsys.readouterr().err
    assert contract_cli.main(["init", path, "-o", str(output), "--print"]) == 0
    assert output.read_text() == "mine: by hand"
    assert yaml.safe_load(capsys.readouterr().out)["name"] == "mine"
    assert contract_cli.main(["init", path, "-o", str(output), "--force"]) == 0
    assert load_contract(output)


def test_a_bag_of_nothing_useful_is_told_by_what_it_holds(bag, capsys, tmp_path):
    path = bag(only("events"))
    assert contract_cli.main(["init", str(path), "-o", str(tmp_path / "x.yaml")]) == 1
    assert "/collect/events (muse_ros/msg/EpisodeEvent)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "key", "verdict", "found"),
    [
        (only("panda", "/action", "wrist"), "image", Verdict.FAIL, "/cameras/front/image/compressed .* is not there"),
        (renamed("/panda/ee_pose", "/panda/ee_pos"), "ee_position", Verdict.FAIL, "nearest are /panda/ee_pos"),
        (lambda m: [e for e in m if "wrench" not in e.topic or e.stamp_ns % (40 * MS) == 0], "wrench", Verdict.FAIL,
         r"25\.0 Hz, the contract wants 100 Hz"),
        (lambda m: [replace(e, received_ns=e.received_ns + 300 * MS) if "wrist" in e.topic else e for e in m],
         "ego_image", Verdict.FAIL, r"arrives 0\.305 s after its stamp, max_age_s is 0\.15"),
        (lambda m: [replace(e, received_ns=e.received_ns + 40 * MS) if "wrist" in e.topic else e for e in m],
         "ego_image", Verdict.WARN, "arrives 45 ms after its stamp, settle_s is 20 ms"),
        (lambda m: [replace(e, received_ns=e.received_ns - 50 * MS) if "twist" in e.topic else e for e in m],
         "ee_twist", Verdict.FAIL, r"stamped 0\.045 s ahead of its reception"),
        (lambda m: [e.stamped(0) if "twist" in e.topic else e for e in m], "ee_twist", Verdict.FAIL, "stamps are zero"),
        (lambda m: [e for e in m if "front" not in e.topic or not 500 <= (e.stamp_ns - START_NS) // MS < 1000],
         "image", Verdict.WARN, r"a gap of 0\.55 s, 0\.15 s allowed"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_stream_is_said_of_that_stream(bag, serving, change, key, verdict, found):
    seen = verdicts(serving, bag(change))
    assert seen[key][0] is verdict and re.search(found, seen[key][1]), seen[key]
    others = {name: what for name, what in seen.items() if name in serving.streams and name != key}
    assert [
        n for n, (v, _) in others.items() if v is not Verdict.OK and n not in ("ee_position", "ee_orientation")
    ] == []


def test_a_joint_that_is_not_there_is_named_with_those_that_are(bag, serving):
    path = bag()
    data = serving.to_dict()
    data["observations"]["q"]["fields"][2] = "position.fr3_joint3"
    verdict, found = verdicts(Contract.from_dict(data), path)["q"]
    assert verdict is Verdict.FAIL
    assert "no element 'fr3_joint3'" in found and "panda_joint3" in found


def test_a_field_that_is_not_there_a_wrong_type_and_another_space_fail(bag, serving):
    path = bag()
    data = serving.to_dict()
    data["observations"]["ee_position"]["fields"][0] = "pose.positon.x"
    data["observations"]["wrench"]["type"] = "geometry_msgs/msg/TwistStamped"
    data["actions"]["action"] |= {"space": "joint_delta", "shape": [8]}
    seen = verdicts(Contract.from_dict(data), path)
    assert "no field 'positon'" in seen["ee_position"][1]
    assert (
        "has type geometry_msgs/msg/WrenchStamped, the contract says geometry_msgs/msg/TwistStamped"
        in seen["wrench"][1]
    )
    assert "action_space is 'ee_delta', the contract says 'joint_delta'" in seen["action"][1]


def test_an_age_limit_below_the_period_can_never_be_kept(bag, serving):
    path = bag()
    data = serving.to_dict()
    data["observations"]["image"]["max_age_s"] = 0.03
    assert "comes every 0.050 s, and max_age_s is 0.03" in verdicts(Contract.from_dict(data), path)["image"][1]


def test_useful_topics_that_the_contract_leaves_out_are_listed(bag, serving):
    path = bag()
    data = serving.to_dict()
    del data["observations"]["wrench"]
    verdict, found = verdicts(Contract.from_dict(data), path)["/panda/wrench"]
    assert verdict is Verdict.SKIP and "WrenchStamped, 100.0 Hz" in found


def test_heartbeats_are_no_actions_to_judge_by(bag):
    beats = [Sent("/action", action(START_NS + k * 20 * MS, []), START_NS + k * 20 * MS) for k in range(9)]
    path = bag(lambda messages: [*(each for each in messages if each.topic != "/action"), *beats])
    contract = load_contract("panda_sim")
    assert verdicts(contract, path)["action"][0] is Verdict.SKIP


def test_the_command_fails_where_a_stream_does_and_says_what_to_do(bag, capsys):
    path = bag(only("panda", "/action", "wrist"))
    assert contract_cli.main(["check", "panda_sim", str(path)]) == 1
    printed = capsys.readouterr().out
    assert "1 of 12 streams are wrong" in printed
    assert "start its node, or correct topic and type" in printed
    assert contract_cli.main(["check", "panda_sim", str(path), "--json"]) == 1
    findings = json.loads(capsys.readouterr().out)
    assert "fail" in {finding["verdict"] for finding in findings}


def test_a_bag_alone_is_compared_with_its_own_contract(serving, tmp_path, capsys):
    path = write_bag(tmp_path / "own", episode(SHAPE), serving)
    assert contract_cli.main(["check", str(path)]) == 0
    assert f"contract mine ({serving.digest()[:12]}) and {path}" in capsys.readouterr().out


def test_what_does_not_exist_is_said_without_a_traceback(tmp_path, capsys):
    assert contract_cli.main(["check", "pandas", str(tmp_path)]) == 1
    assert "by name there are: panda" in capsys.readouterr().err
    assert contract_cli.main(["check", "panda", str(tmp_path / "nothing")]) == 1
    assert "no such file" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        contract_cli.main(["chekc"])
    assert "invalid choice: 'chekc'" in capsys.readouterr().err
