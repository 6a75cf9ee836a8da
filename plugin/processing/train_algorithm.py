"""The algorithm ``train``: a model file from sites and rasters."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Optional

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingOutputFile,
    QgsProcessingOutputHtml,
    QgsProcessingOutputNumber,
)

from ...engine.protocol import TrainJob
from ...engine.protocol.kept_work import KEPT
from ..core.training_config import TrainingConfigError, TrainingDraft, config_beside, write_config
from ..core.translation import tr
from . import train_parameters
from .engine_algorithm import EngineAlgorithm
from .engine_run import run_job
from .lasting_output import cancelled
from .text_options import OptionError


class TrainAlgorithm(EngineAlgorithm):
    """Train a network on sites and rasters, and judge it on blocks that it did not see."""

    GROUP = EngineAlgorithm.MODELS_GROUP
    OUTPUT, CONFIG_FILE, OOF, REPORT = "OUTPUT", "CONFIG_FILE", "OOF", "REPORT"
    AUC_MEDIAN, N_SPECIES, N_SITES, SECONDS = "AUC_MEDIAN", "N_SPECIES", "N_SITES", "SECONDS"

    def __init__(self) -> None:
        super().__init__()
        self._job: Optional[TrainJob] = None

    def name(self) -> str:
        return "train"

    def displayName(self) -> str:
        return tr("Train a model")

    def tags(self) -> list[str]:
        return tr("species,distribution,occurrences,network,scale,sdm,fit,learn").split(",")

    def shortHelpString(self) -> str:
        return tr(
            "Trains a multi-scale network on sites where species were found and on rasters, and judges it on "
            "blocks of land that it did not see. Beside the model file lie the value of every site from a "
            "network that was trained without its block (.oof.csv), a report, and the config (.toml), with "
            "which the command line repeats the run.\n\n"
            "What the numbers of its maps mean depends on the records. After presence-only records they are "
            "relative suitability: how concentrated records are in such places, compared with the background "
            "and with other species' records; no probability of occurrence. After surveys, with lambda 2 = 1 "
            "and no background, they are favourability: about 0.5 where a species is as likely as on average. "
            "The median AUC says how well presences are told from absences in unseen blocks (0.5 is chance, 1 "
            "perfect); after presence-only records it is against background points, and then it says less.\n\n"
            "Sites: points, one a record or one a survey. A layer without a file of its own, or a selection, "
            "is copied beside the model.\n\n"
            "Species field: says which species a record is of. Species, by field: fields with 1 (found), 0 "
            "(not found) or nothing (not surveyed). Choose one of the two ways.\n\n"
            "Kind of records: “po” presence-only; “pa” presence-absence, sites as they come; “pa-balanced” "
            "presence-absence whose absences were chosen by design.\n\n"
            "Climate rasters become the modality bioclim, imagery rasters the modality satellite, with all "
            "their bands.\n\n"
            "Rasters by name: MODALITY=FILE or MODALITY=FILE#2,3, one a line, also for other modalities. What "
            "is named goes before what is picked.\n\n"
            "Scales: MODALITY=1,5, one a line: the windows in pixels, odd numbers; the preset's unless "
            "told.\n\n"
            "Preset: the network and how it is trained; “paper-…” are those of van Tiel et al. (2024).\n\n"
            "Test sites: surveyed sites kept out of training, for the algorithm “Evaluate a model”; their "
            "species fields where they differ.\n\n"
            "Background: points that stand for what there is, of a target group or of search effort; unless "
            "told they are drawn at random, within the reachable area and in proportion to the sampling bias "
            "where these are given.\n\n"
            "Epochs, seed, folds (1: a fifth of the blocks is kept out for good), side of a block, buffer "
            "(sites nearer than this to a test block are dropped), least records a species, thinning (one "
            "record in a square so wide; 0: in a pixel), number of background points, lambda 2 (weight of "
            "other species' sites against the background) and width (0.125: an eighth of the paper's network, "
            "many times faster) are those of the preset by default, or chosen by the data.\n\n"
            "Config instead of these: a training config (TOML); all else but resume, device and model file is "
            "then ignored.\n\n"
            "Resume: goes on from the last whole epoch of a run of the same model file that was stopped, if "
            "there is one.\n\n"
            "Model file: a place where it stays, since training takes long; in “scalescape models” beside the "
            "project, or in your home folder, by default."
        )

    def initAlgorithm(self, config: Optional[dict[str, Any]] = None) -> None:
        train_parameters.add_parameters(self)
        self.addOutput(QgsProcessingOutputFile(self.CONFIG_FILE, tr("Training config")))
        self.addOutput(QgsProcessingOutputFile(self.OOF, tr("Out-of-fold values")))
        self.addOutput(QgsProcessingOutputHtml(self.REPORT, tr("Report")))
        self.addOutput(QgsProcessingOutputNumber(self.AUC_MEDIAN, tr("Median AUC over species")))
        self.addOutput(QgsProcessingOutputNumber(self.N_SPECIES, tr("Number of species")))
        self.addOutput(QgsProcessingOutputNumber(self.N_SITES, tr("Number of sites")))
        self.addOutput(QgsProcessingOutputNumber(self.SECONDS, tr("Seconds")))

    def fault(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        try:
            self._asked(parameters, context)
        except (OptionError, TrainingConfigError) as error:
            return str(error)
        return ""

    def prepareAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> bool:
        made: list[Path] = []
        try:
            model, config, draft = self._asked(parameters, context)
            if draft is not None:
                made += () if model.parent.exists() else [model.parent]
                files = train_parameters.layer_files(self, parameters, context, model)
                config = str(write_config(replace(draft, **files), model))
        except (OptionError, TrainingConfigError, OSError) as error:
            for folder in made:
                with suppress(OSError):  # it holds something
                    folder.rmdir()
            raise QgsProcessingException(str(error)) from error
        self._job = TrainJob(
            config,
            str(model),
            self.parameterAsBool(parameters, train_parameters.RESUME, context),
            self.parameterAsEnumString(parameters, train_parameters.DEVICE, context),
        )
        return True

    def processAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        job = self._job
        if job is None:
            raise QgsProcessingException(tr("The algorithm was not prepared."))
        feedback.pushInfo(tr("Config: {}").format(job.config))
        result = run_job("train", job, feedback, partial(cancelled, Path(job.out).with_suffix(KEPT)))
        outputs: dict[str, Any] = {self.OUTPUT: job.out, self.CONFIG_FILE: job.config}
        if not result:
            return outputs
        for warning in result.get("warnings") or ():
            feedback.pushWarning(str(warning))
        self.made_model = str(result["model"])
        said = tr("{} species, {} sites, median AUC {}").format(
            result["n_species"], result["n_sites"], auc_text(result.get("auc_median"))
        )
        feedback.pushInfo(said)
        return {
            **outputs,
            self.OUTPUT: result["model"],
            self.OOF: result["oof"],
            self.REPORT: result["report"],
            self.AUC_MEDIAN: result.get("auc_median"),
            self.N_SPECIES: result["n_species"],
            self.N_SITES: result["n_sites"],
            self.SECONDS: result["seconds"],
        }

    def _asked(
        self, parameters: dict[str, Any], context: QgsProcessingContext
    ) -> tuple[Path, str, Optional[TrainingDraft]]:
        """Return the model file, and the config or else what it is to say; raise where something is wrong."""
        model = train_parameters.model_of(self, parameters, context)
        config = train_parameters.config_of(self, parameters, context)
        if config:
            return model, config, None
        draft = train_parameters.draft_of(self, parameters, context)
        config_beside(model)
        return model, "", draft


def auc_text(auc: Optional[float]) -> str:
    """Return an AUC for a person."""
    return tr("not measured") if auc is None else f"{auc:.3f}"
