"""The guided reset: the simulation with its next seed, the real arm home, and what is said when that fails."""

import pytest

pytest.importorskip("rclpy")

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.task import Future
from std_srvs.srv import Trigger

from muse_core.control.kinematics import HOME_Q
from muse_ros.bridge import EVENT_QOS, SENSOR_QOS
from muse_ros.msg import AppliedAction, EpisodeEvent
from muse_ros.nodes.recording.parameters import description
from muse_ros.recording.session_folder import SessionFolder, write_episode_file


def make_simulation(node):
    """Give a node the services of a simulation; it remembers its seeds."""
    node.declare_parameter("seed", 7)
    node.seeds = []

    def reset(_, response):
        node.seeds.append(node.get_parameter("seed").value)
        response.success = True
        return response

    node.create_service(Trigger, "sim/reset", reset)
    return node


def test_an_answer_that_is_lost_is_asked_for_again(make_node, spin, make_collect, world, ask, ready, wait_until):
    node = make_node("panda")
    node.declare_parameter("seed", 7)
    seeds = []

    async def reset(_, response):
        seeds.append(node.get_parameter("seed").value)
        if len(seeds) == 1:
            await Future()  # this one is never answered
        response.success = True
        return response

    node.create_service(Trigger, "sim/reset", reset, callback_group=ReentrantCallbackGroup())
    spin(node)
    collect = make_collect(seed=7)
    ready(collect)
    assert ask("reset").success
    wait_until(lambda: description(collect).seed == 8)
    assert seeds == [8, 8]
    ready(collect)


@pytest.fixture
def simulation(make_node, spin):
    return spin(make_simulation(make_node("panda")))


class Arm:
    """A panda node that goes home when `moves`, in one step, where it says that it is not refused."""

    def __init__(self, node):
        self.applied = node.create_publisher(AppliedAction, "panda/applied_action", SENSOR_QOS)
        self.refusal, self.moves, self.limited_by, self.source, self.asked = "", True, 0, "home", 0
        self.home_q, self.position = HOME_Q, HOME_Q + 0.3
        node.create_service(Trigger, "panda/home", self.home)
        node.create_timer(0.02, self.publish)

    def home(self, _, response):
        self.asked += 1
        response.success, response.message = not self.refusal, self.refusal
        if not self.refusal and self.moves:
            self.position = self.home_q
        return response

    def publish(self):
        self.applied.publish(AppliedAction(position=self.position, source=self.source, limited_by=self.limited_by))


@pytest.fixture
def arm(make_node, spin):
    node = make_node("panda")
    made = Arm(node)
    spin(node)
    return made


def test_reset_gives_the_simulation_its_next_seed_and_the_gate_waits_for_new_samples(
    simulation, make_collect, world, ask, ready, wait_until
):
    collect = make_collect(seed=7)
    ready(collect)
    assert ask("reset").success
    wait_until(lambda: description(collect).seed == 8)
    assert simulation.seeds == [8]
    ready(collect)


def test_samples_from_before_a_reset_make_nothing_ready_not_for_an_instant(
    simulation, make_collect, world, ask, ready, wait_until
):
    collect = make_collect(seed=7)
    ready(collect)
    states, publish = [], collect._status.publish
    collect._status.publish = lambda session, *rest: (states.append(session.state.name), publish(session, *rest))
    world.timer.cancel()
    assert ask("reset").success
    wait_until(lambda: description(collect).seed == 8)
    wait_until(lambda: not collect.session.resetting)
    assert "READY" not in states[states.index("IDLE") :]


def test_a_session_that_goes_on_shows_no_scene_twice(simulation, make_collect, world, ready, tmp_path):
    folder = SessionFolder(tmp_path, "s")
    for number, seed in enumerate((7, 9)):
        folder.recording(f"episode_000{number}").mkdir(parents=True)
        write_episode_file(folder.recording(f"episode_000{number}"), {"seed": seed})
    collect = make_collect(reset="sim", seed=7)
    ready(collect)
    assert simulation.seeds == [10] and description(collect).seed == 10


def test_a_session_that_goes_on_with_new_seeds_begins_with_them(simulation, make_collect, world, ready, tmp_path):
    folder = SessionFolder(tmp_path, "s")
    folder.recording("episode_0000").mkdir(parents=True)
    write_episode_file(folder.recording("episode_0000"), {"seed": 7})
    ready(make_collect(reset="sim", seed=100))
    assert simulation.seeds == []


def test_every_decision_is_followed_by_a_reset_where_that_is_wanted(
    simulation, make_collect, world, ask, ready, wait_until
):
    collect = make_collect(reset="sim", seed=7)
    for index, decision in enumerate(("keep", "discard")):
        ready(collect)
        for verb in ("start", "stop", decision):
            assert ask(verb).success
        wait_until(lambda wanted=index + 1: len(simulation.seeds) == wanted)
    assert simulation.seeds == [8, 9]


def test_a_real_arm_goes_home_and_the_operator_is_asked_to_put_the_scene_back(
    arm, make_collect, world, ask, ready, wait_until
):
    collect = make_collect(reset="home")
    ready(collect)
    for verb in ("start", "success", "keep"):
        assert ask(verb).success
    wait_until(lambda: collect.session.to_prepare)
    ready(collect)
    assert collect._status.advice.startswith("ready: put the scene back")


def test_a_simulated_arm_behind_a_controller_moves_home_and_then_its_objects_are_placed(
    arm, make_collect, make_node, spin, world, ask, ready, wait_until
):
    simulation = spin(make_simulation(make_node("sim_server")))
    arm.moves, arm.home_q = False, HOME_Q + 0.1
    collect = make_collect(reset="home_sim", home_q=arm.home_q.tolist(), simulator="sim_server", seed=7)
    ready(collect)
    assert ask("reset").success
    arm.position = HOME_Q  # which is not home here
    assert "the reset is running" in ask("start").message and simulation.seeds == []
    arm.position = arm.home_q
    wait_until(lambda: description(collect).seed == 8)
    assert simulation.seeds == [8] and collect.session.to_prepare == ""


def test_an_automatic_session_in_simulation_recovers_its_arm_by_itself(
    arm, make_collect, make_node, spin, world, wait_until
):
    simulation = spin(make_simulation(make_node("sim_server")))
    node, arm.refusal = make_node("recovering"), "the arm is stopped: call panda/recover first"

    def recover(_, response):
        arm.refusal, response.success = "", True
        return response

    node.create_service(Trigger, "panda/recover", recover)
    spin(node)
    make_collect(reset="home_sim", simulator="sim_server", seed=5, auto_episodes=1)
    wait_until(lambda: simulation.seeds == [5])


def test_no_episode_starts_before_the_arm_is_home(arm, make_collect, world, ask, ready, wait_until):
    arm.moves = False
    collect = make_collect(reset="home")
    ready(collect)
    assert ask("reset").success
    assert "the reset is running" in ask("start").message
    arm.position = HOME_Q
    ready(collect)


def test_an_arm_that_is_stopped_on_its_way_home_says_so_and_the_reset_can_be_tried_again(
    arm, make_collect, world, ask, ready, wait_until
):
    arm.moves, arm.limited_by = False, AppliedAction.STOPPED
    collect = make_collect(reset="home")
    ready(collect)
    ask("reset")
    wait_until(lambda: "stopped on its way home" in collect.session.reset_failure)
    arm.moves, arm.limited_by = True, 0
    assert ask("reset").success
    wait_until(lambda: collect.session.to_prepare)
    assert collect.session.reset_failure == ""


def test_an_arm_that_stops_on_its_way_home_is_sent_again_and_given_up_the_third_time(
    arm, make_collect, world, ask, ready, wait_until
):
    arm.moves, arm.source = False, ""
    collect = make_collect(reset="home")
    ready(collect)
    ask("reset")
    wait_until(lambda: "stood still 3 times before it was home" in collect.session.reset_failure)
    assert arm.asked == 3


def test_a_refusal_is_tried_again_while_a_hand_is_still_on_the_arm(arm, make_collect, world, ask, ready, wait_until):
    arm.refusal = "teleop has the arm: let go of it first"
    collect = make_collect(reset="home")
    ready(collect)
    ask("reset")
    arm.refusal = ""
    wait_until(lambda: collect.session.to_prepare)


def test_a_stop_ends_a_reset_so_that_the_arm_does_not_move_by_itself_when_it_recovers(
    arm, make_collect, make_node, world, ask, ready, wait_until
):
    events = make_node("stop").create_publisher(EpisodeEvent, "collect/events", EVENT_QOS)
    arm.refusal = "teleop has the arm: let go of it first"
    collect = make_collect(reset="home")
    ready(collect)
    wait_until(events.get_subscription_count)
    ask("reset")
    events.publish(EpisodeEvent(event=EpisodeEvent.ARM_STOP))
    wait_until(lambda: "the arm was stopped" in collect.session.reset_failure)
    assert ask("reset").success
    wait_until(lambda: not collect.session.resetting)
    assert "the arm was stopped" in collect.session.reset_failure


def test_without_an_arm_the_reset_fails_with_the_reason(make_collect, world, ask, ready, wait_until):
    collect = make_collect(patience_s=1.0)
    ready(collect)
    ask("reset")
    wait_until(lambda: "panda/home cannot be reached" in collect.session.reset_failure)
    assert "reset tries again" in collect._status.advice
