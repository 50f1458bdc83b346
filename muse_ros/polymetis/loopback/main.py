"""The command ``python -m muse_ros.polymetis.loopback``: serve until it is told to stop.

Once it serves, it prints its addresses as one line of JSON, ``{"arm": "127.0.0.1:40123", "hand": ..., "scene": ...}``.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections.abc import Sequence
from dataclasses import fields

import torch

from muse_core.environments.panda.tasks import TASKS
from muse_ros.polymetis.loopback.loopback import Loopback, Settings, serve
from muse_ros.polymetis.loopback.scene_service import SceneServicer

SWITCH_S = 0.0005
"""How long a thread may keep the interpreter from the 1 kHz loop."""


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGINT, SIGTERM, or the end of stdin where that was asked for; 0, or 2 where it cannot serve."""
    given = vars(_parser().parse_args(argv))
    follow_stdin = given.pop("follow_stdin")
    sys.setswitchinterval(SWITCH_S)
    torch.set_num_threads(1)
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    settings = Settings(**given)
    loopback = Loopback(settings)
    try:
        loopback.start()
        scene, address = serve(SceneServicer(loopback).handler(), f"{settings.host}:{settings.scene_port}", workers=4)
    except RuntimeError as error:
        loopback.stop()
        print(f"polymetis loopback: cannot serve: {error}; port 0 takes a free one", file=sys.stderr)
        return 2
    print(json.dumps({**loopback.addresses, "scene": address}), flush=True)
    if follow_stdin:
        threading.Thread(target=lambda: (sys.stdin.buffer.read(), ended.set()), daemon=True).start()
    ended.wait()
    scene.stop(0).wait()
    loopback.stop()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m muse_ros.polymetis.loopback",
        description="A Polymetis server with a simulated Panda behind it. Prints its addresses as one line of JSON.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    helps = {
        "task": "the simulated task",
        "seed": "of the objects' places",
        "wide": "spread the objects wider",
        "host": "the address to listen on",
        "port": "of the arm's service; 0: a free one",
        "hand_port": "of the hand's service",
        "scene_port": "of the scene's service",
        "attach": "HOST:PORT of an arm's server elsewhere: bring it the simulated arm instead of serving",
        "attach_hand": "HOST:PORT of a hand's server elsewhere",
        "version": "Polymetis' version that the arm tells",
        "joints": "how many joints the arm tells it has",
        "clock_offset_s": "by how much the server's clock is ahead of this computer's [s]",
        "clock_drift_ppm": "by how much it runs faster [ppm]",
    }
    for field in fields(Settings):
        flag, text = f"--{field.name}", helps[field.name]
        if isinstance(field.default, bool):
            parser.add_argument(flag, action="store_true", help=text)
        else:
            choices = tuple(TASKS) if field.name == "task" else None
            parser.add_argument(flag, type=type(field.default), default=field.default, choices=choices, help=text)
    parser.add_argument("--follow_stdin", action="store_true", help="end when stdin is closed")
    return parser
