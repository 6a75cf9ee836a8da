"""Survey sites of the test table: each is judged by networks that have learnt nothing near it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scalescape.engine.recipes.config_file import read_config
from scalescape.engine.running.progress import Monitor
from scalescape.engine.study.survey import survey_of
from scalescape.engine.training.course import Course, course_of, seen_elsewhere
from tiny_landscape import CRS, RECORDS_ALONE, write_tiny_landscape

SITES = f"""
{RECORDS_ALONE}
test = "pa.csv"
test_species_columns = ["Alnus"]
"""
SURVEYS = 60


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    folder = tmp_path_factory.mktemp("survey")
    config = write_tiny_landscape(folder, SITES.replace("\n\n", "\n"))
    rows = (folder / "pa.csv").read_text(encoding="utf-8").replace("Corylus", "Alnus")
    (folder / "pa.csv").write_text(rows, encoding="utf-8")
    return course_of(read_config(config), Monitor())


def test_a_site_belongs_to_the_fold_of_its_square_and_keeps_its_distance(course: Course) -> None:
    survey = survey_of(course)
    assert survey is not None and course.test is not None
    assert 0 < len(survey.sites) < SURVEYS
    assert len(survey.sites) + survey.left_out == len(course.test)
    blocks, side = course.blocks, course.blocks.side_m
    places = np.concatenate([blocks.places, blocks.background_places])
    folds = np.concatenate([blocks.fold, blocks.background_fold])
    for number in range(len(survey.sites)):
        here = np.array([survey.sites.x[number], survey.sites.y[number]])
        mates = (np.floor(places / side) == np.floor(here / side)).all(axis=1)
        assert set(folds[mates]) == {survey.fold[number]}
        split = course.folds[survey.fold[number]].split
        learnt = np.concatenate(
            [blocks.places[split.training], blocks.background_places[split.background_training]]
        )
        assert np.sqrt(((learnt - here) ** 2).sum(axis=1)).min() > course.buffer_m


def test_its_species_are_tested_on_absences_that_somebody_looked_for(course: Course) -> None:
    survey = survey_of(course)
    assert survey is not None
    scored = survey.scored()
    assert scored.against == ("survey", "survey") and scored.crs == CRS
    column = scored.species.index("Alnus")
    assert scored.present[:, column].any() and scored.absent[:, column].any()
    other = scored.species.index("Betula")
    assert not (scored.present[:, other] | scored.absent[:, other]).any(), "the table does not name it"


def test_without_a_test_table_there_is_no_survey(tmp_path: Path) -> None:
    found = course_of(read_config(write_tiny_landscape(tmp_path, RECORDS_ALONE)), Monitor())
    assert survey_of(found) is None


def test_other_sites_are_seen_with_the_training_places_statistics(course: Course) -> None:
    survey = survey_of(course)
    assert survey is not None
    places = seen_elsewhere(course, survey.sites, Monitor())
    for modality in course.modalities:
        own = course.places.sights[modality.name].patches.patches
        values = places.seen(np.arange(len(survey.sites)))[modality.name].values.numpy()
        assert values.shape[1:] == (len(modality.bands), max(modality.scales), max(modality.scales))
        means = [band.mean for band in modality.bands]
        np.testing.assert_allclose(own.taken(course.learnt).at_sites()[0].mean(axis=0), means, rtol=1e-5)
