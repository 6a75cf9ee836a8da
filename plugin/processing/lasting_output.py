"""Outputs that take hours to make: they lie where they stay, not in the folder that QGIS empties in the end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterFolderDestination,
    QgsProcessingUtils,
    QgsProject,
)

from ...engine.protocol.kept_work import work_in
from ..core.translation import tr

MODELS, MODEL, SUFFIX = "scalescape models", "model", ".safetensors"
STUDY = "scalescape study"


def model_parameter(name: str, description: str) -> QgsProcessingParameterDefinition:
    """Return the parameter of a model file that is to be made; by default of a name that none has yet."""
    kinds = tr("Scalescape models (*{})").format(SUFFIX)
    return QgsProcessingParameterFileDestination(name, description, kinds, str(_free(_default_models())))


def study_parameter(name: str, description: str) -> QgsProcessingParameterDefinition:
    """Return the parameter of the folder of a study; by default one that holds no finished study."""
    folders = (_home() / STUDY, *(_home() / f"{STUDY} {number}" for number in range(2, 1000)))
    folder = next(one for one in folders if not (one / "study.csv").exists())
    return QgsProcessingParameterFolderDestination(name, description, str(folder))


def model_file(
    algorithm: QgsProcessingAlgorithm, parameters: dict[str, Any], name: str, context: QgsProcessingContext
) -> Path:
    """Return the model file that is to be made; one of a default name never replaces another.

    So trainings that run one after the other, with the default that the dialog showed, each keep their model.
    """
    chosen = Path(algorithm.parameterAsFileOutput(parameters, name, context)).absolute()
    by_default = chosen.parent == _home() / MODELS and re.fullmatch(rf"{MODEL}(-\d+)?{SUFFIX}", chosen.name)
    return _free(_default_models()) if by_default and chosen.exists() else chosen


def temporary_fault(path: Path) -> str:
    """Return what is to be said where an output would not outlast QGIS; empty where it would."""
    temporary = Path(QgsProcessingUtils.tempFolder()).resolve()
    if temporary not in (path.resolve(), *path.resolve().parents):
        return ""
    return tr("A temporary output is deleted when QGIS ends; choose where it is to stay.")


def cancelled(folder: Path) -> str:
    """Return what is to be said of a cancelled run that keeps in ``folder`` what is done."""
    if not work_in(folder):
        return tr("Cancelled; nothing was done yet that could be kept.")
    said = tr("Cancelled; what is done is kept in {}. With the same output and “Resume” it goes on from there.")
    return said.format(folder)


def _home() -> Path:
    return Path(QgsProject.instance().homePath() or Path.home())


def _default_models() -> Iterator[Path]:
    folder = _home() / MODELS
    yield folder / f"{MODEL}{SUFFIX}"
    for number in count(2):
        yield folder / f"{MODEL}-{number}{SUFFIX}"


def _free(files: Iterator[Path]) -> Path:
    return next(one for one in files if not one.exists())
