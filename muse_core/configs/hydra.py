"""HYDRA as a config: its networks, its losses, and how it goes to a waypoint."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from muse_core.configs.checks import check_types, require
from muse_core.configs.encoders import EncoderConfig, SmallEncoderConfig
from muse_core.configs.heads import DeterministicHeadConfig, HeadConfig, check_head
from muse_core.configs.model_settings import ModelSettings, Normalization, WindowShape


@dataclass(frozen=True)
class HydraConfig(ModelSettings):
    """HYDRA: sparse waypoints far from contact, dense actions near it, and a mode that chooses between them.

    It learns from a dataset that `muse relabel` has made.
    """

    kind: Literal["hydra"] = "hydra"
    """Which model this is."""
    encoder: EncoderConfig = field(default_factory=SmallEncoderConfig)
    head: HeadConfig = field(default_factory=DeterministicHeadConfig)
    normalization: Normalization = "mean_std"
    """Actions are scaled to zero mean and unit variance, or to -1 .. 1."""
    cell: Literal["lstm", "gru"] = "lstm"
    """Which recurrent network."""
    hidden_size: int = 256
    """Width of the recurrent network."""
    layers: int = 2
    """Depth of the recurrent network."""
    memory: Literal["sliding", "flush"] = "sliding"
    """At run time: run over the last `horizon` steps at each step, or keep the state and set it to zero every `horizon`
    steps. Either way it never sees a history longer than in training."""
    waypoint_sizes: tuple[int, ...] = (256, 256)
    """Widths of the hidden layers of the waypoint head."""
    mode_sizes: tuple[int, ...] = (128,)
    """Widths of the hidden layers of the mode head."""
    gamma: float = 0.2
    """How much a step of the other mode weighs in the loss of each mode's actions, beside 1 - gamma for one of its own.
    0.5 makes no difference between them."""
    mode_beta: float = 0.1
    """Weight of the cross-entropy of the mode."""
    waypoint: Literal["absolute", "relative"] = "absolute"
    """The waypoint head gives the target pose in the base frame, or the way that is left to it. Absolute is the same at
    every step of a way, so that a second look agrees with the first, and it fits cameras that stand still; relative
    carries over to places where nothing was demonstrated, and fits a camera on the wrist alone."""
    position: str = "ee_position"
    """Observation that holds the tool's position; its target is learnt from `target/<position>`."""
    orientation: str = "ee_orientation"
    """Observation that holds the tool's orientation, a quaternion; empty for one that does not turn."""
    gripper: Literal["waypoint", "action", "none"] = "waypoint"
    """On the way to a waypoint the gripper, the last number of an action, does what the waypoint says, learnt from
    `target/gripper`; or what the dense head says, as in the original; or there is none."""
    tolerance_m: float = 0.0075
    """A waypoint is held until the tool is this near to it [m] ..."""
    tolerance_rad: float = 0.075
    """... and turned like it to within this angle [rad] ..."""
    max_waypoint_steps: int = 100
    """... or for this many steps."""
    step_m: float = 0.025
    """Longest translation of one action towards a waypoint [m]: 0.025 at 10 Hz is 0.25 m/s."""
    step_rad: float = 0.25
    """Largest turn of one action towards a waypoint [rad]."""
    gain: float = 0.5
    """Share of the remaining way that one action may go; 1 overshoots with an arm that lags behind."""
    translation_scale: float = 1.0
    """Numbers of an action for a metre: 1 where actions are metres, the rate in hertz where they are m/s."""
    rotation_scale: float = 1.0
    """The same for a radian."""

    def __post_init__(self) -> None:
        check_types(self)
        check_head(self.head, self.normalization)
        for name in ("hidden_size", "layers", "max_waypoint_steps", "tolerance_m", "tolerance_rad", "step_m",
                     "step_rad", "translation_scale", "rotation_scale"):  # fmt: skip
            require(getattr(self, name) > 0, f"model.{name}", "positive", getattr(self, name))
        for name in ("waypoint_sizes", "mode_sizes"):
            require(all(n > 0 for n in getattr(self, name)), f"model.{name}", "positive", getattr(self, name))
        require(0 <= self.gamma <= 0.5, "model.gamma", "in [0, 0.5]", self.gamma)
        require(self.mode_beta > 0, "model.mode_beta", "positive", self.mode_beta)
        require(0 < self.gain <= 1, "model.gain", "in (0, 1]", self.gain)
        require(bool(self.position), "model.position", "the key of an observation", self.position)

    @property
    def labels(self) -> tuple[str, ...]:
        """Mode and waypoint, as `muse relabel` writes them."""
        orientation = (f"target/{self.orientation}",) if self.orientation else ()
        return (
            "mode",
            f"target/{self.position}",
            *orientation,
            *(("target/gripper",) if self.gripper == "waypoint" else ()),
        )

    def window(self, horizon: int) -> WindowShape:
        """A window begins at every step of an episode."""
        return WindowShape(observation_steps=horizon, pad_start=0, pad_end=horizon - 1)
