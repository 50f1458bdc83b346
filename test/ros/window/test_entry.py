"""Typing: what goes into a field, and how it is left."""

from __future__ import annotations

import pytest

from muse_ros.window.entry import MOST, NOT_TYPING, Saved, Typing, begin, insert, press

TEXTS = {"note": "", "task": "lift", "operator": "Ada", "seed": ""}


def test_typed_characters_are_added_and_erased():
    typing = insert(insert(begin("note", ""), "caf"), "é!")
    assert typing.text == "café!"
    assert press(typing, "backspace", TEXTS) == (Typing("note", "café"), None)


def test_enter_saves_without_spaces_at_the_ends():
    assert press(Typing("task", " pour "), "return", TEXTS) == (NOT_TYPING, Saved("task", "pour"))


def test_escape_leaves_without_saving():
    assert press(Typing("task", "pour"), "escape", TEXTS) == (NOT_TYPING, None)


def test_tab_saves_and_opens_the_next_field_with_its_text():
    assert press(Typing("note", "wet"), "tab", TEXTS) == (Typing("task", "lift"), Saved("note", "wet"))
    assert press(Typing("seed", "3"), "tab", TEXTS) == (Typing("note", ""), Saved("seed", "3"))


@pytest.mark.parametrize("text", ["x", "-1", "1.5", "2147483648", "²"])
def test_a_seed_that_is_none_is_not_saved_and_says_why(text):
    typing, saved = press(Typing("seed", text), "return", TEXTS)
    assert saved is None and typing.text == text and "whole number from 0 to 2147483647" in typing.problem
    assert not insert(typing, "1").problem, "typing on clears the problem"


def test_an_empty_seed_is_left_as_it_was():
    assert press(Typing("seed", ""), "return", TEXTS) == (NOT_TYPING, None)


def test_control_characters_and_endless_texts_are_cut():
    assert insert(begin("note", ""), "a\tb\n").text == "ab"
    assert len(insert(begin("note", ""), "x" * 999).text) == MOST


def test_an_unknown_field_is_named():
    with pytest.raises(ValueError, match="no field 'colour'; there are note, task, operator, seed"):
        begin("colour", "")
