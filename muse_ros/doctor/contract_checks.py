"""The contract: can it be read, what does recording it need of the disk, and does the live graph serve it."""

from __future__ import annotations

import json
from typing import Any

from muse_ros.doctor.machine import Machine
from muse_ros.finding import Finding, Verdict

DEFAULT_RATE = 60e6  # bytes/s: two raw cameras, or what a lab with more than a contract may record
COMPRESSED, RAW = 110e3, 640 * 480 * 3.0  # bytes a picture: a JPEG of 640x480 is 40 to 110 kB
CHECK_S = 60.0
PICTURES_HZ, STATES_HZ, STATE = 30.0, 1000.0, 500.0


def read_contract(name: str) -> tuple[Any, Finding]:
    """(the contract or None, what came of reading it)."""
    try:
        from muse_ros.contract.contract import load_contract
    except ImportError as error:
        return None, Finding("contract", name, Verdict.SKIP, f"cannot be read here: {error}", "pip install -e .")
    try:
        contract = load_contract(name)
    except (OSError, ValueError) as error:
        return None, Finding(
            "contract", name, Verdict.FAIL, str(error), "muse contract init   # writes one from live topics"
        )
    found = f"{len(contract.observations)} observations, {len(contract.actions)} actions at {contract.rate_hz:g} Hz"
    return contract, Finding("contract", name, Verdict.OK, found)


def needed_rate(contract: Any) -> float:
    """What recording a contract's streams needs of the disk [bytes/s]; without one, 60 MB/s.

    By the streams' own rates where they name one, else by those of a camera and of an arm.
    """
    if contract is None:
        return DEFAULT_RATE
    rates = {stream.topic: stream.rate_hz for stream in contract.streams.values() if stream.rate_hz}
    total = 0.0
    for topic, type_name in contract.topics().items():
        picture = {"CompressedImage": COMPRESSED, "Image": RAW}.get(type_name.rpartition("/")[2])
        rate_hz = rates.get(topic, PICTURES_HZ if picture else STATES_HZ)
        total += rate_hz * (picture or STATE)
    return total


def check_live(machine: Machine, name: str, heard: dict[str, Any], namespace: str) -> list[Finding]:
    """The live topics against the contract `name`, stream by stream, as ``muse contract check`` judges them.

    It listens in a process of its own: what breaks there is a finding here.
    """
    if not name or not heard.get("topics"):
        why = "no topic is live: start the robot, or `muse up collect`, and ask again"
        if not name:
            why = "not compared with a contract; muse doctor --contract panda does"
        return [Finding("contract", "live graph", Verdict.SKIP, why)]
    words = ["contract", "check", name, "--json", *(["--namespace", namespace] if namespace else [])]
    _, said = machine.run([machine.python, "-m", "muse_ros.command", *words], CHECK_S)
    try:
        judged = json.loads(said)
    except ValueError:
        last = said.splitlines()[-1] if said else "it said nothing"
        return [Finding("contract", "live graph", Verdict.FAIL, last, f"muse {' '.join(words)}")]
    verdicts = {verdict.value.lower(): verdict for verdict in Verdict}
    return [
        Finding("contract", each["name"], verdicts[each["verdict"]], each["found"], each["cure"]) for each in judged
    ]
