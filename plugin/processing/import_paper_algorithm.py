"""The algorithm ``importpaper``: a checkpoint of the paper's code as a model file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Optional

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputNumber,
    QgsProcessingParameterFile,
    QgsProcessingParameterString,
)

from ...engine.protocol import ImportPaperJob
from ..core.translation import tr
from .engine_algorithm import EngineAlgorithm
from .engine_run import run_job
from .lasting_output import model_file, model_parameter, temporary_fault


class ImportPaperAlgorithm(EngineAlgorithm):
    """Make a model file of a network that was trained with the code of van Tiel et al."""

    GROUP = EngineAlgorithm.MODELS_GROUP
    CHECKPOINT, CONFIG, SPECIES, STATS = "CHECKPOINT", "CONFIG", "SPECIES", "STATS"
    PIXELS, OUTPUT, SPECIES_COUNT = "PIXELS", "OUTPUT", "SPECIES_COUNT"

    def name(self) -> str:
        return "importpaper"

    def displayName(self) -> str:
        return tr("Import a network of the paper")

    def tags(self) -> list[str]:
        return tr("species,distribution,van Tiel,checkpoint,pth,GeoLifeCLEF,import").split(",")

    def shortHelpString(self) -> str:
        return tr(
            "Makes a model file of a network that was trained with the code of van Tiel et al. 2024 "
            "(multi_scale_SDMs). It gives the same values as that code does. Nothing in the checkpoint is "
            "run.\n\nCheckpoint and config: best_val_auc.pth and config.json of one run.\n\n"
            "Species: a text file of a name a line, or a table with a column species, in the order in which "
            "the network was trained.\n\n"
            "Statistics: a table (CSV) with the columns band, mean and std, a row for each band in the order "
            "of the network's channels; with two modalities also the column modality (env or sat).\n\n"
            "Pixel sizes: empty for those of GeoLifeCLEF (10 m, 30 arc-seconds), else as satellite=20m.\n\n"
            "Such networks look at the land up to 13 pixels up and to the left of a pixel; the model's card "
            "says how far. Those with imagery are mapped window by window, which is slow: choose a long "
            "step first."
        )

    def initAlgorithm(self, config: Optional[dict[str, Any]] = None) -> None:
        file = QgsProcessingParameterFile.Behavior.File
        every = tr("All files (*)")
        for name, text, filters in (
            (self.CHECKPOINT, tr("Checkpoint"), tr("Checkpoints (*.pth *.pt)") + ";;" + every),
            (self.CONFIG, tr("Config"), tr("Configs (*.json)") + ";;" + every),
            (self.SPECIES, tr("Species"), tr("Tables (*.csv *.txt)") + ";;" + every),
            (self.STATS, tr("Statistics of the bands"), tr("Tables (*.csv)") + ";;" + every),
        ):
            self.addParameter(QgsProcessingParameterFile(name, text, file, fileFilter=filters))
        self.addParameter(QgsProcessingParameterString(self.PIXELS, tr("Pixel sizes"), optional=True))
        self.addParameter(model_parameter(self.OUTPUT, tr("Model file")))
        self.addOutput(QgsProcessingOutputNumber(self.SPECIES_COUNT, tr("Number of species")))

    def fault(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        for name in (self.CHECKPOINT, self.CONFIG, self.SPECIES, self.STATS):
            file = self.parameterAsFile(parameters, name, context)
            if not Path(file).is_file():
                return tr("{} does not exist.").format(file)
        if _pixels(self.parameterAsString(parameters, self.PIXELS, context)) is None:
            return tr("Write pixel sizes as satellite=20m, bioclim=0.0417deg.")
        return temporary_fault(model_file(self, parameters, self.OUTPUT, context))

    def processAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        files = [
            str(Path(self.parameterAsFile(parameters, name, context)).absolute())
            for name in (self.CHECKPOINT, self.CONFIG, self.SPECIES, self.STATS)
        ]
        out = str(model_file(self, parameters, self.OUTPUT, context))
        pixels = _pixels(self.parameterAsString(parameters, self.PIXELS, context)) or {}
        result = run_job("import-paper", ImportPaperJob(*files, out, pixels), feedback)
        if not result:
            return {}
        self.made_model = out
        for note in result.get("notes") or ():
            feedback.pushInfo(str(note))
        return {self.OUTPUT: out, self.SPECIES_COUNT: result["n_species"]}


def _pixels(text: str) -> Optional[dict[str, str]]:
    """Return sizes by modality from ``satellite=20m, bioclim=0.0417deg``, None where it is not written so."""
    found = {}
    for part in (one.strip() for one in text.split(",")):
        modality, equals, size = part.partition("=")
        if part and not equals:
            return None
        if part:
            found[modality.strip()] = size.strip()
    return found
