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
    QgsProcessingLayerPostProcessorInterface,
    QgsProcessingOutputFile,
    QgsProcessingOutputMultipleLayers,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterEnum,
    QgsProcessingParameterExtent,
    QgsProcessingParameterFile,
    QgsProcessingParameterFolderDestination,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterNumber,
    QgsProcessingParameterString,
    QgsRasterLayer,
)
from qgis.PyQt.QtGui import QIcon

from ...engine.protocol import DEVICES, EDGES, MapJob
from ...models.card import Card, CardError, read_card
from ..core.inputs import Raster, match, raster_inputs, raster_of_file, raster_of_layer
from ..core.map_run import run_summary, run_title
from ..core.map_task import map_result
from ..core.result_layers import describe_layer
from ..core.suitability_style import apply_style
from ..core.translation import tr
from ..core.zoo import ZOO
from ..gui.icons import plugin_icon
from . import map_options
from .engine_run import run_job
from .map_options import OptionError

GIB = 1024**3
DEFAULT_STEP = 1


@dataclass(frozen=True)
class _Prepared:
    """What ``prepareAlgorithm`` copied from the main thread: the card and the job."""

    card: Card
    job: MapJob
    open_maps: bool


class MapAlgorithm(QgsProcessingAlgorithm):
    """Map where species can live with a multi-scale network."""

    MODEL, LAYERS, INPUTS, EXTENT, STEP = "MODEL", "LAYERS", "INPUTS", "EXTENT", "STEP"
    SPECIES, SCALES, NODATA, EDGE = "SPECIES", "SCALES", "NODATA", "EDGE"
    DEVICE, MEMORY, OPEN, OUTPUT = "DEVICE", "MEMORY", "OPEN", "OUTPUT"
    MAPS, REPORT, WIDTH, HEIGHT, VALID = "MAPS", "REPORT", "WIDTH", "HEIGHT", "VALID_PIXELS"
    SECONDS, DEVICE_USED = "SECONDS", "DEVICE_USED"

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
            "Step: output pixel / finest input pixel. 1, the default, maps every pixel; 4 every fourth, "
            "several times faster. Pixels are sampled, not averaged.\n\n"
            "Species: names, one a line; all unless you name some.\n\n"
            "Scales: MODALITY=25,59 keeps these windows (in pixels), MODALITY=none switches a modality off, "
            "which then needs no raster; all stay on unless you say.\n\n"
            "NoData values: FILE=VALUE, one a line, where a file does not say what means NoData.\n\n"
            "At the edge: “nodata” leaves pixels empty whose windows leave the raster, “fill” puts the "
            "training mean beyond it.\n\n"
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
        integer = QgsProcessingParameterNumber.Type.Integer
        add(QgsProcessingParameterNumber(self.STEP, tr("Step"), integer, DEFAULT_STEP, minValue=1))
        add(QgsProcessingParameterString(self.SPECIES, tr("Species"), multiLine=True, optional=True))
        real = QgsProcessingParameterNumber.Type.Double
        advanced = (
            QgsProcessingParameterString(self.SCALES, tr("Scales"), optional=True),
            QgsProcessingParameterString(self.NODATA, tr("NoData values"), multiLine=True, optional=True),
            QgsProcessingParameterEnum(
                self.EDGE,
                tr("At the edge"),
                list(EDGES),
                defaultValue=EDGES[0],
                usesStaticStrings=True,
            ),
            QgsProcessingParameterEnum(
                self.DEVICE, tr("Device"), list(DEVICES), defaultValue=DEVICES[0], usesStaticStrings=True
            ),
            QgsProcessingParameterNumber(self.MEMORY, tr("Memory (GiB)"), real, 2.0, minValue=0.25),
            QgsProcessingParameterBoolean(self.OPEN, tr("Open the maps"), True),
        )
        for parameter in advanced:
            parameter.setFlags(parameter.flags() | QgsProcessingParameterDefinition.Flag.FlagAdvanced)
            add(parameter)
        add(QgsProcessingParameterFolderDestination(self.OUTPUT, tr("Folder for the maps")))
        self.addOutput(QgsProcessingOutputMultipleLayers(self.MAPS, tr("Maps")))
        self.addOutput(QgsProcessingOutputFile(self.REPORT, tr("The run (run.json)")))
        self.addOutput(QgsProcessingOutputNumber(self.WIDTH, tr("Width in pixels")))
        self.addOutput(QgsProcessingOutputNumber(self.HEIGHT, tr("Height in pixels")))
        self.addOutput(QgsProcessingOutputNumber(self.VALID, tr("Pixels with a value")))
        self.addOutput(QgsProcessingOutputNumber(self.SECONDS, tr("Seconds")))
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
            self._prepared = self._prepare(parameters, context)
        except (OptionError, CardError) as error:
            raise QgsProcessingException(str(error)) from error
        return True

    def processAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        prepared = self._prepared
        if prepared is None:
            raise QgsProcessingException(tr("The algorithm was not prepared."))
        out = prepared.job.out
        values = run_job("map", prepared.job, feedback)
        if not values:
            return {self.OUTPUT: out}
        result = map_result(values)
        for warning in result.warnings:
            feedback.pushWarning(warning)
        for line in run_summary(prepared.card, prepared.job, replace(result, warnings=())).lines:
            feedback.pushInfo(line)
        if prepared.open_maps and context.project() is not None:
            self._open(prepared, values, context)
        return {
            self.OUTPUT: out,
            self.MAPS: list(result.files),
            self.REPORT: str(Path(out) / "run.json"),
            self.WIDTH: result.width,
            self.HEIGHT: result.height,
            self.VALID: result.valid_pixels,
            self.SECONDS: result.seconds,
            self.DEVICE_USED: result.device,
        }

    def _open(self, prepared: _Prepared, values: dict[str, Any], context: QgsProcessingContext) -> None:
        """Have Processing open the maps, styled and described as the dock's."""
        for file in values["files"]:
            name = next(iter(raster_of_file(file).bands), "") or Path(file).stem
            details = QgsProcessingContext.LayerDetails(name, context.project(), self.MAPS)
            finish = _Finish.create(prepared, values, name)
            details.setPostProcessor(finish)
            if hasattr(details, "groupName"):  # from QGIS 3.32 on
                details.groupName = run_title(prepared.card, prepared.job)
            context.addLayerToLoadOnCompletion(file, details)

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
        job = MapJob(
            model=model,
            inputs=tuple(inputs),
            out=str(Path(self.parameterAsString(parameters, self.OUTPUT, context)).absolute()),
            extent=extent,
            extent_crs=crs or None,
            step=self.parameterAsInt(parameters, self.STEP, context),
            species=map_options.species(parameters.get(self.SPECIES), card),
            scales=scales,
            nodata=map_options.nodata(parameters.get(self.NODATA)),
            edge=self.parameterAsEnumString(parameters, self.EDGE, context),
            device=self.parameterAsEnumString(parameters, self.DEVICE, context),
            memory=round(GIB * self.parameterAsDouble(parameters, self.MEMORY, context)),
        )
        return _Prepared(card, job, self.parameterAsBool(parameters, self.OPEN, context))


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


class _Finish(QgsProcessingLayerPostProcessorInterface):
    """Styles and describes a map once it is open; kept alive here, since Processing keeps no reference."""

    _alive: list[_Finish] = []  # noqa: RUF012

    def __init__(self, prepared: _Prepared, values: dict[str, Any], name: str) -> None:
        super().__init__()
        self._prepared = prepared
        self._values = values
        self._name = name

    @classmethod
    def create(cls, prepared: _Prepared, values: dict[str, Any], name: str) -> _Finish:
        """Return a new one that stays alive until it has been used."""
        finish = cls(prepared, values, name)
        cls._alive.append(finish)
        return finish

    def postProcessLayer(
        self, layer: Any, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> None:
        if isinstance(layer, QgsRasterLayer):
            apply_style(layer)
            summary = run_summary(self._prepared.card, self._prepared.job, map_result(self._values))
            for species in self._prepared.card.species:
                if species.name == self._name:
                    describe_layer(layer, self._prepared.card, species, summary)
