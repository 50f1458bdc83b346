"""The command ``muse eval``: a policy against fresh seeds of an environment, without ROS.

Only what parses the command line is imported at once.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from muse_core.evaluation.actors import ActorFacts, describe_actor, make_actor
from muse_core.evaluation.checkpoint_environment import check_task
from muse_core.evaluation.config import RESULTS_FILE, EvaluateConfig, EvaluationError, checkpoint_file
from muse_core.evaluation.results import compare, comparison_line, group_lines, headline, read_results, summarize
from muse_core.evaluation.rollout import EpisodeResult
from muse_core.evaluation.workers import PLAIN_ERRORS, Job, run_all
from muse_core.files import write_text
from muse_core.processors import choose_device, usable_processors

INTERRUPTED = 130


def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 when all episodes ran, whatever came out, 2 when it could not begin, 130 after a Ctrl-C."""
    import tyro

    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        config = tyro.cli(EvaluateConfig, args=arguments, prog="muse eval", use_underscores=True)
        evaluate(config)
    except PLAIN_ERRORS as error:
        print(f"muse eval: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"muse eval: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nmuse eval: interrupted; no results are written, recorded episodes stay", file=sys.stderr, flush=True)
        os._exit(INTERRUPTED)  # an ordinary end would wait for the episodes that run; the workers end with this process
    return 0


def evaluate(config: EvaluateConfig) -> dict[str, Any]:
    """Run the episodes, write ``results.json`` and the videos, print the headline, return the results."""
    actor = describe_actor(config)
    check_task(actor.task)
    output = config.output_path()
    baseline, baseline_results = _baseline(config, actor.task)
    second = None if baseline is None else describe_actor(baseline)
    jobs = _prepare(config, actor)
    summary, frames = _run(config, actor, jobs)
    if baseline is not None:
        baseline_results, _ = _run(baseline, second, jobs)
        write_text(output / "baseline.json", _json(baseline_results))
    if baseline_results is not None:
        summary["comparison"] = compare(summary, baseline_results)
    write_text(output / RESULTS_FILE, _json(summary))
    for video in _write_videos(config, output, frames, actor.rate_hz or 10.0):
        print(f"video: {video}")
    if config.record is not None:
        print(f"recorded: {config.record}")
    print(f"results: {output / RESULTS_FILE}")
    print(headline(summary))
    for line in group_lines(summary["groups"]) if "groups" in summary else ():
        print(line)
    if "comparison" in summary:
        print(comparison_line(summary["comparison"]))
    return summary


def _baseline(config: EvaluateConfig, task: str) -> tuple[EvaluateConfig | None, dict[str, Any] | None]:
    """The second evaluation to run, or the results of one that was; neither without --baseline."""
    path = config.baseline
    if path is None:
        return None, None
    model = checkpoint_file(path)
    if path.suffix == ".json" or not model.is_file():
        return None, read_results(path)
    second = replace(
        config, model_file=model, experiment=None, policy="", task=task, record=None, videos=0, seed=config.seeds.start
    )
    return second, None


def _prepare(config: EvaluateConfig, actor: ActorFacts) -> list[Job]:
    """The episodes to run; makes the dataset to record into."""
    if not config.scripted:
        choose_device(config.device)
    if not config.presets and config.record is None:
        return [Job(seed) for seed in config.seeds]
    environment, _ = make_actor(config, actor.task)
    try:
        names: list[str | None] = [None]
        if config.presets:
            names = list(getattr(environment, "presets", ()))
            if not names:
                raise EvaluationError(f"--presets: {actor.task!r} has none")
        jobs = [Job(seed, names[i % len(names)]) for i, seed in enumerate(config.seeds)]
        if config.record is not None:
            _open_recording(config, actor, environment, jobs)
    finally:
        environment.close()
    return jobs


def _open_recording(config: EvaluateConfig, actor: ActorFacts, environment: Any, jobs: list[Job]) -> None:
    from muse_core.evaluation.recorder import episode_id, open_recording

    about = {"made_by": "muse eval", "task": actor.task, "wide": config.wide, "policy": actor.name}
    about |= {"noise_m": config.expert_noise_m, "noise_rad": config.noise_rad} if config.policy == "expert" else {}
    ids = [episode_id(job.seed, job.preset) for job in jobs]
    open_recording(config.record, environment, ids, about, actor.contract)


def _run(
    config: EvaluateConfig, actor: ActorFacts, jobs: list[Job]
) -> tuple[dict[str, Any], dict[int, list[np.ndarray]]]:
    """All episodes of one policy: their summary, and the frames of those that the video shows, by seed."""
    from tqdm import tqdm

    results: list[EpisodeResult] = []
    frames: dict[int, list[np.ndarray]] = {}
    bar = tqdm(total=len(jobs), desc=f"evaluating {actor.task}", unit="episode", dynamic_ncols=True)
    with closing(run_all(config, actor.task, jobs)) as episodes, bar:
        for result, shown in episodes:
            results.append(result)
            if shown:
                frames[result.seed] = shown
            bar.set_postfix_str(f"{sum(r.success for r in results)} of {len(results)} succeeded", refresh=False)
            bar.update()
    summary = {
        "policy": actor.name,
        "step": actor.step,
        "task": actor.task,
        "wide": config.wide,
        "seed": config.seeds.start,
        **summarize(results, config.group_by),
        "machine": {"platform": platform.platform(), "cpus": usable_processors(), "workers": config.workers},
    }
    return summary, frames


def _write_videos(
    config: EvaluateConfig, output: Path, frames: dict[int, list[np.ndarray]], rate_hz: float
) -> list[Path]:
    from muse_core.video import write_video

    if config.video_per_episode:
        shown = {output / f"episode_{seed}.mp4": frames[seed] for seed in sorted(frames)}
    else:
        shown = {output / "video.mp4": [frame for seed in sorted(frames) for frame in frames[seed]]} if frames else {}
    for path, images in shown.items():
        write_video(path, images, rate_hz)
    return list(shown)


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=2) + "\n"


if __name__ == "__main__":
    sys.exit(main())
