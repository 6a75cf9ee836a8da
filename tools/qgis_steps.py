"""What scripts inside QGIS (``qgis --code``) share: steps by timer, a loud end and a quiet one."""

import os
import sys
import traceback

from qgis.core import QgsProject
from qgis.PyQt.QtCore import Qt, QTimer
from qgis.PyQt.QtWidgets import QApplication, QDockWidget
from qgis.utils import iface

QUALITY = 88  # of a JPEG; PNG takes it for how hard to pack


class QgisSteps:
    """Goes from step to step, each started by a timer, so that QGIS draws in between.

    Where something fails, or all takes longer than ``longest_s``, QGIS ends with status 1 and says why on
    standard error, after ``sorry``.
    """

    def __init__(self, longest_s, sorry):
        self.sorry = sorry
        QTimer.singleShot(longest_s * 1000, lambda: self.fail(f"it took longer than {longest_s} s"))

    def fail(self, why):
        """End QGIS at once, loudly."""
        print(f"{self.sorry}: {why}", file=sys.stderr, flush=True)
        os._exit(1)

    def after(self, ms, step):
        def guarded():
            try:
                step()
            except Exception:
                self.fail(traceback.format_exc())

        QTimer.singleShot(ms, guarded)

    @staticmethod
    def settle(size, dock, widths):
        """Give the window a ``size``, hide the browser, show ``dock``; ``widths`` are of layers and dock."""
        window = iface.mainWindow()
        window.showNormal()
        window.resize(*size)
        window.findChild(QDockWidget, "Browser").hide()
        dock.setUserVisible(True)
        layers = window.findChild(QDockWidget, "Layers")
        window.resizeDocks([layers, dock], list(widths), Qt.Orientation.Horizontal)

    def picture(self, file):
        """Save what the window shows, without messages."""
        iface.messageBar().clearWidgets()
        QApplication.processEvents()
        if not iface.mainWindow().grab().save(str(file), quality=QUALITY):
            self.fail(f"{file} can't be written")

    @staticmethod
    def leave():
        """End QGIS without a question."""
        QgsProject.instance().setDirty(False)
        iface.actionExit().trigger()
