"""What a card, a run and the maps themselves know of a study; the rest is for its author to say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox
from pyproj.exceptions import CRSError

from ...models.card import Card, Modality, Species
from ..judging.threshold_rules import thresholds_of
from ..mapping.species_notes import reasons
from ..protocol.products import BINARY, RICHNESS
from ..rasters.ground import LONLAT, bounds_in, crs_name, ground_size
from ..words.listing import listed

Key = tuple[str, str]
MOST_SPECIES = 200  # that are listed one by one
ALGORITHM = "multi-scale convolutional network"
MAPPING, TRANSFER = "Mapping and interpolation", "Forecast and transfer"  # as the form calls them
KINDS = {"po": "presence-only", "pa": "presence/absence", "pa-balanced": "presence/absence"}


@dataclass(frozen=True)
class Study:
    """A card, the record of a run, the grid of its maps, and the record of what was made of them later."""

    card: Card
    run: dict[str, Any]
    grid: GeoBox
    later: dict[str, Any] = field(default_factory=dict)

    @property
    def species(self) -> list[Species]:
        """The species that were mapped."""
        mapped = set(self.run.get("species", ()))
        return [one for one in self.card.species if one.name in mapped] or list(self.card.species)

    @property
    def job(self) -> dict[str, Any]:
        """The job of the run."""
        found: dict[str, Any] = self.run.get("job", {})
        return found

    @property
    def scales_off(self) -> list[str]:
        """The scales that were switched off in the map: ``bioclim 5 px``."""
        mapped = dict(self.run.get("scales_on", {}))
        return [
            f"{one.name} {scale} px"
            for one in self.card.modalities
            for scale in one.scales
            if mapped and scale not in mapped.get(one.name, ())
        ]

    @property
    def products(self) -> list[str]:
        """What was made while mapping and later."""
        return list(dict.fromkeys(str(one) for job in self._jobs for one in job.get("products", ())))

    @property
    def used_thresholds(self) -> list[str]:
        """The rules or numbers by which products were made.

        Richness needs one only where it is not the sum of occurrence.
        """
        by_occurrence = not self.scales_off and all(one.calibration is not None for one in self.species)
        needing = {BINARY} if by_occurrence else {BINARY, RICHNESS}
        used = (str(job.get("threshold") or "") for job in self._jobs if needing & {*job.get("products", ())})
        return list(dict.fromkeys(filter(None, used)))

    @property
    def _jobs(self) -> tuple[dict[str, Any], ...]:
        return self.job, self.later.get("job", {})

    @property
    def is_transfer(self) -> bool:
        """Whether the map leaves the training's conditions, period or area, as far as the run tells.

        So does a clamped one, one of a scenario unless that is dated in the year of the run, and one wholly
        outside the training's extent.
        """
        job, today = self.job, str(self.run.get("date", ""))[:4]
        date = str(job.get("date") or "")
        elsewhen = date[:4] != today if date else bool(job.get("scenario"))
        return bool(job.get("clamp")) or elsewhen or self._is_elsewhere

    @property
    def _is_elsewhere(self) -> bool:
        training = self.card.training
        if len(training.extent) != 4 or not training.extent_crs or self.grid.crs is None:
            return False
        try:
            west, south, east, north = _lonlat(training.extent, CRS(training.extent_crs))
        except CRSError:  # a card may name it in words
            return False
        left, bottom, right, top = _lonlat(self.grid.boundingbox.bbox, self.grid.crs)
        return right < west or left > east or top < south or bottom > north


def answers(study: Study) -> dict[Key, str]:
    """Return what is known, by subsection and element; what is not has no entry."""
    found = {**_overview(study), **_data(study), **_model(study), **_assessment(study), **_prediction(study)}
    return {key: text for key, text in found.items() if text}


def _overview(study: Study) -> dict[Key, str]:
    card, species = study.card, study.species
    kinds = list(dict.fromkeys(KINDS[one.kind] for one in species))
    branches = "; ".join(f"{one.name} at {', '.join(_windows(one))}" for one in card.modalities)
    off = study.scales_off
    software = {**card.software, **study.run.get("software", {})}
    return {
        ("Model objective", "Model objective"): TRANSFER if study.is_transfer else MAPPING,
        ("Model objective", "Target output"): "; ".join(dict.fromkeys([*_quantities(study), *study.products])),
        ("Focal Taxon", "Focal Taxon"): _names(species),
        ("Scale of Analysis", "Spatial extent"): _extent(study.grid),
        ("Scale of Analysis", "Spatial resolution"): _resolution(study.grid),
        ("Scale of Analysis", "Boundary"): "" if study.job.get("mask") else "rectangle",
        ("Biodiversity data", "Response data type"): "; ".join(kinds),
        ("Predictors", "Predictor types"): "; ".join(one.name for one in card.modalities),
        ("Algorithms", "Modelling techniques"): ALGORITHM,
        ("Algorithms", "Model complexity"): f"One branch a scale, each with the window named: {branches}."
        + (f" Switched off in this map: {', '.join(off)}." if off else ""),
        ("Algorithms", "Model averaging"): "none: one network",
        ("Workflow", "Model workflow"): (
            "One network for all species was trained with the full weighted loss (Zbinden et al. 2024) on "
            f"{card.training.data}; judged on {card.metrics.get('folds') or 'what the card says'}; and "
            "applied to every pixel of the predictor rasters. " + card.citation
        ),
        ("Software", "Software"): ", ".join(f"{name} {version}" for name, version in software.items()),
        ("Software", "Code availability"): "Scalescape, GPL-3.0-or-later",
    }


def _data(study: Study) -> dict[Key, str]:
    card, species, training = study.card, study.species, study.card.training
    sample = "Biodiversity sample"
    keys = [f"{one.name}: {one.gbif_key}" for one in species if one.gbif_key]
    surveyed = [one for one in species if one.kind != "po"]
    folds, notes = str(card.metrics.get("folds") or ""), card.metrics.get("notes") or ()
    inputs = study.run.get("inputs", {})
    bands = [
        f"{one.name}: " + ", ".join(band.name + (f" ({band.unit})" if band.unit else "") for band in one.bands)
        for one in card.modalities
    ]
    files = [
        f"{name}: " + ", ".join(dict.fromkeys(str(band["file"]).rpartition("/")[2] for band in held))
        for name, held in inputs.items()
    ]
    resampled = [text for text in study.run.get("warnings", ()) if "resampled" in text]
    return {
        (sample, "Taxon names"): _names(species),
        (sample, "Taxonomic reference system"): f"GBIF keys: {'; '.join(keys)}" if keys else "",
        (sample, "Ecological level"): "species",
        (sample, "Data sources"): training.data,
        (sample, "Sample size"): "; ".join(_sample_size(one) for one in species[:MOST_SPECIES]),
        (sample, "Cleaning"): " ".join(str(note) for note in notes),
        (sample, "Absence data"): _absences(surveyed),
        (sample, "Background data"): training.background or "none",
        ("Data partitioning", "Training data"): "All sites, for the network that is shipped." if folds else "",
        ("Data partitioning", "Validation data"): folds,
        ("Predictor variables", "Predictor variables"): "; ".join(bands),
        ("Predictor variables", "Data sources"): "; ".join(files),
        ("Predictor variables", "Spatial resolution"): "; ".join(
            f"{one.name}: {_width(one.pixel_size, one.pixel_unit)}" for one in card.modalities
        ),
        ("Predictor variables", "Coordinate reference system"): crs_name(study.grid.crs),
        ("Predictor variables", "Data processing"): " ".join(
            ["Bands were standardised by mean and deviation over the training places.", *resampled]
        ),
        ("Transfer data", "Models and scenarios"): _scenario(study),
        ("Transfer data", "Quantification of Novelty"): _novelty(study),
    }


def _model(study: Study) -> dict[Key, str]:
    card, training, job = study.card, study.card.training, study.job
    settings = {
        "lambda2": f"{training.lambda2:g}",
        "background": training.background or "none",
        "nested scale dropout": "yes" if training.scale_dropout else "no",
    }
    model = study.run.get("model", {})
    rules = sorted({rule for one in study.species for rule in thresholds_of(one)})
    known = f"rules of the card: {', '.join(rules)}" if rules else ""
    used = f"used for this map: {', '.join(study.used_thresholds)}" if study.used_thresholds else ""
    thresholds = "; ".join(filter(None, (known, used)))
    thresholds = f"{thresholds[0].upper()}{thresholds[1:]}." if thresholds else ""
    folds = card.metrics.get("folds")
    clamped = "Predictors were clamped to the training range." if job.get("clamp") else "No clamping."
    cut = " Pixels that are novel were left out." if job.get("cut_novel") else ""
    return {
        ("Model settings", "Model settings (fitting)"): f"{ALGORITHM}: "
        + ", ".join(f"{name} ({value})" for name, value in settings.items()),
        ("Model settings", "Model settings (extrapolation)"): clamped + cut,
        ("Model estimates", "Coefficients"): (
            f"The weights are in the model file (SHA-256 {model['sha256']})." if model.get("sha256") else ""
        ),
        ("Analysis and Correction of non-independence", "Spatial autocorrelation"): (
            f"Judged on spatial blocks: {folds}; intervals from resampled blocks." if folds else ""
        ),
        ("Threshold selection", "Threshold selection"): thresholds,
    }


def _assessment(study: Study) -> dict[Key, str]:
    metrics = study.card.metrics
    median, against = metrics.get("auc_median"), metrics.get("auc_against") or metrics.get("against")
    if median is None:
        return {}
    low, high = metrics.get("auc_low"), metrics.get("auc_high")
    interval = f" (95 % interval {low:.3f} to {high:.3f})" if low is not None and high is not None else ""
    count = metrics.get("n_species")
    said = f"AUC: median {median:.3f}{interval} over {count} species, against {against}"
    unproven = [
        f"{one.name} ({reasons(study.card, one)})" for one in study.species if study.card.is_unproven(one)
    ]
    if unproven:
        said += f". Tests prove nothing for {listed(unproven, MOST_SPECIES)}"
    return {("Performance statistics", "Performance on validation data"): said}


def _prediction(study: Study) -> dict[Key, str]:
    job = study.job
    steps = [f"products: {', '.join(job.get('products', ()))}"]
    if job.get("mask"):
        steps.append("clipped to polygons")
    if job.get("step", 1) > 1:
        steps.append(f"every {job['step']}th pixel")
    if job.get("encoding") == "uint8":
        steps.append("values in bytes, off by at most 0.002")
    meanings = dict.fromkeys(study.card.meaning(one) for one in study.species)
    return {
        ("Prediction output", "Prediction unit"): " ".join(meanings),
        ("Prediction output", "Post-processing"): "; ".join(steps),
        ("Uncertainty quantification", "Novel environments"): _novelty(study),
    }


def _novelty(study: Study) -> str:
    cut = " Pixels that are novel were left out." if study.job.get("cut_novel") else ""
    if "novelty" not in study.job.get("products", ()):
        return cut.strip()
    notes = [note for note in (study.card.range_note, study.card.limit_note) if note]
    said = (
        "MESS (Elith et al. 2010) on quantiles of the training places, with the limiting predictor; and where "
        "the model file knows it, the Mahalanobis distance of each scale's features over a limit from held-out "
        f"places.{cut}"
    )
    return " ".join([said, *notes])


def _scenario(study: Study) -> str:
    """Return which scenario a transfer shows, empty where it is of none."""
    job = study.job
    named = [str(job.get(key) or "") for key in ("scenario", "date")]
    if not study.is_transfer or not any(named):
        return ""
    name, date = named
    held = [str(one) for one in job.get("held") or ()]
    return (f"{name} ({date})" if name and date else name or date) + (
        f", {', '.join(held)} held at today" if held else ""
    )


def _quantities(study: Study) -> list[str]:
    return list(dict.fromkeys(study.card.quantity(one) for one in study.species))


def _names(species: Sequence[Species]) -> str:
    return listed([one.name for one in species], MOST_SPECIES)


def _sample_size(one: Species) -> str:
    count = f"{one.presences} presences" if one.presences else "presences not known"
    return f"{one.name}: {count}" + ("" if one.prevalence is None else f", prevalence {one.prevalence:.3g}")


def _absences(surveyed: Sequence[Species]) -> str:
    if not surveyed:
        return "none: presence-only records"
    chosen = any(one.kind == "pa-balanced" for one in surveyed)
    return "Surveyed sites where the species was not found" + (
        ", chosen by design for some species" if chosen else ""
    )


def _windows(modality: Modality) -> list[str]:
    """Return each scale of a modality with the width of its window."""
    return [f"{one} px ({_width(modality.width(one), modality.pixel_unit)})" for one in modality.scales]


def _width(value: float, unit: str) -> str:
    return f"{value:g} m" if unit == "metre" else f"{value:g}°"


def _extent(grid: GeoBox) -> str:
    """Return the extent as the form wants it, in longitude and latitude."""
    if grid.crs is None:
        return ""
    left, bottom, right, top = _lonlat(grid.boundingbox.bbox, grid.crs)
    return f"{left:.6g}, {right:.6g}, {bottom:.6g}, {top:.6g} (xmin, xmax, ymin, ymax)"


def _lonlat(bounds: Sequence[float], crs: CRS) -> tuple[float, ...]:
    left, bottom, right, top = bounds
    return bounds_in((left, bottom, right, top), crs, LONLAT)


def _resolution(grid: GeoBox) -> str:
    box = grid.boundingbox
    width, height = ground_size(grid, ((box.left + box.right) / 2, (box.bottom + box.top) / 2))
    return f"{width:.4g} × {height:.4g} m"
