"""Reads the cameras of a robot from one YAML file, such as ``config/cameras/two_usb.yaml``.

The launch graph starts one ``camera`` node for each. Strict: an unknown or impossible entry is an error here, before
any node runs. Imports neither ROS nor OpenCV.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from muse_ros.cameras.settings import CameraSettingError, CameraSettings, Value
from muse_ros.cameras.source_kind import FILE, kind_of
from muse_ros.contract.unique_keys import UniqueKeyLoader


def read_cameras(path: str | Path) -> dict[str, dict[str, Value]]:
    """The cameras of a file: name to the parameters of its node, those that the file gives, and ``name``.

    Video files and calibrations that are named relative to the file are made absolute: nodes may run in another folder.

    Raises:
        CameraSettingError: naming the file, the camera, what was found and what is legal.
    """
    path = Path(path)
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=UniqueKeyLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise CameraSettingError(f"{path}: not readable as a file of cameras: {error}") from error
    if not isinstance(content, Mapping) or list(content) != ["cameras"] or not isinstance(content["cameras"], Mapping):
        raise CameraSettingError(
            f"{path}: must hold `cameras:` and below it a name and parameters for each, got {_short(content)}"
        )
    if not content["cameras"]:
        raise CameraSettingError(f"{path}: names no camera")
    cameras = {str(name): _camera(path, str(name), given) for name, given in content["cameras"].items()}
    _no_source_twice(path, cameras)
    return cameras


def _camera(path: Path, name: str, given: Any) -> dict[str, Value]:
    where = f"{path}: camera {name}"
    if not isinstance(given, Mapping):
        raise CameraSettingError(f"{where}: must be a mapping with source, width, height, ...; got {_short(given)}")
    if "name" in given:
        raise CameraSettingError(f"{where}: its name stands above it; leave `name: {given['name']}` out")
    try:
        settings = CameraSettings.of({**given, "name": name}).to_dict()
    except CameraSettingError as error:
        raise CameraSettingError(f"{where}: {error}") from error
    parameters = {key: settings[key] for key in ("name", *given)}
    if kind_of(parameters["source"]) == FILE:
        parameters["source"] = _beside(path, parameters["source"])
    if parameters.get("calibration_file"):
        parameters["calibration_file"] = _beside(path, parameters["calibration_file"])
    return parameters


def _beside(path: Path, name: str) -> str:
    return str((path.parent / Path(name).expanduser()).absolute())


def _no_source_twice(path: Path, cameras: Mapping[str, Mapping[str, Value]]) -> None:
    owners: dict[Value, str] = {}
    for name, parameters in cameras.items():
        source = parameters["source"]
        if source in owners and kind_of(str(source)) != FILE:
            raise CameraSettingError(f"{path}: {owners[source]} and {name} have the same source {source}")
        owners[source] = name


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
