"""Recordings of every kind: bags of others, several episodes in one, cut ones; and those refused, with the reason."""

import re

import pytest
from rosbags.rosbag2 import StoragePlugin, Writer

from muse_ros.contract.contract import Contract, load_contract
from synthetic import START_NS, Sent, Shape, action, episode, event, store, write_bag
from synthetic import write_episode as write

MS = 1_000_000
CONTRACT = load_contract("panda_sim")
SHAPE = Shape(duration_s=1.0, state_hz=50.0)
CAMERA = "/cameras/front/image/compressed"


def at(milliseconds):
    """A stamp so long after the start event."""
    return START_NS + milliseconds * MS


def without(messages, topic, start_ms, stop_ms):
    """The messages but those of a topic stamped in ``[start, stop)``."""
    return [each for each in messages if each.topic != topic or not at(start_ms) <= each.stamp_ns < at(stop_ms)]


@pytest.mark.parametrize("plugin", [StoragePlugin.MCAP, StoragePlugin.SQLITE3])
def test_any_bag_converts_as_one_episode_without_an_episode_file(convert, tmp_path, plugin):
    with Writer(tmp_path / "foreign", version=8, storage_plugin=plugin) as writer:
        connections = {}
        for each in episode(Shape(duration_s=1.0, state_hz=50.0, events=False)):
            if each.topic not in connections:
                connections[each.topic] = writer.add_connection(each.topic, each.type, typestore=store())
            writer.write(connections[each.topic], each.received_ns, each.data())
    result, dataset = convert.on(tmp_path / "foreign")
    assert result.refused is None and dataset.ids == ["foreign"]
    stamps = dataset.get_episode(0).arrays["stamp_ns"]
    assert stamps[0] == at(-200) and stamps[-1] == at(1200) and len(stamps) == 15
    assert dataset.metadata(0)["success"] is None


def test_a_bag_with_several_episodes_gives_each_of_them(convert, tmp_path):
    marks = [
        event(at(ms), name, f"e{n}")
        for n, (start, stop) in enumerate([(0, 300), (500, 900)])
        for ms, name in ((start, "start"), (stop, "success" if n else "failure"), (stop, "stop"))
    ]
    messages = [*episode(Shape(duration_s=1.0, state_hz=50.0, events=False)), *marks]
    write_bag(tmp_path / "long", sorted(messages, key=lambda each: each.received_ns))
    _, dataset = convert.on(tmp_path / "long")
    assert dataset.ids == ["long-e0", "long-e1"] and dataset.lengths.tolist() == [4, 5]
    assert [e.metadata["success"] for e in dataset] == [False, True]


def test_an_episode_cut_short_is_taken_to_the_end_of_the_bag_with_a_note(convert):
    messages = [each for each in episode(SHAPE) if each.topic != "/collect/events" or each.message.event == "start"]
    result, dataset = convert(messages)
    assert dataset.lengths.tolist() == [13] and any("cut short" in note for note in result.notes)


def test_topics_in_a_namespace_convert(convert, tmp_path):
    messages = [Sent(f"/left{each.topic}", each.message, each.received_ns) for each in episode(SHAPE)]
    write(tmp_path / "spaced", SHAPE, messages)
    result, _ = convert.on(tmp_path / "spaced")
    assert "/left/panda/ee_pose is: try --namespace /left" in result.refused
    result, dataset = convert.on(tmp_path / "spaced", namespace="left")
    assert result.refused is None and dataset.lengths.tolist() == [11]


def changed(key, **fields):
    """The contract with one observation changed."""
    data = CONTRACT.to_dict()
    data["observations"][key] |= fields
    return Contract.from_dict(data)


@pytest.mark.parametrize(
    ("contract", "message"),
    [
        (
            changed("image", topic="cameras/top/image/compressed"),
            r"/cameras/top/image/compressed \(sensor_msgs/msg/CompressedImage, for 'image'\) is not there; nearest are "
            r".*/cameras/front/image/compressed",
        ),
        (
            changed("wrench", type="geometry_msgs/msg/Wrench"),
            "/panda/wrench has type geometry_msgs/msg/WrenchStamped, the contract says geometry_msgs/msg/Wrench for",
        ),
        (
            changed("wrench", fields=["wrench.force.x", "wrench.force.y", "wrench.force.w"] * 2),
            r"no field 'w' of 'wrench.force.w'; .* has x, y, z",
        ),
        (
            changed("q", fields=[f"position.fr3_joint{n}" for n in range(1, 8)]),
            "no element 'fr3_joint1'.*names panda_joint1",
        ),
    ],
)
def test_a_contract_that_the_bag_does_not_serve_is_refused_by_name(convert, contract, message):
    result, dataset = convert(contract=contract)
    assert len(dataset) == 0
    assert re.search(message, result.refused), result.refused


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda messages: [each for each in messages if each.topic != "/action"], "/action .* is not there"),
        (
            lambda messages: [
                each.stamped(each.stamp_ns - 60_000 * MS) if each.topic == CAMERA and each.stamp_ns > at(500) else each
                for each in messages
            ],
            "14 stamps lie more than 5 s before the newest: the clock was set back",
        ),
        (
            lambda messages: [each.stamped(0) if each.topic == CAMERA else each for each in messages],
            "zero header.stamp",
        ),
        (
            lambda messages: [each for each in messages if each.topic.startswith("/collect") or each.stamp_ns < at(50)],
            "fewer than 2 rows in a run",
        ),
        (
            lambda messages: (
                [*without(messages, "/action", -1000, 5000), Sent("/action", action(at(0), [9.0] * 7), at(1))]
            ),
            "fewer than 2 rows in a run: no action on action between this tick and the next",
        ),
    ],
)
def test_a_recording_that_makes_no_rows_is_refused_with_the_reason(convert, spoil, message):
    result, dataset = convert(spoil(episode(SHAPE)))
    assert len(dataset) == 0 and re.search(message, result.refused), result.refused


def test_a_clock_that_moved_is_noted(convert):
    messages = [
        each.stamped(each.stamp_ns - 80 * MS) if each.topic == CAMERA and each.stamp_ns > at(800) else each
        for each in episode(Shape(duration_s=1.6, state_hz=50.0))
    ]
    shape = Shape(duration_s=1.6, state_hz=50.0)
    result, _ = convert(messages, shape)
    assert any("the clock of cameras/front/image/compressed moved by -80 ms" in note for note in result.notes)
    simulated, _ = convert(messages, shape, folder="simulated", clock="simulated")
    assert simulated.episodes and not simulated.notes, "all of a simulation is on one clock"


def test_why_an_episode_is_degraded_is_noted(convert):
    result, _ = convert(degraded=True, degraded_because=["/pose: a gap of 0.45 s, 0.1 s allowed"])
    assert "degraded: /pose: a gap of 0.45 s, 0.1 s allowed" in result.notes


def test_messages_that_the_recorder_lost_are_noted(convert):
    result, _ = convert(messages_lost=3)
    assert any("messages were lost on the way to the recorder" in note for note in result.notes)
    whole, _ = convert(folder="whole", messages_lost=0)
    assert not whole.notes


def test_another_contract_at_recording_is_noted(convert, tmp_path):
    other = changed("q", max_age_s=0.3)
    write(tmp_path / "noted", SHAPE, contract=CONTRACT.to_dict())
    result, _ = convert.on(tmp_path / "noted", other)
    assert result.notes == [
        f"recorded under contract panda_sim {CONTRACT.digest()[:12]}, converted by panda_sim {other.digest()[:12]}"
    ]
