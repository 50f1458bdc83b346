"""The command ``muse contract``: ``init`` writes a contract for the topics there are, ``check`` compares one with them.

Either looks at a bag, which needs no ROS, or at the live topics.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from importlib import import_module
from pathlib import Path

from muse_ros.missing_package import explain

_DEFAULT = "panda"
_LIVE = "muse_ros.nodes.probes.live_survey:survey_graph"  # imported when it is asked for: a bag needs no ROS
_EPILOG = """\
A contract says which topic becomes which array of a dataset and of a policy's observation. A lab's first steps:

  muse contract init -o mine.yaml                    from the live topics: start your drivers first
  muse contract init recordings/try_bag -o mine.yaml from a bag of any recorder; needs no ROS
  (read mine.yaml through: it explains each line, and asks what it cannot know)
  muse contract check mine.yaml                      against the live topics
  muse contract check mine.yaml recordings/try_bag   against a bag
  muse contract check recordings/monday/episode_0003 a kept episode against the contract that it was recorded by
  muse up collect contract:=mine.yaml

exit status: 0 all is well; 1 something is wrong, or nothing could be done; 2 a wrong command line
"""


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    if arguments.live and arguments.bag is not None:
        parser.error(f"either --live or a bag ({arguments.bag}), not both")
    try:
        return _init(arguments) if arguments.verb == "init" else _check(arguments)
    except (ValueError, OSError) as error:  # a bag or a contract that cannot be read, in words
        print(f"muse contract {arguments.verb}: {error}", file=sys.stderr)
    except ModuleNotFoundError as error:
        hint = "the live topics need ROS; a bag does not"
        print(f"muse contract {arguments.verb}: {explain(error)}; {hint}", file=sys.stderr)
    except KeyboardInterrupt:
        print(f"muse contract {arguments.verb}: interrupted", file=sys.stderr)
        return 130
    return 1


def _init(arguments: argparse.Namespace) -> int:
    from muse_ros.contract.contract import load_contract
    from muse_ros.survey.contract_text import contract_text
    from muse_ros.survey.propose import propose

    output: Path = arguments.output
    if output.exists() and not (arguments.force or arguments.print):
        print(f"muse contract init: {output} exists; --force writes over it, -o names another", file=sys.stderr)
        return 1
    survey = _survey(arguments)
    proposal = propose(survey, arguments.namespace, arguments.rate)
    if not proposal.observations:
        print(f"muse contract init: {_nothing(survey)}", file=sys.stderr)
        return 1
    text = contract_text(proposal, arguments.name or output.stem, arguments.rate)
    if arguments.print:
        print(text, end="")
        return 0
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(text, encoding="utf-8")
    contract = load_contract(output)
    keys = ", ".join(contract.streams)
    print(f"{output}: {len(contract.observations)} observations, {len(contract.actions)} actions: {keys}")
    for topic, reason in sorted(proposal.left_out.items()):
        print(f"not used: {topic}: {reason}")
    print(f"Read it through, then: muse contract check {output}{f' {arguments.bag}' if arguments.bag else ''}")
    return 0


def _check(arguments: argparse.Namespace) -> int:
    from muse_ros.bags.bags import is_bag
    from muse_ros.contract.contract import Contract, load_contract
    from muse_ros.finding import Verdict, exit_code, text
    from muse_ros.survey.judge import judge

    alone = arguments.bag is None and arguments.contract is not None and is_bag(Path(arguments.contract))
    if alone:
        arguments.contract, arguments.bag = None, Path(arguments.contract)
    named = None if arguments.contract is None else load_contract(arguments.contract)
    survey = _survey(arguments)
    embedded = Contract.from_dict(json.loads(survey.contract)) if survey.contract else None
    contract = named or embedded or load_contract(_DEFAULT)
    findings = judge(contract, survey, arguments.namespace)
    if arguments.json:
        print(json.dumps([finding.to_dict() for finding in findings], indent=2))
        return exit_code(findings)
    print(f"contract {contract.name} ({contract.digest()[:12]}) and {survey.source}")
    for note in survey.notes:
        print(f"note: {note}")
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    print(text(findings, colour))
    wrong = sum(finding.verdict is Verdict.FAIL for finding in findings)
    doubts = sum(finding.verdict is Verdict.WARN for finding in findings)
    print(f"{wrong} of {len(contract.streams)} streams are wrong, {doubts} doubtful")
    return 1 if wrong else 0


def _survey(arguments: argparse.Namespace):
    if arguments.bag is not None:
        from muse_ros.survey.survey import survey_bag

        return survey_bag(arguments.bag)
    from muse_ros.launching.discovery import discovery_environment
    from muse_ros.survey.propose import USEFUL

    os.environ.update(discovery_environment(arguments.discovery, os.environ.get("ROS_DISTRO", "jazzy"), os.environ))
    module, _, function = _LIVE.partition(":")
    survey_graph = getattr(import_module(module), function)
    print(f"listening to the live topics for {arguments.seconds:g} s ...", file=sys.stderr)
    return survey_graph(arguments.seconds, USEFUL)


def _nothing(survey) -> str:
    if not survey.topics:
        cure = "start your drivers, or `muse up sim`; are ROS_DOMAIN_ID and the reach of discovery theirs?"
        return f"no topic in {survey.source}: {cure}"
    seen = ", ".join(f"{name} ({topic.type})" for name, topic in sorted(survey.topics.items())[:8])
    return (
        f"{survey.source} has no pictures, joints, poses, twists or wrenches that a contract could use. It has {seen}"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="muse contract",
        description="Write the contract of a robot's topics, or compare one with them.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="init|check")
    init = verbs.add_parser("init", help="write a contract for the topics there are", allow_abbrev=False)
    init.add_argument("bag", nargs="?", type=Path, metavar="BAG", help="look at a bag (default: at the live topics)")
    init.add_argument("-o", "--output", type=Path, default=Path("contract.yaml"), help="default: %(default)s")
    init.add_argument("--name", default="", help="the robot's name (default: that of the file)")
    init.add_argument("--rate", type=_rate, default=10.0, metavar="HZ", help="ticks per second (default: 10)")
    init.add_argument("--print", action="store_true", help="print it, write nothing")
    init.add_argument("--force", action="store_true", help="write over a file that is there")
    check = verbs.add_parser("check", help="compare a contract with the topics there are", allow_abbrev=False)
    check.add_argument(
        "contract", nargs="?", metavar="CONTRACT", help=f"a file, or a name (default: the bag's own, else {_DEFAULT})"
    )
    check.add_argument("bag", nargs="?", type=Path, metavar="BAG", help="a bag (default: the live topics)")
    check.add_argument("--json", action="store_true", help="print the findings as JSON, as muse doctor does")
    for each in (init, check):
        each.add_argument("--live", action="store_true", help="the live topics, which is what happens without a bag")
        each.add_argument("--seconds", type=_seconds, default=3.0, help="how long to listen live (default: 3)")
        each.add_argument(
            "--namespace", default="", metavar="NAME", help="namespace of the robot's topics, such as left"
        )
        each.add_argument(
            "--discovery", choices=("machine", "network"), default="machine", help="how far to look (default: machine)"
        )
    return parser


def _rate(text: str) -> float:
    return _between(text, 0.1, 1000.0)


def _seconds(text: str) -> float:
    return _between(text, 0.5, 600.0)


def _between(text: str, low: float, high: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise argparse.ArgumentTypeError(f"must be a number from {low:g} to {high:g}, got {text!r}")
    return value


if __name__ == "__main__":
    sys.exit(main())
