"""Nonsense in requests to set parameters is refused in words, where rclpy's own answer would end the node.

rclpy makes a value's type of a number in the request, before any callback of ours, and raises where there is no such
type; in an executor that ends the process, whoever sent it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from rcl_interfaces.msg import SetParametersResult
from rcl_interfaces.srv import SetParameters, SetParametersAtomically


def guard_parameters(node: Any) -> None:
    """Have the node refuse what rclpy cannot read.

    Args:
        node: A node with rclpy's parameter services.
    """
    answers = {SetParameters: _each, SetParametersAtomically: _together}
    for service in node.services:
        if service.srv_type in answers:
            service.callback = partial(_answer, service.callback, answers[service.srv_type])


def _answer(serve: Callable, refuse: Callable, request: Any, response: Any) -> Any:
    try:
        return serve(request, response)
    except ValueError as error:
        refused = SetParametersResult(successful=False, reason=f"this request cannot be read: {error}")
        return refuse(request, response, refused)


def _each(request: Any, response: Any, refused: SetParametersResult) -> Any:
    response.results = [refused for _ in request.parameters]
    return response


def _together(request: Any, response: Any, refused: SetParametersResult) -> Any:
    response.result = refused
    return response
