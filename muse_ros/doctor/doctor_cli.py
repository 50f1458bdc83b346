"""``muse doctor``: looks at this computer and the robot's nodes that run, and says what to type where it is not well.

Runs wherever Python does: what a check needs and does not find is what it reports.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator

from muse_ros.doctor.arm_checks import check_arm
from muse_ros.doctor.clock_checks import check_clock, check_stamps
from muse_ros.doctor.computer_checks import (
    check_disk_rate,
    check_gpu,
    check_kernel,
    check_screen,
    check_space,
)
from muse_ros.doctor.contract_checks import check_live, needed_rate, read_contract
from muse_ros.doctor.device_checks import check_cameras, check_devices
from muse_ros.doctor.machine import Machine
from muse_ros.doctor.network_checks import check_network
from muse_ros.doctor.package_checks import check_packages
from muse_ros.doctor.ros_checks import check_discovery, check_graph, check_ros, check_round_trip, probe
from muse_ros.doctor.security_checks import check_security
from muse_ros.finding import Finding, Verdict, exit_code, text

Check = Callable[[], "Finding | list[Finding]"]


def main(argv: list[str] | None = None, machine: Machine | None = None) -> int:
    """Look at everything and print it.

    Args:
        argv: The command line after ``muse doctor``, the process's own by default.
        machine: What is looked at; this computer by default.

    Returns:
        1 where anything failed, else 0.
    """
    options = _parser().parse_args(argv)
    machine = machine or Machine()
    findings = list(examine(machine, options.contract, options.folder, options.namespace, options.quick))
    if options.robot_ip:
        ports = options.robot_port, options.hand_port
        findings += _safely("robot", lambda: check_arm(machine, options.robot_ip, *ports, options.quick))
    if options.json:
        print(json.dumps([finding.to_dict() for finding in findings], indent=2))
    else:
        plain = options.no_color or bool(os.environ.get("NO_COLOR")) or not sys.stdout.isatty()
        print(text(findings, colour=not plain))
    return exit_code(findings)


def examine(machine: Machine, contract_name: str, folder: str, namespace: str, quick: bool) -> Iterator[Finding]:
    """Every finding, in the order of the report.

    Args:
        machine: What is looked at.
        contract_name: File or name of the contract; empty: none.
        folder: Where recordings are to lie.
        namespace: Of the robot's topics.
        quick: Leave out what takes longer than a second.
    """
    yield from _safely("python", lambda: check_packages(machine))
    ros = list(_safely("ros", lambda: check_ros(machine)))
    yield from ros
    heard = {"error": "there is no ROS"} if any(f.verdict is Verdict.FAIL for f in ros) else {}
    if not heard:
        yield from _safely("ros", lambda: check_discovery(machine))
        yield from _safely("ros", lambda: check_security(machine, namespace))
        heard = {"error": "not tried (--quick)"} if quick else probe(machine)
        if not quick:
            yield from _safely("ros", lambda: check_round_trip(heard))
            yield from _safely("ros", lambda: check_graph(heard))
    yield from _safely("clock", lambda: check_clock(machine))
    yield from _safely("clock", lambda: check_stamps(heard))
    contract, read = read_contract(contract_name) if contract_name else (None, None)
    yield from [read] if read else []
    yield from _safely("contract", lambda: check_live(machine, contract_name if contract else "", heard, namespace))
    yield from _safely("cameras", lambda: check_cameras(machine))
    yield from _safely("devices", lambda: check_devices(machine))
    rate = needed_rate(contract)
    yield from _safely("disk", lambda: check_space(machine, folder, rate))
    if not quick:
        yield from _safely("disk", lambda: check_disk_rate(machine, folder, rate))
    yield from _safely("gpu", lambda: check_gpu(machine))
    yield from _safely("kernel", lambda: check_kernel(machine))
    yield from _safely("network", lambda: check_network(machine))
    yield from _safely("screen", lambda: check_screen(machine, render=not quick))


def _safely(area: str, check: Check) -> Iterator[Finding]:
    """What a check finds; one that breaks must not hide the others."""
    try:
        found = check()
    except Exception as error:
        found = Finding(area, "this check", Verdict.WARN, f"broke: {type(error).__name__}: {error}", "please report it")
    yield from [found] if isinstance(found, Finding) else found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="muse doctor",
        description=(
            "Look at ROS, clocks, cameras, devices, disk, GPU, kernel, network and screen of this computer, and at the "
            "contract against the nodes that run. Each line has a verdict, and where it is not ok a cure. Takes about "
            "ten seconds and writes 256 MB to --folder, which it removes. The exit code is 1 where anything failed."
        ),
    )
    parser.add_argument(
        "--contract", default="", help="file or name of a contract (config/robot); also set against the live graph"
    )
    parser.add_argument("--namespace", default="", help="of the robot's topics, such as /left")
    parser.add_argument(
        "--robot_ip",
        default="",
        help="of the computer that runs a Polymetis server; it is looked at for 12 s, and the arm does not move",
    )
    parser.add_argument("--robot_port", type=int, default=50051, help="of the arm's server (default: %(default)s)")
    parser.add_argument(
        "--hand_port", type=int, default=50052, help="of the hand's server; 0: there is no hand (default: %(default)s)"
    )
    parser.add_argument("--folder", default="recordings", help="where recordings are to lie (default: %(default)s)")
    parser.add_argument(
        "--quick", action="store_true", help="leave out what takes longer: a round trip, the disk, drawing"
    )
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    parser.add_argument("--no-color", action="store_true", help="no colours; NO_COLOR in the environment does the same")
    return parser


if __name__ == "__main__":
    sys.exit(main())
