"""Declaring a node's parameters: each with a description, and with its range or choices where it has them."""

from __future__ import annotations

from typing import Any

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.node import Node

from muse_ros.nodes.run_node import NodeFailure


def declare(
    node: Node,
    name: str,
    default: Any,
    description: str,
    limits: tuple[float, float] | None = None,
    choices: tuple[str | int, ...] = (),
    fixed: bool = True,
) -> Any:
    """Declare a parameter, where that has not been done, and return its value.

    Args:
        node: The node that it belongs to.
        name: Its name.
        default: Its value where none is given; it also sets the type.
        description: What it is, with its unit.
        limits: Smallest and largest legal value.
        choices: Legal values of a text or a whole number.
        fixed: It is read once, at the start, and cannot be set later.

    Raises:
        NodeFailure: naming the parameter, what was given and what is legal.
    """
    if node.has_parameter(name):  # configured again, or a second part of the node asks for it
        return node.get_parameter(name).value
    descriptor = ParameterDescriptor(description=description, read_only=fixed)
    if limits is not None and isinstance(default, float):
        descriptor.floating_point_range = [FloatingPointRange(from_value=limits[0], to_value=limits[1])]
    elif limits is not None:
        descriptor.integer_range = [IntegerRange(from_value=int(limits[0]), to_value=int(limits[1]), step=1)]
    if choices:
        descriptor.additional_constraints = f"one of {', '.join(map(str, choices))}"
    try:
        value = node.declare_parameter(name, default, descriptor).value
    except (InvalidParameterTypeException, InvalidParameterValueException) as error:
        legal = f"between {limits[0]} and {limits[1]}" if limits else type(default).__name__
        raise NodeFailure(f"node {node.get_name()}: parameter {name} must be {legal}: {error}") from error
    if choices and value not in choices:
        raise NodeFailure(
            f"node {node.get_name()}: parameter {name} must be one of {', '.join(map(str, choices))}, got {value!r}"
        )
    return value
