"""The collect node on real topics, by its services: the gate, the verbs, and what is in the bag."""

import json
import struct

import pytest

pytest.importorskip("rclpy")

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from rclpy.serialization import deserialize_message
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Image
from std_msgs.msg import String

from muse_ros.bags.bags import open_bag
from muse_ros.bridge import SENSOR_QOS, STATUS_QOS, time_message
from muse_ros.contract.message_fields import time_ns
from muse_ros.msg import EpisodeEvent
from muse_ros.nodes.collect import CollectNode
from muse_ros.nodes.recording.parameters import description
from muse_ros.nodes.run_node import NodeFailure

JOINTS, CAMERA = "panda/joint_states", "cameras/front/image/compressed"


def numbers(bag, topic):
    """The numbers in the frame_ids of a topic's messages."""
    found = []
    for _, _, data, _ in bag.messages([f"/{topic}"]):
        (length,) = struct.unpack_from("<I", data, 12)
        found.append(int(bytes(data[16 : 16 + length - 1])))
    return found


def events(bag):
    messages = [deserialize_message(bytes(data), EpisodeEvent) for _, _, data, _ in bag.messages(["/collect/events"])]
    return [(message.event, time_ns(message.header.stamp)) for message in messages]


def test_an_episode_by_services_holds_every_message_and_its_events(
    make_collect, world, ask, ready, wait_until, tmp_path
):
    collect = make_collect(task="lift", operator="ada")
    ready(collect)
    assert ask("start").success
    first, last = world.numbers[JOINTS], world.numbers[JOINTS] + 100
    wait_until(lambda: world.numbers[JOINTS] > last)
    assert ask("success").success
    answer = ask("keep")
    assert answer.success, answer.message

    folder = tmp_path / "s" / "episode_0000"
    bag = open_bag(folder)
    seen = numbers(bag, JOINTS)
    assert seen == list(range(seen[0], seen[-1] + 1))
    assert seen[0] <= first and seen[-1] >= last
    content = json.loads((folder / "episode.json").read_text())
    assert (content["outcome"], content["task"], content["operator"]) == ("success", "lift", "ada")
    assert content["messages_lost"] == 0
    assert content["topics"][f"/{JOINTS}"]["count"] == len(seen)
    start, stop = content["start_ns"], content["stop_ns"]
    assert events(bag) == [("start", start), ("success", stop), ("stop", stop)]


def test_start_is_refused_while_a_stream_is_missing_and_names_it(make_collect, ask, wait_until):
    collect = make_collect()
    wait_until(lambda: "nobody publishes" in str(collect.session.problems))
    answer = ask("start")
    assert not answer.success
    assert f"/{CAMERA}: nobody publishes it (sensor_msgs/msg/CompressedImage)" in answer.message


def test_start_is_refused_on_a_wrong_type_and_names_both(make_collect, make_world, ask, wait_until):
    make_world(camera_type=Image)
    collect = make_collect()
    wait_until(lambda: any("has type" in problem for problem in collect.session.problems))
    assert "has type sensor_msgs/msg/Image, the contract wants sensor_msgs/msg/CompressedImage" in ask("start").message


def test_diagnostics_say_of_every_stream_how_it_is(make_collect, make_world, make_node, spin, ready, wait_until):
    heard = {}
    listener = make_node("listener")
    listener.create_subscription(
        DiagnosticArray, "diagnostics", lambda array: heard.update({s.name: s for s in array.status}), 10
    )
    spin(listener)
    world = make_world()
    ready(make_collect())
    joints, camera = f"collect: /{JOINTS}", f"collect: /{CAMERA}"
    wait_until(lambda: joints in heard and heard[joints].message == "fresh")
    assert float(next(pair.value for pair in heard[joints].values if pair.key == "rate [Hz]")) > 0.0
    world.camera_on = False
    wait_until(lambda: heard[camera].level == DiagnosticStatus.ERROR and "old" in heard[camera].message)


def test_a_topic_that_the_contract_does_not_name_is_recorded_too(
    make_collect, world, make_node, ask, ready, wait_until, tmp_path
):
    extra = make_node("extra")
    notes = extra.create_publisher(String, "lab/notes", 10)
    collect = make_collect()
    ready(collect)
    late = extra.create_publisher(String, "lab/late", 10)  # born just before the start: found at the start
    ask("start")
    wait_until(lambda: late.get_subscription_count() and notes.get_subscription_count())
    notes.publish(String(data="a"))
    late.publish(String(data="b"))
    written = collect.recorder_figures
    wait_until(lambda: all(written().get(f"/lab/{name}", {}).get("count") for name in ("notes", "late")))
    ask("stop")
    ask("keep")
    bag = open_bag(tmp_path / "s" / "episode_0000")
    assert bag.topics["/lab/notes"].count == bag.topics["/lab/late"].count == 1


def test_raw_images_beside_compressed_ones_are_left_out_and_named(make_collect, world, make_node, ask, ready, tmp_path):
    make_node("raw").create_publisher(Image, "cameras/front/image", SENSOR_QOS)
    ready(make_collect())
    for verb in ("start", "stop", "keep"):
        assert ask(verb).success
    content = json.loads((tmp_path / "s" / "episode_0000" / "episode.json").read_text())
    assert content["left_out"]["/cameras/front/image"] == f"raw image, recorded compressed as /{CAMERA}"
    assert "/cameras/front/image" not in content["topics"]


def test_verbs_out_of_turn_are_refused_with_what_is_legal(make_collect, world, ask, ready):
    ready(make_collect())
    answer = ask("keep")
    assert not answer.success
    assert "Legal now: start" in answer.message


def test_discard_and_undo_move_the_episode_on_disk(make_collect, world, ask, ready, tmp_path):
    ready(make_collect())
    ask("start")
    assert ask("discard").success
    assert (tmp_path / "s" / ".discarded" / "episode_0000" / "metadata.yaml").is_file()
    assert ask("undo").success
    assert (tmp_path / "s" / "episode_0000" / "metadata.yaml").is_file()


def test_twenty_episodes_in_one_session_are_all_whole(make_collect, world, ask, ready, wait_until, tmp_path):
    collect = make_collect()
    ready(collect)
    for index in range(20):
        assert ask("start").success
        wait_until(lambda: collect.recorder_figures()[f"/{JOINTS}"]["count"] >= 5)
        assert ask("stop").success
        assert ask("keep" if index % 5 else "discard").success
    folders = sorted(path for path in (tmp_path / "s").iterdir() if path.name.startswith("episode"))
    assert len(folders) == 16
    for folder in folders:
        bag = open_bag(folder)
        assert not bag.truncated
        assert bag.topics[f"/{JOINTS}"].count >= 5
        assert [event for event, _ in events(bag)] == ["start", "stop"]


def test_a_latched_message_from_before_is_in_every_episode(make_collect, world, make_node, ask, ready, tmp_path):
    model = make_node("model").create_publisher(String, "robot_description", STATUS_QOS)
    model.publish(String(data="<robot/>"))
    ready(make_collect())
    for _ in range(2):
        for verb in ("start", "stop", "keep"):
            assert ask(verb).success
    for index in range(2):
        assert open_bag(tmp_path / "s" / f"episode_000{index}").topics["/robot_description"].count == 1


def test_a_session_goes_on_where_it_was_left(make_collect, world, ask, ready, tmp_path):
    (tmp_path / "s" / "episode_0004").mkdir(parents=True)
    collect = make_collect()
    ready(collect)
    assert (collect.session.next_index, collect.session.kept) == (5, 1)


def test_on_a_fast_simulated_clock_every_time_in_the_bag_is_the_clocks(
    make_collect, make_world, make_node, spin, ask, ready, wait_until, tmp_path
):
    source = make_node("source")
    clock = source.create_publisher(Clock, "/clock", 10)
    time_ms = iter(range(1000, 10**9, 20))
    source.create_timer(0.002, lambda: clock.publish(Clock(clock=time_message(next(time_ms) * 1_000_000))))
    spin(source)
    on_clock = Parameter("use_sim_time", value=True)
    world = make_world(parameter_overrides=[on_clock])
    collect = make_collect(use_sim_time=True)
    ready(collect)
    assert ask("start").success
    last = world.numbers[JOINTS] + 50
    wait_until(lambda: world.numbers[JOINTS] > last)
    assert ask("stop").success
    end_ns = collect.session.stop_ns
    assert ask("keep").success
    content = json.loads((tmp_path / "s" / "episode_0000" / "episode.json").read_text())
    assert content["clock"] == "simulated"
    received = [time for *_, time in open_bag(tmp_path / "s" / "episode_0000").messages([f"/{JOINTS}"])]
    assert len(received) > 50
    assert received == sorted(received)
    assert 1_000_000_000 <= received[0] <= received[-1] <= end_ns + 1_000_000_000


def test_parameters_of_the_next_episode_may_be_set_at_any_time(make_collect, make_node, spin, call):
    collect = make_collect()
    operator = spin(make_node("operator"))
    request = SetParameters.Request(parameters=[Parameter("task", value="place").to_parameter_msg()])
    assert call(operator, SetParameters, "collect/set_parameters", request).results[0].successful
    assert description(collect).task == "place"


def test_a_session_that_is_no_folder_name_is_refused_by_name(ros, tmp_path):
    given = {"root_dir": str(tmp_path), "session": "../elsewhere"}
    with pytest.raises(NodeFailure, match=r"parameter session: session must be a plain folder name"):
        CollectNode(parameter_overrides=[Parameter(name, value=value) for name, value in given.items()])
