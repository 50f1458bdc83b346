"""Lines of text in columns, for commands that print tables."""

from __future__ import annotations

from collections.abc import Sequence


def text_table(lines: Sequence[Sequence[str]], left: int = 1) -> str:
    """The lines as text, columns two spaces apart.

    Args:
        lines: The head first; all of one length.
        left: How many columns, from the first, are set to the left; the others to the right.
    """
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]

    def cell(text: str, column: int) -> str:
        return text.ljust(widths[column]) if column < left else text.rjust(widths[column])

    return "\n".join("  ".join(cell(text, column) for column, text in enumerate(line)).rstrip() for line in lines)
