"""Typing a text into the window: which field, what has been typed, and when it is done. Pure: knows no window.

While a field is open every key belongs to it; the caller keeps them from the device and from the verbs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

FIELDS = ("note", "task", "operator", "seed")
MOST = 200
NEXT_KEY, SAVE_KEY, LEAVE_KEY, ERASE_KEY = "tab", "return", "escape", "backspace"
SAVE_KEYS = (SAVE_KEY, "enter")  # pygame's name of the numeric block's key


@dataclass(frozen=True)
class Typing:
    """What is being typed.

    Attributes:
        field: One of ``FIELDS``; empty while nothing is typed.
        text: The text so far.
        problem: Why it cannot be saved as it is.
    """

    field: str = ""
    text: str = ""
    problem: str = ""


NOT_TYPING = Typing()


@dataclass(frozen=True)
class Saved:
    """A text that is done, for the parameter of the same name of the collect node."""

    field: str
    text: str


def begin(field: str, text: str) -> Typing:
    """Open a field with the text that it has.

    Raises:
        ValueError: for a field that there is none.
    """
    if field not in FIELDS:
        raise ValueError(f"there is no field {field!r}; there are {', '.join(FIELDS)}")
    return Typing(field, text)


def insert(typing: Typing, text: str) -> Typing:
    """Add typed characters; what cannot be printed is left out, and so is what goes beyond the longest text."""
    printable = "".join(character for character in text if character.isprintable())
    return replace(typing, text=(typing.text + printable)[:MOST], problem="")


def press(typing: Typing, key: str, texts: dict[str, str]) -> tuple[Typing, Saved | None]:
    """What a key does to an open field: erase, leave, save, or save and go to the next.

    Args:
        typing: With a field open.
        key: Name of the key.
        texts: The fields' present texts.
    """
    if key == ERASE_KEY:
        return replace(typing, text=typing.text[:-1], problem=""), None
    if key == LEAVE_KEY:
        return NOT_TYPING, None
    if key == NEXT_KEY:
        following = FIELDS[(FIELDS.index(typing.field) + 1) % len(FIELDS)]
        after, saved = _save(typing)
        return (after if after.problem else begin(following, texts.get(following, ""))), saved
    if key in SAVE_KEYS:
        return _save(typing)
    return typing, None


def _save(typing: Typing) -> tuple[Typing, Saved | None]:
    text = typing.text.strip()
    if typing.field == "seed" and not text:
        return NOT_TYPING, None
    if typing.field == "seed" and not (text.isascii() and text.isdigit() and int(text) < 2**31):
        return replace(typing, problem=f"a seed is a whole number from 0 to {2**31 - 1}"), None
    return NOT_TYPING, Saved(typing.field, text)
