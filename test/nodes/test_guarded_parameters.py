"""A request that rclpy cannot read is refused over real DDS, and the node lives on."""

import pytest

pytest.importorskip("rclpy")

from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters, SetParametersAtomically

from muse_ros.nodes.guarded_parameters import guard_parameters


@pytest.fixture
def node(make_node, spin):
    made = make_node("guarded")
    made.declare_parameter("speed", 1.0)
    guard_parameters(made)
    return spin(made)


@pytest.fixture
def asker(make_node, spin):
    return spin(make_node("asker"))


def speed(kind, value=0.0):
    return Parameter(name="speed", value=ParameterValue(type=kind, double_value=value))


def test_a_value_of_no_type_is_refused_and_the_next_request_is_served(node, asker, call):
    nonsense = SetParameters.Request(parameters=[speed(99), speed(ParameterType.PARAMETER_DOUBLE, 2.0)])
    results = call(asker, SetParameters, "/guarded/set_parameters", nonsense).results
    assert [result.successful for result in results] == [False, False]
    assert "cannot be read: 99 is not a valid" in results[0].reason
    good = SetParameters.Request(parameters=[speed(ParameterType.PARAMETER_DOUBLE, 2.0)])
    assert call(asker, SetParameters, "/guarded/set_parameters", good).results[0].successful
    assert node.get_parameter("speed").value == 2.0


def test_so_is_one_that_sets_all_or_nothing(node, asker, call):
    nonsense = SetParametersAtomically.Request(parameters=[speed(99)])
    assert not call(asker, SetParametersAtomically, "/guarded/set_parameters_atomically", nonsense).result.successful
    assert node.get_parameter("speed").value == 1.0
