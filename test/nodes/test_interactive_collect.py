"""The interactive_collect node converts kept episodes while the session goes on, and ends when it has enough."""

import pytest

from muse_ros.contract.contract import load_contract
from synthetic import Shape, write_episode

CONTRACT = load_contract("panda_sim").to_dict()
READY, RECORDING = 1, 2


@pytest.fixture
def keep(tmp_path):
    """``keep(number, outcome)`` leaves a recorded episode of 0.5 s among the kept."""

    def write(number, outcome="success"):
        shape = Shape(duration_s=0.5, state_hz=50.0, episode=f"episode_{number:04d}")
        write_episode(tmp_path / "s", shape, outcome=outcome, contract=CONTRACT)

    return write


@pytest.fixture
def make_interactive(ros, spin, tmp_path):
    """``make_interactive(**parameters)`` starts a spinning node on the test's session."""
    from rclpy.parameter import Parameter

    from muse_ros.nodes.interactive_collect import InteractiveCollectNode

    nodes = []

    def make(**parameters):
        paths = {"root_dir": tmp_path, "dataset": tmp_path / "data", "save_file": tmp_path / "eval.npz"}
        values = {"session": "s", **{name: str(path) for name, path in paths.items()}, **parameters}
        overrides = [Parameter(name, value=value) for name, value in values.items()]
        node = InteractiveCollectNode(parameter_overrides=overrides)
        nodes.append(node)
        return spin(node)

    yield make
    for node in nodes:
        node.close()
        node.destroy_node()


@pytest.fixture
def tell(make_node):
    """``tell(state, kept)`` publishes a status as the collect node does."""
    from muse_ros.bridge import STATUS_QOS
    from muse_ros.msg import EpisodeStatus

    publisher = make_node("collect").create_publisher(EpisodeStatus, "collect/status", STATUS_QOS)
    return lambda state, kept: publisher.publish(
        EpisodeStatus(state=state, kept=kept, episode_id=f"episode_{kept:04d}")
    )


def test_kept_episodes_are_converted_as_they_come_and_the_node_ends_with_the_last(
    make_interactive, keep, tell, wait_until, tmp_path
):
    node = make_interactive(max_eps=2)
    keep(0)
    tell(READY, 1)
    wait_until(lambda: len(node.tally.episodes) == 1, what="the first episode in the dataset")
    assert not node.finished.is_set()
    keep(1, "failure")
    tell(READY, 2)
    wait_until(node.finished.is_set, what="the end")
    assert node.failure == ""
    assert (tmp_path / "eval.npz").is_file()
    assert [kept.success for kept in node.tally.episodes] == [True, False]


def test_it_does_not_end_amid_an_episode(make_interactive, keep, tell, wait_until):
    node = make_interactive(max_eps=1)
    tell(RECORDING, 0)
    wait_until(lambda: not node._between, what="the episode")
    keep(0)
    tell(RECORDING, 1)
    wait_until(lambda: len(node.tally.episodes) == 1, what="the episode in the dataset")
    assert not node.finished.is_set()
    tell(READY, 1)
    wait_until(node.finished.is_set, what="the end")


def test_what_an_earlier_run_left_is_converted_and_assembled_at_the_start(make_interactive, keep, wait_until, tmp_path):
    keep(0)
    node = make_interactive(max_eps=1)
    wait_until(node.finished.is_set, what="the end")
    assert (tmp_path / "eval.npz").is_file()


def test_a_file_that_cannot_be_written_is_a_failure_that_says_so(make_interactive, keep, wait_until, tmp_path):
    keep(0)
    (tmp_path / "full").write_text("a file where a folder should be")
    node = make_interactive(max_eps=1, save_file=str(tmp_path / "full" / "eval.npz"))
    wait_until(node.finished.is_set, what="the end")
    assert "could not be assembled" in node.failure


def test_what_must_be_given_is_asked_for(make_interactive):
    from muse_ros.nodes.run_node import NodeFailure

    with pytest.raises(NodeFailure, match="parameter session must be given"):
        make_interactive(session="")
