"""From a camera to the rows of a dataset: each row shows the picture that was the newest at its tick."""

import json

import pytest

pytest.importorskip("rclpy")
pytest.importorskip("cv2")

from rclpy.parameter import Parameter
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import String

from muse_core.datasets.episode_folder import EpisodeFolder
from muse_core.images import decode_image
from muse_ros.bags.bags import open_bag
from muse_ros.cameras.numbered_picture import read, write_film
from muse_ros.contract.contract import load_contract
from muse_ros.contract.message_fields import time_ns
from muse_ros.conversion.convert import convert
from muse_ros.conversion.recordings import find_recordings
from muse_ros.nodes.camera import CameraNode

TOPIC = "cameras/top/image/compressed"
CONTRACT = {
    "name": "test",
    "rate_hz": 10.0,
    "observations": {
        "image": {"topic": TOPIC, "type": "sensor_msgs/msg/CompressedImage", "size": [48, 64], "max_age_s": 0.2}
    },
}


@pytest.fixture
def top_camera(ros, spin, tmp_path):
    write_film(tmp_path / "film.avi", range(1000), rate_hz=30.0)
    given = {"name": "top", "source": str(tmp_path / "film.avi"), "loop": False}
    node = CameraNode(parameter_overrides=[Parameter(name, value=value) for name, value in given.items()])
    node.start()
    yield spin(node)
    node.close()
    node.destroy_node()


def test_every_row_shows_the_newest_picture_of_its_tick(top_camera, make_collect, ask, ready, wait_until, tmp_path):
    (tmp_path / "camera_contract.yaml").write_text(json.dumps(CONTRACT))
    collect = make_collect(contract=str(tmp_path / "camera_contract.yaml"))
    ready(collect)
    assert ask("start").success
    topic = f"/{TOPIC}"
    wait_until(
        lambda: collect.recorder_figures().get(topic, {}).get("count", 0) > 65, what="a second and a half of pictures"
    )
    assert ask("success").success
    assert ask("keep").success
    recordings = find_recordings([tmp_path / "s"])
    bag = open_bag(recordings[0].path)

    pictures = {}
    for _, _, data, _ in bag.messages([topic]):
        message = deserialize_message(bytes(data), CompressedImage)
        pictures[time_ns(message.header.stamp)] = read(decode_image(bytes(message.data)))
    numbers = list(pictures.values())
    assert numbers == sorted(set(numbers)), "recorded out of order, or twice"
    said = [
        json.loads(deserialize_message(bytes(d), String).data) for *_, d, _ in bag.messages(["/cameras/top/settings"])
    ]
    assert said and said[-1]["source"]["rate_hz"] == 30.0, "the settings are not in the bag"

    contract = load_contract(tmp_path / "camera_contract.yaml")
    summary = convert(recordings, tmp_path / "data", contract)
    assert not summary.refused
    rows = EpisodeFolder.open(tmp_path / "data").get_episode(0).arrays
    assert len(rows["stamp_ns"]) >= 10
    for tick_ns, image in zip(rows["stamp_ns"].ravel().tolist(), rows["image"], strict=True):
        newest = max(stamp for stamp in pictures if stamp <= tick_ns)
        assert read(image) == pictures[newest]
