"""The plugin that rqt loads, by ``plugin.xml``: puts the panel into rqt and redraws it by a timer."""

from __future__ import annotations

from typing import Any

from python_qt_binding.QtCore import QTimer
from python_qt_binding.QtWidgets import QInputDialog
from rqt_gui_py.plugin import Plugin

from muse_ros.rqt.link import RosLink
from muse_ros.rqt.panel import panel
from muse_ros.rqt.widget import PanelWidget

PERIOD_MS = 50
SPIN_S = 0.02
NAMESPACE = "namespace"


class MusePlugin(Plugin):
    """One panel; several of them, each with its namespace, can stand side by side."""

    def __init__(self, context: Any) -> None:
        """Add the panel.

        Args:
            context: rqt's plugin context.
        """
        super().__init__(context)
        self.setObjectName("Muse")
        self._number = context.serial_number()
        self.widget = PanelWidget()
        self._link = RosLink("", context.node.context)
        self._context = context.node.context
        self._show_title()
        self.widget.verb.connect(lambda service: self._link.call(service))
        self.widget.text_typed.connect(lambda field, text: self._link.set_text(field, text))
        context.add_widget(self.widget)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._beat)
        self._timer.start(PERIOD_MS)

    def shutdown_plugin(self) -> None:
        """Rqt closes the panel."""
        self._timer.stop()
        self._link.close()

    def save_settings(self, plugin_settings: Any, instance_settings: Any) -> None:
        """Rqt keeps the namespace with its perspective."""
        instance_settings.set_value(NAMESPACE, self._link.namespace)

    def restore_settings(self, plugin_settings: Any, instance_settings: Any) -> None:
        """Rqt gives back what it has kept."""
        self._live_in(str(instance_settings.value(NAMESPACE, "/")))

    def trigger_configuration(self) -> None:
        """The gear in the panel's title was pressed: ask for the namespace."""
        text, given = QInputDialog.getText(self.widget, "Muse", "namespace of the nodes:", text=self._link.namespace)
        if given:
            self._live_in(text)

    def _live_in(self, namespace: str) -> None:
        self._link.close()
        self._link = RosLink(namespace, self._context)
        self._show_title()

    def _show_title(self) -> None:
        number = f" ({self._number})" if self._number > 1 else ""
        self.widget.setWindowTitle(f"Muse {self._link.namespace}{number}")

    def _beat(self) -> None:
        self._link.spin(SPIN_S)
        view = self._link.view()
        self.widget.show_panel(panel(view))
        self.widget.show_cameras(view.cameras)
        self.widget.show_timing(self._link.timing.rows(), self._link.timing.counts())
