"""Parameters that mean nothing to a node, with a node-like object."""

from muse_ros.nodes.unknown_parameters import unknown_parameters


class Node:
    """Declares `declared`, was given `given`."""

    def __init__(self, given, declared=("device", "use_sim_time")):
        self._parameter_overrides, self._parameters = dict.fromkeys(given), dict.fromkeys(declared)


Node.__module__ = "muse_ros.nodes.teleop"


def test_a_misspelt_parameter_is_named_with_the_nearest_one():
    assert unknown_parameters(Node(["linear_sped"])) == (
        "there is no parameter 'linear_sped'; did you mean 'linear_speed'?"
    )


def test_parameters_that_only_another_device_declares_are_known_by_the_nodes_file():
    assert (
        unknown_parameters(Node(["noise_m", "device", "use_sim_time", "qos_overrides./action.publisher.depth"])) == ""
    )
