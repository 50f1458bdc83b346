"""Nothing overlaps and nothing leaves the window, from 640x480 to 4K."""

from __future__ import annotations

from dataclasses import fields
from itertools import combinations, product

import pytest

pygame = pytest.importorskip("pygame")

from muse_ros.window.layout import lay_out, picture_places  # noqa: E402

SIZES = ((640, 480), (800, 600), (1024, 600), (1280, 800), (1920, 1080), (3840, 2160), (2560, 1080), (900, 1600))


def panels(layout):
    found = {field.name: getattr(layout, field.name) for field in fields(layout)}
    return {name: area for name, area in found.items() if isinstance(area, pygame.Rect) and area.width and area.height}


@pytest.mark.parametrize(("size", "asking", "policy"), [*product(SIZES, (False, True), (False, True))])
def test_panels_never_overlap_and_stay_within_the_window(size, asking, policy):
    found = panels(lay_out(size, asking, policy))
    assert ("question" in found) is asking and ("policy" in found) is policy
    window = pygame.Rect((0, 0), size)
    assert all(window.contains(area) for area in found.values())
    assert not [(a, b) for a, b in combinations(found, 2) if found[a].colliderect(found[b])]


@pytest.mark.parametrize("size", SIZES)
def test_the_cameras_keep_at_least_a_fifth_of_the_window(size):
    cameras = lay_out(size).cameras
    assert cameras.width * cameras.height > 0.2 * size[0] * size[1]


def test_text_grows_with_the_window_and_stays_readable_in_a_small_one():
    assert lay_out((1280, 800)).scale == 1.0
    assert lay_out((640, 480)).scale == 0.8
    assert lay_out((3840, 2160)).scale == pytest.approx(2.7)


def test_a_window_smaller_than_it_should_be_has_no_negative_sizes():
    assert all(min(area.size) >= 0 for area in panels(lay_out((200, 100), asking=True, policy=True)).values())


def test_in_a_window_too_small_for_all_whole_panels_go_instead_of_lines_that_lie_on_each_other():
    small = panels(lay_out((320, 240), asking=True, policy=True))
    assert {"header", "prompt", "buttons"} <= set(small)
    assert not {"fields", "arm", "motion", "question"} & set(small)
    assert "question" not in panels(lay_out((1590, 300), asking=True))
    assert {"fields", "arm", "motion"} <= set(panels(lay_out((640, 480), policy=True)))


def test_two_pictures_go_side_by_side_where_it_is_wide_and_below_each_other_where_it_is_high():
    wide = picture_places(pygame.Rect(0, 0, 808, 300), [(640, 480)] * 2, 8)
    assert [tuple(place) for place in wide] == [(0, 0, 400, 300), (408, 0, 400, 300)]
    high = picture_places(pygame.Rect(0, 0, 400, 608), [(640, 480)] * 2, 8)
    assert [tuple(place) for place in high] == [(0, 0, 400, 300), (0, 308, 400, 300)]


def test_a_picture_keeps_its_aspect():
    (place,) = picture_places(pygame.Rect(0, 0, 1000, 300), [(128, 128)], 8)
    assert place.size == (300, 300) and place.center == (500, 150)
