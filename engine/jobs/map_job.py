"""The ``map`` job: probability of every species wanted, over an extent, as Cloud-Optimized GeoTIFFs."""

from __future__ import annotations

import json
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ...models.model_file import ModelFile, digest, read_model
from ..files.aside import Aside
from ..files.input_files import InputFiles
from ..mapping.evaluation import Evaluator, Probability, map_strips
from ..mapping.feature_novelty import feature_novelty
from ..mapping.limits import demand_values, within_memory
from ..mapping.plan import Plan, planned
from ..mapping.preview import PreviewSink, write_preview
from ..mapping.readiness import Ready, made_ready
from ..mapping.strips import Strip
from ..mapping.verification import Verifier
from ..maps.map_writer import RUN
from ..products.map_files import MapFiles
from ..protocol import MapJob, MapResult, to_params
from ..protocol.tags import DATE, HELD, RUN_TAG, SCENARIO
from ..running.device import label_of
from ..running.progress import Monitor
from ..running.version import software

MAPPING = "mapping"  # the phase in which pixels are computed


def run_map(
    job: MapJob,
    monitor: Monitor,
    on_preview: PreviewSink = lambda path: None,
    model: ModelFile | None = None,
    inputs: InputFiles | None = None,
) -> MapResult:
    """Do a map job.

    Parameters
    ----------
    job
        What to do.
    monitor
        Is told of progress, and asked whether to go on.
    on_preview
        Gets the path of the coarse map as soon as it is there, if the job asks for one.
    model
        The job's model file where it was read before.
    inputs
        Files that must be as they were then, besides those of the job itself as they are now.

    Raises
    ------
    InputError, ModelError
        The job can't be done; nothing that stood in the folder is changed.
    Cancelled
        The monitor was told to stop; likewise.
    """
    started = time.monotonic()
    monitor.report("opening", 0, 1)
    inputs = InputFiles() if inputs is None else inputs
    with planned(job, monitor.check) as plan, Aside(Path(job.out)) as aside, within_memory():
        inputs.join(plan.inputs)
        model = read_model(job.model) if model is None else model
        novelty = feature_novelty(model, plan)
        network, plan = (model.network, plan) if novelty is None else (novelty.network, novelty.plan)
        ready = made_ready(network, plan, monitor)
        layout, precision = ready.layout, ready.precision
        run = run_record(plan, ready)
        known = {key: value for key, value in run.items() if key != "warnings"}  # more come as it is mapped
        tags = {RUN_TAG: json.dumps(known), **scenario_tags(job)}
        verifier = Verifier(plan, job.verify)
        with MapFiles(aside, plan, tags, () if novelty is None else novelty.keys) as maps:
            if job.preview:
                write_preview(ready.reference, plan, Path(job.preview), monitor, on_preview)
            evaluator = Evaluator(ready.network, plan, layout, monitor.check, novelty=novelty)

            def taken(strip: Strip, values: Probability) -> None:
                maps.write(strip, values)
                verifier.see(strip, values)

            mapping = time.monotonic()
            valid_pixels = map_strips(evaluator, taken, MAPPING, monitor)
            mapped = time.monotonic() - mapping
            demand_values(valid_pixels)
            run["warnings"] += foreign_categories(plan) + maps.notes()
            with monitor.timed("computing"):
                difference = verifier.largest_difference(ready.reference, precision, monitor)
            names = maps.made(monitor)
            others = other_maps(aside.folder, names)
            files = published(aside, names, json.dumps(run, indent=2), inputs)
        height, width = plan.grid.shape
        return MapResult(
            files=tuple(str(path) for path in files),
            width=width,
            height=height,
            valid_pixels=valid_pixels,
            px_per_s=width * height / mapped,
            seconds=time.monotonic() - started,
            device=label_of(ready.device),
            precision=precision,
            method=layout.method,
            verified_max_abs_diff=difference,
            warnings=(*run["warnings"], *others, *monitor.notes),
        )


def scenario_tags(job: MapJob) -> dict[str, str]:
    """Return the tags that say which state of the world a map shows, none where its job does not."""
    held = f"{', '.join(job.held)} held at today" if job.held else ""
    tags = {SCENARIO: job.scenario, DATE: job.date, HELD: held}
    return {name: text for name, text in tags.items() if text}


def published(aside: Aside, names: list[str], run_json: str, inputs: InputFiles) -> list[Path]:
    """Give maps their final names, with ``run.json`` beside; return the paths of the maps.

    Raises
    ------
    InputError
        The folder can't be written, or one of the ``inputs`` is not as it was.
    """
    aside.write(RUN, run_json)
    inputs.demand_unchanged()
    finals = aside.publish([*names, RUN])
    return [path for path in finals if path.suffix == ".tif"]


def foreign_categories(plan: Plan) -> list[str]:
    """Return a sentence about each band that held categories which the network does not know."""
    return [text for one in plan.predictors.values() for text in one.foreign.sentences()]


def other_maps(folder: Path, names: list[str]) -> list[str]:
    """Return a sentence about maps in a folder that are not of this run (``names``), or nothing."""
    others = sorted(path.name for path in folder.glob("*.tif") if path.name not in names)
    if not others or not (folder / RUN).exists():
        return []
    return [
        f"{folder} also holds {len(others)} maps of another run ({others[0]} ...), of which run.json says "
        "nothing any more."
    ]


def run_record(plan: Plan, ready: Ready) -> dict[str, Any]:
    """Return all that is needed to repeat and to judge a run, as JSON values."""
    job = to_params(plan.job)
    job.pop("preview")
    job["model"], job["out"] = str(Path(job["model"]).resolve()), str(Path(job["out"]).resolve())
    job["mask"] = whole_path(job["mask"]) if job["mask"] else None
    for one in job["inputs"]:
        one["file"] = whole_path(one["file"])
    for name in ("nodata", "file_crs"):
        job[name] = {whole_path(file): value for file, value in job[name].items()}
    return {
        "job": job,
        "model": {"name": plan.card.name, "file": job["model"], "sha256": digest(plan.job.model)},
        "inputs": {
            name: [
                {"band": band.name, "file": whole_path(source.raster.file), "number": source.band}
                for band, source in zip(predictor.modality.bands, predictor.sources, strict=True)
            ]
            for name, predictor in plan.predictors.items()
        },
        "scales_on": {name: list(scales) for name, scales in plan.scales.items()},
        "step": plan.job.step,
        "species": [plan.card.species[i].name for i in plan.species],
        "method": ready.layout.method,
        "device": ready.device.type,
        "precision": ready.precision,
        "warnings": [caution.message for caution in plan.cautions],
        "software": software(),
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }


def whole_path(file: str) -> str:
    """Return the absolute path of a file, or the name of another GDAL source as it is."""
    return str(Path(file).resolve()) if Path(file).exists() else file
