"""Where a window can be shown."""

from __future__ import annotations

from muse_ros.display import display_named


def test_on_linux_a_display_is_where_a_variable_names_one():
    assert display_named({"DISPLAY": ":0"}, "linux") and display_named({"WAYLAND_DISPLAY": "wayland-0"}, "linux")
    assert not display_named({}, "linux") and not display_named({"DISPLAY": ""}, "linux")
    assert display_named({}, "darwin")
