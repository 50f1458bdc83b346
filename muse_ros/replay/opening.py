"""Finds what is to be replayed by its path: a bag, or an episode of a dataset. Needs no ROS."""

from __future__ import annotations

from pathlib import Path

from muse_ros.bags.bags import is_bag
from muse_ros.replay.motion import Motion, MotionError

WHAT = ("actions", "set_points")


def open_motion(path: str | Path, episode: str = "", what: str = "actions") -> Motion:
    """The motion at a path.

    Args:
        path: A bag, a dataset's folder, or an episode's folder in a dataset.
        episode: Which episode of a dataset.
        what: ``actions`` as they were chosen, or ``set_points`` as they were applied (bags only).

    Raises:
        MotionError: if there is nothing to replay, saying what there is.
        BagError: if a bag cannot be read.
        DatasetError: if a dataset cannot be read.
    """
    from muse_ros.replay.from_bag import read_bag_motion
    from muse_ros.replay.from_dataset import read_dataset_motion

    path = Path(path)
    if what not in WHAT:
        raise MotionError(f"what must be one of {', '.join(WHAT)}, got {what!r}")
    if not path.exists():
        raise MotionError(f"{path}: no such file or folder")
    if is_bag(path):
        return read_bag_motion(path, what == "set_points")
    dataset, name = (path.parent, path.name) if (path.parent / "dataset.json").is_file() else (path, episode)
    if (dataset / "dataset.json").is_file():
        if what != "actions":
            raise MotionError(f"{dataset}: a dataset holds actions only; set-points are in the recording's bag")
        return read_dataset_motion(dataset, name)
    raise MotionError(f"{path}: neither a bag nor an episode of a dataset; {_inside(path)}")


def _inside(folder: Path) -> str:
    bags = sorted(each for each in folder.glob("*") if is_bag(each)) if folder.is_dir() else []
    if bags:
        return f"it holds {len(bags)} bags, such as {bags[0]}"
    return "`muse inspect` says what a folder holds"
