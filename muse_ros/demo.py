"""The command ``muse demo``: the whole loop on the simulated Panda, and a report of it.

Each stage is one of Muse's own commands, run as a user would run it and printed before it starts. No ROS is imported
here: the stages' processes do that.
"""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from muse_ros.conversion.convert_cli import SOME_REFUSED
from muse_ros.demo_run import DEFAULTS, REAL_TIME_DEMONSTRATIONS, ROBOTS, Run


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo; 0 when every stage ran, whatever its success rate, 1 when one failed, 130 after a Ctrl-C."""
    run = _parse(argv)
    wall_s: dict[str, float] = {}
    stages = run.stages()
    for number, (stage, arguments) in enumerate(stages.items(), start=1):
        _announce(number, len(stages) + 1, stage, arguments)
        began = time.monotonic()
        status, stopped = run_stage([sys.executable, "-m", "muse_ros.command", *arguments])
        wall_s[stage] = time.monotonic() - began
        if stopped:
            print(f"\nmuse demo: stopped by {stopped.name} during {stage}; what it has written is whole.", flush=True)
            return 128 + stopped
        if stage == "convert" and status == SOME_REFUSED:
            print("muse demo: some recordings were refused, as said above; the demo goes on with the others.")
        elif status != 0:
            print(f"\nmuse demo: {stage} ended with status {status}. What it said is above; to run it alone:")
            print(f"  {_shell(arguments)}", flush=True)
            return 1
    return _report(run, wall_s, len(stages) + 1)


def run_stage(command: Sequence[str]) -> tuple[int, signal.Signals | None]:
    """Run a stage to its end; its exit status, and the signal that asked to stop, if one did.

    The stage has a session of its own and each signal is passed on to it once: it ends in good order, and we wait.
    """
    process = subprocess.Popen(command, start_new_session=True)
    received: list[int] = []

    def pass_on(number: int, _: object) -> None:
        received.append(number)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, pass_on) for number in numbers}
    try:
        status = process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return status, signal.Signals(received[0]) if received else None


def _report(run: Run, wall_s: dict[str, float], number: int) -> int:
    from muse_ros.report.gather import gather
    from muse_ros.report.page import write_report

    print(f"\n[{number}/{number}] report", flush=True)
    report, series = gather(run, wall_s, [_shell(arguments) for arguments in run.stages().values()])
    page = write_report(run.output, report, series)
    low, high = report["interval"]
    print(
        f"\n{run.task}: {report['success']} of {report['episodes']} fresh seeds succeeded through the live policy node"
        f" ({report['rate']:.0%}, 95 % interval {low:.0%} to {high:.0%});"
        f" {report['wall_s']['total'] / 60:.1f} minutes in all."
    )
    print(f"The report: {page}\nFor a program: {run.output / 'report.json'}", flush=True)
    return 0


def _parse(argv: Sequence[str] | None) -> Run:
    parser = argparse.ArgumentParser(
        prog="muse demo",
        description="Collect demonstrations on a simulated Panda, convert them, train a policy from its two cameras, "
        "run it live on fresh seeds, and write a report. Each stage is printed as the command that does it alone.",
    )
    parser.add_argument("--task", choices=tuple(DEFAULTS), default="lift", help="what to do (default: lift)")
    robot = "sim; polymetis: the same world behind a Polymetis server on loopback, in real time"
    parser.add_argument("--robot", choices=ROBOTS, default="sim", help=robot)
    parser.add_argument("--minutes", type=_positive, help="minutes of training (default: by task)")
    parser.add_argument("--demonstrations", type=_count, help="demonstrations to collect (default: by task)")
    parser.add_argument("--episodes", type=_count, default=20, help="fresh seeds to evaluate on (default: 20)")
    parser.add_argument("--name", help="name of the session, dataset and experiment (default: from task and time)")
    parser.add_argument("--output", type=Path, default=Path("report"), help="folder of the report (default: report)")
    given = parser.parse_args(argv)
    defaults = DEFAULTS[given.task]
    usual = defaults.demonstrations
    if given.robot != "sim":
        usual = min(usual, REAL_TIME_DEMONSTRATIONS)
    return Run(
        task=given.task,
        demonstrations=given.demonstrations or usual,
        minutes=given.minutes or defaults.minutes,
        max_episode_s=defaults.max_episode_s,
        episodes=given.episodes,
        name=given.name or f"demo-{given.task}-{datetime.now():%Y%m%d-%H%M%S}",
        output=given.output,
        robot=given.robot,
    )


def _positive(text: str) -> float:
    value = float(text)
    if not 0.0 < value < 1e4:
        raise argparse.ArgumentTypeError(f"must be a positive number, got {text}")
    return value


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {text}")
    return value


def _announce(number: int, of: int, stage: str, arguments: Sequence[str]) -> None:
    print(f"\n[{number}/{of}] {stage}\n  $ {_shell(arguments)}", flush=True)


def _shell(arguments: Sequence[str]) -> str:
    return shlex.join(["muse", *arguments])


if __name__ == "__main__":
    sys.exit(main())
