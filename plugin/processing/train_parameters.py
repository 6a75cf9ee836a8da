"""The parameters of the algorithm ``train``, and the config that they say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterFile,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
    QgsWkbTypes,
)

from ...engine.protocol import DEVICES, NoData, RasterInput
from ..core.inputs import said_by_layers, source
from ..core.training_config import KINDS, MODEL_SUFFIX, PRESETS, TrainingDraft, unknown_modality
from ..core.translation import tr
from .choice import choice
from .lasting_output import model_file, model_parameter, temporary_fault
from .raster_parameter import file_of_layer, raster_of
from .text_options import OptionError, entries, named_files, named_scales
from .vector_parameter import is_given, vector_parameter

CONFIG, SITES, SPECIES_FIELD, SPECIES_FIELDS = "CONFIG", "SITES", "SPECIES_FIELD", "SPECIES_FIELDS"
KIND, TEST, TEST_FIELDS = "KIND", "TEST", "TEST_FIELDS"
BACKGROUND, AREA, BIAS = "BACKGROUND", "AREA", "BIAS"
CLIMATE, IMAGERY, INPUTS, SCALES, PRESET = "CLIMATE", "IMAGERY", "INPUTS", "SCALES", "PRESET"
RESUME, DEVICE, OUTPUT = "RESUME", "DEVICE", "OUTPUT"
PICKED = {CLIMATE: "bioclim", IMAGERY: "satellite"}  # the modalities that layers are picked for

_INTEGER = QgsProcessingParameterNumber.Type.Integer
_REAL = QgsProcessingParameterNumber.Type.Double


def _numbers() -> tuple[tuple[str, str, Any, float], ...]:
    """Return parameter, description, type and least value of what is optional in ``[training]``."""
    return (
        ("EPOCHS", tr("Epochs"), _INTEGER, 1),
        ("SEED", tr("Seed"), _INTEGER, 0),
        ("FOLDS", tr("Folds"), _INTEGER, 1),
        ("BLOCKS_KM", tr("Side of a block (km)"), _REAL, 0),
        ("BUFFER_KM", tr("Buffer (km)"), _REAL, 0),
        ("MIN_RECORDS", tr("Least records"), _INTEGER, 1),
        ("THIN_M", tr("Thin to (m)"), _REAL, 0),
        ("N_BACKGROUND", tr("Background points"), _INTEGER, 0),
        ("LAMBDA2", tr("Lambda 2"), _REAL, 0),
        ("WIDTH", tr("Width of the network"), _REAL, 0.01),
    )


def add_parameters(algorithm: QgsProcessingAlgorithm) -> None:
    """Add all of them."""
    add = algorithm.addParameter
    points = [QgsProcessing.SourceType.TypeVectorPoint]
    polygons = [QgsProcessing.SourceType.TypeVectorPolygon]
    any_field = QgsProcessingParameterField.DataType.Any
    add(QgsProcessingParameterFeatureSource(SITES, tr("Sites"), points, optional=True))
    add(QgsProcessingParameterField(SPECIES_FIELD, tr("Species field"), None, SITES, any_field, optional=True))
    add(
        QgsProcessingParameterField(
            SPECIES_FIELDS,
            tr("Species, by field"),
            None,
            SITES,
            any_field,
            allowMultiple=True,
            optional=True,
        )
    )
    add(choice(KIND, tr("Kind of records"), KINDS))
    raster = QgsProcessing.SourceType.TypeRaster
    add(QgsProcessingParameterMultipleLayers(CLIMATE, tr("Climate rasters"), raster, optional=True))
    add(QgsProcessingParameterMultipleLayers(IMAGERY, tr("Imagery rasters"), raster, optional=True))
    add(QgsProcessingParameterString(INPUTS, tr("Rasters by name"), multiLine=True, optional=True))
    add(QgsProcessingParameterString(SCALES, tr("Scales"), multiLine=True, optional=True))
    add(choice(PRESET, tr("Preset"), PRESETS))
    add(QgsProcessingParameterFeatureSource(TEST, tr("Test sites"), points, optional=True))
    add(
        QgsProcessingParameterField(
            TEST_FIELDS,
            tr("Test species, by field"),
            None,
            TEST,
            any_field,
            allowMultiple=True,
            optional=True,
        )
    )
    advanced = [
        QgsProcessingParameterFeatureSource(BACKGROUND, tr("Background"), points, optional=True),
        QgsProcessingParameterFeatureSource(AREA, tr("Reachable area"), polygons, optional=True),
        QgsProcessingParameterRasterLayer(BIAS, tr("Sampling bias"), optional=True),
        *(
            QgsProcessingParameterNumber(name, description, kind, None, True, least)
            for name, description, kind, least in _numbers()
        ),
        choice(DEVICE, tr("Device"), DEVICES),
        QgsProcessingParameterFile(
            CONFIG,
            tr("Config instead of these"),
            QgsProcessingParameterFile.Behavior.File,
            optional=True,
            fileFilter=tr("Training configs (*.toml);;All files (*)"),
        ),
    ]
    for parameter in advanced:
        parameter.setFlags(parameter.flags() | QgsProcessingParameterDefinition.Flag.FlagAdvanced)
        add(parameter)
    add(QgsProcessingParameterBoolean(RESUME, tr("Resume"), True))
    add(model_parameter(OUTPUT, tr("Model file")))


def model_of(
    algorithm: QgsProcessingAlgorithm, parameters: dict[str, Any], context: QgsProcessingContext
) -> Path:
    """Return the model file that is to be made.

    Raises
    ------
    OptionError
        It is not called like one, or would be deleted with QGIS's temporary files.
    """
    model = model_file(algorithm, parameters, OUTPUT, context)
    if fault := temporary_fault(model):
        raise OptionError(fault)
    if model.suffix != MODEL_SUFFIX:
        raise OptionError(tr("{} must end in {}.").format(model.name, MODEL_SUFFIX))
    return model


def config_of(
    algorithm: QgsProcessingAlgorithm, parameters: dict[str, Any], context: QgsProcessingContext
) -> str:
    """Return the config that was chosen; empty where the other parameters say what is to be trained.

    Raises
    ------
    OptionError
        The file does not exist.
    """
    if not is_given(parameters, CONFIG):
        return ""
    file = Path(algorithm.parameterAsFile(parameters, CONFIG, context)).absolute()
    if not file.is_file():
        raise OptionError(tr("The config {} does not exist.").format(file))
    return str(file)


def draft_of(
    algorithm: QgsProcessingAlgorithm, parameters: dict[str, Any], context: QgsProcessingContext
) -> TrainingDraft:
    """Return what the parameters say, without the files of vector layers.

    Raises
    ------
    OptionError
        What is missing or can't be used, in one sentence.
    """
    if not is_given(parameters, SITES):
        raise OptionError(tr("Choose the layer of sites, or a config."))
    for name in (SITES, TEST, BACKGROUND):
        source = algorithm.parameterAsSource(parameters, name, context) if is_given(parameters, name) else None
        if source is not None and source.wkbType() == QgsWkbTypes.Type.NoGeometry:
            said = tr("{} is a table without points; make points of its columns first, or name it in a config.")
            raise OptionError(said.format(source.sourceName()))
    species = next(iter(_fields(algorithm, parameters, SPECIES_FIELD, context)), "")
    columns = _fields(algorithm, parameters, SPECIES_FIELDS, context)
    if bool(species) == bool(columns):
        said = tr(
            "Choose either the field with the species of a record, or the fields of which each is a species."
        )
        raise OptionError(said)
    if is_given(parameters, BACKGROUND) and is_given(parameters, BIAS):
        raise OptionError(tr("Choose background points or a raster of sampling bias, not both."))
    inputs, file_crs, nodata = _inputs(algorithm, parameters, context)
    if not inputs:
        raise OptionError(tr("Choose climate or imagery rasters, or name rasters of another modality."))
    scales = named_scales(parameters.get(SCALES))
    unknown = unknown_modality(scales, inputs)
    if unknown:
        raise OptionError(tr("There are scales for “{}”, but no raster.").format(unknown))
    off = next((name for name, some in scales.items() if not some), "")
    if off:
        raise OptionError(tr("{} needs scales; to leave it out, give no rasters for it.").format(off))
    return TrainingDraft(
        train="",
        kind=algorithm.parameterAsEnumString(parameters, KIND, context),
        inputs=inputs,
        species=species,
        species_columns=columns,
        test_species_columns=_fields(algorithm, parameters, TEST_FIELDS, context),
        bias=file_of_layer(algorithm.parameterAsRasterLayer(parameters, BIAS, context)),
        scales=scales,
        file_crs=file_crs,
        nodata=nodata,
        preset=algorithm.parameterAsEnumString(parameters, PRESET, context),
        training=_training(algorithm, parameters, context),
    )


def layer_files(
    algorithm: QgsProcessingAlgorithm, parameters: dict[str, Any], context: QgsProcessingContext, model: Path
) -> dict[str, str]:
    """Return the files of the vector layers, by their keys in ``[sites]``.

    Layers without a file that says the same are copied beside the model that is to be made.

    Raises
    ------
    OptionError
        A layer can't be read or copied.
    """
    keys = {SITES: "train", TEST: "test", BACKGROUND: "background", AREA: "area"}
    model.parent.mkdir(parents=True, exist_ok=True)
    return {
        key: vector_parameter(
            algorithm, parameters, name, context, model.with_suffix(f".{key}.gpkg"), attributes=name != AREA
        )
        for name, key in keys.items()
        if is_given(parameters, name)
    }


def _inputs(
    algorithm: QgsProcessingAlgorithm, parameters: dict[str, Any], context: QgsProcessingContext
) -> tuple[tuple[RasterInput, ...], dict[str, str], dict[str, NoData]]:
    """Return the rasters of all modalities, and CRS and NoData by file as layers have them.

    What is named goes before what is picked.
    """
    named = named_files(parameters.get(INPUTS))
    picked: list[RasterInput] = []
    sources = []
    for name, modality in PICKED.items():
        if not any(one.modality == modality for one in named):
            layers = algorithm.parameterAsLayerList(parameters, name, context) or []
            for raster in filter(None, map(raster_of, layers)):
                picked.append(RasterInput(modality, raster.file))
                sources.append(source(raster, 1))
    file_crs, nodata, fault = said_by_layers(sources)
    if fault:
        raise OptionError(fault)
    return (*picked, *named), file_crs, nodata


def _fields(
    algorithm: QgsProcessingAlgorithm, parameters: dict[str, Any], name: str, context: QgsProcessingContext
) -> tuple[str, ...]:
    """Return the names of fields; text has one a line or separated by semicolons."""
    if not is_given(parameters, name):
        return ()
    return tuple(dict.fromkeys(entries(list(algorithm.parameterAsFields(parameters, name, context)))))


def _training(
    algorithm: QgsProcessingAlgorithm, parameters: dict[str, Any], context: QgsProcessingContext
) -> dict[str, Any]:
    """Return the numbers that were given, by their keys in ``[training]``."""
    found: dict[str, Any] = {}
    for name, _, kind, _ in _numbers():
        if is_given(parameters, name):
            whole = kind == _INTEGER
            read = algorithm.parameterAsInt if whole else algorithm.parameterAsDouble
            found[name.lower()] = read(parameters, name, context)
    return found
