"""The parameters of the collect node that are read once, at its start."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from rclpy.node import Node

from muse_core.control.kinematics import HOME_Q
from muse_ros.contract.contract import Contract, ContractError, load_contract
from muse_ros.nodes.parameters import declare
from muse_ros.nodes.recording.guided_reset import WAYS
from muse_ros.nodes.run_node import NodeFailure
from muse_ros.recording.disk import DiskGuard
from muse_ros.recording.episode_file import Description
from muse_ros.recording.session_folder import SessionFolder

DESCRIPTION = {
    "task": ("", "what is being shown"),
    "operator": ("", "who is showing it"),
    "note": ("", "about the current or the coming episode alone: empty again once it is kept or discarded"),
    "seed": (-1, "seed of the (next automatic) simulated reset; -1: none"),
}


@dataclass(frozen=True)
class CollectParameters:
    """What they are: see the descriptions in :func:`read`."""

    folder: SessionFolder
    contract: Contract
    source: str
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    preroll_s: float
    disk: DiskGuard
    allowed_lost: float
    abort_on_alarm: bool
    reset: str
    home_q: np.ndarray
    simulator: str
    patience_s: float
    auto_episodes: int


def read(node: Node) -> CollectParameters:
    """Declare and read them.

    Raises:
        NodeFailure: naming the parameter that is wrong.
    """
    for name, (default, description) in DESCRIPTION.items():
        declare(node, name, default, description, fixed=False)
    folder, contract = _folder(node), _contract(node)
    min_free_gb = declare(node, "min_free_gb", 1.0, "with less free disk no episode starts or goes on [GB]", (0.0, 1e6))
    warn_free_gb = declare(node, "warn_free_gb", 5.0, "with less free disk the operator is warned [GB]", (0.0, 1e6))
    return CollectParameters(
        folder=folder,
        contract=contract,
        source=declare(node, "source", "", "topic of actions without whose publisher no episode starts"),
        include=_names(declare(node, "include", [""], "patterns of topics that no rule leaves out")),
        exclude=_names(declare(node, "exclude", [""], "patterns of topics that are not recorded")),
        preroll_s=declare(node, "preroll_s", 0.5, "past written at the start of an episode [s]", (0.0, 10.0)),
        disk=DiskGuard(folder.path, min_free_gb, warn_free_gb),
        allowed_lost=declare(
            node, "allowed_lost", 0.005, "share of a stream that an episode may lose before it is degraded", (0.0, 1.0)
        ),
        abort_on_alarm=declare(node, "abort_on_alarm", False, "an alarm ends the episode, undecided"),
        reset=declare(
            node,
            "reset",
            "none",
            "what happens by itself after each decision: the arm moves home, the simulation gets its next seed, both",
            choices=WAYS,
        ),
        home_q=np.array(
            declare(node, "home_q", HOME_Q.tolist(), "the arm's joints at home, as node panda has them [rad]")
        ),
        simulator=declare(node, "simulator", "panda", "node that has the simulated world's seed"),
        patience_s=declare(node, "patience_s", 30.0, "steady time before a step is given up [s]", (1.0, 3600.0)),
        auto_episodes=declare(node, "auto_episodes", 0, "episodes to collect unattended; 0: none", (0, 100_000)),
    )


def description(node: Node) -> Description:
    """What the operator says now about the coming or current episode."""
    return Description(**{name: node.get_parameter(name).value for name in DESCRIPTION})


def _folder(node: Node) -> SessionFolder:
    root = declare(node, "root_dir", "recordings", "folder of all sessions")
    session = declare(node, "session", "", "name of this session's folder; empty: date and time")
    try:
        return SessionFolder(root, session or datetime.now().strftime("%Y-%m-%d_%H-%M-%S"))
    except ValueError as error:
        raise NodeFailure(f"node collect: parameter session: {error}") from error


def _contract(node: Node) -> Contract:
    name = declare(node, "contract", "panda", "contract: a file, or the name of one in config/robot")
    try:
        return load_contract(name)
    except ContractError as error:
        raise NodeFailure(f"node collect: parameter contract: {error}") from error


def _names(patterns: list[str]) -> tuple[str, ...]:
    return tuple(pattern for pattern in patterns if pattern)
