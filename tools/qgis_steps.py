"""What scripts inside QGIS (``qgis --code``) share: steps by timer, a loud end and a quiet one."""

import os
import sys
import traceback

from qgis.core import QgsProject
from qgis.PyQt.QtCore import QTimer
from qgis.utils import iface


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
    def leave():
        """End QGIS without a question."""
        QgsProject.instance().setDirty(False)
        iface.actionExit().trigger()
