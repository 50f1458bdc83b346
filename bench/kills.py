"""What SIGKILL costs a session: the collect node is killed at random moments, started again, and killed again.

The operator records and keeps episodes all the while, so that kills hit idling, recording, deciding and saving alike.
After each kill every episode that was answered as kept must be whole and unchanged, and a cut one must be readable,
with numbers without holes, up to a second before the kill. Run: ``python bench/kills.py --kills 200``. Needs rclpy.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import timing
from collecting import JOINTS, PACKAGES, POSE, Collect, Source, count, operating, publish_until_signalled, publishing

SOURCES = (Source("panda/joint_states", JOINTS, 200.0), Source("panda/ee_pose", POSE, 50.0))
LONGEST_S = 3.0
SHORT_S = 0.1
UNREADABLE_S = 1.1


class Operator:
    """Records and keeps episodes, without pause, until the node does not answer any more."""

    def __init__(self, collect: Collect, patience: random.Random) -> None:
        self.kept = 0
        self.doing = "starting"
        self.began_s = 0.0
        self._collect, self._patience = collect, patience
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """The node is dead: give up asking."""
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        while True:
            for verb, during in (("start", "recording"), ("success", "deciding"), ("keep", "idling")):
                self.doing = f"asked to {verb}"
                answer = self._ask(verb)
                if answer is None:
                    return
                self.began_s, self.doing = time.monotonic(), during
                self.kept += verb == "keep"
                self._stop.wait(self._patience.uniform(0.0, LONGEST_S if verb == "start" else SHORT_S))

    def _ask(self, verb: str) -> str | None:
        while not self._stop.is_set():
            with contextlib.suppress(SystemExit):
                return self._collect.ask(verb, deadline_s=10.0)
        return None


def snapshot(session: Path) -> dict[str, bytes]:
    """Every kept episode's files, by name relative to the session."""
    return {
        str(path.relative_to(session)): path.read_bytes()
        for folder in session.glob("episode_????")
        for path in folder.iterdir()
    }


def check_cut(folder: Path) -> dict:
    """What is left of an episode that was cut: messages, holes in their numbers, and the newest stamp."""
    from muse_ros.bags.bags import open_bag

    bag = open_bag(folder)
    newest_ns = max((time_ns for *_, time_ns in bag.messages()), default=0)
    topics = count(folder, [source.topic for source in SOURCES])
    return {
        "messages": sum(figures["recorded"] for figures in topics.values()),
        "missing": sum(figures["missing"] for figures in topics.values()),
        "newest_ns": newest_ns,
        "metadata": (folder / "metadata.yaml").is_file(),
    }


def one_kill(root: Path, node: object, rng: random.Random, before: dict[str, bytes]) -> tuple[dict, dict[str, bytes]]:
    """Start, record, kill, look; answers the findings and the kept episodes' files."""
    collect = Collect(root, SOURCES, node)
    operator = Operator(collect, rng)
    while operator.doing == "starting" or not operator.began_s:
        time.sleep(0.01)
    time.sleep(rng.uniform(0.0, 2 * LONGEST_S))
    known = {path.name for path in collect.session.glob("*.recording")}
    doing, recorded_s = operator.doing, time.monotonic() - operator.began_s
    killed_ns = time.time_ns()
    os.kill(collect.process.pid, signal.SIGKILL)
    collect.process.wait()
    operator.end()
    now = snapshot(collect.session)
    findings = {"doing": doing, "changed": [name for name, data in before.items() if now.get(name) != data]}
    folders = {name.partition("/")[0] for name in now}
    findings["kept"] = len(folders)
    findings["answered"] = operator.kept
    already = len({name.partition("/")[0] for name in before})
    findings["missing"] = max(0, operator.kept - (len(folders) - already))
    findings["incomplete"] = [name for name in folders if not is_whole(collect.session / name)]
    for name in known:
        folder = collect.session / name
        if folder.is_dir() and doing == "recording":
            findings["cut"] = check_cut(folder)
            unread_s = (killed_ns - findings["cut"]["newest_ns"]) / 1e9
            findings["unread_s"] = min(unread_s, recorded_s)
    for folder in collect.session.glob("*.recording"):
        if (folder / "episode.json").is_file():
            check_cut(folder)
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
    return findings, now


def is_whole(folder: Path) -> bool:
    """Whether a kept episode is a closed bag with messages and its file."""
    from muse_ros.bags.bags import open_bag
    from muse_ros.recording.session_folder import read_episode_file

    bag = open_bag(folder)
    content = read_episode_file(folder)
    return not bag.truncated and content["complete"] and content["outcome"] == "success" and content["start_ns"] > 0


def main() -> int:
    """Kill, look, print, write ``bench/results/kills.json``; exit code 1 where anything kept was lost."""
    parser = timing.parser(__doc__)
    parser.add_argument("--kills", type=int, default=200, help="how many")
    parser.add_argument("--seed", type=int, default=0, help="of the random moments")
    parser.add_argument("--publish", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.publish:
        return publish_until_signalled(SOURCES)
    begun = timing.machine()
    rng, moments, found, before = random.Random(given.seed), Counter(), [], {}
    with tempfile.TemporaryDirectory() as folder, publishing(__file__), operating() as node:
        for number in range(given.kills):
            findings, before = one_kill(Path(folder), node, rng, before)
            moments[findings["doing"]] += 1
            found.append(findings)
            print(f"kill {number + 1}/{given.kills} while {findings['doing']}: {findings['kept']} kept", flush=True)
    cuts = [findings["cut"] for findings in found if "cut" in findings]
    result = {
        "kills": given.kills,
        "while": dict(moments),
        "kept": found[-1]["kept"],
        "answered_as_kept": sum(findings["answered"] for findings in found),
        "kept_changed_or_lost": sum(len(findings["changed"]) + findings["missing"] for findings in found),
        "kept_incomplete": sum(len(findings["incomplete"]) for findings in found),
        "cut_episodes_read": len(cuts),
        "holes_in_cut_episodes": sum(cut["missing"] for cut in cuts),
        "most_unread_s": max((findings["unread_s"] for findings in found if "cut" in findings), default=0.0),
    }
    for name, value in result.items():
        print(f"{name}: {value}")
    timing.write(given.results / "kills.json", result, PACKAGES, begun)
    lost = result["kept_changed_or_lost"] + result["kept_incomplete"] + result["holes_in_cut_episodes"]
    return 0 if not lost and result["most_unread_s"] <= UNREADABLE_S else 1


if __name__ == "__main__":
    raise SystemExit(main())
