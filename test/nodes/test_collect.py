"""The collect node on real topics: gate, verbs by services, what is in the bag, automatic episodes, faults."""

import json
import struct
import threading

import pytest

pytest.importorskip("rclpy")

from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from sensor_msgs.msg import CompressedImage, Image, JointState
from std_msgs.msg import Bool, String
from std_srvs.srv import Trigger

from muse_ros.bags import open_bag
from muse_ros.bridge import SENSOR_QOS, STATUS_QOS, time_ns
from muse_ros.episodes import State
from muse_ros.msg import EpisodeEvent, EpisodeStatus
from muse_ros.nodes.collect import CollectNode

JOINTS, CAMERA = "panda/joint_states", "cameras/front/image/compressed"
CONTRACT = {
    "name": "test",
    "rate_hz": 10.0,
    "observations": {
        "q": {"topic": JOINTS, "type": "sensor_msgs/msg/JointState", "fields": ["position.a"], "shape": [1],
              "max_age_s": 0.5},
        "image": {"topic": CAMERA, "type": "sensor_msgs/msg/CompressedImage", "size": [8, 8], "max_age_s": 0.5},
    },
}


class World:
    """Publishes numbered joint states and images; in the automatic tests also resets and says when it is solved."""

    def __init__(self, node, camera_type=CompressedImage):
        self.node = node
        self.numbers = {JOINTS: 0, CAMERA: 0}
        self.joints = node.create_publisher(JointState, JOINTS, SENSOR_QOS)
        self.camera = node.create_publisher(camera_type, CAMERA, SENSOR_QOS)
        self.camera_on = True
        self.timer = node.create_timer(0.01, self.publish)

    def publish(self):
        self.send(self.joints, JointState(), JOINTS)
        if self.camera_on:
            self.send(self.camera, self.camera.msg_type(), CAMERA)

    def send(self, publisher, message, topic):
        message.header.stamp = self.node.get_clock().now().to_msg()
        message.header.frame_id = str(self.numbers[topic])
        self.numbers[topic] += 1
        publisher.publish(message)


@pytest.fixture
def contract_file(tmp_path):
    path = tmp_path / "contract.yaml"
    path.write_text(json.dumps(CONTRACT))
    return path


@pytest.fixture
def make_collect(ros, spin, tmp_path, contract_file):
    """``make_collect(**parameters)`` starts a spinning collect node on the test's contract and folder."""
    nodes = []

    def make(**parameters):
        values = {"root_dir": str(tmp_path), "session": "s", "contract": str(contract_file), "min_free_gb": 0.0}
        overrides = [Parameter(name, value=value) for name, value in {**values, **parameters}.items()]
        node = CollectNode(parameter_overrides=overrides)
        nodes.append(node)
        return spin(node)

    yield make
    for node in nodes:
        node.close()
        node.destroy_node()


@pytest.fixture
def world(make_node, spin):
    node = make_node("world")
    made = World(node)
    spin(node)
    return made


@pytest.fixture
def ask(make_node, spin, call):
    """``ask(verb)`` calls a service of the collect node and returns its answer."""
    node = spin(make_node("operator"))
    return lambda verb: call(node, Trigger, f"collect/{verb}")


@pytest.fixture
def ready(wait_until):
    return lambda collect: wait_until(lambda: collect.session.state is State.READY, what="READY")


def numbers(bag, topic):
    """The numbers in the frame_ids of a topic's messages."""
    found = []
    for _, _, data, _ in bag.messages([f"/{topic}"]):
        (length,) = struct.unpack_from("<I", data, 12)
        found.append(int(bytes(data[16 : 16 + length - 1])))
    return found


def events(bag):
    from rclpy.serialization import deserialize_message

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


def test_start_is_refused_on_a_wrong_type_and_names_both(make_collect, make_node, spin, ask, wait_until):
    node = make_node("world")
    World(node, camera_type=Image)
    spin(node)
    collect = make_collect()
    wait_until(lambda: any("has type" in problem for problem in collect.session.problems))
    assert "has type sensor_msgs/msg/Image, the contract wants sensor_msgs/msg/CompressedImage" in ask("start").message


def test_a_camera_that_stops_while_recording_is_said_at_once(
    make_collect, world, make_node, spin, ask, ready, wait_until
):
    heard = []
    listener = make_node("listener")
    listener.create_subscription(EpisodeStatus, "collect/status", lambda message: heard.append(message), STATUS_QOS)
    spin(listener)
    ready(make_collect())
    ask("start")
    world.camera_on = False
    wait_until(lambda: heard and heard[-1].state == EpisodeStatus.RECORDING and CAMERA in heard[-1].message)
    assert ask("stop").success
    assert ask("keep").success


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


class Simulation(World):
    """A world with the services of the simulated panda: solved some images after its reset, or never (odd seeds)."""

    def __init__(self, node):
        super().__init__(node)
        node.declare_parameter("seed", 0)
        self.solved = node.create_publisher(Bool, "sim/success", STATUS_QOS)
        self.seeds = []
        self.recording = threading.Event()
        node.create_service(Trigger, "sim/reset", self.reset)
        node.create_subscription(EpisodeStatus, "collect/status", self.hear, STATUS_QOS)

    def hear(self, status):
        if status.state == EpisodeStatus.RECORDING and status.elapsed > 0.2 and status.seed % 2 == 0:
            self.solved.publish(Bool(data=True))

    def reset(self, request, response):
        self.seeds.append(self.node.get_parameter("seed").value)
        self.solved.publish(Bool(data=False))
        response.success = True
        return response


def test_automatic_episodes_reset_by_seed_label_by_success_and_end_the_node(
    make_collect, make_node, spin, wait_until, tmp_path
):
    node = make_node("panda")
    simulation = Simulation(node)
    spin(node)
    collect = make_collect(auto_episodes=3, seed=6, max_episode_s=1.5)
    wait_until(collect.finished.is_set, what="the end of the automatic episodes")
    assert collect.failure == ""
    assert simulation.seeds == [6, 7, 8]
    contents = [json.loads((tmp_path / "s" / f"episode_000{i}" / "episode.json").read_text()) for i in range(3)]
    assert [(content["seed"], content["outcome"]) for content in contents] == [
        (6, "success"), (7, "failure"), (8, "success"),
    ]
    assert contents[1]["duration_s"] >= 1.5


def test_automatic_episodes_without_a_simulation_give_up_and_say_so(make_collect, world, wait_until):
    collect = make_collect(auto_episodes=1, patience_s=1.0)
    wait_until(collect.finished.is_set)
    assert "sim/reset has not answered" in collect.failure


def test_parameters_of_the_next_episode_may_be_set_at_any_time(make_collect, make_node, spin, call):
    collect = make_collect()
    operator = spin(make_node("operator"))
    request = SetParameters.Request(parameters=[Parameter("task", value="place").to_parameter_msg()])
    assert call(operator, SetParameters, "collect/set_parameters", request).results[0].successful
    assert collect.description().task == "place"
