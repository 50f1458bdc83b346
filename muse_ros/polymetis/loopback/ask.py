"""The command ``python -m muse_ros.polymetis.loopback.ask SCENE VERB [NAME=VALUE ...]``: faults by hand.

SCENE is the address that the loopback server prints, or the node sim_server logs.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from muse_ros.polymetis.loopback.process import LoopbackError, SceneClient


def main(argv: Sequence[str] | None = None) -> int:
    """Ask once and print the answer; 0, or 1 where the server refuses or is not there."""
    parser = argparse.ArgumentParser(
        prog="python -m muse_ros.polymetis.loopback.ask",
        description="Ask a loopback server about its scene, or for a fault, such as: 127.0.0.1:4000 reflex for_s=1.5",
    )
    parser.add_argument("scene", help="HOST:PORT of the scene's service")
    parser.add_argument("verb", help="such as statistics, reset, reflex, restart, delay, stall_streams, lose_calls")
    parser.add_argument("arguments", nargs="*", metavar="NAME=VALUE", help="of the verb; times in seconds")
    given = parser.parse_args(argv)
    arguments = dict(word.split("=", 1) for word in given.arguments if "=" in word)
    if len(arguments) < len(given.arguments):
        parser.error(f"arguments must be NAME=VALUE, got {' '.join(given.arguments)}")
    scene = SceneClient(given.scene)
    try:
        print(json.dumps(scene.ask(given.verb, **arguments)))
    except LoopbackError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        scene.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
