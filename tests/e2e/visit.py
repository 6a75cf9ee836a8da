"""What scripts that drive the QGIS window have in common: steps by timer, pictures, a report at the end."""

import json
import os
import traceback
from pathlib import Path

from qgis.core import QgsProject
from qgis.PyQt.QtCore import QPoint, Qt, QTimer
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QDockWidget
from qgis.utils import iface

TASK = json.loads(Path(os.environ["SCALESCAPE_E2E"]).read_text())


class Visit:
    """Goes through steps, each started by a timer so that QGIS's event loop runs in between.

    ``TASK`` is the JSON file that SCALESCAPE_E2E names; of it ``report`` (a JSON file written here) and
    ``pictures`` (a folder) are used. Whatever happens, the report is written and QGIS ends.
    """

    def __init__(self, longest_s):
        self.report = {}
        QTimer.singleShot(longest_s * 1000, lambda: self.fail(f"it took longer than {longest_s} s"))

    def fail(self, why):
        self.report["error"] = why
        self.picture("failed")
        self.leave()

    def after(self, ms, step):
        """Do ``step`` in so many milliseconds; what goes wrong in it is reported."""

        def guarded():
            try:
                step()
            except Exception:
                self.fail(traceback.format_exc())

        QTimer.singleShot(ms, guarded)

    def until(self, condition, then, ms=20):
        """Do ``then`` once ``condition()`` holds."""
        if condition():
            self.after(0, then)
        else:
            self.after(ms, lambda: self.until(condition, then, ms))

    @staticmethod
    def settle(width, height):
        """Give QGIS's window a size, with the browser out of the way; return the window."""
        window = iface.mainWindow()
        window.showNormal()
        window.resize(width, height)
        for dock in window.findChildren(QDockWidget):
            if dock.objectName() == "Browser":
                dock.hide()
        return window

    def picture(self, name):
        iface.mainWindow().grab().save(str(Path(TASK["pictures"]) / f"{name}.png"))

    @staticmethod
    def click_canvas(x, y):
        """Click on the canvas, at shares of its width and height."""
        canvas = iface.mapCanvas()
        place = QPoint(round(canvas.width() * x), round(canvas.height() * y))
        left, plain = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        QTest.mouseClick(canvas.viewport(), left, plain, place)

    def leave(self):
        """Write the report and end QGIS without a question."""
        try:
            Path(TASK["report"]).write_text(json.dumps(self.report, indent=1, default=str))
        finally:
            QgsProject.instance().setDirty(False)
            iface.actionExit().trigger()
