"""The rqt panel's link to ROS, over DDS, and the files by which rqt finds the plugin."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

pytest.importorskip("rclpy")

from sensor_msgs.msg import CompressedImage
from std_srvs.srv import Trigger

from muse_ros.bridge import SENSOR_QOS, STATUS_QOS, TICK_QOS
from muse_ros.msg import EpisodeStatus, PolicyStatus
from muse_ros.rqt import link as link_module
from muse_ros.rqt.link import RosLink

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def link(ros: None):
    link = RosLink("left/")
    yield link
    link.close()


def test_it_hears_a_recorder_of_its_namespace_and_calls_its_verbs(
    link: RosLink, make_node: Callable, spin: Callable, wait_until: Callable
):
    recorder = make_node("collect", namespace="/left")
    called = []

    def start(_: Trigger.Request, answer: Trigger.Response) -> Trigger.Response:
        called.append("start")
        answer.success = True
        return answer

    recorder.create_service(Trigger, "collect/start", start)
    publisher = recorder.create_publisher(EpisodeStatus, "collect/status", STATUS_QOS)
    publisher.publish(EpisodeStatus(state=EpisodeStatus.READY, task="lift", legal_verbs=["start"]))
    spin(recorder)

    def heard() -> bool:
        link.spin(0.01)
        return link.view().episode.known

    wait_until(heard, what="the status")
    assert dict(link.view().episode.texts)["task"] == "lift"
    assert link.view().episode.legal_verbs == ("start",)

    def answered() -> bool:
        if not called:
            link.call("collect/start")
        link.spin(0.01)
        return bool(called)

    wait_until(answered, what="the call")


def test_a_camera_that_comes_later_is_found(
    link: RosLink, make_node: Callable, wait_until: Callable, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(link_module, "LOOK_S", 0.05)
    camera = make_node("camera", namespace="/left")
    publisher = camera.create_publisher(CompressedImage, "cameras/front/image/compressed", SENSOR_QOS)
    elsewhere = make_node("camera", namespace="/right")
    elsewhere.create_publisher(CompressedImage, "cameras/wrist/image/compressed", SENSOR_QOS)

    def seen() -> bool:
        publisher.publish(CompressedImage(format="jpeg", data=b"picture"))
        link.spin(0.01)
        return any(view.data == b"picture" for view in link.view().cameras)

    wait_until(seen, what="the picture")
    assert [view.name for view in link.view().cameras] == ["front"]


def test_the_policys_ticks_are_timed(link: RosLink, make_node: Callable, wait_until: Callable):
    publisher = make_node("policy", namespace="/left").create_publisher(PolicyStatus, "policy/status", TICK_QOS)

    def timed() -> bool:
        publisher.publish(PolicyStatus(state=PolicyStatus.ACTING, keys=["q"], inference=0.012, period=0.1))
        link.spin(0.01)
        return bool(link.timing.rows())

    wait_until(timed, what="a tick")
    assert ("inference", "12.0", "12.0", "12.0") in link.timing.rows()


def test_rqt_finds_the_plugin_by_files_that_agree_with_the_code():
    (entry,) = ElementTree.parse(ROOT / "plugin.xml").getroot()
    module, _, name = entry.attrib["type"].rpartition(".")
    assert entry.attrib["base_class_type"] == "rqt_gui_py::Plugin"
    tree = ast.parse((ROOT / (module.replace(".", "/") + ".py")).read_text())
    assert name in {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    assert '<rqt_gui plugin="${prefix}/plugin.xml"/>' in (ROOT / "package.xml").read_text()
    assert re.search(r"install\(FILES plugin\.xml DESTINATION share/", (ROOT / "CMakeLists.txt").read_text())
    manager = json.loads((ROOT / "config/rqt/muse.perspective").read_text())["groups"]["pluginmanager"]
    running = ast.literal_eval(manager["keys"]["running-plugins"]["repr"])
    assert f"muse_ros/{entry.attrib['name']}" in running
    assert {f"plugin__{plugin.replace('/', '__')}__1" for plugin in running} == set(manager["groups"])
