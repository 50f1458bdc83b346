"""A dataset relabelled for HYDRA: which rows are sparse and which dense, and the waypoint that each is on its way to.

Belkhale, Cui and Sadigh, "HYDRA: Hybrid Robot Actions for Imitation Learning", CoRL 2023. A new dataset is written;
what an array held before it was relabelled stays beside it as ``raw/<key>``. No torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from muse_core.datasets.episode_folder import EpisodeFolder
from muse_core.datasets.relabelling.clicks import Segments, clicks_from_speeds, parse_clicks, pose_speeds
from muse_core.datasets.store import DatasetError, Episode, EpisodeStore
from muse_core.files import building_folder
from muse_core.spec import Arrays, ArraySpec, Spec
from muse_core.waypoints import GRIPPER_TARGET, Pose, WaypointSteps

MODE = "mode"


@dataclass(frozen=True)
class RelabelOptions:
    """What to relabel by.

    Attributes:
        source: ``clicks``: of every episode; ``speeds``: the tool's, whatever was clicked; ``auto``: clicks where an
            episode has any, else speeds.
        clicks: Array that holds the clicks.
        position: Array that holds the tool's position [m].
        orientation: Array that holds its orientation, a quaternion xyzw; empty where the tool does not turn.
        action: Array that holds the actions: a step of the position, one of the orientation (extrinsic xyz Euler
            angles) where it turns, and the gripper where there is one.
        keep_actions: Leave the actions of sparse rows as they were recorded.
        steps: What the actions of sparse rows are.
        dense_m_s: Speeds below this limit, and the next, are dense [m/s].
        dense_rad_s: The other limit [rad/s].
        waypoint_steps: Rows between waypoints made from speeds.
        shortest_dense: Fewest rows of a dense segment made from speeds.
    """

    source: Literal["auto", "clicks", "speeds"] = "auto"
    clicks: str = "click_state"
    position: str = "ee_position"
    orientation: str = "ee_orientation"
    action: str = "action"
    keep_actions: bool = False
    steps: WaypointSteps = field(default_factory=WaypointSteps)
    dense_m_s: float = 0.12
    dense_rad_s: float = 0.22
    waypoint_steps: int = 20
    shortest_dense: int = 5


@dataclass(frozen=True)
class RelabelledEpisode:
    """What became of one episode.

    Attributes:
        id: Its name.
        source: ``clicks`` or ``speeds``; empty where it was left out.
        rows: How many it has.
        dense: How many of them are dense.
        waypoints: Ways in it.
    """

    id: str
    source: str
    rows: int
    dense: int = 0
    waypoints: int = 0


class Relabelling:
    """Relabels the episodes of one dataset.

    Args:
        spec: Of the dataset.
        rate_hz: Rows per second.
        options: What to relabel by.

    Raises:
        DatasetError: when the dataset lacks an array, or one is not as the options say.
    """

    def __init__(self, spec: Spec, rate_hz: float, options: RelabelOptions) -> None:
        self._options, self._rate_hz = options, rate_hz
        keys = [options.position, options.orientation, options.action]
        missing = [key for key in keys if key and key not in spec]
        if missing:
            raise DatasetError(
                f"the dataset has no {', '.join(missing)}; it has {', '.join(spec)}. "
                "Choose with --position, --orientation and --action"
            )
        if options.orientation and spec[options.orientation].shape != (4,):
            shape = spec[options.orientation].shape
            raise DatasetError(f"{options.orientation!r} must be a quaternion xyzw, (4,), found shape {shape}")
        self._has_clicks = options.clicks in spec
        # The usual key may be lacking; one that was named is meant to be there.
        named = options.source == "clicks" or (options.source == "auto" and options.clicks != RelabelOptions.clicks)
        if named and not self._has_clicks:
            raise DatasetError(f"the dataset has no clicks {options.clicks!r}; it has {', '.join(spec)}")
        self._axes = int(np.prod(spec[options.position].shape))
        pose = self._axes + 3 * bool(options.orientation)
        self._gripper = int(np.prod(spec[options.action].shape)) - pose
        if self._gripper not in (0, 1):
            raise DatasetError(
                f"{options.action!r} must be a step of {pose} numbers for {options.position} "
                f"{options.orientation}, with or without a gripper behind; found shape {spec[options.action].shape}"
            )
        self.spec = self._relabelled_spec(spec)

    def label(self, episode: Episode) -> tuple[Arrays | None, RelabelledEpisode]:
        """The arrays of the relabelled episode; None where it has no clicks and only clicks are wanted."""
        options, rows = self._options, len(episode)
        source, clicks = self._clicks(episode)
        if clicks is None:
            return None, RelabelledEpisode(episode.id, source, rows)
        segments = parse_clicks(clicks)
        made = self._targets(episode, segments)
        if not options.keep_actions:
            made[options.action] = self._actions(episode, segments, made)
        arrays: Arrays = dict(episode.arrays)
        for key, array in made.items():
            if key in arrays:
                arrays[f"raw/{key}"] = arrays[key]
            arrays[key] = array.astype(self.spec[key].dtype)
        ways = len(segments.waypoints)
        return arrays, RelabelledEpisode(episode.id, source, rows, int(segments.dense.sum()), ways)

    def _relabelled_spec(self, spec: Spec) -> Spec:
        options = self._options
        labels = {MODE: ArraySpec((1,), "uint8", "0 sparse, 1 dense", role="output")}
        for key in filter(None, (options.position, options.orientation)):
            labels[f"target/{key}"] = replace(spec[key], role="output")
        if self._gripper:
            labels[GRIPPER_TARGET] = ArraySpec((1,), unit="0 open .. 1 closed", role="output")
        changed = labels if options.keep_actions else {**labels, options.action: spec[options.action]}
        old = {f"raw/{key}": replace(spec[key], role="output") for key in changed if key in spec}
        twice = [key for key in old if key in spec]
        if twice:
            raise DatasetError(f"the dataset has {', '.join(twice)}: it was relabelled before; relabel its original")
        return Spec({**spec, **labels, **old})

    def _clicks(self, episode: Episode) -> tuple[str, np.ndarray | None]:
        options = self._options
        if options.source != "speeds" and self._has_clicks:
            clicks = np.asarray(episode.arrays[options.clicks]).reshape(len(episode)) > 0
            if clicks.any():
                return "clicks", clicks
        if options.source == "clicks":
            return "", None
        speeds = pose_speeds(*self._pose(episode), self._rate_hz)
        limits = (options.dense_m_s, options.dense_rad_s, options.waypoint_steps, options.shortest_dense)
        return "speeds", clicks_from_speeds(*speeds, *limits)

    def _pose(self, episode: Episode) -> tuple[np.ndarray, np.ndarray | None]:
        """Position (T, N) and quaternion (T, 4), or None."""
        options = self._options
        position = np.asarray(episode.arrays[options.position]).reshape(len(episode), self._axes)
        return position, np.asarray(episode.arrays[options.orientation]) if options.orientation else None

    def _targets(self, episode: Episode, segments: Segments) -> Arrays:
        options, rows = self._options, segments.targets()
        made = {MODE: segments.dense[:, None]}
        for key in filter(None, (options.position, options.orientation)):
            made[f"target/{key}"] = np.asarray(episode.arrays[key])[rows]
        if self._gripper:
            commands = np.asarray(episode.arrays[options.action]).reshape(len(episode), -1)[:, -1:]
            # The command that was in force on the way: at the waypoint itself the hand may already close.
            on_the_way = np.maximum(rows - 1, np.arange(len(rows)))
            made[GRIPPER_TARGET] = np.where(segments.dense[:, None], commands, commands[on_the_way])
        return made

    def _actions(self, episode: Episode, segments: Segments, made: Arrays) -> np.ndarray:
        """The actions, those of sparse rows from the way to their waypoint."""
        options = self._options
        recorded = np.asarray(episode.arrays[options.action])
        pose = Pose(*self._pose(episode))
        there = made[f"target/{options.position}"].reshape(pose.position.shape)
        target = Pose(there, made[f"target/{options.orientation}"] if options.orientation else None)
        grippers = [made[GRIPPER_TARGET]] if self._gripper else []
        parts = [options.steps.action(pose, target), *grippers]
        ways = np.concatenate(parts, axis=-1).reshape(recorded.shape)
        limits = self.spec[options.action]
        ways = np.clip(ways, limits.low, limits.high) if (limits.low, limits.high) != (None, None) else ways
        dense = segments.dense.reshape(-1, *[1] * (recorded.ndim - 1))
        return np.where(dense, recorded, ways)


def relabel(
    store: EpisodeStore, output: str | Path, rate_hz: float, options: RelabelOptions
) -> list[RelabelledEpisode]:
    """Write a relabelled dataset, whole or not at all, images stored as in the source.

    Args:
        store: What to relabel; it stays as it is.
        output: Folder of the new dataset.
        rate_hz: Rows per second.
        options: What to relabel by.

    Returns:
        What became of each episode, in the order of the source.

    Raises:
        DatasetError: when `output` exists, `store` lacks what is needed, or no episode has a label.
    """
    relabelling = Relabelling(store.spec, rate_hz, options)
    images = store.images if isinstance(store, EpisodeFolder) else "raw"
    provenance = _provenance(store, rate_hz, options)
    output = Path(output)
    if output.exists():
        raise DatasetError(f"{output} exists; choose another name")
    outcomes = []
    with building_folder(output) as partial:
        folder = EpisodeFolder.create(partial, relabelling.spec, store.contract, provenance, images)
        for number in range(len(store)):
            episode = store.get_episode(number)
            arrays, outcome = relabelling.label(episode)
            if arrays is not None:
                folder.add_episode(episode.id, arrays, {**episode.metadata, "labelled_by": outcome.source})
            outcomes.append(outcome)
        if not len(folder):
            raise DatasetError(f"{store.path}: no episode has a click in {options.clicks}; see --source")
    return outcomes


def _provenance(store: EpisodeStore, rate_hz: float, options: RelabelOptions) -> dict[str, Any]:
    source: Mapping[str, Any] = store.provenance or {}
    return {**source, "rate_hz": rate_hz, "relabelled": {"from": str(store.path), **asdict(options)}}
