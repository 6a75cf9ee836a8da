"""The ``study`` job: which scales, which modalities, and does it pay?"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median

import psutil

from ..files.aside import Aside, writing
from ..files.resumable_folder import ResumableFolder, holds_work_of
from ..protocol import StudyJob, StudyResult
from ..recipes.config_file import read_config
from ..running.device import chosen
from ..running.errors import InputError
from ..running.progress import Monitor
from ..study.cost import MeasuredSeconds, in_words, seconds_a_fit
from ..study.findings import (
    Findings,
    additions_of,
    askable,
    findings_of,
    gains_asked,
    questions_asked,
    score_of,
)
from ..study.likeness import likeness_notes
from ..study.outcomes import Outcomes
from ..study.page import write_page
from ..study.placebo import can_be_randomised
from ..study.refits import ScaleOfEffect, refitted, scale_of_effect
from ..study.scoreboard import Scoreboard
from ..study.standing import Standing
from ..study.tables import write_tables
from ..study.trial import Outcome, Run, Trial, placebo_runs, runs_of
from ..study.variant import Addition, Variant, best_of_each, everything, networks, one_pixel, rivals
from ..study.workers import fitted, one_thread
from ..study.workshop import Workshop
from ..training.course import Course
from ..training.fingerprint import fingerprint, table_digest
from ..training.learner import DivergedError
from .train_job import trained

BEST = "best.safetensors"
KEEPS = ("", "best")
NOWHERE = Path(os.devnull) / "nothing"  # where nothing is kept
VERSION = 2  # of what lies in that folder; in 1 placebos replaced all predictors
SOLVERS = ("scikit-learn", "elapid")


def run_study(job: StudyJob, monitor: Monitor) -> StudyResult:
    """Fit and compare the models of a study.

    Raises
    ------
    InputError
        The config or its data can't be used, or the files can't be written.
    Cancelled
        The user asked for it; what is done is kept for ``resume``.
    """
    if job.seeds < 1 or job.placebos < 0:
        raise InputError(f"A study needs a seed and no negative placebos, not {job.seeds} and {job.placebos}.")
    if job.keep not in KEEPS:
        raise InputError(f"A study can keep the best model and no other, not {job.keep!r}.")
    device = chosen(job.device)
    monitor.report("preparing", 0, 1)
    out = Path(job.out)
    config = read_config(Path(job.config))
    fits = Path(job.fits)
    with Workshop(config, fits, monitor, device) as workshop:
        text = _fingerprint(workshop.course)
        if job.estimate and not holds_work_of(fits, text):
            return Study(job, workshop, Outcomes(NOWHERE), NOWHERE, monitor).estimated()
        with ResumableFolder(fits, text, job.resume or job.estimate, f"writes to {out}") as folder:
            monitor.note(folder.note)
            study = Study(job, workshop, Outcomes(folder.path), folder.path, monitor)
            return study.estimated() if job.estimate else study.done(out)


def _fingerprint(course: Course) -> str:
    """Return a digest of all that decides a study's tables."""
    survey = b"" if course.test is None else table_digest(course.test)
    return hashlib.sha256(f"{VERSION} {fingerprint(course)} {_solvers()}".encode() + survey).hexdigest()


class Study:
    """A study in its folder."""

    def __init__(
        self, job: StudyJob, workshop: Workshop, outcomes: Outcomes, folder: Path, monitor: Monitor
    ) -> None:
        self._job = job
        self._workshop = workshop
        self._outcomes = outcomes
        self._folder = folder
        self._monitor = monitor
        course = workshop.course
        self._seeds = tuple(course.recipe.seed + number for number in range(job.seeds))
        self._placebos = job.placebos if can_be_randomised(course.config) else 0
        self._networks = networks(workshop.offered, workshop.climate)
        self._rivals = rivals(workshop.offered)
        self._board = Scoreboard.of(workshop)
        cpu = workshop.device.type == "cpu"
        self._jobs = (job.jobs or psutil.cpu_count(logical=False) or os.cpu_count() or 1) if cpu else 1
        self._seconds: dict[Variant, float] = {}

    def estimated(self) -> StudyResult:
        """Return what the study takes."""
        trials, seconds = self._cost()
        return StudyResult((), "", len(trials), seconds, {}, ())

    def done(self, out: Path) -> StudyResult:
        """Fit what is left, judge all, and write tables and page."""
        placebos = self._workshop.placebos
        if self._placebos:
            placebos.write(
                self._placebos,
                lambda done, total: self._monitor.report("making placebos", done, total, "rasters"),
            )
        self._cost()
        standings = self._fitted((*self._networks, *self._rivals))
        best = best_of_each(self._workshop.offered, self._scores(standings))
        if best is not None and best not in standings:
            standings |= self._fitted((best,))
        board, offered, climate = self._board, self._workshop.offered, self._workshop.climate
        asked = [*gains_asked(standings, climate), *questions_asked(board, standings, offered)]
        on_placebos = self._fitted_on_placebos(additions_of(asked))
        self._monitor.report("judging", 0, 1)
        findings = findings_of(board, standings, on_placebos, offered, climate)
        effect, refit_notes = self._scale_of_effect() if self._job.refits else (None, ())
        likeness = placebos.likeness(self._placebos)
        notes = (*likeness_notes(likeness), *findings.diverged, *refit_notes)
        with Aside(out) as aside:
            with writing(out):
                tables = write_tables(findings, likeness, aside.path)
                page = write_page(findings, self._workshop, likeness, effect, notes, aside.path)
            aside.publish([*tables, page])
        files = tuple(str(out / name) for name in (*tables, page))
        model = self._kept(findings.best(), out) if self._job.keep else ""
        return self._result(findings, files, model, notes)

    def _scale_of_effect(self) -> tuple[ScaleOfEffect | None, tuple[str, ...]]:
        """Train the network of everything on resampled blocks, and return what it relies on where.

        And sentences on refits that diverged; without any that did not, there is nothing else.
        """
        workshop, counted = self._workshop, self._board.counted
        if not can_be_randomised(workshop.course.config) or not counted.any():
            raise InputError("Refits need rasters for all modalities, and a species that can be judged.")
        whole = everything(workshop.offered)
        course = workshop.seen(whole.scales)
        outcomes = [self._outcome(trial) for trial in self._trials(whole)]
        epochs = [one.epochs for one in outcomes if not one.diverged]
        if not epochs:
            return None, ("The network of everything could not be trained, so it was not refitted.",)
        files, wanted = [], self._job.refits
        with one_thread():
            for number in range(wanted):
                self._monitor.report("refitting", number, wanted, "refits")
                file = self._folder / f"refit_{number + 1}.safetensors"
                with suppress(DivergedError):
                    if not file.is_file():
                        refitted(course, number, round(median(epochs)), file, self._monitor, workshop.device)
                    files.append(file)
        lost = wanted - len(files)
        notes = (f"Training diverged in {lost} of {wanted} refits; they are left out.",) if lost else ()
        if not files:
            return None, notes
        names = tuple(name for name, counts in zip(course.sites.species, counted, strict=True) if counts)
        return scale_of_effect(course, files, names, self._monitor), notes

    def _kept(self, best: Variant, out: Path) -> str:
        """Train the best network as ``train`` would, on the study's blocks, and return its file."""
        course = self._workshop.course
        config = self._workshop.config_of(best.scales)
        ground = {"blocks_km": course.blocks.side_m / 1000, "buffer_km": course.buffer_m / 1000}
        config = config.model_copy(update={"training": config.training.model_copy(update=ground)})
        return trained(config, out / BEST, None, self._job.device, self._monitor).model

    def _fitted(self, variants: Sequence[Variant]) -> dict[Variant, Standing]:
        """Fit what is left of some variants on real predictors, and return how all of them stand."""
        trials = {one: self._trials(one) for one in variants}
        self._fit([trial for mine in trials.values() for trial in mine], "fitting")
        return {one: self._standing(one, mine) for one, mine in trials.items()}

    def _fitted_on_placebos(self, additions: Sequence[Addition]) -> dict[Addition, Standing]:
        """Fit what is left of some models on placebos, and return how all of them stand."""
        trials = {one: self._placebo_trials(one) for one in additions if self._placebos}
        self._fit([trial for mine in trials.values() for trial in mine], "fitting to placebos")
        return {one: self._standing(one.variant, mine) for one, mine in trials.items()}

    def _fit(self, trials: Sequence[Trial], phase: str) -> None:
        """Fit what is left of some trials."""
        left = [trial for trial in trials if self._outcomes.kept(trial) is None]
        done = len(trials) - len(left)
        seconds = sum(self._expected(trial) for trial in left)
        self._monitor.report(phase, done, len(trials), "fits", f"about {in_words(seconds / self._jobs)} left")
        workshop, config = self._workshop, self._workshop.course.config
        for trial, outcome in fitted(left, config, workshop, self._folder, self._jobs, self._monitor):
            workshop.course.inputs.demand_unchanged()  # processes read them once more
            self._outcomes.keep(trial, outcome)
            done += 1
            seconds -= self._expected(trial)
            said = f"{trial.variant.name}, about {in_words(max(seconds, 0.0) / self._jobs)} left"
            self._monitor.report(phase, done, len(trials), "fits", said)

    def _standing(self, variant: Variant, trials: Sequence[Trial]) -> Standing:
        return self._board.standing(variant, {one: self._outcome(one) for one in trials})

    def _outcome(self, trial: Trial) -> Outcome:
        found = self._outcomes.kept(trial)
        if found is None:
            raise InputError(f"A file in {self._folder} is gone; go on with --resume.")
        return found

    def _trials(self, variant: Variant) -> list[Trial]:
        """Return the fits of a variant on real predictors."""
        return self._in_folds(variant, runs_of(variant, self._seeds))

    def _placebo_trials(self, addition: Addition) -> list[Trial]:
        """Return the fits of a model on placebos."""
        return self._in_folds(addition.variant, placebo_runs(addition, self._seeds, self._placebos))

    def _in_folds(self, variant: Variant, runs: Sequence[Run]) -> list[Trial]:
        folds = range(len(self._workshop.course.folds))
        return [Trial(variant, run, fold) for run in runs for fold in folds]

    def _planned(self) -> list[Trial]:
        """Return all fits that there may be.

        Which network is the best of its kind, and so what stays real in the placebos of a question, is known
        only when all is fitted on real predictors. Until then each question counts as one whose placebos are
        fitted for it alone.
        """
        offered, climate = self._workshop.offered, self._workshop.climate
        variants = [*self._networks, *self._rivals]
        real = [trial for one in variants for trial in self._trials(one)]
        baseline = one_pixel(climate)
        additions = [Addition(one, baseline.scales) for one in variants if one != baseline]
        if all(self._outcomes.kept(trial) is not None for trial in real):
            standings = {one: self._standing(one, self._trials(one)) for one in variants}
            best = best_of_each(offered, self._scores(standings))
            if best is not None and best not in standings:
                real += self._trials(best)
                additions.append(Addition(best, baseline.scales))
            additions += additions_of(questions_asked(self._board, standings, offered))
        else:
            additions += [Addition(model, ()) for _, model, _ in askable(offered)]
        return real + [trial for one in dict.fromkeys(additions) for trial in self._placebo_trials(one)]

    def _cost(self) -> tuple[list[Trial], float]:
        """Say what the study takes; return all trials, and the seconds on one core of those that are left."""
        trials = self._planned()
        models = list(dict.fromkeys(self._model(one) for one in trials))
        known: dict[Variant, list[float]] = {}
        left = []
        for trial in trials:
            outcome = self._outcomes.kept(trial)
            if outcome is None:
                left.append(trial)
            else:
                known.setdefault(self._model(trial), []).append(outcome.seconds)
        self._monitor.report("measuring", 0, 1)
        measured = MeasuredSeconds(self._folder)
        means = {variant: sum(seconds) / len(seconds) for variant, seconds in known.items()}
        before = {one: measured.get(one) for one in models}
        means = {one: seconds for one, seconds in before.items() if seconds is not None} | means
        self._seconds = seconds_a_fit(self._workshop, {self._model(one): None for one in left}, means)
        measured.keep(self._seconds)
        seconds = sum(self._expected(trial) for trial in left)
        on_placebos = sum(bool(one.run.draw) for one in trials)
        number = len(self._networks) + len(self._rivals)
        said = (
            f"Up to {len(trials)} fits of {number} models, {on_placebos} of them to placebos; {len(left)} left "
            f"to do: about {in_words(seconds / self._jobs)} in {self._jobs} processes"
        )
        self._monitor.report("cost", 0, 1, "", said)
        return trials, seconds

    def _model(self, trial: Trial) -> Variant:
        """Return the model on real predictors whose fit takes as long as a trial."""
        return Addition(trial.variant, trial.run.kept).whole if trial.run.draw else trial.variant

    def _expected(self, trial: Trial) -> float:
        """Return the seconds of a fit; one that was not measured takes about as long as the longest."""
        return self._seconds.get(self._model(trial), max(self._seconds.values(), default=0.0))

    def _scores(self, standings: dict[Variant, Standing]) -> dict[Variant, float]:
        return {one: score_of(standing, self._board.counted) for one, standing in standings.items()}

    def _result(
        self, findings: Findings, files: tuple[str, ...], model: str, notes: tuple[str, ...]
    ) -> StudyResult:
        course = self._workshop.course
        placebos: tuple[str, ...] = ()
        if not self._placebos:
            why = "not all modalities come from rasters" if self._job.placebos else "none was asked for"
            placebos = (f"No placebo was made, as {why}; so no gain counts as help.",)
        return StudyResult(
            files=files,
            model=model,
            fits=sum(one.fits for one in findings.every),
            seconds=sum(one.seconds for one in findings.every),
            verdicts={one.question: one.mean.verdict for one in findings.questions},
            warnings=(
                *course.report.sentences(),
                *course.blocks.notes,
                *placebos,
                *notes,
                *self._monitor.notes,
            ),
        )


def _solvers() -> str:
    """Return the versions of what fits forests and MaxEnt."""
    found = []
    for name in SOLVERS:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError as error:
            raise InputError(
                f"A study needs the package {name}; install scalescape[train,baselines], or run make setup."
            ) from error
    return ", ".join(found)
