"""Compares a contract with what was seen of the topics: a verdict, the facts and a cure for every stream. No ROS.

What an episode's recorder would say (gaps, rates, freshness) is asked of ``recording/health.py``; what only a look at
the messages can tell (fields, joints, pictures, stamps) is asked of the decoder that training and policy use.
"""

from __future__ import annotations

import numpy as np

from muse_core.images import image_size
from muse_ros.contract.audit import absolute, topic_problem
from muse_ros.contract.contract import Contract
from muse_ros.contract.decode import decode
from muse_ros.contract.message_fields import DecodeError
from muse_ros.contract.stream import COMPRESSED_IMAGE, Stream
from muse_ros.finding import Finding, Verdict
from muse_ros.recording.health import Health, expected_topics
from muse_ros.survey.propose import USEFUL, propose
from muse_ros.survey.survey import AHEAD_S, Survey, TopicSurvey

TOO_SLOW = 0.8
OTHERS = "not in it"


def judge(contract: Contract, survey: Survey, namespace: str = "") -> list[Finding]:
    """One finding for every stream, the worst there is to say of it, and one for useful topics that are not used.

    Args:
        contract: What is wanted.
        survey: What was seen.
        namespace: The robot's namespace.
    """
    shortcomings = _recorders_view(contract, survey, namespace)
    findings = []
    for key, stream in contract.streams.items():
        verdict, found, cure = _stream(contract, stream, survey, namespace, shortcomings)
        findings.append(Finding(stream.role, key, verdict, found, cure))
    return [*findings, *_others(contract, survey, namespace)]


def _stream(
    contract: Contract, stream: Stream, survey: Survey, namespace: str, shortcomings: dict[str, str]
) -> tuple[Verdict, str, str]:
    missing = topic_problem(contract, stream.topic, survey.types, namespace)
    if missing:
        return Verdict.FAIL, missing, "start its node, or correct topic and type in the contract"
    topic = survey.topics[absolute(stream.topic, namespace)]
    for check in (_readable, _arrives, _decodes, _stamped, _often_enough):
        problem = check(contract, stream, topic, survey)
        if problem:
            return problem
    if topic.name in shortcomings:
        cure = "rows are lost there: mend the stream, or allow more by max_age_s"
        return Verdict.WARN, shortcomings[topic.name], cure
    if stream.is_image:
        problem = _picture(stream, topic)
        if problem:
            return problem
    rate = f"{topic.rate_hz:.1f} Hz" if topic.rate_hz else f"{topic.count} message{'s' * (topic.count > 1)}"
    lag = "" if survey.simulated or not len(topic.lags_s) else f", {1e3 * float(np.median(topic.lags_s)):.1f} ms late"
    return Verdict.OK, f"{topic.name}: {rate}{lag}", ""


def _readable(contract: Contract, stream: Stream, topic: TopicSurvey, survey: Survey):
    if topic.unreadable:
        return Verdict.FAIL, f"{topic.name}: {topic.unreadable}", "install the package of its message type"
    if topic.fault:
        return Verdict.FAIL, f"{topic.name}: {topic.fault}", f"ros2 topic info -v {topic.name}"
    return None


def _arrives(contract: Contract, stream: Stream, topic: TopicSurvey, survey: Survey):
    if topic.count:
        return None
    if stream.role == "action" and survey.live:
        return Verdict.SKIP, f"{topic.name}: published, and nobody asks for anything now", ""
    return Verdict.FAIL, f"{topic.name}: not one message", f"is its node running? ros2 topic hz {topic.name}"


def _decodes(contract: Contract, stream: Stream, topic: TopicSurvey, survey: Survey):
    message = topic.message
    if stream.role == "action" and not len(getattr(message, "values", ())):
        return Verdict.SKIP, f"{topic.name}: heartbeats only, no action to look at", ""
    try:
        decode(stream, message, contract.gripper_max_width)
    except DecodeError as error:
        return Verdict.FAIL, str(error), f"correct {stream.key} in the contract; muse contract init proposes how"
    return None


def _stamped(contract: Contract, stream: Stream, topic: TopicSurvey, survey: Survey):
    if topic.zero_stamps:
        found = f"{topic.name}: {topic.zero_stamps} of {topic.count} stamps are zero"
        return Verdict.FAIL, found, "its publisher must fill header.stamp"
    if survey.simulated or not len(topic.lags_s) or stream.role == "action":
        return None
    lag_s = float(np.median(topic.lags_s))
    if lag_s < AHEAD_S:
        found = f"{topic.name}: stamped {-lag_s:.3f} s ahead of its reception"
        return Verdict.FAIL, found, "put the computers' clocks in step (chrony); muse doctor looks at them"
    if lag_s > stream.max_age_s:
        found = f"{topic.name}: arrives {lag_s:.3f} s after its stamp, max_age_s is {stream.max_age_s:g}"
        return Verdict.FAIL, found, "no live policy could use it: a faster link or smaller pictures, clocks in step"
    if lag_s > contract.settle_s:
        found = (
            f"{topic.name}: arrives {1e3 * lag_s:.0f} ms after its stamp, settle_s is {1e3 * contract.settle_s:g} ms"
        )
        return Verdict.WARN, found, f"a live policy sees it a sample late; settle_s: {np.ceil(1e3 * lag_s) / 1e3:g}"
    return None


def _often_enough(contract: Contract, stream: Stream, topic: TopicSurvey, survey: Survey):
    rate = topic.rate_hz
    if stream.role == "action" or not rate:
        return None
    if stream.max_age_s < 1.0 / rate:
        found = f"{topic.name}: comes every {1.0 / rate:.3f} s, and max_age_s is {stream.max_age_s:g}"
        return Verdict.FAIL, found, f"max_age_s: {3.0 / rate:.2g}, or a faster publisher"
    if rate < TOO_SLOW * stream.rate_hz:
        found = f"{topic.name}: {rate:.1f} Hz, the contract wants {stream.rate_hz:g} Hz"
        return Verdict.FAIL, found, "a busy computer or network? else correct rate_hz"
    return None


def _picture(stream: Stream, topic: TopicSurvey):
    message = topic.message
    if stream.type == COMPRESSED_IMAGE:
        height, width = image_size(bytes(message.data))
    else:
        height, width = int(message.height), int(message.width)
    cut = stream.crop[2:] if stream.crop else (height, width)
    if cut[0] < stream.size[0] or cut[1] < stream.size[1]:
        found = f"{topic.name}: {cut[1]}x{cut[0]} is made larger, to {stream.size[1]}x{stream.size[0]}"
        return Verdict.WARN, found, "nothing is gained: a smaller size, or larger pictures from the camera"
    stretch = (cut[1] / cut[0]) / (stream.size[1] / stream.size[0])
    if not 0.98 < stretch < 1.02:
        found = f"{topic.name}: {cut[1]}x{cut[0]} is squeezed to {stream.size[1]}x{stream.size[0]}"
        return Verdict.WARN, found, "crop it to the same shape, unless that is meant"
    return None


def _recorders_view(contract: Contract, survey: Survey, namespace: str) -> dict[str, str]:
    """Topic to what would make an episode of these messages a degraded one."""
    names = {topic: absolute(topic, namespace) for topic in contract.topics()}
    health = Health(expected_topics(contract, names), judge_lag=not survey.simulated)
    health.begin_episode()
    ends = [0]
    for name in health.topics:
        topic = survey.topics.get(name)
        if topic is not None:
            stamps = topic.stamps_ns or [None] * topic.count
            for stamp, received in zip(stamps, topic.received_ns, strict=True):
                health.arrived(name, stamp, received)
            ends.append(int(topic.times_ns[-1]) if topic.count else 0)
    return {sentence.partition(": ")[0]: sentence for sentence in health.shortcomings(max(ends))}


def _others(contract: Contract, survey: Survey, namespace: str) -> list[Finding]:
    used = {absolute(topic, namespace) for topic in contract.topics()}
    proposed = propose(survey, namespace).left_out
    useful = [
        name
        for name, topic in sorted(survey.topics.items())
        if topic.type in USEFUL and topic.count and name not in used and name not in proposed
    ]
    return [
        Finding(OTHERS, name, Verdict.SKIP, f"{survey.topics[name].type}, {survey.topics[name].rate_hz:.1f} Hz")
        for name in useful
    ]
