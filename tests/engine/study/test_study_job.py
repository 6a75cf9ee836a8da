"""The ``study`` job from files to files: tables, page, cost, stopping and going on."""

from __future__ import annotations

import csv
import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from scalescape.engine.commands import study_command
from scalescape.engine.jobs.study_job import run_study
from scalescape.engine.protocol import Progress, StudyJob, StudyResult
from scalescape.engine.running.errors import Cancelled, InputError
from scalescape.engine.running.progress import Monitor
from scalescape.engine.training.course import Course
from scalescape.engine.training.fitting import Fitted, Turn
from scalescape.engine.training.fold_fitting import fit_fold
from scalescape.engine.training.learner import DivergedError
from scalescape.models.model_file import read_model
from scalescape.models.whole_file import write_whole
from tiny_landscape import RECORDS_ALONE, write_tiny_landscape

pytest.importorskip("elapid")

MAIN = Path(__file__).resolve().parents[3] / "engine" / "__main__.py"
TABLES = ("study.csv", "summary.csv", "gains.csv", "verdicts.csv", "species.csv", "placebos.csv")
NETWORKS, FOLDS, SEEDS, PLACEBOS = 3, 2, 2, 1  # bioclim 1, satellite 3, both
REAL = FOLDS * (NETWORKS * SEEDS + 2 * SEEDS + 2 + SEEDS)  # and two forests, two of MaxEnt, coordinates
ADDITIONS = (
    NETWORKS - 1 + 4 + 1
)  # all but the baseline and coordinates; the question, whose reference is another
FITS = REAL + FOLDS * ADDITIONS * PLACEBOS
TRAINING = """
[training]
epochs = 1
folds = 2
blocks_km = 0.5
buffer_km = 0.05
n_background = 100
batch_size = 64
width = 0.03
patience = 0
"""


def write(folder: Path, training: str = TRAINING) -> None:
    """Write records of two species and a config with small windows."""
    config = write_tiny_landscape(folder, RECORDS_ALONE, training)
    text = config.read_text(encoding="utf-8").replace("scales = [25]", 'scales = [3]\nbackbone = "pointwise"')
    config.write_text(text, encoding="utf-8")


def job(folder: Path, **fields: object) -> StudyJob:
    config = folder / "train.toml"
    if not config.is_file():
        write(folder)
    settled = {"seeds": SEEDS, "placebos": PLACEBOS, "jobs": 1, **fields}
    return StudyJob(str(config), str(folder / "study"), **settled)  # type: ignore[arg-type]


def tables(folder: Path) -> dict[str, str]:
    return {name: (folder / "study" / name).read_text(encoding="utf-8") for name in TABLES}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, StudyResult]:
    folder = tmp_path_factory.mktemp("done")
    return folder, run_study(job(folder), Monitor())


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((folder / "study" / name).open(encoding="utf-8")))


def test_every_model_is_there_and_all_that_add_something_on_placebos_too(
    done: tuple[Path, StudyResult],
) -> None:
    folder, result = done
    assert result.fits == FITS
    found = {(r["model"], r["predictors"], r["modalities"], r["scales"]) for r in rows(folder, "study.csv")}
    networks = [("bioclim", "1"), ("satellite", "3"), ("bioclim+satellite", "1+3")]
    rivals = [("bioclim+satellite", "1+1"), ("bioclim+satellite", "1+1-3")]
    expected = {("network", p, *seen) for seen in networks for p in ("real", "placebo")}
    expected -= {("network", "placebo", "bioclim", "1")}  # the baseline adds nothing
    expected |= {
        (m, p, *seen) for m in ("random_forest", "maxent") for seen in rivals for p in ("real", "placebo")
    }
    assert found == expected | {("coordinates", "real", "", "")}
    beside = {
        (r["modalities"], r["scales"], r["randomised"], r["kept"])
        for r in rows(folder, "study.csv")
        if r["model"] == "network" and r["predictors"] == "placebo"
    }
    assert beside == {
        ("satellite", "3", "satellite 3", "bioclim 1"),
        ("bioclim+satellite", "1+3", "satellite 3", "bioclim 1"),
        ("bioclim+satellite", "1+3", "bioclim 1", "satellite 3"),
    }
    assert not any(r["randomised"] or r["kept"] for r in rows(folder, "study.csv") if r["predictors"] == "real")
    seeds = {
        r["seed"] for r in rows(folder, "study.csv") if r["model"] == "network" and r["predictors"] == "real"
    }
    assert seeds == {"42", "43"}


def test_the_summary_is_made_of_the_rows_of_the_fits(done: tuple[Path, StudyResult]) -> None:
    folder, _ = done
    fits = rows(folder, "study.csv")
    for one in rows(folder, "summary.csv"):
        key = ("model", "predictors", "modalities", "scales", "kept")
        mine = [r for r in fits if all(r[k] == one[k] for k in key) and r["averaged"] == "True"]
        by_run: dict[tuple[str, str, str], list[float]] = {}
        for r in mine:
            by_run.setdefault((r["species"], r["seed"], r["placebo"]), []).append(float(r["auc"]))
        by_species: dict[str, list[float]] = {}
        for (species, _, _), values in by_run.items():
            by_species.setdefault(species, []).append(float(np.mean(values)))
        means = [float(np.mean(values)) for values in by_species.values()]
        assert int(one["n_species"]) == len(means)
        assert float(one["auc_median"]) == pytest.approx(np.median(means))
        assert float(one["auc_mean"]) == pytest.approx(np.mean(means))


def test_a_network_that_diverges_is_left_out_and_named(
    done: tuple[Path, StudyResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second seed of the network of satellite 3, in its second fold; all else is as in a study without."""

    def falling(course: Course, number: int, turn: Turn, *rest: object) -> Fitted:
        if (course.recipe.seed, turn.name, number) == (43, "network, satellite 3", 1):
            raise DivergedError("Training diverged.")
        return fit_fold(course, number, turn, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr("scalescape.engine.study.workshop.fit_fold", falling)
    result = run_study(job(tmp_path), Monitor())
    assert result.fits == FITS
    (note,) = [one for one in result.warnings if "diverged" in one]
    assert note.startswith("The training of 1 network diverged.") and ": satellite 3, seed 43, fold 2. " in note
    assert note in Path(result.files[-1]).read_text(encoding="utf-8")

    def lost(row: dict[str, str]) -> bool:
        return (row["model"], row["scales"], row["seed"], row["predictors"]) == ("network", "3", "43", "real")

    assert rows(tmp_path, "study.csv") == [one for one in rows(done[0], "study.csv") if not lost(one)]
    counts = {
        (one["model"], one["scales"], one["predictors"]): (one["runs"], one["diverged"])
        for one in rows(tmp_path, "summary.csv")
    }
    assert counts["network", "3", "real"] == ("1", "1")
    assert {value for key, value in counts.items() if key != ("network", "3", "real")} == {
        ("1", "0"), ("2", "0")
    }  # fmt: skip
    monkeypatch.undo()
    before = tables(tmp_path)
    assert run_study(job(tmp_path, resume=True), Monitor()).warnings == result.warnings
    assert tables(tmp_path) == before, "it is known to diverge"


def test_a_study_goes_on_where_no_network_can_be_trained(tmp_path: Path) -> None:
    write(tmp_path, TRAINING.replace("epochs = 1", "epochs = 5") + "learning_rate = 1e30\n")
    result = run_study(job(tmp_path, seeds=1, placebos=0, refits=2), Monitor())
    assert {one["model"] for one in rows(tmp_path, "summary.csv")} == {"random_forest", "maxent", "coordinates"}
    assert not result.verdicts
    text = Path(result.files[-1]).read_text(encoding="utf-8")
    assert "No seed is left, so there are no figures" in text and "was not refitted" in text


def test_noise_is_not_said_to_help(done: tuple[Path, StudyResult]) -> None:
    folder, result = done
    assert result.verdicts and "helps" not in result.verdicts.values()
    assert {r["verdict"] for r in rows(folder, "gains.csv") if r["model"] == "network"} <= {
        "no evidence", "too few placebos", "cannot be told from a placebo (1 draw)", "hurts",
    }  # fmt: skip


def test_gains_are_the_models_auc_less_the_references_on_real_predictors_and_on_placebos(
    done: tuple[Path, StudyResult],
) -> None:
    folder, _ = done
    summary = {
        (r["model"], r["predictors"], r["scales"], r["kept"]): float(r["auc_mean"])
        for r in rows(folder, "summary.csv")
    }
    kept = {"network, satellite 3": "satellite 3", "network, bioclim 1": "bioclim 1"}
    scales = {"satellite 3": "3", "bioclim 1": "1"}
    seen = 0
    for one in [*rows(folder, "gains.csv"), *rows(folder, "verdicts.csv")]:
        beside = kept[one["reference"]]
        if one["species"] != "(mean)" or one["model"] != "network":
            continue
        seen += 1
        base = summary["network", "real", scales[beside], ""]
        real, placebo = (
            summary["network", what, one["scales"], its] for what, its in (("real", ""), ("placebo", beside))
        )
        assert float(one["gain"]) == pytest.approx(real - base)
        assert float(one["placebo_gain"]) == pytest.approx(placebo - base)
        assert float(one["headroom"]) == pytest.approx(1 - base)
        assert one["placebos"] == "1" and not one["smallest_gain_that_could_help"], (
            "one says nothing of scatter"
        )
    assert seen == 3


def test_placebos_are_measured_and_what_is_wrong_with_them_is_said(done: tuple[Path, StudyResult]) -> None:
    folder, result = done
    found = rows(folder, "placebos.csv")
    assert {(one["placebo"], one["modality"]) for one in found} == {("1", "bioclim"), ("1", "satellite")}
    bad = [one for one in found if one["good"] != "True"]
    assert bool(bad) == any("less like the real ones" in one for one in result.warnings)
    for one in found:
        assert 0.5 < float(one["roughness_low"]) <= float(one["roughness_high"]) < 2


def test_the_page_stands_alone(done: tuple[Path, StudyResult]) -> None:
    folder, result = done
    page = Path(result.files[-1])
    assert page == folder / "study" / "study.html"
    text = page.read_text(encoding="utf-8")
    assert "What this can't show" in text and "placebo" in text
    assert "http" not in text.replace("http://www.w3.org", "") and "<script" not in text


def test_a_study_that_is_done_can_be_resumed_with_more_seeds(done: tuple[Path, StudyResult]) -> None:
    folder, _ = done
    before = tables(folder)
    told: list[Progress] = []
    run_study(job(folder, resume=True), Monitor(told.append))
    assert tables(folder) == before
    assert not [one for one in told if one.phase == "fitting" and one.done < one.total], (
        "nothing was left to fit"
    )
    more = run_study(job(folder, resume=True, seeds=SEEDS + 1), Monitor())
    assert more.fits - FITS in (FOLDS * (NETWORKS + 2 + 1) + more_of for more_of in (0, -FOLDS * PLACEBOS))
    run_study(job(folder, resume=True), Monitor())
    assert tables(folder) == before


def test_two_processes_give_the_same_tables(done: tuple[Path, StudyResult], tmp_path: Path) -> None:
    run_study(job(tmp_path, jobs=2), Monitor())
    assert tables(tmp_path) == tables(done[0])


def test_killed_three_times_and_resumed_gives_the_same_tables(
    done: tuple[Path, StudyResult], tmp_path: Path
) -> None:
    job(tmp_path)
    command = [
        sys.executable, str(MAIN), "study", str(tmp_path / "train.toml"), "--out", str(tmp_path / "study"),
        "--seeds", str(SEEDS), "--placebos", str(PLACEBOS), "--jobs", "2",
    ]  # fmt: skip
    fits = tmp_path / "study" / "fits"
    kept = 0
    for _ in range(3):
        resume = ["--resume"] if fits.exists() else []
        run = subprocess.Popen([*command, *resume], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wanted, limit = kept + 4, time.monotonic() + 240
        while len(list(fits.glob("*.npz"))) < wanted and run.poll() is None and time.monotonic() < limit:
            time.sleep(0.05)
        run.send_signal(signal.SIGKILL)
        run.wait()
        kept = len(list(fits.glob("*.npz")))
        assert wanted <= kept < FITS
    for orphan in fits.glob("*.partial"):
        assert orphan.suffix == ".partial", "a file that was being written bears another name"
    subprocess.run([*command, "--resume"], check=True, stdout=subprocess.DEVNULL)
    assert tables(tmp_path) == tables(done[0])


def test_it_says_what_it_takes_and_does_no_more(tmp_path: Path) -> None:
    told: list[Progress] = []
    result = run_study(job(tmp_path, estimate=True), Monitor(told.append))
    assert (result.fits, result.files) == (FITS, ())
    assert result.seconds > 0
    assert any(f"{FITS} fits" in one.detail for one in told if one.phase == "cost")
    assert not list((tmp_path / "study" / "fits").glob("*.npz"))


def cancelled(one: StudyJob, fits: int) -> None:
    """Stop a study after some fits."""

    def stop(progress: Progress) -> None:
        if progress.phase == "fitting" and progress.done == fits:
            monitor.cancel()

    monitor = Monitor(stop)
    with pytest.raises(Cancelled):
        run_study(one, monitor)


def test_a_cancelled_study_keeps_what_is_done(tmp_path: Path) -> None:
    cancelled(job(tmp_path), 5)
    assert len(list((tmp_path / "study" / "fits").glob("*.npz"))) == 5


def test_the_command_says_what_is_kept_and_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(report: Progress) -> None:
        if report.phase == "fitting" and report.done == 1:
            monitor.cancel()

    monitor = Monitor(stop)
    monkeypatch.setattr(study_command, "Monitor", lambda sink: monitor)
    one = job(tmp_path)
    arguments = [one.config, "--out", one.out, "--jobs", "1", "--placebos", "0"]
    done = CliRunner().invoke(study_command.study_command, arguments)
    assert done.exit_code == 130
    kept = tmp_path / "study" / "fits"
    assert done.stderr == f"Cancelled; what is done is kept in {kept}: go on with --resume.\n"
    assert list(kept.glob("*.npz"))


def stopped_at_once(one: StudyJob) -> list[Progress]:
    """Stop a study where it begins to fit; return what it told."""
    told: list[Progress] = []

    def stop(report: Progress) -> None:
        told.append(report)
        if report.phase == "fitting":
            monitor.cancel()

    monitor = Monitor(stop)
    with pytest.raises(Cancelled):
        run_study(one, monitor)
    return told


def test_two_forgetful_starts_lose_no_fit(tmp_path: Path) -> None:
    """Without --resume, and stopped soon, twice: a study that resumes goes on from the first one's fits."""
    cancelled(job(tmp_path), 5)
    fits = tmp_path / "study" / "fits"
    kept = {file.name: file.read_bytes() for file in fits.glob("*.npz")}
    told = [*stopped_at_once(job(tmp_path)), *stopped_at_once(job(tmp_path))]
    (note,) = {one.detail for one in told if one.phase == "note"}
    assert str(fits.with_name("fits.old")) in note and "--resume" in note
    assert told[-1].done == 0
    assert stopped_at_once(job(tmp_path, resume=True))[-1].done == 5
    assert {file.name: file.read_bytes() for file in fits.glob("*.npz")} == kept
    assert not list(fits.parent.glob("fits.old*"))


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_disk_that_is_full_amid_a_study_keeps_its_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jobs: int
) -> None:
    written: list[Path] = []

    def full(file: Path, content: bytes) -> None:
        if len(written) == 4:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written.append(file)
        write_whole(file, content)

    monkeypatch.setattr("scalescape.engine.study.outcomes.write_whole", full)
    with pytest.raises(InputError, match=r"study/fits can't be written \(No space left on device\); free some"):
        run_study(job(tmp_path, jobs=jobs), Monitor())
    monkeypatch.undo()
    assert sorted((tmp_path / "study" / "fits").glob("*.npz")) == sorted(written) and len(written) == 4
    assert stopped_at_once(job(tmp_path, resume=True))[-1].done == 4


def test_a_raster_that_changes_amid_a_study_stops_it(tmp_path: Path) -> None:
    one = job(tmp_path)

    def change(report: Progress) -> None:
        if report.phase == "fitting" and report.done == 3:
            os.utime(tmp_path / "satellite.tif", (1, 1))

    with pytest.raises(InputError, match=r"satellite\.tif was changed while it was in use"):
        run_study(one, Monitor(change))
    assert len(list((tmp_path / "study" / "fits").glob("*.npz"))) == 3
    assert not list((tmp_path / "study").glob("*.csv"))


def test_tables_and_page_of_a_study_appear_together(
    done: tuple[Path, StudyResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Path(shutil.copytree(done[0], tmp_path / "own"))
    before = {file.name: file.read_bytes() for file in (own / "study").glob("*.*")}
    assert len(before) == len(TABLES) + 1

    def full(file: Path, content: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("scalescape.engine.study.page.write_whole", full)
    with pytest.raises(InputError, match="free some space"):
        run_study(job(own, resume=True, seeds=1), Monitor())
    assert {file.name: file.read_bytes() for file in (own / "study").glob("*.*")} == before


def test_an_estimate_leaves_what_is_done(tmp_path: Path) -> None:
    cancelled(job(tmp_path), 2)
    kept = sorted((tmp_path / "study" / "fits").glob("*.npz"))
    run_study(job(tmp_path, estimate=True), Monitor())
    config = tmp_path / "train.toml"
    config.write_text(config.read_text(encoding="utf-8").replace("epochs = 1", "epochs = 2"), encoding="utf-8")
    run_study(job(tmp_path, estimate=True), Monitor())
    assert sorted((tmp_path / "study" / "fits").glob("*.npz")) == kept and len(kept) == 2


def test_a_study_whose_placebos_replaced_all_predictors_can_not_go_on(tmp_path: Path) -> None:
    """Fits of the former design lie in a folder of another fingerprint: they are never mixed with new ones."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("scalescape.engine.jobs.study_job.VERSION", 1)
        cancelled(job(tmp_path), 1)
    kept = sorted((tmp_path / "study" / "fits").glob("*.npz"))
    with pytest.raises(InputError, match="another version"):
        run_study(job(tmp_path, resume=True), Monitor())
    assert sorted((tmp_path / "study" / "fits").glob("*.npz")) == kept and len(kept) == 1


def test_another_config_can_not_go_on(tmp_path: Path) -> None:
    cancelled(job(tmp_path), 1)
    config = tmp_path / "train.toml"
    config.write_text(config.read_text(encoding="utf-8").replace("epochs = 1", "epochs = 2"), encoding="utf-8")
    with pytest.raises(InputError, match="made with another config"):
        run_study(job(tmp_path, resume=True), Monitor())


@pytest.fixture
def own(done: tuple[Path, StudyResult], tmp_path: Path) -> Path:
    """A copy of the study that is done, of which only the best network is left to train."""
    return Path(shutil.copytree(done[0], tmp_path / "own"))


def test_what_another_training_left_does_not_stop_the_best_network(own: Path) -> None:
    left = own / "study" / "best.partial"
    left.mkdir()
    (left / "run.json").write_text('{"fingerprint": "of another training", "pid": null}', encoding="utf-8")
    (left / "network_0.ckpt").write_bytes(b"of another training")
    result = run_study(job(own, resume=True, keep="best"), Monitor())
    assert result.model == str(own / "study" / "best.safetensors")
    assert read_model(result.model).card.species
    assert (own / "study" / "best.partial.old" / "network_0.ckpt").read_bytes() == b"of another training"
    assert not left.exists()


def test_the_best_network_goes_on_from_its_own_training(own: Path) -> None:
    def stop(progress: Progress) -> None:
        if progress.phase == "training" and progress.done == FOLDS:
            monitor.cancel()

    monitor = Monitor(stop)
    with pytest.raises(Cancelled):
        run_study(job(own, resume=True, keep="best"), monitor)
    assert (own / "study" / "best.partial" / "network_0.safetensors").is_file()
    told: list[Progress] = []
    run_study(job(own, resume=True, keep="best"), Monitor(told.append))
    assert min(one.done for one in told if one.phase == "training") >= 1, "the first fold is not trained again"
    assert {file.name for file in (own / "study").glob("best*")} == {
        "best.safetensors", "best.oof.csv", "best.report"
    }  # fmt: skip


def test_a_study_without_a_seed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="needs a seed"):
        run_study(job(tmp_path, seeds=0), Monitor())


def test_a_name_can_not_break_the_page(tmp_path: Path) -> None:
    write(tmp_path, TRAINING + '[model]\nname = "<b>A & B</b>"\n')
    table = tmp_path / "po.csv"
    table.write_text(table.read_text(encoding="utf-8").replace("Alnus", "<i>Alnus</i>"), encoding="utf-8")
    result = run_study(replace(job(tmp_path), seeds=1, placebos=0), Monitor())
    text = Path(result.files[-1]).read_text(encoding="utf-8")
    assert "<i>Alnus" not in text and "&lt;i&gt;Alnus" in text
    assert "<b>A" not in text
    assert "no gain counts as help" in text
    assert any("none was asked for" in one for one in result.warnings)
