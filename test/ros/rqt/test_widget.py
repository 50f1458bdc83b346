"""The panel's widget, drawn by Qt without a screen."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("python_qt_binding", reason="needs rqt's python_qt_binding, which is not on PyPI")
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from python_qt_binding.QtCore import Qt
from python_qt_binding.QtTest import QTest
from python_qt_binding.QtWidgets import QApplication, QLabel

from muse_core.images import encode_jpeg
from muse_ros.recording.session import State
from muse_ros.rqt.panel import panel
from muse_ros.rqt.widget import PanelWidget
from muse_ros.window.view import ArmView, CameraView, EpisodeView, WindowView

READY = WindowView(
    episode=EpisodeView(known=True, state=State.READY, legal_verbs=("start",), texts=(("task", "lift"), ("note", ""))),
    arm=ArmView(known=True),
)


@pytest.fixture(scope="module")
def application():
    yield QApplication.instance() or QApplication([])


@pytest.fixture
def widget(application):
    widget = PanelWidget()
    widget.show()
    yield widget
    widget.close()


def texts(widget: PanelWidget) -> str:
    return " ".join(label.text() for label in widget.findChildren(QLabel))


def test_only_legal_buttons_can_be_pressed_and_a_press_is_told(widget):
    widget.show_panel(panel(READY))
    assert {service for service, button in widget.buttons.items() if button.isEnabled()} == panel(READY).legal
    told = []
    widget.verb.connect(told.append)
    widget.buttons["collect/start"].click()
    widget.buttons["collect/keep"].click()
    assert told == ["collect/start"]


def test_a_text_is_told_when_enter_is_pressed(widget):
    widget.show_panel(panel(READY))
    told = []
    widget.text_typed.connect(lambda field, text: told.append((field, text)))
    widget.fields["task"].setText("pour tea")
    QTest.keyClick(widget.fields["task"], Qt.Key.Key_Return)
    assert told == [("task", "pour tea")]
    assert not widget.fields["operator"].isEnabled()


def test_what_the_nodes_say_is_text_and_not_markup(widget):
    widget.show_panel(panel(replace(READY, episode=replace(READY.episode, message="<b>1 < 2</b>"))))
    assert "&lt;b&gt;1 &lt; 2&lt;/b&gt;" in texts(widget)


def test_the_recording_light_is_filled_while_an_episode_is_recorded(widget):
    widget.show_panel(panel(READY))
    assert "○" in texts(widget) and "READY" in texts(widget)
    widget.show_panel(panel(replace(READY, episode=replace(READY.episode, state=State.RECORDING))))
    assert "●" in texts(widget) and "RECORDING" in texts(widget)


def test_pictures_are_shown_and_what_is_no_picture_is_not(widget):
    jpeg = encode_jpeg(np.full((48, 64, 3), 200, np.uint8), 90)
    widget.show_cameras([CameraView("front", jpeg), CameraView("wrist", b"no picture"), CameraView("none")])
    pictures = [label.pixmap() for label in widget.findChildren(QLabel)]
    shown = [picture for picture in pictures if picture is not None and not picture.isNull()]
    assert len(shown) == 1
    assert abs(shown[0].width() / shown[0].height() - 64 / 48) < 0.05
    widget.show_cameras([CameraView("front", jpeg, age_s=2.0)])
    assert "2 s old" in texts(widget)


def test_the_timing_is_a_table(widget):
    widget.show_timing([("inference", "10.0", "12.0", "50.0")], "1 overruns")
    assert "inference" in texts(widget) and "50.0" in texts(widget) and "1 overruns" in texts(widget)
