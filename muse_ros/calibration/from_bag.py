"""Each camera's delay from a bag in which the arm moved, by the topics of a contract. Needs no ROS.

Pictures go through the contract's own decoding, with its crop, to :data:`SIDE` pixels a side. The state is the
contract's joints, or another of its keys, less that stream's own ``latency_s``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from muse_ros.bags.bags import Bag
from muse_ros.calibration.latency import CalibrationError, Delay, estimate_delay
from muse_ros.contract.audit import absolute
from muse_ros.contract.contract import Contract
from muse_ros.contract.decode import decode
from muse_ros.contract.message_fields import DecodeError
from muse_ros.contract.sample_buffer import SampleBuffer
from muse_ros.contract.stream import Stream

SIDE = 16
JOINT_STATE = "sensor_msgs/msg/JointState"
SLOWEST_HZ = 50.0
"""Of the state: between two samples further apart than 20 ms a straight line is a guess."""


@dataclass(frozen=True)
class CameraDelay:
    """What was found of one camera.

    Attributes:
        topic: Its topic, relative.
        keys: The contract's keys that are made of it.
        contract_s: The largest ``latency_s`` that the contract gives these [s].
        arrival_s: 9 of 10 pictures had been received so long after their stamp [s].
        delay: The estimate; None where there is none.
        trouble: Why it cannot be relied on; empty where it can.
    """

    topic: str
    keys: tuple[str, ...]
    contract_s: float
    arrival_s: float = 0.0
    delay: Delay | None = None
    trouble: str = ""


def calibrated_topics(contract: Contract, state: str = "") -> dict[str, str]:
    """The topics that a calibration needs, relative, with their message types: the state's, and every camera's.

    Raises:
        CalibrationError: as for :func:`state_stream`, and where the contract has no image.
    """
    streams = [state_stream(contract, state), *_images(contract)]
    return {stream.topic: stream.type for stream in streams}


def state_stream(contract: Contract, key: str = "") -> Stream:
    """The stream that tells where the arm is.

    Args:
        contract: The contract.
        key: One of its observations; empty takes the first that is made of joint positions alone.

    Raises:
        CalibrationError: where there is no such key, or none is made of joint positions.
    """
    if key:
        stream = contract.observations.get(key)
        if stream is None or stream.is_image:
            names = ", ".join(each.key for each in contract.observations.values() if not each.is_image)
            raise CalibrationError(f"--state {key}: the contract {contract.name} has: {names or 'no state'}")
        return stream
    for stream in contract.observations.values():
        joints = stream.type == JOINT_STATE and all(path.startswith("position.") for path in stream.fields)
        if joints and len(stream.fields) > 2 and stream.transform == "none":  # fewer are a hand's fingers
            return stream
    raise CalibrationError(f"the contract {contract.name} has no key of joint positions: name one with --state")


def camera_delays(
    bag: Bag, contract: Contract, namespace: str = "", state: str = "", longest_s: float = 0.5
) -> list[CameraDelay]:
    """The delay of each of a contract's cameras.

    Args:
        bag: What was recorded of the moving arm.
        contract: Names the topics.
        namespace: The robot's, in the bag.
        state: As for :func:`state_stream`.
        longest_s: Longest delay that is looked for [s].

    Raises:
        CalibrationError: where the bag does not hold the state, or it is too slow.
    """
    stream = state_stream(contract, state)
    samples = _samples(bag, stream, namespace)
    stamps_ns, states = _decoded(stream, contract, samples)
    if len(stamps_ns) < 2 or np.median(np.diff(stamps_ns)) * 1e-9 > 1.0 / SLOWEST_HZ:
        raise CalibrationError(
            f"{bag.path}: {len(stamps_ns)} samples on {absolute(stream.topic, namespace)}; the arm's state must come "
            f"at {SLOWEST_HZ:g} Hz or more"
        )
    cameras: dict[str, list[Stream]] = {}
    for image in _images(contract):
        cameras.setdefault(image.topic, []).append(image)
    return [
        _camera(bag, images, contract, namespace, (stamps_ns - stream.latency_ns, states), longest_s)
        for images in cameras.values()
    ]


def settle_advice(contract: Contract, cameras: Iterable[CameraDelay]) -> list[str]:
    """What the contract's ``settle_s`` should be for these cameras, in sentences; nothing where it is long enough.

    A picture of an instant is there `arrival_s` after its stamp, which is the latency after that instant. A live node
    that does not wait so long sees an older picture at each tick than the dataset's rows of the same ticks have.
    """
    need_s = max((each.delay.latency_s + each.arrival_s for each in cameras if each.delay is not None), default=0.0)
    if need_s <= contract.settle_s:
        return []
    said = (
        f"settle_s is {1e3 * contract.settle_s:.0f} ms, and the picture of an instant arrives up to "
        f"{1e3 * need_s:.0f} ms after it: live, a policy will see older pictures than the datasets that it learns from"
    )
    settle_s = math.ceil(need_s * 200.0) / 200.0
    if settle_s < contract.period_s:
        return [f"{said}; settle_s: {settle_s:g} in the contract mends it (actions then begin that much later)"]
    return [f"{said}; no settle_s below 1 / rate_hz = {contract.period_s:g} s mends that: use a faster camera"]


def _camera(
    bag: Bag,
    streams: list[Stream],
    contract: Contract,
    namespace: str,
    state: tuple[np.ndarray, np.ndarray],
    longest_s: float,
) -> CameraDelay:
    first = streams[0]
    found = CameraDelay(first.topic, tuple(each.key for each in streams), max(each.latency_s for each in streams))
    try:
        samples = _samples(bag, first, namespace)
        small = replace(first, size=(SIDE, SIDE), shape=(SIDE, SIDE, first.shape[2]))
        stamps_ns, pictures = _decoded(small, contract, samples)
        delay = estimate_delay(stamps_ns, pictures.mean(axis=-1), *state, longest_s)
    except CalibrationError as error:
        return replace(found, trouble=str(error))
    arrival_s = float(np.quantile([each.received_ns - each.stamp_ns for each in samples], 0.9)) * 1e-9
    return replace(found, arrival_s=arrival_s, delay=delay, trouble=delay.doubt)


def _images(contract: Contract) -> list[Stream]:
    images = [stream for stream in contract.observations.values() if stream.is_image]
    if not images:
        raise CalibrationError(f"the contract {contract.name} has no image: there is nothing to calibrate")
    return images


def _samples(bag: Bag, stream: Stream, namespace: str) -> SampleBuffer:
    topic = absolute(stream.topic, namespace)
    if topic not in bag.topics or bag.topics[topic].type != stream.type:
        raise CalibrationError(f"{bag.path} holds no {topic} ({stream.type}); it has {', '.join(sorted(bag.topics))}")
    samples = SampleBuffer(stream.type, bag.codec([topic]))
    for _, _, data, received_ns in bag.messages([topic]):
        samples.add(data, received_ns)
    return samples


def _decoded(stream: Stream, contract: Contract, samples: Iterable) -> tuple[np.ndarray, np.ndarray]:
    """Stamps, shape (N,) [ns], and arrays of a topic's samples; those that cannot be decoded are left out."""
    stamps, arrays = [], []
    for sample in samples:
        try:
            arrays.append(decode(stream, sample.message, contract.gripper_max_width))
        except DecodeError:
            continue
        stamps.append(sample.stamp_ns)
    return np.array(stamps, np.int64), np.array(arrays).reshape(len(arrays), *stream.shape)
