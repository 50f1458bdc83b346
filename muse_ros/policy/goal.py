"""Where a goal-conditioned policy is to get to: read from a file, checked before anything may move. No ROS."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from muse_core.datasets.episode_folder import EpisodeFolder
from muse_core.datasets.store import DatasetError
from muse_core.spec import Arrays, Spec, SpecError
from muse_ros.policy.fit import PolicyMismatch

PREFIX = "goal/"


def load_goal(path: str, spec: Spec) -> Arrays:
    """The goal of a policy, as ``goal/<key>`` to array.

    Args:
        path: An ``.npz`` with ``goal/<key>`` or ``<key>`` for each of them; or the folder of a dataset's episode, whose
            last row is the goal; empty for a policy without one.
        spec: The goals that the policy is conditioned on; empty where it is not.

    Raises:
        FileNotFoundError: where there is no such file or folder.
        PolicyMismatch: where a goal is needed and none is given, or the other way round, or it does not fit.
    """
    keys = ", ".join(spec)
    if not path and spec:
        raise PolicyMismatch(
            f"the policy needs a goal ({keys}): set parameter goal_file to an .npz that holds it, or to the folder of "
            "a dataset's episode, such as data/NAME/EPISODE, to get to where that one ended"
        )
    if path and not spec:
        raise PolicyMismatch(f"goal_file is {path}, but the policy is not conditioned on a goal: leave it empty")
    if not path:
        return {}
    try:
        found = _last_row(Path(path), spec) if Path(path).is_dir() else _npz(Path(path), spec)
        spec.check(found)
    except (DatasetError, SpecError, KeyError, zipfile.BadZipFile) as error:
        raise PolicyMismatch(f"goal_file {path}: {error}; the policy needs {keys}") from error
    return found


def _npz(path: Path, spec: Spec) -> Arrays:
    with np.load(path, allow_pickle=False) as file:
        names = {name: name if name in file else name.removeprefix(PREFIX) for name in spec}
        return {name: np.asarray(file[inside]) for name, inside in names.items()}


def _last_row(folder: Path, spec: Spec) -> Arrays:
    folder = folder.resolve()
    keys = [name.removeprefix(PREFIX) for name in spec]
    arrays = EpisodeFolder.open(folder.parent).get_episode(folder.name, keys).arrays
    return {f"{PREFIX}{key}": np.asarray(arrays[key][-1]) for key in keys}
