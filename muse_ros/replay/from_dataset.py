"""Reads what a replay plays from an episode of a dataset folder. Needs no ROS.

A dataset holds one action a row, on the contract's ticks. A recording that was split into segments is as many episodes
of the dataset, and each is replayed by itself, from its own start.
"""

from __future__ import annotations

import difflib
from pathlib import Path as FilePath
from typing import Any

import numpy as np

from muse_core.control.kinematics import BASE_FRAME
from muse_core.datasets.episode_folder import EpisodeFolder
from muse_core.datasets.store import Episode
from muse_ros.contract.contract import Contract
from muse_ros.replay.motion import NS_PER_S, Motion, MotionError, Path, RecordedAction, refuse_gaps

_GAP_PERIODS = 1.5


def read_dataset_motion(dataset: FilePath, episode_id: str = "") -> Motion:
    """The motion of one episode of a dataset.

    Args:
        dataset: The dataset's folder.
        episode_id: Which episode; may be left out where there is one only.

    Raises:
        MotionError: naming what is missing.
        DatasetError: if the dataset cannot be read.
    """
    store = EpisodeFolder.open(dataset)
    episode = store.get_episode(_chosen(store, episode_id))
    name = str(dataset / episode.id)
    if store.contract is None:
        raise MotionError(f"{name}: the dataset has no contract, which would say what its actions mean")
    contract = Contract.from_dict(store.contract)
    if len(contract.actions) != 1:
        raise MotionError(f"{name}: its contract has {len(contract.actions)} actions; a replay needs one")
    if contract.base_frame != BASE_FRAME:
        raise MotionError(
            f"{name}: its actions are in frame {contract.base_frame!r}; the arm takes {BASE_FRAME!r} only"
        )
    stream = next(iter(contract.actions.values()))
    needed = {stream.key: stream.shape, "q": (7,), "stamp_ns": ()}
    for key, shape in needed.items():
        if key not in store.spec or store.spec[key].shape != shape:
            raise MotionError(f"{name}: needs {key} of shape {list(shape)}; it has {', '.join(store.spec)}")
    stamps = np.asarray(episode.arrays["stamp_ns"], np.int64)
    refuse_gaps(name, stamps.tolist(), _GAP_PERIODS * contract.period_s, "its rows")
    actions = tuple(
        RecordedAction(int(stamp), str(stream.space), np.array(values, np.float64), contract.period_s, 0, "a dataset")
        for stamp, values in zip(stamps, episode.arrays[stream.key], strict=True)
    )
    notes = ()
    if stream.label_topic:
        notes = (f"these are the labels of {stream.label_topic}, where it has any: not what the arm carried out",)
    seed = episode.metadata.get("seed")
    return Motion(
        name=name,
        actions=actions,
        stop_ns=int(stamps[-1]) + round(contract.period_s * NS_PER_S),
        start_q=np.array(episode.arrays["q"][0], np.float64),
        start_gripper_m=_gripper(episode),
        path=_path(episode, stamps),
        seed=seed if isinstance(seed, int) else None,
        task=str(episode.metadata.get("task") or ""),
        notes=notes,
    )


def _chosen(store: EpisodeFolder, episode_id: str) -> str:
    if not episode_id and len(store) == 1:
        return store.ids[0]
    if episode_id in store:
        return episode_id
    close = difflib.get_close_matches(episode_id, store.ids, n=1)
    some = ", ".join(store.ids[:5]) + (", ..." if len(store) > 5 else "")
    hint = f"did you mean {close[0]!r}?" if close else f"it has {some or 'none'}"
    what = f"has no episode {episode_id!r}" if episode_id else f"holds {len(store)} episodes; name one with --episode"
    raise MotionError(f"{store.path} {what}; {hint}")


def _gripper(episode: Episode) -> float | None:
    return float(episode.arrays["gripper_width"][0][0]) if "gripper_width" in episode.arrays else None


def _path(episode: Episode, stamps: np.ndarray) -> Path:
    arrays: dict[str, Any] = {key: episode.arrays.get(key) for key in ("ee_position", "ee_orientation")}
    if any(array is None for array in arrays.values()):
        return Path(np.zeros(0, np.int64), np.zeros((0, 3)), np.zeros((0, 4)))
    return Path(stamps, *(np.array(array, np.float64) for array in arrays.values()))
