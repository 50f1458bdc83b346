"""The simulated Panda as an :class:`~muse_core.environments.environment.Environment`: no ROS, faster than real time.

An action goes the same way as on the live robot: motion controller, inverse kinematics, safety filter, joint set-points
at 100 Hz. Pictures go through the same JPEG encoder and decoder as between the nodes, and an action takes effect the
same time after its observation as it does live, so that a policy sees here what it sees there.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np

from muse_core.control.kinematics import PandaKinematics
from muse_core.control.limits import Limits, default_limits
from muse_core.control.motion import MotionController
from muse_core.control.state import ACTION_SIZES, ArmAction, RobotState
from muse_core.environments.environment import EpisodeOverError
from muse_core.environments.panda.cameras import CAMERAS
from muse_core.environments.panda.hand import MAX_WIDTH_M
from muse_core.environments.panda.starts import evenly_spread_presets, read_preset
from muse_core.environments.panda.task import STEP_LIMIT_HZ
from muse_core.environments.panda.world import PandaWorld
from muse_core.environments.presets import Preset, chosen_preset
from muse_core.geometry import euler_from_quaternion
from muse_core.images import checked_crop, decode_image, encode_jpeg
from muse_core.spec import Arrays, ArraySpec, Spec

CONTROL_HZ = 100
HELD_S = 0.3  # success must last this long to count
IMAGES: dict[str, dict[str, Any]] = {
    "image": {"camera": "front", "size": (64, 64), "crop": None},
    "ego_image": {"camera": "wrist", "size": (64, 64), "crop": None},
}
STATE_SPEC = {
    "ee_position": ArraySpec((3,), unit="m"),
    "ee_orientation": ArraySpec((4,), unit="quaternion xyzw"),
    "ee_orientation_eul": ArraySpec((3,), unit="rad, extrinsic xyz"),
    "ee_twist": ArraySpec((6,), unit="m/s, rad/s"),
    "q": ArraySpec((7,), unit="rad"),
    "qdot": ArraySpec((7,), unit="rad/s"),
    "gripper_width": ArraySpec((1,), unit="m"),
    "gripper_pos": ArraySpec((1,), unit="0 open .. 1 closed"),
    "wrench": ArraySpec((6,), unit="N, N m"),
}
ACTION_UNITS = {
    "ee_delta": "m, rad (extrinsic xyz), 0 open .. 1 closed",
    "ee_pose": "m, quaternion xyzw, 0 open .. 1 closed",
    "joint_position": "rad, 0 open .. 1 closed",
    "joint_delta": "rad, 0 open .. 1 closed",
}


class SimulatedPanda:
    """One task on the simulated Panda, stepped at `rate_hz`.

    Args:
        task: Name in :data:`muse_core.environments.panda.tasks.TASKS`.
        rate_hz: Steps per second; 100 must be a whole multiple of it.
        action_space: ``ee_delta``, ``ee_pose``, ``joint_position`` or ``joint_delta``.
        camera_size: (height, width) that the cameras render and encode [px].
        images: Observation key to ``{"camera", "size", "crop"}``, as in a contract; empty renders nothing.
        jpeg_quality: Of the encoded pictures, 1 to 100.
        action_latency_s: How long after its observation an action takes effect; the one before goes on until then.
        wide: Spread the objects wider than by default.
        max_steps: Steps after which an episode is truncated; the task's own limit by default.
        limits: What every set-point keeps; the Panda's defaults where None.

    Raises:
        ValueError: on an unknown task, action space or camera, a crop that leaves the picture, or a rate or latency
            that does not fit the 10 ms grid.
    """

    def __init__(
        self,
        task: str = "lift",
        rate_hz: float = 10.0,
        action_space: str = "ee_delta",
        camera_size: tuple[int, int] = (128, 128),
        images: Mapping[str, Mapping[str, Any]] | None = None,
        jpeg_quality: int = 90,
        action_latency_s: float = 0.04,
        wide: bool = False,
        max_steps: int | None = None,
        limits: Limits | None = None,
    ) -> None:
        if action_space not in ACTION_SIZES:
            raise ValueError(f"no action space {action_space!r}; there are {', '.join(ACTION_SIZES)}")
        self._set_points_per_step = _whole(CONTROL_HZ / rate_hz, f"rate_hz: {CONTROL_HZ} Hz / {rate_hz} Hz")
        self._late_set_points = _whole(action_latency_s * CONTROL_HZ, f"action_latency_s: {action_latency_s} s / 10 ms")
        if self._late_set_points >= self._set_points_per_step:
            raise ValueError(f"action_latency_s must be below one step of {1 / rate_hz} s, got {action_latency_s}")
        self.world = PandaWorld(task, camera_size, wide)
        self.rate_hz = float(rate_hz)
        self.action_space = action_space
        images = IMAGES if images is None else images
        self.images = {key: _image_settings(key, settings) for key, settings in images.items()}
        self._jpeg_quality = jpeg_quality
        step_limit_s = self.world.task.info.step_limit / STEP_LIMIT_HZ
        self.max_steps = round(step_limit_s * rate_hz) if max_steps is None else int(max_steps)
        self._limits = default_limits() if limits is None else limits
        self._kinematics = PandaKinematics(self._limits)
        self._seeds = np.random.default_rng(0)
        self._restart()
        self._running = False
        self.observation_spec = Spec({**STATE_SPEC, **self._image_specs()})
        size = ACTION_SIZES[action_space]
        self.action_spec = Spec({"action": ArraySpec((size,), unit=ACTION_UNITS[action_space], role="action")})

    @cached_property
    def presets(self) -> dict[str, Preset]:
        """36 starting states, spread evenly over the task's ranges, for evaluation sweeps."""
        return evenly_spread_presets(self.world.task, self.world.wide)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Arrays, dict[str, Any]]:
        """Begin an episode; without a seed, the next of the stream that the last given seed began.

        Args:
            seed: Of the objects' places, and of the arm's joints around its ready pose.
            options: ``{"preset": name}``, one of `presets`; or ``{"preset": {"cube": [x, y, yaw]}}``: poses of the
                task's objects [m, rad], ``[x, y, z, yaw]`` where the height varies, and the arm's joints as ``q``.

        Returns:
            The first observation, and info with ``success``, ``seed`` and ``stamp_ns``.

        Raises:
            ValueError: on an unknown option or preset, or one outside the task's ranges.
        """
        start = read_preset(chosen_preset(options, self.presets), self.world.task, self.world.wide)
        if seed is not None:
            self._seeds = np.random.default_rng(seed)
            self._seed = int(seed)
        else:
            self._seed = int(self._seeds.integers(2**31))
        self.world.reset(self._seed, start)
        self._restart()
        self._running = True
        return self._observation(), self._info()

    def step(self, action: Arrays) -> tuple[Arrays, float, bool, bool, dict[str, Any]]:
        """Carry out one action.

        Args:
            action: ``{"action": (7,) or (8,) float32}`` in this environment's action space.

        Returns:
            Observation; reward, 1.0 when success has lasted for 0.3 s; terminated (the same); truncated at the step
            limit; info.

        Raises:
            SpecError: when the action is missing, or of another shape or dtype, or not finite.
            EpisodeOverError: when no episode is running.
        """
        if not self._running:
            raise EpisodeOverError
        self.action_spec.check(action)
        stamp_ns = self.world.time_ns
        for index in range(self._set_points_per_step):
            if index == self._late_set_points:
                values = np.asarray(action["action"], np.float64)
                arm_action = ArmAction(self.action_space, values, 1.0 / self.rate_hz, stamp_ns, "environment")
                self._motion.accept(arm_action, self.world.time_ns)
            self._advance()
        self._steps += 1
        succeeded = self._held_s >= HELD_S - 1e-9
        truncated = self._steps >= self.max_steps and not succeeded
        self._running = not (succeeded or truncated)
        return self._observation(), float(succeeded), succeeded, truncated, self._info()

    def render(self) -> np.ndarray:
        """What its cameras see now, side by side, at the size they render: (H, W, 3) uint8 RGB, for people to look at.

        Raises:
            ValueError: when it was made without images.
        """
        if not self.images:
            raise ValueError("this environment has no cameras: it was made with images={}")
        return np.concatenate([self.world.render(camera) for camera, _, _ in self.images.values()], axis=1)

    def close(self) -> None:
        """Give the renderer back. Safe to call twice."""
        self.world.close()

    def state(self) -> RobotState:
        """What the arm measures now: for a scripted expert, not for a policy."""
        return self.world.state()

    def _restart(self) -> None:
        self._motion = MotionController(self._kinematics, self._limits, CONTROL_HZ)
        self._motion.anchor(self.world.state())
        self._steps = 0
        self._held_s = 0.0

    def _advance(self) -> None:
        set_point = self._motion.update(self.world.time_ns, self.world.state())
        self.world.advance(set_point, 1.0 / CONTROL_HZ)
        self._held_s = self._held_s + 1.0 / CONTROL_HZ if self.world.success() else 0.0

    def _info(self) -> dict[str, Any]:
        return {"success": self._held_s >= HELD_S - 1e-9, "seed": self._seed, "stamp_ns": self.world.time_ns}

    def _observation(self) -> Arrays:
        state = self.world.state()
        values = {
            "ee_position": state.ee_position,
            "ee_orientation": state.ee_orientation,
            "ee_orientation_eul": euler_from_quaternion(state.ee_orientation),
            "ee_twist": state.ee_twist,
            "q": state.q,
            "qdot": state.qdot,
            "gripper_width": [state.gripper_width],
            "gripper_pos": [np.clip(1.0 - state.gripper_width / MAX_WIDTH_M, 0.0, 1.0)],
            "wrench": state.wrench,
        }
        observation = {key: np.asarray(value, np.float32) for key, value in values.items()}
        encoded: dict[str, bytes] = {}
        for key, (camera, size, crop) in self.images.items():
            if camera not in encoded:
                encoded[camera] = encode_jpeg(self.world.render(camera), self._jpeg_quality)
            observation[key] = decode_image(encoded[camera], size, crop)
        return observation

    def _image_specs(self) -> dict[str, ArraySpec]:
        specs = {}
        for key, (camera, size, crop) in self.images.items():
            if camera not in CAMERAS:
                raise ValueError(f"image {key!r}: no camera named {camera!r}; there are {', '.join(CAMERAS)}")
            rectangle = checked_crop(self.world.camera_size, crop)
            height, width = size or rectangle[2:]
            specs[key] = ArraySpec((height, width, 3), "uint8", "rgb")
        return specs


def _image_settings(key: str, settings: Mapping[str, Any]) -> tuple[str, tuple[int, int] | None, Any]:
    unknown = set(settings) - {"camera", "size", "crop"}
    if unknown or "camera" not in settings:
        raise ValueError(f"image {key!r}: expected camera, size and crop, got {', '.join(settings) or 'nothing'}")
    size, crop = settings.get("size"), settings.get("crop")
    return settings["camera"], tuple(size) if size else None, tuple(crop) if crop else None


def _whole(number: float, what: str) -> int:
    if abs(number - round(number)) > 1e-6 or round(number) < 0:
        raise ValueError(f"{what} = {number:.4g} must be a whole number")
    return round(number)
