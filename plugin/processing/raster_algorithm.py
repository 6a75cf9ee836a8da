"""What the algorithms that run a model over rasters have in common: their parameters, read and checked."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any, Optional

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterExtent,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterFile,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterNumber,
    QgsProcessingParameterString,
    QgsRasterLayer,
)

from ...engine.protocol import (
    DEVICES,
    EDGES,
    METHODS,
    PRECISIONS,
    PRODUCTS,
    USUAL_PRODUCTS,
    NoData,
    RasterInput,
)
from ...models.card import Card, Modality, read_card
from ..core.inputs import (
    Sources,
    match,
    raster_inputs,
    rivals,
    said_by_layers,
    with_layers_nodata,
)
from ..core.project_rasters import told_apart
from ..core.raster_facts import Raster, crs_text, raster_of_layer
from ..core.translation import tr
from ..core.zoo import ZOO
from . import map_options
from .choice import choice
from .prepared_algorithm import PreparedAlgorithm
from .product_parameters import format_parameters, products_parameter
from .text_options import OptionError
from .threshold_parameter import threshold_parameters
from .vector_parameter import is_given, vector_parameter

GIB = 1024**3


class RasterAlgorithm(PreparedAlgorithm):
    """Base of the algorithms: subclasses add what they need and read it with ``read``."""

    MODEL, LAYERS, INPUTS, EXTENT, MASK, STEP = "MODEL", "LAYERS", "INPUTS", "EXTENT", "MASK", "STEP"
    SPECIES, SCALES, NODATA, EDGE = "SPECIES", "SCALES", "NODATA", "EDGE"
    FILE_CRS = "FILE_CRS"
    BLEND, PRECISION, METHOD, VERIFY = "BLEND", "PRECISION", "METHOD", "VERIFY"
    DEVICE, MEMORY, OPEN = "DEVICE", "MEMORY", "OPEN"

    def tags(self) -> list[str]:
        return tr("species,distribution,suitability,habitat,network,scale,sdm").split(",")

    def add_inputs(self) -> None:
        """Add model and rasters."""
        self.addParameter(
            QgsProcessingParameterFile(
                self.MODEL,
                tr("Model file"),
                QgsProcessingParameterFile.Behavior.File,
                defaultValue=_shipped_model(),
                fileFilter=tr("Scalescape models (*.safetensors);;All files (*)"),
            )
        )
        self.addParameter(
            QgsProcessingParameterMultipleLayers(
                self.LAYERS,
                tr("Rasters"),
                QgsProcessing.SourceType.TypeRaster,
                optional=True,
            )
        )
        self.addParameter(
            QgsProcessingParameterString(
                self.INPUTS,
                tr("Rasters by name"),
                multiLine=True,
                optional=True,
            )
        )

    def add_place(self, step: int, least_step: int = 1) -> None:
        """Add extent, mask and step; the step is ``step`` by default."""
        self.addParameter(QgsProcessingParameterExtent(self.EXTENT, tr("Extent"), optional=True))
        polygons = [QgsProcessing.SourceType.TypeVectorPolygon]
        self.addParameter(QgsProcessingParameterFeatureSource(self.MASK, tr("Mask"), polygons, optional=True))
        integer = QgsProcessingParameterNumber.Type.Integer
        self.addParameter(
            QgsProcessingParameterNumber(self.STEP, tr("Step"), integer, step, minValue=least_step)
        )

    def add_maps(self) -> None:
        """Add which species are mapped, what is made of them, how it stands in files, and how all is done."""
        self.add_species()
        self.addParameter(products_parameter(PRODUCTS, USUAL_PRODUCTS))
        formats = (*threshold_parameters(), *format_parameters())
        self.add_advanced(
            *self.reading_parameters(), *self.computing_parameters(), *formats, self.opening_parameter()
        )

    def add_species(self) -> None:
        """Add the species, all unless some are named."""
        self.addParameter(
            QgsProcessingParameterString(self.SPECIES, tr("Species"), multiLine=True, optional=True)
        )

    def opening_parameter(self) -> QgsProcessingParameterDefinition:
        """Return whether maps are opened."""
        return QgsProcessingParameterBoolean(self.OPEN, tr("Open the maps"), True)

    def add_advanced(self, *parameters: QgsProcessingParameterDefinition) -> None:
        """Add parameters among the advanced ones."""
        for parameter in parameters:
            parameter.setFlags(parameter.flags() | QgsProcessingParameterDefinition.Flag.FlagAdvanced)
            self.addParameter(parameter)

    def reading_parameters(self) -> tuple[QgsProcessingParameterDefinition, ...]:
        """Return what says how rasters are read."""
        return (
            QgsProcessingParameterString(self.SCALES, tr("Scales"), optional=True),
            QgsProcessingParameterString(self.NODATA, tr("NoData values"), multiLine=True, optional=True),
            QgsProcessingParameterString(self.FILE_CRS, tr("CRSs of files"), multiLine=True, optional=True),
            choice(self.EDGE, tr("At the edge"), EDGES),
        )

    def computing_parameters(self) -> tuple[QgsProcessingParameterDefinition, ...]:
        """Return what says how a map is computed."""
        integer = QgsProcessingParameterNumber.Type.Integer
        real = QgsProcessingParameterNumber.Type.Double
        return (
            QgsProcessingParameterBoolean(self.BLEND, tr("Blend coarse cells"), False),
            choice(self.PRECISION, tr("Precision"), PRECISIONS),
            choice(self.METHOD, tr("Method"), METHODS),
            QgsProcessingParameterNumber(self.VERIFY, tr("Pixels to verify"), integer, 0, minValue=0),
            choice(self.DEVICE, tr("Device"), DEVICES),
            QgsProcessingParameterNumber(self.MEMORY, tr("Memory (GiB)"), real, 2.0, minValue=0.25),
        )

    def map_folder(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        """Return the whole path of the folder for maps; raise OptionError where none is given."""
        out = self.folder(parameters, context)
        if not out:
            raise OptionError(tr("Choose a folder for the maps."))
        return out

    def _with_files(self, prepared: Any, parameters: dict[str, Any], context: QgsProcessingContext) -> Any:
        if self.parameterDefinition(self.MASK) is None or not is_given(parameters, self.MASK):
            return prepared
        mask = vector_parameter(self, parameters, self.MASK, context, attributes=False)
        return replace(prepared, job=replace(prepared.job, mask=mask))

    def read(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        computing: bool = True,
        elsewhere: Collection[str] = (),
    ) -> tuple[Card, dict[str, Any]]:
        """Return the card and the job's fields that all have in common; with ``computing`` those of a map.

        Modalities in ``elsewhere`` need no raster among the common ones, since every scenario brings its own.

        Raises
        ------
        OptionError, CardError
            A parameter can't be used, in one sentence.
        """
        model = self.parameterAsFile(parameters, self.MODEL, context)
        card = read_card(model)
        scales = map_options.scales(parameters.get(self.SCALES), card)
        extent, crs = self._extent(parameters, context)
        inputs, file_crs, nodata = self._inputs(parameters, context, card, scales, elsewhere)
        values: dict[str, Any] = {
            "model": model,
            "inputs": inputs,
            "scales": scales,
            "nodata": with_layers_nodata(map_options.nodata(parameters.get(self.NODATA)), nodata),
            "file_crs": {**file_crs, **map_options.file_crs(parameters.get(self.FILE_CRS))},
            "edge": self.parameterAsEnumString(parameters, self.EDGE, context),
            "extent": extent,
            "extent_crs": crs or None,
        }
        if computing:
            values.update(
                step=self.parameterAsInt(parameters, self.STEP, context),
                species=map_options.species(parameters.get(self.SPECIES), card),
                device=self.parameterAsEnumString(parameters, self.DEVICE, context),
                precision=self.parameterAsEnumString(parameters, self.PRECISION, context),
                memory=round(GIB * self.parameterAsDouble(parameters, self.MEMORY, context)),
                method=self.parameterAsEnumString(parameters, self.METHOD, context),
                verify=self.parameterAsInt(parameters, self.VERIFY, context),
                blend=self.parameterAsBool(parameters, self.BLEND, context),
            )
        return card, values

    def _inputs(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        card: Card,
        scales: dict[str, tuple[int, ...]],
        elsewhere: Collection[str],
    ) -> tuple[tuple[RasterInput, ...], dict[str, str], dict[str, NoData]]:
        """Return the inputs, and what layers say of CRS and NoData otherwise than their files."""
        named = map_options.inputs(parameters.get(self.INPUTS), card)
        layers = self.parameterAsLayerList(parameters, self.LAYERS, context) or []
        rasters = told_apart([raster_of_layer(layer) for layer in layers if isinstance(layer, QgsRasterLayer)])
        inputs: list[RasterInput] = []
        sources: Sources = []
        for modality in card.modalities:
            if scales.get(modality.name, modality.scales) and modality.name not in elsewhere:
                given = [one for one in named if one.modality == modality.name]
                if not given:
                    picked = _picked(modality, rasters)
                    sources += picked
                    given = list(raster_inputs(modality.name, picked))
                inputs += given
        file_crs, nodata, fault = said_by_layers(sources)
        if fault:
            raise OptionError(fault)
        return tuple(inputs), file_crs, nodata

    def _extent(self, parameters: dict[str, Any], context: QgsProcessingContext) -> tuple[Any, str]:
        if parameters.get(self.EXTENT) in (None, ""):
            return None, ""
        rectangle = self.parameterAsExtent(parameters, self.EXTENT, context)
        authority = self.parameterAsExtentCrs(parameters, self.EXTENT, context)
        if rectangle.isEmpty():
            raise OptionError(tr("The extent is empty; write xmin,xmax,ymin,ymax [EPSG:…]."))
        extent = (rectangle.xMinimum(), rectangle.yMinimum(), rectangle.xMaximum(), rectangle.yMaximum())
        return extent, crs_text(authority) if authority.isValid() else ""


def _shipped_model() -> Optional[str]:
    """Return the model that comes with Scalescape for a first try: its rasters come with it, too."""
    file = ZOO / "demo.safetensors"
    return str(file) if file.is_file() else None


def _picked(modality: Modality, rasters: list[Raster]) -> Sources:
    """Return where the bands of a modality are among the layers that were picked."""
    sources = match(modality, rasters)
    missing = [i for i, one in enumerate(sources) if one is None]
    if not missing:
        return sources
    refused = [raster.refusal for raster in rasters if raster.refusal]
    if refused:
        raise OptionError(refused[0])
    for i, labels in rivals(modality, rasters).items():
        said = tr("{} ({}) is in several of the layers that were picked: {}. Pick one of them.")
        raise OptionError(said.format(modality.bands[i].name, modality.name, ", ".join(labels)))
    names = ", ".join(modality.bands[i].name for i in missing)
    said = tr(
        "No raster was given for {}: {} is missing. Pick a layer that has it, or name the file as {}=FILE."
    )
    raise OptionError(said.format(modality.name, names, modality.name))
