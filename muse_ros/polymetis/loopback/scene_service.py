"""The scene's service, our own beside Polymetis': place objects, look at the scene, break something, ask for figures.

A request is JSON, ``{"verb": NAME, ...}``, and so is its answer; `SceneClient` in `process` asks. Must not import ROS.
"""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import grpc

from muse_ros.polymetis.loopback.loopback import Loopback
from muse_ros.polymetis.loopback.process import SCENE_METHOD, SCENE_SERVICE


class SceneServicer:
    """Answers for one loopback server.

    Args:
        loopback: That server.
    """

    def __init__(self, loopback: Loopback) -> None:
        self._loopback = loopback
        robot, faults = loopback.robot, loopback.faults
        self._verbs = {"reset": self._reset, "snapshot": self._snapshot, "statistics": self._statistics}
        self._verbs |= {
            "reflex": robot.reflex,
            "restart": self._restart,
            "delay": faults.delay,
            "stall_streams": faults.stall_streams,
            "cut_streams": faults.cut_streams,
            "lose_calls": faults.lose_calls,
            "refuse_controllers": faults.refuse_controllers,
        }

    def ask(self, request: bytes, context: Any) -> bytes:
        """Do what a request says; what it gets wrong ends the call with INVALID_ARGUMENT."""
        arguments = json.loads(request)
        verb = arguments.pop("verb", "")
        if verb not in self._verbs:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"no verb {verb!r}; there are {', '.join(self._verbs)}")
        try:
            answer = self._verbs[verb](**arguments)
        except (TypeError, ValueError) as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"{verb}: {error}")
        return json.dumps(answer).encode()

    def handler(self) -> Any:
        """For `grpc.Server.add_generic_rpc_handlers`."""
        method = grpc.unary_unary_rpc_method_handler(self.ask)
        return grpc.method_handlers_generic_handler(SCENE_SERVICE, {SCENE_METHOD: method})

    def _reset(self, seed: int) -> None:
        self._loopback.arm.place_objects(int(seed))

    def _restart(self, for_s: float = 1.0) -> None:
        threading.Thread(target=self._loopback.restart, args=(float(for_s),), daemon=True).start()

    def _statistics(self) -> dict[str, Any]:
        return self._loopback.statistics()

    def _snapshot(self) -> dict[str, Any]:
        snapshot, stamp_ns = self._loopback.arm.snapshot(), time.time_ns()
        return {
            "stamp_ns": stamp_ns,
            "qpos": snapshot.qpos.tolist(),
            "body_pos": snapshot.body_pos.tolist(),
            "body_quat": snapshot.body_quat.tolist(),
            "objects": {name: [each.tolist() for each in pose] for name, pose in snapshot.objects.items()},
            "success": snapshot.success,
        }
