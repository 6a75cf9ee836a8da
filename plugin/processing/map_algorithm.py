"""The algorithm ``map``: maps of species from a model file and rasters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Optional

from qgis.core import (
    QgsProcessing,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingOutputFile,
    QgsProcessingOutputMultipleLayers,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterExtent,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterFile,
    QgsProcessingParameterFolderDestination,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterNumber,
    QgsProcessingParameterString,
    QgsRasterLayer,
)
from qgis.PyQt.QtGui import QIcon

from ...engine.protocol import DEVICES, EDGES, METHODS, PRECISIONS, CheckJob, MapJob
from ...models.card import Card, CardError, read_card
from ..core.check_answer import check_result
from ..core.grid_facts import duration, volume
from ..core.inputs import Raster, match, raster_inputs, raster_of_layer
from ..core.map_run import run_summary
from ..core.map_task import map_result
from ..core.translation import tr
from ..core.zoo import ZOO
from ..gui.icons import plugin_icon
from . import map_options
from .choice import choice
from .engine_run import EngineRun
from .opened_maps import open_maps
from .text_options import OptionError
from .vector_parameter import is_given, vector_parameter

GIB = 1024**3
DEFAULT_STEP = 1


@dataclass(frozen=True)
class _Prepared:
    """What ``prepareAlgorithm`` copied from the main thread: the card and the job."""

    card: Card
    job: MapJob
    open_maps: bool
    only_estimate: bool


class MapAlgorithm(QgsProcessingAlgorithm):
    """Map where species can live with a multi-scale network."""

    MODEL, LAYERS, INPUTS, EXTENT, STEP = "MODEL", "LAYERS", "INPUTS", "EXTENT", "STEP"
    MASK, SPECIES, SCALES, NODATA, EDGE = "MASK", "SPECIES", "SCALES", "NODATA", "EDGE"
    BLEND, PRECISION, METHOD, VERIFY = "BLEND", "PRECISION", "METHOD", "VERIFY"
    DEVICE, MEMORY, OPEN, ESTIMATE, OUTPUT = "DEVICE", "MEMORY", "OPEN", "ESTIMATE", "OUTPUT"
    MAPS, REPORT, WIDTH, HEIGHT, VALID = "MAPS", "REPORT", "WIDTH", "HEIGHT", "VALID_PIXELS"
    SECONDS, MEMORY_BYTES, DISK_BYTES = "SECONDS", "MEMORY_BYTES", "DISK_BYTES"
    DEVICE_USED, DIFFERENCE = "DEVICE_USED", "VERIFIED_MAX_ABS_DIFF"

    def __init__(self) -> None:
        super().__init__()
        self._prepared: Optional[_Prepared] = None

    def createInstance(self) -> MapAlgorithm:
        return MapAlgorithm()

    def name(self) -> str:
        return "map"

    def displayName(self) -> str:
        return tr("Map species")

    def icon(self) -> QIcon:
        return plugin_icon()

    def tags(self) -> list[str]:
        return tr("species,distribution,suitability,habitat,network,scale,sdm").split(",")

    def shortHelpString(self) -> str:
        return tr(
            "Maps where species can live with a multi-scale neural network: one Cloud-Optimized GeoTIFF a "
            "species, values from 0 to 1, and run.json, the run.\n\n"
            "Model file: the shipped demo model unless you choose another.\n\n"
            "Rasters: layers whose bands are matched with the model's by name.\n\n"
            "Rasters by name: MODALITY=FILE or MODALITY=FILE#2,3, one a line, bands in the model's order. What "
            "is named goes before what is picked.\n\n"
            "Extent: where to map; the whole rasters unless you choose.\n\n"
            "Mask: polygons; pixels whose centre lies in none of them get no value. Any layer will do, also a "
            "temporary one or a selection.\n\n"
            "Step: output pixel / finest input pixel. 1, the default, maps every pixel; 4 every fourth, "
            "several times faster. Pixels are sampled, not averaged.\n\n"
            "Species: names, one a line; all unless you name some.\n\n"
            "Scales: MODALITY=25,59 keeps these windows (in pixels), MODALITY=none switches a modality off, "
            "which then needs no raster; all stay on unless you say.\n\n"
            "NoData values: FILE=VALUE, one a line, where a file does not say what means NoData.\n\n"
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

    def initAlgorithm(self, config: Optional[dict[str, Any]] = None) -> None:
        add = self.addParameter
        add(
            QgsProcessingParameterFile(
                self.MODEL,
                tr("Model file"),
                QgsProcessingParameterFile.Behavior.File,
                defaultValue=_shipped_model(),
                fileFilter=tr("Scalescape models (*.safetensors);;All files (*)"),
            )
        )
        add(
            QgsProcessingParameterMultipleLayers(
                self.LAYERS,
                tr("Rasters"),
                QgsProcessing.SourceType.TypeRaster,
                optional=True,
            )
        )
        add(
            QgsProcessingParameterString(
                self.INPUTS,
                tr("Rasters by name"),
                multiLine=True,
                optional=True,
            )
        )
        add(QgsProcessingParameterExtent(self.EXTENT, tr("Extent"), optional=True))
        polygons = [QgsProcessing.SourceType.TypeVectorPolygon]
        add(QgsProcessingParameterFeatureSource(self.MASK, tr("Mask"), polygons, optional=True))
        integer = QgsProcessingParameterNumber.Type.Integer
        add(QgsProcessingParameterNumber(self.STEP, tr("Step"), integer, DEFAULT_STEP, minValue=1))
        add(QgsProcessingParameterString(self.SPECIES, tr("Species"), multiLine=True, optional=True))
        real = QgsProcessingParameterNumber.Type.Double
        advanced = (
            QgsProcessingParameterString(self.SCALES, tr("Scales"), optional=True),
            QgsProcessingParameterString(self.NODATA, tr("NoData values"), multiLine=True, optional=True),
            choice(self.EDGE, tr("At the edge"), EDGES),
            QgsProcessingParameterBoolean(self.BLEND, tr("Blend coarse cells"), False),
            choice(self.PRECISION, tr("Precision"), PRECISIONS),
            choice(self.METHOD, tr("Method"), METHODS),
            QgsProcessingParameterNumber(self.VERIFY, tr("Pixels to verify"), integer, 0, minValue=0),
            choice(self.DEVICE, tr("Device"), DEVICES),
            QgsProcessingParameterNumber(self.MEMORY, tr("Memory (GiB)"), real, 2.0, minValue=0.25),
            QgsProcessingParameterBoolean(self.OPEN, tr("Open the maps"), True),
        )
        for parameter in advanced:
            parameter.setFlags(parameter.flags() | QgsProcessingParameterDefinition.Flag.FlagAdvanced)
            add(parameter)
        add(QgsProcessingParameterBoolean(self.ESTIMATE, tr("Only estimate"), False))
        add(QgsProcessingParameterFolderDestination(self.OUTPUT, tr("Folder for the maps"), optional=True))
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

    def checkParameterValues(
        self, parameters: dict[str, Any], context: QgsProcessingContext
    ) -> tuple[bool, str]:
        good, said = super().checkParameterValues(parameters, context)
        if not good:
            return good, said
        try:
            self._prepare(parameters, context)
        except (OptionError, CardError) as error:
            return False, str(error)
        return True, ""

    def prepareAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> bool:
        try:
            prepared = self._prepare(parameters, context)
            if is_given(parameters, self.MASK):
                mask = vector_parameter(self, parameters, self.MASK, context, attributes=False)
                prepared = replace(prepared, job=replace(prepared.job, mask=mask))
            self._prepared = prepared
        except (OptionError, CardError) as error:
            raise QgsProcessingException(str(error)) from error
        return True

    def processAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        prepared = self._prepared
        if prepared is None:
            raise QgsProcessingException(tr("The algorithm was not prepared."))
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
        """Read all parameters; raise OptionError or CardError in one sentence."""
        model = self.parameterAsFile(parameters, self.MODEL, context)
        card = read_card(model)
        scales = map_options.scales(parameters.get(self.SCALES), card)
        named = map_options.inputs(parameters.get(self.INPUTS), card)
        layers = self.parameterAsLayerList(parameters, self.LAYERS, context) or []
        rasters = [raster_of_layer(layer) for layer in layers if isinstance(layer, QgsRasterLayer)]
        inputs = []
        for modality in card.modalities:
            if scales.get(modality.name, modality.scales):
                given = [one for one in named if one.modality == modality.name]
                inputs += given or _picked(modality, rasters)
        extent, crs = None, ""
        if parameters.get(self.EXTENT) not in (None, ""):
            rectangle = self.parameterAsExtent(parameters, self.EXTENT, context)
            authority = self.parameterAsExtentCrs(parameters, self.EXTENT, context)
            if rectangle.isEmpty():
                raise OptionError(tr("The extent is empty; write xmin,xmax,ymin,ymax [EPSG:…]."))
            extent = (rectangle.xMinimum(), rectangle.yMinimum(), rectangle.xMaximum(), rectangle.yMaximum())
            crs = authority.authid() or authority.toWkt() if authority.isValid() else ""
        only_estimate = self.parameterAsBool(parameters, self.ESTIMATE, context)
        out = self.parameterAsString(parameters, self.OUTPUT, context)
        if not out and not only_estimate:
            raise OptionError(tr("Choose a folder for the maps."))
        job = MapJob(
            model=model,
            inputs=tuple(inputs),
            out=str(Path(out).absolute()),
            extent=extent,
            extent_crs=crs or None,
            step=self.parameterAsInt(parameters, self.STEP, context),
            species=map_options.species(parameters.get(self.SPECIES), card),
            scales=scales,
            nodata=map_options.nodata(parameters.get(self.NODATA)),
            edge=self.parameterAsEnumString(parameters, self.EDGE, context),
            device=self.parameterAsEnumString(parameters, self.DEVICE, context),
            precision=self.parameterAsEnumString(parameters, self.PRECISION, context),
            memory=round(GIB * self.parameterAsDouble(parameters, self.MEMORY, context)),
            method=self.parameterAsEnumString(parameters, self.METHOD, context),
            verify=self.parameterAsInt(parameters, self.VERIFY, context),
            blend=self.parameterAsBool(parameters, self.BLEND, context),
        )
        return _Prepared(card, job, self.parameterAsBool(parameters, self.OPEN, context), only_estimate)


def _shipped_model() -> Optional[str]:
    """Return the model that comes with Scalescape, the first by name where there are several."""
    return next((str(file) for file in sorted(ZOO.glob("*.safetensors"))), None)


def _picked(modality: Any, rasters: list[Raster]) -> list[Any]:
    """Return the inputs of a modality from the layers that were picked."""
    sources = match(modality, rasters)
    missing = [band.name for band, one in zip(modality.bands, sources) if one is None]
    if missing:
        refused = [raster.refusal for raster in rasters if raster.refusal]
        if refused:
            raise OptionError(refused[0])
        said = tr(
            "No raster was given for {}: {} is missing. Pick a layer that has it, or name the file as {}=FILE."
        )
        raise OptionError(said.format(modality.name, ", ".join(missing), modality.name))
    return list(raster_inputs(modality.name, sources))
