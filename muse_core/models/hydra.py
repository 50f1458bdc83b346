"""HYDRA: waypoints where only the end of a way matters, dense actions elsewhere, and a mode that tells them apart.

Belkhale, Cui and Sadigh, "HYDRA: Hybrid Robot Actions for Imitation Learning", CoRL 2023. Mode 0 is sparse, 1 dense.
The dense head and the mode look at the recurrent network; the waypoint head looks at the present step alone, so that it
does not matter to it how fast the tool came there, which differs between a demonstrator and a way of bounded steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from muse_core.configs import ConfigError
from muse_core.models.actions import ActionCodec
from muse_core.models.heads import Head, build_head
from muse_core.models.losses import action_terms, step_term
from muse_core.models.model import Tensors, Term, Terms
from muse_core.models.networks.mlp import MLP
from muse_core.models.networks.recurrent import Recurrent
from muse_core.models.observations import ObservationEncoder, build_observation_encoder
from muse_core.models.recurrent_trunk import RecurrentTrunk, TrunkMemory
from muse_core.models.waypoint_codec import WaypointCodec
from muse_core.waypoints import Pose, WaypointSteps

if TYPE_CHECKING:
    from muse_core.configs import TrainConfig
    from muse_core.datasets.statistics import Statistics
    from muse_core.spec import Spec

SPARSE, DENSE = 0, 1


@dataclass
class HydraMemory:
    """What HYDRA remembers of a batch of episodes.

    Attributes:
        trunk: Of the recurrent network.
        held: (B,) int, steps for which each episode has held its waypoint; 0 where it holds none.
        target: Waypoints, (B, ...); only those that are held mean anything.
        gripper: (B, 1) their grippers, or (B, 0).
        action: The present action, (B, A) normalised.
    """

    trunk: TrunkMemory
    held: np.ndarray
    target: Pose | None = None
    gripper: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
    action: Tensor | None = None

    def forget(self, which: Tensor) -> None:
        """Begin these episodes anew."""
        self.trunk.forget(which)
        self.held[which.cpu().numpy()] = 0


class Hydra(nn.Module):
    """A shared encoder and recurrent network with three heads."""

    def __init__(
        self,
        encoder: ObservationEncoder,
        trunk: RecurrentTrunk,
        head: Head,
        actions: ActionCodec,
        waypoints: WaypointCodec,
        *,
        waypoint_sizes: tuple[int, ...],
        mode_sizes: tuple[int, ...],
        gamma: float,
        mode_beta: float,
        steps: WaypointSteps,
        max_waypoint_steps: int,
    ) -> None:
        """Put the parts together.

        Args:
            encoder: Observations to features.
            trunk: Over the steps.
            head: What the trunk gives to actions.
            actions: Between actions and what the head gives.
            waypoints: Between waypoints and what the waypoint head gives.
            waypoint_sizes: Widths of the hidden layers of the waypoint head.
            mode_sizes: Widths of the hidden layers of the mode head.
            gamma: Weight of steps of the other mode in the loss of each mode's actions; those of its own have
                ``1 - gamma``.
            mode_beta: Weight of the cross-entropy of the mode.
            steps: How to go to a waypoint.
            max_waypoint_steps: Steps after which a waypoint is given up.
        """
        super().__init__()
        self.encoder, self.trunk, self.head = encoder, trunk, head
        self.actions, self.waypoints = actions, waypoints
        sparse, mode = MLP(encoder.size, waypoint_sizes), MLP(trunk.size, mode_sizes)
        self.sparse = nn.Sequential(sparse, nn.Linear(sparse.size, waypoints.size))
        self.mode = nn.Sequential(mode, nn.Linear(mode.size, 2))
        self.gamma, self.mode_beta = gamma, mode_beta
        self.steps, self.max_waypoint_steps = steps, max_waypoint_steps

    def loss(self, batch: Tensors) -> Terms:
        """Each mode's error on normalised actions, and the cross-entropy of the mode's logits."""
        features = self.encoder(batch)
        output, mask = self.trunk(features), batch["mask"]
        mode = (batch["mode"].reshape(*mask.shape, -1)[..., 0] > 0) & mask
        own = {m: torch.where(mode == bool(m), 1 - self.gamma, self.gamma) for m in (SPARSE, DENSE)}
        dense = self.head.loss(output, self.actions.encode(batch))
        target = self.waypoints.encode(batch).masked_fill(~mask.unsqueeze(-1), 0.0)
        sparse = F.smooth_l1_loss(self.sparse(features), target, reduction="none")
        logits = self.mode(output).float()
        entropy = F.cross_entropy(logits.flatten(0, 1), mode.long().flatten(), reduction="none").view_as(mode)
        right = (logits.argmax(dim=-1) == mode.long()).float()
        by_dimension = action_terms(dense.detach(), mask, self.actions.labels())
        return {
            **{name: Term(t.total, t.count, 0.0) for name, t in by_dimension.items() if name != "action"},
            "action": step_term(_weighted(dense, own[DENSE]), mask),
            "waypoint": step_term(_weighted(sparse, own[SPARSE]), mask),
            "mode": step_term(entropy, mask, self.mode_beta),
            "mode_accuracy": step_term(right, mask, 0.0),
        }

    def start(self, batch_size: int) -> HydraMemory:
        """Memory for the beginning of `batch_size` episodes."""
        return HydraMemory(self.trunk.start(batch_size), np.zeros(batch_size, np.int64))

    def observe(self, observation: Tensors, memory: HydraMemory) -> None:
        """Take in one (B, ...) observation, and decide: on to the waypoint that is held, to a new one, or densely."""
        features = self.encoder.step(observation)
        self.trunk.observe(features, memory.trunk)
        output = self.trunk.present(memory.trunk)
        pose = self._pose(observation)
        self._hold(features, self.mode(output).argmax(dim=-1).cpu().numpy() == SPARSE, pose, memory)
        memory.action = self.head.act(output).float()
        holding = torch.from_numpy(memory.held > 0).to(output.device)
        if holding.any():
            way = np.concatenate([self.steps.action(pose, memory.target), memory.gripper], axis=-1)
            # What the waypoint says nothing of, a gripper, is left to the dense head.
            said = torch.arange(self.actions.size, device=output.device) < way.shape[-1]
            way = np.pad(way.astype(np.float32), ((0, 0), (0, self.actions.size - way.shape[-1])))
            encoded = self._encoded(torch.from_numpy(way).to(output.device))
            memory.action = torch.where(holding.unsqueeze(-1) & said, encoded, memory.action)

    def predict(self, memory: HydraMemory) -> Tensors:
        """The present action, (B, 1, ...), in the units of the spec."""
        return self.actions.decode(memory.action.unsqueeze(1))

    def _hold(self, features: Tensor, sparse: np.ndarray, pose: Pose, memory: HydraMemory) -> None:
        """Let go of waypoints that are reached or given up, and take new ones where the mode is sparse."""
        holding = memory.held > 0
        if memory.target is not None:
            holding &= ~self.steps.reached(pose, memory.target) & (memory.held < self.max_waypoint_steps)
        memory.held = np.where(holding, memory.held + 1, 0)
        wanting = sparse & ~holding
        if not wanting.any():
            return
        target, gripper = self.waypoints.decode(self.sparse(features), pose)
        # A waypoint at which the tool stands already gets it nowhere: the dense head goes on.
        new = wanting & ~self.steps.reached(pose, target)
        memory.target = _chosen(new, target, memory.target)
        memory.gripper = np.where(new[:, None], gripper, memory.gripper) if memory.gripper.size else gripper
        memory.held[new] = 1

    def _pose(self, observation: Tensors) -> Pose:
        position = observation[self.waypoints.position].flatten(1).cpu().double().numpy()
        orientation = self.waypoints.orientation
        return Pose(position, observation[orientation].cpu().double().numpy() if orientation else None)

    def _encoded(self, action: Tensor) -> Tensor:
        """(B, A) in units to the same, normalised."""
        (name,) = self.actions.sizes
        shaped = action.reshape(-1, 1, *self.actions.shapes[name])
        return self.actions.encode({name: shaped})[:, 0]


def _weighted(error: Tensor, weight: Tensor) -> Tensor:
    """(B, H) or (B, H, A) errors times (B, H) weights."""
    return error * (weight.unsqueeze(-1) if error.ndim == 3 else weight)


def _chosen(which: np.ndarray, new: Pose, old: Pose | None) -> Pose:
    if old is None:
        return new
    position = np.where(which[:, None], new.position, old.position)
    if new.quaternion is None:
        return Pose(position)
    return Pose(position, np.where(which[:, None], new.quaternion, old.quaternion))


def build(config: TrainConfig, spec: Spec, statistics: Mapping[str, Statistics] | None) -> Hydra:
    """The model of a training config, for the observations and actions of `spec`.

    Raises:
        ConfigError: when it does not see its own pose, or its actions are no steps of it.
    """
    model = config.model
    for name in filter(None, (model.position, model.orientation)):
        if name not in config.observations:
            raise ConfigError(f"model hydra goes to waypoints by {name!r}, which must be among the observations")
    encoder = build_observation_encoder(config, spec, statistics)
    actions = ActionCodec(spec.select(config.actions), statistics, model.normalization)
    axes = int(np.prod(spec[model.position].shape))
    size = axes + 3 * bool(model.orientation) + (model.gripper != "none")
    if len(config.actions) != 1 or actions.size != size:
        parts = [model.position, *filter(None, (model.orientation, "the gripper" if model.gripper != "none" else ""))]
        raise ConfigError(
            f"model hydra needs one action of {size} numbers, for {', '.join(parts)}; got {', '.join(config.actions)} "
            f"with {actions.size}. See --model.orientation and --model.gripper"
        )
    waypoints = WaypointCodec(
        model.position,
        axes,
        model.orientation,
        model.gripper == "waypoint",
        relative=model.waypoint == "relative",
        statistics=statistics,
    )
    recurrent = Recurrent(encoder.size, model.hidden_size, model.layers, model.cell)
    return Hydra(
        encoder,
        RecurrentTrunk(recurrent, horizon=config.horizon, memory=model.memory),
        build_head(model.head, recurrent.size, actions.size, actions.bounds()),
        actions,
        waypoints,
        waypoint_sizes=model.waypoint_sizes,
        mode_sizes=model.mode_sizes,
        gamma=model.gamma,
        mode_beta=model.mode_beta,
        steps=WaypointSteps(**{each.name: getattr(model, each.name) for each in fields(WaypointSteps)}),
        max_waypoint_steps=model.max_waypoint_steps,
    )
