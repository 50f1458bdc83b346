"""Decoding: fields, transforms and images to arrays, worked by hand; messages of any make; every refusal named."""

from array import array
from types import SimpleNamespace as Message

import numpy as np
import pytest

from muse_ros.contract.contract import load_contract
from muse_ros.contract.decode import decode
from muse_ros.contract.message_fields import DecodeError, begins_with_stamp, cdr_stamp_ns, field_value, stamp_ns
from muse_ros.contract.stream import Stream
from synthetic import JOINTS, Shape, action, episode, grey, header, jpeg, store

PANDA = load_contract("panda_sim")


def stream(**changes):
    """A stream of one number, changed."""
    fields = {"topic": "a/b", "type": "std_msgs/msg/Float64", "fields": ["data"], "shape": [1], "max_age_s": 1.0}
    return Stream.from_dict("key", "observation", {**fields, **changes})


def joints(make=np.array):
    """A joint state, its arrays made by `make`."""
    return Message(name=JOINTS[::-1], position=make([float(n) for n in range(9)]), velocity=make([0.0] * 9))


@pytest.mark.parametrize("make", [np.array, list, tuple, lambda values: array("d", values)])
def test_joints_are_found_by_name_whatever_their_order_and_container(make):
    np.testing.assert_array_equal(decode(PANDA.observations["q"], joints(make)), [8, 7, 6, 5, 4, 3, 2])


def test_the_result_has_the_dtype_and_shape_of_the_spec():
    decoded = decode(PANDA.observations["q"], joints())
    PANDA.spec()["q"].check("q", decoded)


def test_gripper_width_is_the_sum_of_both_fingers():
    message = Message(name=JOINTS, position=[0.0] * 7 + [0.02, 0.01], velocity=[0.0] * 9)
    assert decode(PANDA.observations["gripper_width"], message) == np.float32(0.03)


@pytest.mark.parametrize(("finger", "closed"), [(0.0, 1.0), (0.04, 0.0), (0.01, 0.75), (0.05, 0.0)])
def test_gripper_pos_is_one_when_closed_and_nought_at_the_hands_width(finger, closed):
    message = Message(name=JOINTS, position=[0.0] * 7 + [finger, finger], velocity=[0.0] * 9)
    decoded = decode(PANDA.observations["gripper_pos"], message, PANDA.gripper_max_width)
    np.testing.assert_allclose(decoded, [closed], atol=1e-6)


def test_a_quarter_turn_about_z_is_the_third_euler_angle():
    half = np.sqrt(0.5)
    pose = Message(pose=Message(orientation=Message(x=0.0, y=0.0, z=half, w=half)))
    np.testing.assert_allclose(decode(PANDA.observations["ee_orientation_eul"], pose), [0, 0, np.pi / 2], atol=1e-6)


def test_a_zero_quaternion_has_no_euler_angles():
    pose = Message(pose=Message(orientation=Message(x=0.0, y=0.0, z=0.0, w=0.0)))
    with pytest.raises(DecodeError, match="no unit quaternion"):
        decode(PANDA.observations["ee_orientation_eul"], pose)


def test_a_missing_joint_is_named_with_those_there_are():
    with pytest.raises(DecodeError, match=r"'q' from panda/joint_states: no element 'panda_joint1'.*names a, b"):
        decode(PANDA.observations["q"], Message(name=["a", "b"], position=[0.0, 0.0]))


def test_joint_names_without_positions_are_refused():
    with pytest.raises(DecodeError, match="element 0 of an array of 0"):
        decode(PANDA.observations["q"], Message(name=JOINTS, position=[]))


def test_a_missing_field_is_named_with_those_there_are():
    with pytest.raises(DecodeError, match=r"no field 'data' of 'data'; SimpleNamespace has value, unit"):
        decode(stream(), Message(value=1.0, unit="m"))


def test_fields_of_a_real_message_are_listed_without_its_machinery():
    message = next(each.message for each in episode(Shape(duration_s=0.1)) if each.topic == "/panda/ee_pose")
    with pytest.raises(DecodeError, match=r"PoseStamped has header, pose$"):
        field_value(message, "twist.linear")


def test_an_index_picks_from_an_array():
    assert field_value(Message(values=[4.0, 5.0]), "values.1") == 5.0


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_numbers_that_are_not_finite_are_refused(bad):
    with pytest.raises(DecodeError, match="not finite"):
        decode(stream(), Message(data=bad))


def test_a_wrong_number_of_values_is_refused():
    with pytest.raises(DecodeError, match=r"3 values from data, expected shape \[1\]"):
        decode(stream(), Message(data=[1.0, 2.0, 3.0]))


def test_an_action_of_another_space_is_refused():
    with pytest.raises(DecodeError, match="action_space is 'joint_delta', the contract says 'ee_delta'"):
        decode(PANDA.actions["action"], action(1, [0.0] * 8, space="joint_delta"))


@pytest.mark.parametrize("make", [lambda data: np.frombuffer(data, np.uint8), bytes, lambda data: array("B", data)])
def test_a_compressed_image_is_rgb_of_the_contracts_size(make):
    decoded = decode(PANDA.observations["image"], Message(data=make(grey(100)), format="jpeg"))
    PANDA.spec()["image"].check("image", decoded)
    assert np.abs(decoded.astype(int) - 100).max() <= 1


def test_a_broken_image_is_refused():
    with pytest.raises(DecodeError, match="observation 'image' from cameras/front/image/compressed"):
        decode(PANDA.observations["image"], Message(data=grey(100)[:200], format="jpeg"))


def test_stamps_of_messages_and_of_their_bytes_agree():
    message = jpeg(1_760_000_000_123_456_789, grey(0))
    assert stamp_ns(message) == 1_760_000_000_123_456_789
    assert cdr_stamp_ns(bytes(store().serialize_cdr(message, message.__msgtype__))) == 1_760_000_000_123_456_789
    big_endian = bytes(store().serialize_cdr(message, message.__msgtype__, little_endian=False))
    assert cdr_stamp_ns(big_endian) == 1_760_000_000_123_456_789


def test_a_message_without_header_has_no_stamp():
    assert stamp_ns(Message(data=1.0)) is None
    assert stamp_ns(Message(header=header(0))) == 0


@pytest.mark.parametrize("data", [b"", b"\x00\x01\x00\x00", b"\xff" * 40])
def test_bytes_that_are_no_message_are_refused(data):
    with pytest.raises(DecodeError, match="no CDR message"):
        cdr_stamp_ns(data)


def test_only_a_first_field_that_is_a_header_or_a_time_is_a_stamp():
    assert begins_with_stamp({"header": "std_msgs/Header", "name": "sequence<string>"})
    assert begins_with_stamp({"clock": "builtin_interfaces/Time"})
    assert not begins_with_stamp({"data": "boolean", "header": "std_msgs/Header"})
    assert not begins_with_stamp({})
