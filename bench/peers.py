"""Other projects to measure beside: whether they are here, how to get them, and what they need to be imported.

They are never among Muse's dependencies. Nothing of theirs is copied: they are called as their users call them.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import warnings
from collections.abc import Iterator
from importlib import util
from typing import Any

INSTALL = (
    "pip install -e '.[bench]' && pip install --no-deps robomimic==0.3.0 lerobot==0.4.4 accelerate torchvision==0.25.0"
)
_kept: list[Any] = []  # a torch library's definitions live as long as its object


def have(name: str) -> bool:
    """Whether this peer can be imported; says how to install it where not."""
    if util.find_spec(name) is not None and util.find_spec("torchvision") is not None:
        mend_torchvision()
        return True
    print(f"{name} is not installed: left out. To install it: {INSTALL}")
    return False


def mend_torchvision() -> None:
    """Make PyPI's torchvision importable beside a CPU torch: declare the operators that its binary would have."""
    warnings.filterwarnings("ignore", module="torchvision")
    try:
        import torchvision
    except RuntimeError:
        import torch

        library = torch.library.Library("torchvision", "DEF")
        library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _kept.append(library)
        for module in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[module]
        import torchvision  # noqa: F401


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep what peers print out of our tables, also what their C libraries print."""
    sys.stdout.flush(), sys.stderr.flush()
    saved = [os.dup(1), os.dup(2)]
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 1), os.dup2(null, 2)
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        for number, descriptor in enumerate(saved, start=1):
            os.dup2(descriptor, number)
            os.close(descriptor)
        os.close(null)


def robomimic_file(path: str, episodes: list[dict[str, Any]], actions: str = "action") -> None:
    """Write episodes as the HDF5 that robomimic reads: contiguous, uncompressed, which is its fastest layout.

    Args:
        path: Where to write.
        episodes: Arrays (T, ...) by key.
        actions: Key of the actions; all others are observations.
    """
    import h5py

    with h5py.File(path, "w") as file:
        data = file.create_group("data")
        for number, arrays in enumerate(episodes):
            group = data.create_group(f"demo_{number}")
            group.attrs["num_samples"] = len(arrays[actions])
            group.create_dataset("actions", data=arrays[actions])
            for key, array in arrays.items():
                if key != actions:
                    group.create_dataset(f"obs/{key}", data=array)
        data.attrs["total"] = sum(len(arrays[actions]) for arrays in episodes)
