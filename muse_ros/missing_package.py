"""Says how to install a package that one of Muse's roles needs. Imports nothing but the standard library."""

from __future__ import annotations

EXTRAS = {  # what is imported: the extra of pyproject.toml that brings it
    "av": "sim",
    "cv2": "robot",
    "google": "polymetis",
    "grpc": "polymetis",
    "gymnasium": "gym",
    "h5py": "train",
    "jinja2": "train",
    "matplotlib": "train",
    "mujoco": "sim",
    "pygame": "robot",
    "tensorboard": "train",
    "torch": "train",
}


def explain(error: ImportError) -> str:
    """What to install after this error; the error's own text where no extra of Muse's would help."""
    package = (error.name or "").partition(".")[0]
    if package not in EXTRAS or not isinstance(error, ModuleNotFoundError):
        return str(error)
    return f"{package} is not installed here; in Muse's checkout: pip install -e '.[{EXTRAS[package]}]'"
