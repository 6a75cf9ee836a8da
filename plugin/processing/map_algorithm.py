"""The algorithm ``map``: maps of species from a model file and rasters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Optional

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputFile,
    QgsProcessingOutputMultipleLayers,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterFolderDestination,
)

from ...engine.protocol import CheckJob, MapJob
from ...models.card import Card
from ..core.check_answer import check_result
from ..core.grid_facts import duration, volume
from ..core.job_task import map_result
from ..core.map_run import run_summary
from ..core.translation import tr
from .engine_run import EngineRun
from .opened_maps import open_maps
from .product_parameters import product_fields, products_help
from .raster_algorithm import RasterAlgorithm

DEFAULT_STEP = 1


@dataclass(frozen=True)
class _Prepared:
    """What ``prepareAlgorithm`` copied from the main thread: the card and the job."""

    card: Card
    job: MapJob
    open_maps: bool
    only_estimate: bool


class MapAlgorithm(RasterAlgorithm):
    """Map where species can live with a multi-scale network."""

    GROUP = RasterAlgorithm.MAPS_GROUP
    ESTIMATE = "ESTIMATE"
    MAPS, REPORT, WIDTH, HEIGHT, VALID = "MAPS", "REPORT", "WIDTH", "HEIGHT", "VALID_PIXELS"
    SECONDS, MEMORY_BYTES, DISK_BYTES = "SECONDS", "MEMORY_BYTES", "DISK_BYTES"
    DEVICE_USED, DIFFERENCE = "DEVICE_USED", "VERIFIED_MAX_ABS_DIFF"

    def name(self) -> str:
        return "map"

    def displayName(self) -> str:
        return tr("Map species")

    def shortHelpString(self) -> str:
        said = tr(
            "Maps where species can live with a multi-scale neural network: one Cloud-Optimized GeoTIFF a "
            "species, values from 0 to 1, and run.json, the run.\n\n"
            "Model file: the shipped demo model unless you choose another.\n\n"
            "Rasters: layers whose bands are matched with the model's by the names of bands, files and layers, "
            "also where these are spelt otherwise (bio1, BIO_01, wc2.1_30s_bio_1; B04 of Sentinel-2 for red). "
            "A CRS or additional NoData set for a layer counts.\n\n"
            "Rasters by name: MODALITY=FILE or MODALITY=FILE#2,3, one per line, bands in the model's order. "
            "What is named goes before what is picked.\n\n"
            "Extent: where to map; the whole rasters unless you choose.\n\n"
            "Mask: polygons; pixels whose centre lies in none of them get no value. Any layer will do, also a "
            "temporary one or a selection.\n\n"
            "Step: output pixel / finest input pixel. 1, the default, maps every pixel; 4 every fourth, "
            "several times faster. Pixels are sampled, not averaged.\n\n"
            "Species: names, one a line; all unless you name some.\n\n"
            "Scales: MODALITY=25,59 keeps these windows (in pixels), MODALITY=none switches a modality off, "
            "which then needs no raster; all stay on unless you say.\n\n"
            "NoData values: FILE=VALUE or FILE=249..255, one per line, for what means NoData besides what a "
            "file says itself; several for one file add up.\n\n"
            "CRSs of files: FILE=EPSG:32631, one per line, in place of a file's own.\n\n"
            "At the edge: “nodata” leaves pixels empty whose windows leave the raster, “fill” puts the "
            "training mean beyond it.\n\n"
            "Blend coarse cells: interpolates what coarse modalities contribute, so that cells of 1 km do not "
            "show in a map of 10 m; without it each pixel takes its own cell, which is exact.\n\n"
            "Precision: “auto” is float32, or bfloat16 where a map would take over a minute and a short "
            "measurement shows that it pays; probabilities then differ by up to about 0.01.\n\n"
            "Method: “dense” shares work between neighbours; “patch” goes window by window, the reference; "
            "“auto” takes the one that needs fewer operations for the step.\n\n"
            "Pixels to verify: so many random pixels are computed again window by window, and nothing is "
            "written if they differ.\n\n"
            "Only estimate: says what the run would take, in seconds and bytes, without running; the folder is "
            "then not needed. A run says so before it starts.\n\n"
            "The card of the model says what the numbers mean: favourability or relative suitability."
        )
        return f"{said}\n\n{products_help()}"

    def initAlgorithm(self, config: Optional[dict[str, Any]] = None) -> None:
        self.add_inputs()
        self.add_place(DEFAULT_STEP)
        self.add_maps()
        self.addParameter(QgsProcessingParameterBoolean(self.ESTIMATE, tr("Only estimate"), False))
        self.addParameter(
            QgsProcessingParameterFolderDestination(self.OUTPUT, tr("Folder for the maps"), optional=True)
        )
        self.addOutput(QgsProcessingOutputMultipleLayers(self.MAPS, tr("Maps")))
        self.addOutput(QgsProcessingOutputFile(self.REPORT, tr("The run (run.json)")))
        self.addOutput(QgsProcessingOutputNumber(self.WIDTH, tr("Width in pixels")))
        self.addOutput(QgsProcessingOutputNumber(self.HEIGHT, tr("Height in pixels")))
        self.addOutput(QgsProcessingOutputNumber(self.VALID, tr("Pixels with a value")))
        self.addOutput(QgsProcessingOutputNumber(self.SECONDS, tr("Seconds")))
        self.addOutput(QgsProcessingOutputNumber(self.MEMORY_BYTES, tr("Estimate of memory in bytes")))
        self.addOutput(QgsProcessingOutputNumber(self.DISK_BYTES, tr("Estimate of disk space in bytes")))
        self.addOutput(QgsProcessingOutputNumber(self.DIFFERENCE, tr("Largest difference of verified pixels")))
        self.addOutput(QgsProcessingOutputString(self.DEVICE_USED, tr("Device that ran")))

    def processAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        prepared = self.prepared()
        with EngineRun(feedback) as run:
            expected = self._estimate(run, prepared.job, feedback)
            if prepared.only_estimate or not expected:
                return expected
            values = run.job("map", prepared.job)
        out = prepared.job.out
        if not values:
            return {self.OUTPUT: out}
        result = map_result(values)
        for warning in result.warnings:
            feedback.pushWarning(warning)
        for line in run_summary(prepared.card, prepared.job, replace(result, warnings=())).lines:
            feedback.pushInfo(line)
        if prepared.open_maps and context.project() is not None:
            open_maps(prepared.card, prepared.job, result, context, self.MAPS)
        return {
            **expected,
            self.OUTPUT: out,
            self.MAPS: list(result.files),
            self.REPORT: str(Path(out) / "run.json"),
            self.WIDTH: result.width,
            self.HEIGHT: result.height,
            self.VALID: result.valid_pixels,
            self.SECONDS: result.seconds,
            self.DEVICE_USED: result.device,
            self.DIFFERENCE: result.verified_max_abs_diff,
        }

    def _estimate(self, run: EngineRun, job: MapJob, feedback: QgsProcessingFeedback) -> dict[str, Any]:
        """Say what ``job`` will take and return it as outputs; empty where it was cancelled."""
        values = run.job("check", CheckJob(**vars(job)))
        if not values:
            return {}
        found = check_result(values)
        outputs: dict[str, Any] = {self.WIDTH: found.width, self.HEIGHT: found.height}
        if found.estimate is not None:
            said = tr("About {}, {} of memory and at most {} of disk for {} × {} pixels.")
            took = found.estimate
            memory, disk = volume(took.memory_bytes), volume(took.disk_bytes)
            feedback.pushInfo(said.format(duration(took.seconds), memory, disk, found.width, found.height))
            outputs[self.SECONDS] = took.seconds
            outputs[self.MEMORY_BYTES], outputs[self.DISK_BYTES] = took.memory_bytes, took.disk_bytes
        return outputs

    def _prepare(self, parameters: dict[str, Any], context: QgsProcessingContext) -> _Prepared:
        card, values = self.read(parameters, context)
        only_estimate = self.parameterAsBool(parameters, self.ESTIMATE, context)
        out = (self.folder if only_estimate else self.map_folder)(parameters, context)
        job = MapJob(**values, **product_fields(self, parameters, context), out=out)
        return _Prepared(card, job, self.parameterAsBool(parameters, self.OPEN, context), only_estimate)
