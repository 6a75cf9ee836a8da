"""What an algorithm tells Processing, kept."""

from __future__ import annotations

from qgis.core import QgsProcessingFeedback


class Feedback(QgsProcessingFeedback):
    """Keeps sentences and warnings in ``said``, texts of progress in ``phases``."""

    def __init__(self):
        super().__init__(False)
        self.said, self.phases = [], []

    def pushInfo(self, text):
        self.said.append(text)

    def pushWarning(self, text):
        self.said.append(text)

    def setProgressText(self, text):
        self.phases.append(text)
