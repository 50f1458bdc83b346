"""A new scene in the simulation: the next seed to the arm and to the recorder, then the reset."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import GetParameters, SetParameters
from std_srvs.srv import Trigger

SERVICE = "sim/reset"


class SceneReset:
    """Asks for one scene after the other; each step waits for the answer of the one before."""

    def __init__(self, node: Any, told: Callable[[str], None]) -> None:
        """Make the clients.

        Args:
            node: The node that they belong to.
            told: Is given what came of a reset, for the operator.
        """
        self._told = told
        self._get = node.create_client(GetParameters, "panda/get_parameters")
        self._set = node.create_client(SetParameters, "panda/set_parameters")
        self._set_recorder = node.create_client(SetParameters, "collect/set_parameters")
        self._reset = node.create_client(Trigger, SERVICE)

    def call(self) -> None:
        """Ask for the scene of the next seed."""
        if not self._reset.service_is_ready():
            self._told(f"{SERVICE} cannot be reached: only a simulated arm has it")
            return
        self._get.call_async(GetParameters.Request(names=["seed"])).add_done_callback(self._count)

    def _count(self, future: Any) -> None:
        seed = future.result().values[0].integer_value + 1
        value = ParameterValue(type=ParameterType.PARAMETER_INTEGER, integer_value=seed)
        request = SetParameters.Request(parameters=[Parameter(name="seed", value=value)])
        self._set.call_async(request).add_done_callback(partial(self._go, request))

    def _go(self, request: SetParameters.Request, _future: Any) -> None:
        self._reset.call_async(Trigger.Request()).add_done_callback(partial(self._tell, request))

    def _tell(self, request: SetParameters.Request, future: Any) -> None:
        answer = future.result()
        if answer.success and self._set_recorder.service_is_ready():
            self._set_recorder.call_async(request)
        self._told(answer.message)
