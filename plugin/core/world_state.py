"""Which state of the world a map shows, such as a climate of 2050, and when its layer shows in QGIS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Optional

from qgis.core import QgsDateTimeRange, QgsRasterLayer, QgsRasterLayerTemporalProperties
from qgis.PyQt.QtCore import QDate, QDateTime, Qt, QTime

from ...engine.protocol.finished_results import ScenarioMaps
from .translation import tr

ALONE = timedelta(days=365)  # how long a state shows that is the only one with a date


@dataclass(frozen=True)
class State:
    """A scenario as its layers tell it; ``begin`` and ``end`` say when they show, None without a date."""

    name: str
    held: tuple[str, ...] = ()
    begin: Optional[datetime] = None
    end: Optional[datetime] = None

    @property
    def title(self) -> str:
        """Return ``2050 (satellite held at today)``."""
        return tr("{} ({} held at today)").format(self.name, ", ".join(self.held)) if self.held else self.name

    def date_layer(self, layer: QgsRasterLayer) -> None:
        """Have QGIS's temporal controller show ``layer`` from ``begin`` to ``end``, its end left out."""
        if self.begin is None or self.end is None:
            return
        properties = layer.temporalProperties()
        properties.setMode(QgsRasterLayerTemporalProperties.ModeFixedTemporalRange)
        properties.setFixedTemporalRange(QgsDateTimeRange(_moment(self.begin), _moment(self.end), True, False))
        properties.setIsActive(True)


def states_of(scenarios: Sequence[ScenarioMaps]) -> list[State]:
    """Return the states of a run's scenarios, in their order.

    One with a date shows until the next later date; the last one as long as the one before it.
    """
    begins = sorted({datetime.fromisoformat(one.date).replace(tzinfo=None) for one in scenarios if one.date})
    last = begins[-1] - begins[-2] if len(begins) > 1 else ALONE
    ends = dict(zip(begins, [*begins[1:], *(one + last for one in begins[-1:])]))
    found = []
    for one in scenarios:
        begin = datetime.fromisoformat(one.date).replace(tzinfo=None) if one.date else None
        found.append(State(one.name, one.held, begin, None if begin is None else ends[begin]))
    return found


def _moment(when: datetime) -> QDateTime:
    date, time = QDate(when.year, when.month, when.day), QTime(when.hour, when.minute, when.second)
    return QDateTime(date, time, Qt.TimeSpec.UTC)
