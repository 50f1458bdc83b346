"""The seam to rosbag2: bags that others open, and bags of others opened."""

import json

import pytest
import yaml
from mcap.reader import make_reader
from rosbags.rosbag2 import CompressionFormat, CompressionMode, Reader, StoragePlugin, Writer

from muse_ros.bags.bags import BagError, BagWriteError, open_bag, open_writer, read_bag
from muse_ros.bags.message_types import type_hash
from muse_ros.bags.qos import Qos
from muse_ros.contract.contract import load_contract
from muse_ros.contract.message_fields import stamp_ns
from muse_ros.resources import share_folders
from synthetic import Shape, episode, store, write_bag

SENT = episode(Shape(duration_s=1.0, state_hz=50, labels=True))


def content(path):
    """What a bag holds, comparable: (topic, type, bytes, receive time)."""
    return sorted((topic, type_name, bytes(data), received) for topic, type_name, data, received in read_bag(path))


EXPECTED = sorted((each.topic, each.type, each.data(), each.received_ns) for each in SENT)


@pytest.fixture
def bag(tmp_path):
    return write_bag(tmp_path / "bag", SENT, load_contract("panda_sim"))


def mcap_file(folder):
    """The one MCAP file of a bag."""
    return next(folder.glob("*.mcap"))


def rosbags_bag(folder, plugin, mode=CompressionMode.NONE, version=9):
    """The same messages, written by the rosbags package."""
    writer = Writer(folder, version=version, storage_plugin=plugin)
    if mode is not CompressionMode.NONE:
        writer.set_compression(mode, CompressionFormat.ZSTD)
    writer.open()
    connections = {}
    for each in SENT:
        if each.topic not in connections:
            connections[each.topic] = writer.add_connection(each.topic, each.type, typestore=store())
        writer.write(connections[each.topic], each.received_ns, each.data())
    writer.close()
    return folder


def test_what_is_written_is_read_back(bag):
    assert content(bag) == EXPECTED
    opened = open_bag(bag)
    assert opened.notes == [] and not opened.truncated
    assert opened.topics["/panda/ee_pose"].count == sum(each.topic == "/panda/ee_pose" for each in SENT)


def test_messages_parse_by_the_definitions_in_the_bag(bag):
    opened = open_bag(bag)
    codec = opened.codec()
    for topic, type_name, data, _ in opened.messages(["/action"]):
        assert topic == "/action" and codec.has_header(type_name)
        message = codec.parse(type_name, data)
        assert message.source == "teleop" and len(message.values) == 7 and stamp_ns(message) > 0


def test_the_rosbags_reader_opens_it(bag):
    with Reader(bag) as reader:
        found = sorted((c.topic, c.msgtype, bytes(data), received) for c, received, data in reader.messages())
    assert found == EXPECTED


def test_the_contract_is_embedded_even_where_the_bag_was_never_closed(tmp_path):
    contract = load_contract("panda_sim")
    for name, close in (("closed", True), ("open", False)):
        custom = open_bag(write_bag(tmp_path / name, SENT[:1], contract, close)).custom
        assert custom["muse_contract_digest"] == contract.digest()
        assert json.loads(custom["muse_contract"]) == contract.to_dict()


def test_the_mcap_reader_opens_it_by_its_index_with_all_checksums(bag):
    with open(mcap_file(bag), "rb") as file:
        reader = make_reader(file, validate_crcs=True)
        summary = reader.get_summary()
        found = sorted((c.topic, s.name, m.data, m.log_time) for s, c, m in reader.iter_messages())
        window = list(reader.iter_messages(topics=["/action"], starting_at=SENT[0].received_ns, log_time_order=True))
    assert found == EXPECTED
    assert summary.statistics.message_count == len(SENT) and len(summary.chunk_indexes) >= 1
    assert len(window) == sum(each.topic == "/action" for each in SENT)


def test_the_metadata_is_what_rosbag2_writes(tmp_path):
    writer = open_writer(tmp_path / "bag")
    writer.add_topic("/a", "std_msgs/msg/String", Qos(reliability="best_effort", durability="transient_local", depth=3))
    writer.write("/a", "std_msgs/msg/String", b"\0\1\0\0\1\0\0\0\0", 5)
    writer.close()
    information = yaml.safe_load((tmp_path / "bag/metadata.yaml").read_text())["rosbag2_bagfile_information"]
    assert information["version"] == 8 and information["storage_identifier"] == "mcap"
    assert information["relative_file_paths"] == ["bag_0.mcap"] and information["message_count"] == 1
    topic = information["topics_with_message_count"][0]["topic_metadata"]
    assert topic["type_description_hash"].startswith("RIHS01_")
    offer = yaml.safe_load(topic["offered_qos_profiles"])[0]
    assert (offer["reliability"], offer["durability"], offer["history"], offer["depth"]) == (2, 1, 1, 3)


@pytest.mark.parametrize("name", ["std_msgs/msg/String", "sensor_msgs/msg/JointState", "geometry_msgs/msg/PoseStamped"])
def test_the_type_hash_is_the_one_that_ros_computed(name):
    package, _, short = name.split("/")
    described = [folder / f"msg/{short}.json" for folder in share_folders(package)]
    texts = [json.loads(path.read_text()) for path in described if path.is_file()]
    if not texts:
        pytest.skip("needs ROS messages with their type descriptions (Iron or newer)")
    assert type_hash(name) == {each["type_name"]: each["hash_string"] for each in texts[0]["type_hashes"]}[name]


def test_a_folder_that_is_renamed_stays_a_bag(tmp_path):
    write_bag(tmp_path / "e.recording", SENT)
    (tmp_path / "e.recording").rename(tmp_path / "e")
    assert content(tmp_path / "e") == EXPECTED and mcap_file(tmp_path / "e").name == "e_0.mcap"


def test_a_bag_is_never_written_over_another(bag):
    with pytest.raises(BagWriteError, match="exists already"):
        open_writer(bag)


@pytest.mark.parametrize(
    ("plugin", "mode"),
    [
        (StoragePlugin.MCAP, CompressionMode.NONE),
        (StoragePlugin.MCAP, CompressionMode.STORAGE),
        (StoragePlugin.SQLITE3, CompressionMode.NONE),
        (StoragePlugin.SQLITE3, CompressionMode.FILE),
        (StoragePlugin.SQLITE3, CompressionMode.MESSAGE),
    ],
)
def test_bags_of_another_recorder_are_read(tmp_path, plugin, mode):
    folder = rosbags_bag(tmp_path / "bag", plugin, mode)
    assert content(folder) == EXPECTED
    codec = open_bag(folder).codec()
    assert all(codec.parse(type_name, data) is not None for _, type_name, data, _ in read_bag(folder))


@pytest.mark.parametrize("plugin", [StoragePlugin.MCAP, StoragePlugin.SQLITE3])
def test_a_bag_without_metadata_is_read_with_a_note(tmp_path, plugin):
    folder = rosbags_bag(tmp_path / "bag", plugin)
    (folder / "metadata.yaml").unlink()
    assert content(folder) == EXPECTED
    assert "was not closed" in open_bag(folder).notes[0]


def test_a_single_file_is_a_bag(bag):
    assert content(mcap_file(bag)) == EXPECTED


def test_the_parts_of_a_split_bag_are_read_in_order(tmp_path):
    folder = tmp_path / "bag"
    folder.mkdir()
    for number in (0, 2, 10):
        part = write_bag(tmp_path / f"part_{number}", SENT[number : number + 1])
        mcap_file(part).rename(folder / f"bag_{number}.mcap")
    assert [received for *_, received in read_bag(folder)] == [SENT[n].received_ns for n in (0, 2, 10)]


def test_a_type_that_nobody_knows_is_recorded_all_the_same(tmp_path):
    writer = open_writer(tmp_path / "bag")
    writer.write("/odd", "odd_msgs/msg/Odd", b"\0\1\0\0", 1)
    writer.close()
    assert content(tmp_path / "bag") == [("/odd", "odd_msgs/msg/Odd", b"\0\1\0\0", 1)]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "no such file"),
        (lambda path: path.mkdir(), "is no bag"),
        (lambda path: (path.mkdir(), (path / "a.mcap").write_bytes(b"not an mcap file")), "is no MCAP file"),
        (lambda path: (path.mkdir(), (path / "a.db3").write_bytes(b"not a database" * 99)), "not a database"),
    ],
)
def test_what_is_no_bag_is_refused_by_name(tmp_path, make, message):
    make(tmp_path / "bag")
    with pytest.raises(BagError, match=message):
        open_bag(tmp_path / "bag")


def test_a_file_that_the_metadata_names_and_that_is_gone_is_named(bag):
    mcap_file(bag).unlink()
    with pytest.raises(BagError, match=r"names bag_0\.mcap, which are not there"):
        open_bag(bag)


def test_rosbag2_itself_opens_it(bag):
    rosbag2 = pytest.importorskip("rosbag2_py", reason="needs a ROS install with rosbag2")
    reader = rosbag2.SequentialReader()
    reader.open(rosbag2.StorageOptions(uri=str(bag), storage_id="mcap"), rosbag2.ConverterOptions("cdr", "cdr"))
    count = 0
    while reader.has_next():
        reader.read_next()
        count += 1
    assert count == len(SENT)
