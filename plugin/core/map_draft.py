"""A map as it stands in the dock: complete enough to run, or what it still lacks."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional

from ...engine.protocol import (
    DEFAULT_MEMORY,
    ENCODINGS,
    LAYOUTS,
    THRESHOLD_RULES,
    USUAL_PRODUCTS,
    CheckJob,
    EffectsJob,
    InspectJob,
    MapJob,
    NoData,
    ProfileJob,
    RasterInput,
)
from ...models.card import Card
from .inputs import BandSource, raster_inputs, said_by_layers, with_layers_nodata
from .translation import tr

Extent = tuple[float, float, float, float]


@dataclass(frozen=True)
class MapDraft:
    """What the panels say; bands and scales by modality.

    ``unmatched`` names for a modality a file that was chosen and has none of its bands: the engine is asked
    about it as it is, and says what is wrong; ``whole`` gives its first band, for what its layer says otherwise
    than the file. ``refusals`` are sentences about inputs that it can't open.
    ``mask`` is a file of polygons, empty where the map is not kept within any.
    """

    model: str = ""
    card: Optional[Card] = None
    model_error: str = ""
    bands: dict[str, tuple[Optional[BandSource], ...]] = field(default_factory=dict)
    unmatched: dict[str, str] = field(default_factory=dict)
    whole: dict[str, BandSource] = field(default_factory=dict)
    refusals: tuple[str, ...] = ()
    scales: dict[str, tuple[int, ...]] = field(default_factory=dict)
    extent: Optional[Extent] = None
    extent_crs: str = ""
    extent_error: str = ""
    mask: str = ""
    mask_error: str = ""
    step: int = 1
    species: tuple[str, ...] = ()
    out: str = ""
    nodata: dict[str, NoData] = field(default_factory=dict)
    nodata_error: str = ""
    edge: str = "nodata"
    device: str = "auto"
    memory: int = DEFAULT_MEMORY
    precision: str = "auto"
    blend: bool = False
    verify: int = 0
    products: tuple[str, ...] = USUAL_PRODUCTS
    threshold: str = THRESHOLD_RULES[0]
    include_unproven: bool = False
    cut_novel: bool = False
    clamp: bool = False
    encoding: str = ENCODINGS[0]
    layout: str = LAYOUTS[0]

    def obstacle_to_check(self) -> str:
        """Return what keeps the engine from looking at this, in a sentence; empty where nothing does."""
        return self.obstacle_to_inspect() or self.mask_error

    def obstacle_to_inspect(self) -> str:
        """Return what keeps the engine from answering a point, in a sentence; empty where nothing does."""
        if self.model_error:
            return self.model_error
        if self.card is None:
            return tr("Choose a model.")
        if not any(self.scales.values()):
            return tr("All scales are off; switch on at least one.")
        if self.refusals:
            return self.refusals[0]
        for modality in self.card.modalities:
            if not self.scales.get(modality.name) or self.unmatched.get(modality.name):
                continue
            sources = self.bands.get(modality.name) or (None,) * len(modality.bands)
            missing = [band.name for band, one in zip(modality.bands, sources) if one is None]
            if len(missing) == len(modality.bands):
                return tr("Choose a raster for {}, or switch it off.").format(modality.name)
            if missing:
                said = tr("{} lacks {}; choose where it comes from under “bands”.")
                return said.format(modality.name, ", ".join(missing))
        return self._by_layers()[2] or self.nodata_error or self.extent_error

    def obstacle(self) -> str:
        """Return what keeps this from being run, in a sentence; empty where nothing does."""
        found = self.obstacle_to_check()
        if found:
            return found
        if not self.species:
            return tr("Tick at least one species.")
        if not self.products:
            return tr("Tick at least one kind of map under “Output”.")
        if not self.out:
            return tr("Choose a folder for the maps.")
        if not Path(self.out).is_absolute():
            return tr("Give the whole path of the output folder.")
        return ""

    def inputs(self) -> tuple[RasterInput, ...]:
        """Return the inputs of the modalities that are on, in the card's order."""
        if self.card is None:
            return ()
        found: list[RasterInput] = []
        for modality in self.card.modalities:
            if not self.scales.get(modality.name):
                continue
            whole = self.unmatched.get(modality.name)
            if whole:
                found.append(RasterInput(modality.name, whole))
            else:
                found.extend(raster_inputs(modality.name, self.bands.get(modality.name, ())))
        return tuple(found)

    def job(self, preview: str = "") -> MapJob:
        """Return the job that the engine runs."""
        return MapJob(**self._fields(), out=self.out, preview=preview)

    def check_job(self) -> CheckJob:
        """Return the job that asks the engine what the map would be; of usual kinds where none is ticked."""
        return CheckJob(**{**self._fields(), "products": self.products or USUAL_PRODUCTS}, out=self.out)

    def inspect_job(
        self, at: tuple[float, float], crs: str, species: str, scales: dict[str, tuple[int, ...]], patches: bool
    ) -> InspectJob:
        """Return the question about the point ``at``, with other ``scales`` than those of the panels.

        ``crs`` may be empty (the finest raster's), and so may ``species`` (the most likely one).
        """
        if self.card is None:
            raise ValueError("no model is chosen")
        whole = {one.name: one.scales for one in self.card.modalities}
        mine = {name: tuple(scales.get(name, ())) for name in whole}
        return InspectJob(
            model=self.model,
            inputs=self.inputs(),
            at=at,
            crs=crs or None,
            species=species or None,
            scales={name: on for name, on in mine.items() if on != whole[name]},
            nodata=self._nodata(),
            file_crs=self._by_layers()[0],
            edge=self.edge,
            extent=self.extent,
            extent_crs=self.extent_crs or None,
            clamp=self.clamp,
            patches=patches,
        )

    def effects_job(self, species: str, out: str) -> EffectsJob:
        """Return the job that maps what each scale adds to one species, into the folder ``out``."""
        return EffectsJob(**{**self._fields(), "species": (species,)}, out=out)

    def profile_job(self, refits: tuple[str, ...]) -> ProfileJob:
        """Return the job that sums up how much the ticked species rely on each scale; it chooses the step."""
        return ProfileJob(**{**self._fields(), "step": 0, "verify": 0}, refits=refits)

    def experiment(self) -> dict[str, tuple[int, ...]]:
        """Return the scales of the modalities that have one switched off, as the job names them."""
        if self.card is None:
            return {}
        return {
            modality.name: self.scales.get(modality.name, ())
            for modality in self.card.modalities
            if tuple(self.scales.get(modality.name, ())) != modality.scales
        }

    def acknowledged_for(self) -> tuple[Any, ...]:
        """Return what an acknowledged caution holds for: the model and its inputs."""
        said = (*self._nodata().items(), *self._by_layers()[0].items())
        return (self.model, self.inputs(), tuple(sorted(said, key=str)))

    def _by_layers(self) -> tuple[dict[str, str], dict[str, NoData], str]:
        """Return CRS and NoData by file as the layers of the inputs have them, and why that can't be."""
        on = [name for name, some in self.scales.items() if some]
        sources = [one for name in on if not self.unmatched.get(name) for one in self.bands.get(name, ())]
        return said_by_layers((*sources, *(self.whole[name] for name in on if name in self.whole)))

    def _nodata(self) -> dict[str, NoData]:
        """Return NoData by file: what was typed for files that are used, and what their layers say."""
        files = {one.file for one in self.inputs()}
        typed = {file: value for file, value in self.nodata.items() if file in files}
        return with_layers_nodata(typed, self._by_layers()[1])

    def _fields(self) -> dict[str, Any]:
        names = [one.name for one in self.card.species] if self.card else []
        return {
            "model": self.model,
            "inputs": self.inputs(),
            "extent": self.extent,
            "extent_crs": self.extent_crs or None,
            "step": self.step,
            "species": self.species if len(self.species) < len(names) else (),
            "scales": self.experiment(),
            "nodata": self._nodata(),
            "file_crs": self._by_layers()[0],
            "edge": self.edge,
            "device": self.device,
            "memory": self.memory,
            "precision": self.precision,
            "blend": self.blend,
            "verify": self.verify,
            "mask": self.mask or None,
            "products": self.products,
            "threshold": self.threshold,
            "include_unproven": self.include_unproven,
            "cut_novel": self.cut_novel,
            "clamp": self.clamp,
            "encoding": self.encoding,
            "layout": self.layout,
        }
