"""README.md and docs/: what they name is there. Links, headings, files, commands, arguments; not whether it is true."""

import re
from pathlib import Path

import pytest

from muse_ros.command import SUBCOMMANDS
from muse_ros.launching.graph import GRAPHS

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
OTHERS = {"robot_type", "load_gripper", "controllers_yaml", "name", "joint_states"}  # of other projects' launch files
ARGUMENTS = {argument.name for graph in GRAPHS.values() for argument in graph.arguments} | OTHERS


def anchors(page: Path) -> set[str]:
    """The headings of a page as GitHub makes links of them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text()):
        file, _, anchor = target.partition("#")
        if file.startswith("http"):
            continue
        linked = page.parent / file if file else page
        assert linked.exists(), f"{page.name}: {target}"
        assert not anchor or anchor in anchors(linked), f"{page.name}: {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_command_and_argument_that_is_named_exists(page):
    text = page.read_text()
    missing = [path for path in re.findall(r"\b(?:config|muse_ros|muse_core|bench|test)/[\w./-]*\w", text)
               if not (ROOT / path).exists()]  # fmt: skip
    assert missing == []
    commands = {name for name in re.findall(r"`muse ([a-z_]+)", text)} | set(re.findall(r"^muse ([a-z_]+)", text, re.M))
    assert commands <= set(SUBCOMMANDS)
    assert set(re.findall(r"\b([a-z_]+):=", text)) <= ARGUMENTS
