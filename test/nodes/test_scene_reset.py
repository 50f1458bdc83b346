"""The next scene: the seed after the arm's own goes to the arm and the recorder, and the world is reset with it."""

from __future__ import annotations

import pytest

pytest.importorskip("rclpy")

from std_srvs.srv import Trigger

from muse_ros.nodes.scene_reset import SceneReset


@pytest.fixture
def operator(make_node, spin):
    """A reset and what it told the operator."""
    told = []
    node = make_node("operator")
    reset = SceneReset(node, told.append)
    spin(node)
    return reset, told


def test_the_arm_and_the_recorder_get_the_next_seed_before_the_reset_answers(operator, make_node, spin, wait_until):
    reset, told = operator
    panda, collect = make_node("panda"), make_node("collect")
    panda.declare_parameter("seed", 7)
    collect.declare_parameter("seed", 7)

    def answer(_request, response):
        response.success, response.message = True, f"reset with seed {panda.get_parameter('seed').value}"
        return response

    panda.create_service(Trigger, "sim/reset", answer)
    spin(panda, collect)
    clients = (reset._get, reset._set, reset._set_recorder, reset._reset)
    wait_until(lambda: all(client.service_is_ready() for client in clients), what="the services")
    reset.call()
    wait_until(lambda: told, what="the answer")
    assert told == ["reset with seed 8"]
    wait_until(lambda: collect.get_parameter("seed").value == 8, what="the recorder's seed")


def test_without_a_simulation_it_says_so(operator):
    reset, told = operator
    reset.call()
    assert told == ["sim/reset cannot be reached: only a simulated arm has it"]
