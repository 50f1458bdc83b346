"""The panel's widget: draws a :class:`muse_ros.rqt.panel.Panel`, and tells by two signals what was pressed and typed.

Only Qt, by python_qt_binding (Qt 5 and 6); no ROS.
"""

from __future__ import annotations

from collections.abc import Sequence

from python_qt_binding.QtCore import Qt, Signal
from python_qt_binding.QtGui import QPixmap
from python_qt_binding.QtWidgets import (
    QFormLayout,
    QGridLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from muse_ros.rqt.panel import SERVICES, SIGNS, Panel, Row, label
from muse_ros.window.entry import FIELDS
from muse_ros.window.view import CameraView, Level

COLOURS = {Level.OK: "#2e9d57", Level.DEGRADED: "#c98a00", Level.MISSING: "#d23f31"}
RED, GREY = "#d23f31", "#8a8f98"
COLUMNS = 4
RIGHT_WIDTH = 340  # [px]
STOP = "panda/stop"


class PanelWidget(QWidget):
    """Status, cameras, buttons, texts, health and timing."""

    verb = Signal(str)
    text_typed = Signal(str, str)

    def __init__(self) -> None:
        """Lay everything out, empty."""
        super().__init__()
        self.setObjectName("MusePanel")
        self.setWindowTitle("Muse")
        self._light, self._state, self._title = _text(bold=True), _text(bold=True), _text()
        self._counts, self._message = _text(), _text(wrap=True)
        self._cameras: dict[str, tuple[QLabel, QLabel]] = {}
        self._shown: dict[str, bytes | None] = {}
        self.buttons = {service: self._button(service) for service in SERVICES}
        self.fields = {field: self._field(field) for field in FIELDS}
        self._streams, self._arm, self._policy = _text(wrap=True), _text(wrap=True), _text(wrap=True)
        self._timing = _text()
        self._camera_row = QHBoxLayout()
        pages = QSplitter(Qt.Orientation.Horizontal)
        pages.addWidget(self._left())
        pages.addWidget(self._right())
        pages.setStretchFactor(0, 3)
        pages.setStretchFactor(1, 2)
        whole = QVBoxLayout(self)
        whole.addWidget(pages)

    def show_panel(self, panel: Panel) -> None:
        """Show texts and lights; a field that is being typed in is left alone."""
        colour = RED if panel.recording else GREY
        self._light.setText(f"<span style='color:{colour};font-size:22pt'>{'●' if panel.recording else '○'}</span>")
        self._state.setText(f"<span style='font-size:16pt'>{panel.state}</span>")
        self._title.setText(_escape(panel.title))
        self._counts.setText(_escape(" · ".join(part for part in (panel.counts, panel.disk) if part)))
        self._message.setText(_coloured(panel.message, RED if panel.alarm else GREY))
        for service, button in self.buttons.items():
            button.setEnabled(service in panel.legal)
        for field, entry in self.fields.items():
            if not entry.hasFocus() and entry.text() != panel.texts.get(field, ""):
                entry.setText(panel.texts.get(field, ""))
            entry.setEnabled(field in panel.texts)
        self._streams.setText("".join(map(_line, panel.streams)) or "no stream is known yet")
        self._arm.setText(_line(panel.arm))
        self._policy.setText(_line(panel.policy) if panel.policy else "no policy is heard")

    def show_timing(self, rows: Sequence[tuple[str, str, str, str]], counts: str) -> None:
        """Show the policy's timing: (stage, p50, p95, max) [ms]."""
        head = "<tr><th align=left>ms</th><th>p50</th><th>p95</th><th>max</th></tr>"
        cells = "".join(
            f"<tr><td>{name}</td>{''.join(f'<td align=right>&nbsp;{value}</td>' for value in figures)}</tr>"
            for name, *figures in rows
        )
        self._timing.setText(f"<table cellpadding=2>{head}{cells}</table>{_escape(counts)}" if rows else "")

    def show_cameras(self, cameras: Sequence[CameraView]) -> None:
        """Show pictures; one that has not changed is not decoded again."""
        for camera in cameras:
            if camera.name not in self._cameras:
                self._cameras[camera.name] = self._add_camera()
            title, picture = self._cameras[camera.name]
            stale = "" if camera.age_s is None else f"  ✗ {camera.age_s:g} s old"
            title.setText(_coloured(f"{camera.name}{stale}", RED if stale else GREY))
            if camera.data is None or self._shown.get(camera.name) is camera.data:
                continue
            self._shown[camera.name] = camera.data
            pixels = QPixmap()
            if pixels.loadFromData(camera.data):
                modes = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
                picture.setPixmap(pixels.scaled(picture.size(), *modes))
        wanted = {camera.name for camera in cameras}
        for name in [name for name in self._cameras if name not in wanted]:
            for part in self._cameras.pop(name):
                part.parentWidget().deleteLater()

    def _left(self) -> QWidget:
        head = QHBoxLayout()
        for part in (self._light, self._state, self._title):
            head.addWidget(part)
        head.addStretch()
        head.addWidget(self._counts)
        grid = QGridLayout()
        for index, service in enumerate(SERVICES):
            grid.addWidget(self.buttons[service], *divmod(index, COLUMNS))
        side = QWidget()
        column = QVBoxLayout(side)
        column.addLayout(head)
        column.addWidget(self._message)
        column.addLayout(self._camera_row, 1)
        column.addLayout(grid)
        return side

    def _right(self) -> QScrollArea:
        side = QWidget()
        column = QVBoxLayout(side)
        form = QFormLayout()
        for field, entry in self.fields.items():
            form.addRow(field, entry)
        column.addLayout(form)
        for title, parts in (
            ("arm", [self._arm]),
            ("policy", [self._policy, self._timing]),
            ("streams", [self._streams]),
        ):
            box = QGroupBox(title)
            inside = QVBoxLayout(box)
            for part in parts:
                inside.addWidget(part)
            column.addWidget(box)
        column.addStretch()
        scrolled = QScrollArea()
        scrolled.setWidgetResizable(True)
        scrolled.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scrolled.setMinimumWidth(RIGHT_WIDTH)
        scrolled.setWidget(side)
        return scrolled

    def _button(self, service: str) -> QPushButton:
        button = QPushButton(label(service))
        button.setToolTip(f"calls {service}")
        button.setEnabled(False)
        if service == STOP:
            button.setStyleSheet(f"QPushButton:enabled {{ background: {RED}; color: white; font-weight: bold }}")
        button.clicked.connect(lambda *_: self.verb.emit(service))
        return button

    def _field(self, field: str) -> QLineEdit:
        entry = QLineEdit()
        entry.setPlaceholderText(f"{field}; ENTER saves it")
        entry.setEnabled(False)

        def typed() -> None:
            entry.clearFocus()
            self.text_typed.emit(field, entry.text())

        entry.returnPressed.connect(typed)
        return entry

    def _add_camera(self) -> tuple[QLabel, QLabel]:
        box = QWidget()
        column = QVBoxLayout(box)
        title, picture = _text(), QLabel()
        picture.setMinimumSize(120, 90)
        picture.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        picture.setAlignment(Qt.AlignmentFlag.AlignTop)
        column.addWidget(title)
        column.addWidget(picture, 1)
        self._camera_row.addWidget(box)
        return title, picture


def _text(bold: bool = False, wrap: bool = False) -> QLabel:
    shown = QLabel()
    shown.setTextFormat(Qt.TextFormat.RichText)
    shown.setWordWrap(wrap)
    if bold:
        shown.setStyleSheet("font-weight: bold")
    return shown


def _line(row: Row) -> str:
    """A row as rich text: its light, what it says, and below it more."""
    detail = f"<br>&nbsp;&nbsp;&nbsp;{_coloured(row.detail, GREY)}" if row.detail else ""
    return f"<div>{_coloured(SIGNS[row.level], COLOURS[row.level])} {_escape(row.text)}{detail}</div>"


def _coloured(text: str, colour: str) -> str:
    return f"<span style='color:{colour}'>{_escape(text)}</span>"


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
