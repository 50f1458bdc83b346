"""The contract file: what it says comes out, what it may not say is refused with the place, the fact and the cure."""

import copy
import json
from pathlib import Path

import pytest
import yaml

from muse_ros.contract.contract import Contract, ContractError, load_contract

PANDA = yaml.safe_load((Path(__file__).parents[3] / "config/robot/panda.yaml").read_text())


def changed(path, value):
    """The Panda's contract with one entry changed; None as value takes it out."""
    data = copy.deepcopy(PANDA)
    *parents, last = path.split(".")
    place = data
    for name in parents:
        place = place[name]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return data


@pytest.mark.parametrize("path", sorted((Path(__file__).parents[3] / "config/robot").glob("panda*.yaml")), ids=str)
def test_every_contract_that_ships_loads_and_survives_json(path):
    contract = load_contract(path)
    again = Contract.from_dict(json.loads(json.dumps(contract.to_dict())))
    assert again == contract and again.digest() == contract.digest()
    assert {key for key, array in contract.spec().items() if array.role == "action"} == {"action"}


def test_a_contract_is_found_by_its_name():
    assert load_contract("panda").name == "panda"


def test_an_unknown_name_lists_those_that_exist(tmp_path):
    with pytest.raises(ContractError, match=r"no contract file ufo.*panda, panda_realsense, panda_sim"):
        load_contract("ufo")


def test_the_panda_has_the_original_keys_and_shapes():
    spec = load_contract("panda").spec()
    assert {key: spec[key].shape for key in ("ee_position", "ee_orientation", "ee_orientation_eul", "q", "qdot")} == {
        "ee_position": (3,),
        "ee_orientation": (4,),
        "ee_orientation_eul": (3,),
        "q": (7,),
        "qdot": (7,),
    }
    assert spec["gripper_pos"].shape == spec["gripper_width"].shape == (1,)
    assert spec["image"].shape == spec["ego_image"].shape == (240, 320, 3) and spec["image"].is_image
    assert spec["action"].shape == (7,)


def test_the_realsense_contract_differs_from_the_pandas_in_its_image_topics_only():
    ours, theirs = load_contract("panda"), load_contract("panda_realsense")
    assert theirs.spec() == ours.spec()
    differing = {key for key, stream in theirs.streams.items() if stream != ours.streams[key]}
    assert differing == {"image", "ego_image"}
    assert theirs.streams["ego_image"].topic == "cameras/wrist/color/image_raw/compressed"


def test_topics_hold_label_topics_and_observation_topics_do_not():
    contract = load_contract("panda_sim")
    assert contract.topics()["action/teleop_label"] == "muse_ros/msg/Action"
    assert set(contract.topics()) - set(contract.observation_topics()) == {"action", "action/teleop_label"}


def test_comments_and_defaults_do_not_change_the_digest():
    data = changed("observations.q.latency_s", 0.0)
    assert Contract.from_dict(data).digest() == Contract.from_dict(PANDA).digest()


def test_an_expected_rate_is_kept_and_does_not_change_the_digest():
    contract = Contract.from_dict(changed("observations.q.rate_hz", 1000.0))
    assert Contract.from_dict(contract.to_dict()).observations["q"].rate_hz == 1000.0
    assert contract.digest() == Contract.from_dict(changed("observations.q.rate_hz", None)).digest()


def test_digests_of_before_there_were_rates_still_hold():
    assert load_contract("panda_sim").digest().startswith("86a2f3907b9b")


def test_a_changed_age_limit_changes_the_digest():
    assert Contract.from_dict(changed("observations.q.max_age_s", 0.3)).digest() != Contract.from_dict(PANDA).digest()


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("observations.q.max_age", 1.0, r"observation 'q': unknown key max_age; known are .*max_age_s"),
        ("rate", 10, r"contract: unknown key rate; known are .*rate_hz"),
        ("rate_hz", 0, r"rate_hz must lie in \(0, 1000\], got 0"),
        ("rate_hz", "fast", r"rate_hz must be a number, got 'fast'"),
        ("settle_s", 0.1, r"settle_s must lie in \[0, 1 / rate_hz = 0.1\), got 0.1"),
        ("schema_version", 7, "schema_version must be 1, got 7"),
        ("name", None, "missing name"),
        ("observations", {}, "observations must name at least one key"),
        ("observations.q.max_age_s", -1, r"observation 'q': max_age_s must be > 0, got -1"),
        ("observations.q.topic", "/panda/joint_states", "must be a relative topic"),
        ("observations.q.type", "JointState", "type must look like"),
        ("observations.q.align", "next", "align must be one of previous, got 'next'"),
        ("observations.q.transform", "square", "transform must be one of none, sum, gripper_closed, euler_xyz"),
        ("observations.q.fields", [], "fields must name at least one field"),
        ("observations.q.fields", "position", "fields must be a list"),
        ("observations.q.shape", None, "shape must be given"),
        ("observations.q.shape", [0], "shape must hold positive numbers"),
        ("observations.q.dtype", "float33", "dtype must be a numpy dtype"),
        ("observations.q.latency_s", -0.1, "latency_s must be >= 0"),
        ("observations.q.size", [8, 8], "size and crop belong to images"),
        ("observations.q.space", "ee_delta", "space and label_topic belong to actions"),
        ("observations.q.topic", "panda/ee_pose", "topic 'panda/ee_pose' has type sensor_msgs/msg/JointState here and"),
        ("observations.gripper_width.shape", [2], r"transform sum makes shape \[1\]"),
        ("observations.ee_orientation_eul.shape", [4], r"transform euler_xyz makes shape \[3\]"),
        ("gripper_max_width", None, "gripper_closed needs the contract's gripper_max_width"),
        ("observations.image.size", None, r"size must be \[height, width\]"),
        ("observations.image.size", [64], "size must be a list of 2 whole numbers"),
        ("observations.image.fields", ["data"], "an image has neither fields nor transform"),
        ("observations.image.crop", [0, 0, 0, 5], "crop must be"),
        ("observations.image.shape", [240, 320], r"shape must be \[\*size, channels\]"),
        ("observations.action", dict(PANDA["observations"]["q"]), "action: named among observations and among actions"),
        ("actions.action.space", None, "space must be given: one of ee_delta"),
        ("actions.action.space", "ee_pose", r"space ee_pose has shape \[8\], got \[7\]"),
        ("actions.action.max_age_s", 1.0, "belong to observations"),
        ("actions.action", "panda/action", "must be a mapping with topic, type"),
    ],
)
def test_a_mistake_is_refused_with_its_place_and_what_is_legal(path, value, message):
    with pytest.raises(ContractError, match=message):
        Contract.from_dict(changed(path, value))


def test_sum_is_for_deltas_only():
    data = changed("actions.action.align", "sum")
    assert Contract.from_dict(data).actions["action"].align == "sum"
    data["actions"]["action"] |= {"space": "ee_pose", "shape": [8]}
    with pytest.raises(ContractError, match="align sum adds deltas"):
        Contract.from_dict(data)


def test_an_error_in_a_file_names_the_file(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(changed("rate_hz", 0)))
    with pytest.raises(ContractError, match=r"mine\.yaml: rate_hz"):
        load_contract(path)


def test_a_key_given_twice_is_refused(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("name: a\nrate_hz: 10\nrate_hz: 20\n")
    with pytest.raises(ContractError, match="'rate_hz' is given twice"):
        load_contract(path)


def test_yaml_that_is_none_is_refused(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("a: [")
    with pytest.raises(ContractError, match=r"mine\.yaml: not readable as YAML"):
        load_contract(path)
