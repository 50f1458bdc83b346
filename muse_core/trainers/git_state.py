"""Which code an experiment ran: the commit of the checkout, and what differed from it."""

from __future__ import annotations

import subprocess
from pathlib import Path


def git_state(folder: Path = Path(__file__).parent) -> tuple[str, str]:
    """Commit and uncommitted changes of the checkout that a folder belongs to; empty where it is none.

    Returns:
        The commit's hash; and the differences from it, behind a line ``untracked: <path>`` for every new file.
    """

    def git(*arguments: str) -> str:
        try:
            result = subprocess.run(
                ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=30, check=True
            )
        except (OSError, subprocess.SubprocessError):
            return ""
        return result.stdout

    untracked = git("ls-files", "--others", "--exclude-standard", "--full-name", ":/")
    listed = "".join(f"untracked: {line}\n" for line in untracked.splitlines())
    return git("rev-parse", "HEAD").strip(), listed + git("diff", "HEAD")
