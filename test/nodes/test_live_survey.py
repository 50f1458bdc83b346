"""`muse contract` on a live graph: it sees what is published, whatever its quality of service, on the graph's clock."""

from __future__ import annotations

import pytest

pytest.importorskip("rclpy")
pytest.importorskip("muse_ros.msg")
pytest.importorskip("muse_core.environments.panda.mujoco_gl")

import yaml
from geometry_msgs.msg import WrenchStamped
from rclpy.parameter import Parameter
from std_msgs.msg import String

from muse_ros.contract.contract import Contract, load_contract
from muse_ros.finding import Verdict
from muse_ros.nodes.managed_node import started
from muse_ros.nodes.panda import PandaNode
from muse_ros.nodes.probes.live_survey import survey_graph
from muse_ros.survey.contract_text import contract_text
from muse_ros.survey.judge import judge
from muse_ros.survey.propose import USEFUL, propose


@pytest.fixture(params=[False, True], ids=["system's clock", "/clock"])
def arm(request, ros, spin):
    """A simulated arm, with a clock of its own or without."""
    parameters = {"camera_width": 64, "camera_height": 64, "clock": request.param, "clock_factor": 1.0}
    node = started(
        lambda: PandaNode(parameter_overrides=[Parameter(name, value=value) for name, value in parameters.items()])
    )
    yield spin(node)
    node.close()
    node.destroy_node()


def test_a_contract_proposed_for_live_topics_is_served_by_them(arm, make_node):
    found = survey_graph(2.0, USEFUL, make_node("surveyor"))
    assert found.simulated == arm.get_parameter("clock").value
    contract = Contract.from_dict(yaml.safe_load(contract_text(propose(found), "live", 10.0)))
    assert {"q", "qdot", "ee_position", "image", "ego_image", "gripper_width"} <= set(contract.observations)
    assert contract.actions["action"].space == "ee_delta", "where nobody acts meanwhile, Muse's own is assumed"
    wrong = [each for each in judge(contract, found) if each.verdict is Verdict.FAIL]
    assert wrong == []
    missing = {each.name for each in judge(load_contract("panda_sim"), found) if each.verdict is Verdict.FAIL}
    assert missing == set(), "an action that nobody asks for now is no fault of the graph"


def test_what_is_never_stamped_or_never_sent_is_told_apart(ros, make_node, spin, wait_until):
    node = spin(make_node("lab"))
    unstamped = node.create_publisher(WrenchStamped, "ft/wrench", 10)
    node.create_publisher(WrenchStamped, "silent/wrench", 10)
    node.create_publisher(String, "chatter", 10)
    node.create_timer(0.02, lambda: unstamped.publish(WrenchStamped()))
    found = survey_graph(1.0, USEFUL, make_node("surveyor"))
    left_out = propose(found).left_out
    assert "header.stamp is always zero" in left_out["/ft/wrench"]
    assert left_out["/silent/wrench"] == "no message came"
    assert found.topics["/chatter"].count == 0 and "/chatter" not in left_out
