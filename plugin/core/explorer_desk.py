"""What the scale explorer does: asks about a point, keeps pins, switches scales. Knows no widget."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Optional

from qgis.PyQt.QtCore import QObject, pyqtSignal

from ...engine.protocol import InspectJob
from ...engine.protocol.scale_results import InspectResult
from ...models.card import Card
from .engine_bridge import EngineBridge
from .engine_error import EngineError
from .map_draft import MapDraft
from .newest_question import NewestQuestion
from .scale_answers import inspect_result
from .translation import tr
from .wording import Said, in_the_dock

NOTHING = Said("")
FOLLOW_MS = 15  # between a move of the pointer and its question; a newer move takes its place


@dataclass(frozen=True)
class Point:
    """A place on the map; ``crs`` is an authority's code or WKT, empty where the map has none."""

    x: float
    y: float
    crs: str


@dataclass(frozen=True)
class Pin:
    """A point that stays: ``result`` is the answer to ``job``, None where it failed or is to come."""

    number: int
    point: Point
    result: Optional[InspectResult]
    job: Optional[InspectJob] = None


@dataclass(frozen=True)
class ExplorerState:
    """What the explorer shows.

    ``point`` is where ``result`` was found, or where there is none because of what is ``said``. ``scales`` are
    on; ``offered`` may be switched on, since the panel has their rasters. ``species`` is empty where the most
    likely one is shown.
    """

    card: Optional[Card] = None
    point: Optional[Point] = None
    result: Optional[InspectResult] = None
    said: Said = NOTHING
    is_fault: bool = False
    scales: dict[str, tuple[int, ...]] = field(default_factory=dict)
    offered: dict[str, tuple[int, ...]] = field(default_factory=dict)
    species: str = ""
    pins: tuple[Pin, ...] = ()


class ExplorerDesk(QObject):
    """Turns points into questions and answers into a state. Main thread only.

    Signals
    -------
    changed : (object)
        The ExplorerState.
    """

    changed = pyqtSignal(object)

    def __init__(self, bridge: EngineBridge, parent: Optional[QObject] = None) -> None:
        super().__init__(parent)
        self._draft = MapDraft()
        self._wanted: Optional[Point] = None
        self._question = NewestQuestion(bridge, "inspect", inspect_result, FOLLOW_MS, self, follow=True)
        self._question.answered.connect(self._on_answer)
        self._question.failed.connect(self._on_failure)
        self._pin_question = NewestQuestion(bridge, "inspect", inspect_result, 0, self)
        self._pin_question.answered.connect(self._on_pin)
        self._pin_question.failed.connect(lambda _: self._on_pin(None))
        self.state = ExplorerState()

    def set_draft(self, draft: MapDraft) -> None:
        """Take model, rasters and scales from the panel; what is shown is asked again where they changed."""
        before, self._draft = self._draft, draft
        if draft.card is not before.card:
            known = [one.name for one in draft.card.species] if draft.card is not None else []
            species = self.state.species if self.state.species in known else ""
            self._tell(card=draft.card, result=None, pins=(), species=species)
        if draft.scales != before.scales:
            self._tell(scales=dict(draft.scales), offered=dict(draft.scales))
        if self._wanted is not None and _basis(draft) != _basis(before):
            self._ask()

    def look_at(self, point: Point) -> None:
        """Ask about ``point``."""
        self._wanted = point
        self._ask()

    def choose_species(self, name: str) -> None:
        """Show the species ``name``; the most likely one where it is empty."""
        if name != self.state.species:
            self._tell(species=name)
            self._ask()

    def switch(self, modality: str, scale: int, on: bool) -> None:
        """Switch a scale on or off."""
        now = set(self.state.scales.get(modality, ()))
        new = tuple(sorted(now | {scale} if on else now - {scale}))
        self._tell(scales={**self.state.scales, modality: new})
        self._ask()

    def pin(self) -> None:
        """Keep the point that is shown."""
        state = self.state
        if state.point is None or state.result is None:
            return
        number = max((pin.number for pin in state.pins), default=0) + 1
        pinned = Pin(number, state.point, state.result, self._job(state.point, state.result.species, False))
        self._tell(pins=(*state.pins, pinned))

    def clear(self) -> None:
        """Forget point and pins."""
        self._wanted = None
        self._question.forget()
        self._pin_question.forget()
        self._tell(point=None, result=None, said=NOTHING, is_fault=False, pins=())

    def _ask(self) -> None:
        point = self._wanted
        if point is None:
            return
        obstacle = self._draft.obstacle_to_inspect()
        if not obstacle and not any(self.state.scales.values()):
            obstacle = tr("All scales are off; switch on at least one.")
        if obstacle:
            self._question.forget()
            self._tell(point=point, result=None, said=Said(obstacle), is_fault=True)
            return
        job = self._job(point, self.state.species, True)
        self._question.ask(job)

    def _job(self, point: Point, species: str, patches: bool) -> InspectJob:
        return self._draft.inspect_job((point.x, point.y), point.crs, species, self.state.scales, patches)

    def _on_answer(self, result: InspectResult) -> None:
        notes = " ".join(self._worded(one).text for one in result.warnings)
        card = self._draft.card
        if notes and card is not None and card.training.scale_dropout:
            notes += " " + tr(
                "Training left out the largest scales of a modality, or all of it, and nothing else."
            )
        self._tell(point=self._answered_point(), result=result, said=Said(notes), is_fault=False)
        self._refresh_pins()

    def _on_failure(self, error: EngineError) -> None:
        if error.cancelled:
            return
        said = self._worded(error.sentence())
        self._tell(point=self._answered_point(), result=None, said=said, is_fault=True)

    def _answered_point(self) -> Point:
        job = self._question.answered_job
        return Point(job.at[0], job.at[1], job.crs or "")

    def _refresh_pins(self) -> None:
        """Ask about the first pin that does not show the species and scales of the point."""
        if self.state.result is None or self._pin_question.waiting:
            return
        for pin in self.state.pins:
            job = self._job(pin.point, self.state.result.species, False)
            if pin.job != job:
                self._pin_question.ask(job)
                return

    def _on_pin(self, result: Optional[InspectResult]) -> None:
        job = self._pin_question.answered_job
        pins = tuple(
            replace(pin, result=result, job=job) if (pin.point.x, pin.point.y) == job.at else pin
            for pin in self.state.pins
        )
        self._tell(pins=pins)
        self._refresh_pins()

    def _worded(self, sentence: str) -> Said:
        files = {self._draft.model, *(one.file for one in self._draft.inputs())}
        return in_the_dock(sentence, files, self._draft.card)

    def _tell(self, **changes: Any) -> None:
        self.state = replace(self.state, **changes)
        self.changed.emit(self.state)


def _basis(draft: MapDraft) -> tuple[Any, ...]:
    """Return what an answer rests on besides point, species and scales."""
    return (draft.obstacle_to_inspect(), draft.acknowledged_for(), draft.edge, draft.extent, draft.extent_crs,
            draft.scales, draft.clamp)  # fmt: skip
