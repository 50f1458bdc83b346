"""Gathers a run's figures from the files it left: recordings, conversion report, metrics, checkpoint. No ROS."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from muse_core.datasets.episode_folder import EpisodeFolder
from muse_core.environments.panda.task_settings import describe_task
from muse_core.environments.panda.world import PandaWorld
from muse_core.metrics.intervals import wilson_interval
from muse_core.processors import usable_processors
from muse_ros.contract.contract import Contract
from muse_ros.demo_run import Run
from muse_ros.policy.latency import figures
from muse_ros.policy.recording_latency import measure_recordings
from muse_ros.report.film import contact_sheet, poster, write_film, write_png
from muse_ros.report.recording import Episode, read_clip, read_session

FILM, SHEET, POSTER = "episodes.mp4", "episodes.png", "poster.png"
VERSIONS = ("muse", "torch", "mujoco", "numpy", "opencv-python-headless", "opencv-python", "ros-jazzy-rclpy")


def gather(run: Run, wall_s: Mapping[str, float], commands: Sequence[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The report of a finished run, with its film and contact sheet written into the report's folder.

    Args:
        run: What was run.
        wall_s: Stage to its duration [s].
        commands: The stages as one would type them.

    Returns:
        The report as plain data, and the series that only its charts need.

    Raises:
        ValueError, OSError: if a stage left no files, naming them.
    """
    demonstrations, episodes = read_session(run.demonstration_session), read_session(run.evaluation_session)
    dataset = EpisodeFolder.open(run.dataset)
    contract = Contract.from_dict(dataset.contract)
    live = _live(run, episodes, contract)
    metrics = _read_metrics(run.experiment / "metrics.jsonl")
    successes = sum(episode.success for episode in episodes)
    report = {
        "task": run.task,
        "finished": f"{datetime.now().astimezone():%Y-%m-%d %H:%M %Z}",
        "success": successes,
        "episodes": len(episodes),
        "rate": successes / len(episodes),
        "interval": list(wilson_interval(successes, len(episodes))),
        "rate_hz": contract.rate_hz,
        "wall_s": {**wall_s, "total": sum(wall_s.values())},
        "evaluation": [{"seed": e.seed, "success": e.success, "duration_s": e.duration_s} for e in episodes],
        "training": _training(run, metrics, dataset),
        "recordings": _recordings(run, demonstrations),
        **live["report"],
        "task_settings": describe_task(run.task),
        "commands": list(commands),
        "machine": _machine(),
        "film": FILM,
        "contact_sheet": SHEET,
        "poster": POSTER,
    }
    series = {
        "train": [(row["step"], row["train/loss"]) for row in metrics if "train/loss" in row],
        "validation": [(row["step"], row["validation/loss"]) for row in metrics if "validation/loss" in row],
        **live["series"],
    }
    return report, series


def _live(run: Run, episodes: Sequence[Episode], contract: Contract) -> dict[str, dict[str, Any]]:
    """What the evaluation's recordings say: their film, and the delays of the live loop."""
    clips = [
        read_clip(episode, f"{run.task} {number}/{len(episodes)}, seed {episode.seed}", contract.rate_hz)
        for number, episode in enumerate(episodes, start=1)
    ]
    write_film(run.output / FILM, clips)
    write_png(run.output / SHEET, contact_sheet(clips, across=2 if len(clips) > 6 else 1))
    shown = next((i for i, episode in enumerate(episodes) if episode.success and clips[i].frames), 0)
    write_png(run.output / POSTER, poster(_scene(run.task, episodes[shown].seed), clips[shown]))
    log = measure_recordings([episode.folder for episode in episodes], contract)
    return {
        "report": {
            "latency": figures(log.stages()),
            "ticks": log.ticks,
            "missed_ticks": log.missed_ticks,
            "late_samples": log.late_samples,
        },
        "series": {
            "latency_ms": {name: [1e3 * s for s in samples] for name, samples in log.durations().items() if samples},
            "period_ms": [1e3 * period for period in log.periods_s()],
        },
    }


def _scene(task: str, seed: int) -> np.ndarray:
    """The simulated scene of one seed, drawn for people: (480, 640, 3) uint8 RGB."""
    world = PandaWorld(task, camera_size=(480, 640), fine=True)
    world.reset(seed)
    try:
        return world.render("overview")
    finally:
        world.close()


def _training(run: Run, metrics: Sequence[Mapping[str, Any]], dataset: EpisodeFolder) -> dict[str, Any]:
    from muse_core.checkpoints import load_checkpoint

    checkpoint = load_checkpoint(run.experiment / "models" / "model.pt")
    train = [row for row in metrics if "train/loss" in row]
    validation = [row for row in metrics if "validation/loss" in row]
    return {
        "episodes": len(dataset),
        "rows": int(dataset.lengths.sum()),
        "steps": checkpoint.step,
        "parameters": sum(tensor.numel() for tensor in checkpoint.model.values()),
        "steps_per_s": sum(row["train/steps_per_s"] for row in train) / len(train),
        "loss": train[-1]["train/loss"],
        "validation_loss": validation[-1]["validation/loss"] if validation else None,
        "tensorboard": f"tensorboard --logdir {run.experiment}",
    }


def _recordings(run: Run, demonstrations: Sequence[Episode]) -> dict[str, Any]:
    conversion = json.loads((run.dataset / "conversion.json").read_text(encoding="utf-8"))
    return {
        "kept": len(demonstrations),
        "failures": sum(not episode.success for episode in demonstrations),
        "messages": sum(episode.messages for episode in demonstrations),
        "lost_messages": sum(episode.lost for episode in demonstrations),
        "conversion": conversion,
    }


def _read_metrics(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _machine() -> dict[str, Any]:
    versions = {}
    for name in VERSIONS:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return {
        "processor": _processor(),
        "cores": usable_processors(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": versions,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
