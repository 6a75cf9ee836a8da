"""What counts as present and absent, and values that are refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_up_values import scored
from scalescape.engine.running.errors import InputError


def test_absences_of_presence_only_species_are_background_points_and_nothing_else() -> None:
    values = scored(kinds=("po", "pa", "pa-balanced", "po"), background=0.4)
    background = values.background[:, None] & np.ones(4, np.bool_)
    assert (values.absent[:, [0, 3]] == background[:, [0, 3]]).all()
    assert (values.absent[:, [1, 2]] == (~background & ~values.found)[:, [1, 2]]).all()
    assert values.against == ("background", "survey", "survey", "background")


def test_what_was_not_surveyed_is_neither_present_nor_absent() -> None:
    values = scored(kinds=("po", "pa", "po", "pa"), background=0.3)
    known = np.random.default_rng(5).random(values.known.shape) < 0.5
    masked = replace(values, known=known)
    assert not ((masked.present | masked.absent | masked.compared) & ~known).any()
    assert (masked.present == (values.present & known)).all()


def test_a_value_that_is_no_number_is_refused_with_its_place_unless_it_is_masked() -> None:
    values = scored()
    logit, known = values.logit.copy(), values.known.copy()
    logit[7, 2] = np.nan
    with pytest.raises(InputError, match=r"for Species 2 at row 8 .* is nan, one of 1 that are no numbers"):
        replace(values, logit=logit)
    known[7, 2] = False
    replace(values, logit=logit, known=known)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("fold", np.zeros(3, np.int64), "have fold of shape"),
        ("kinds", ("pa", "pa", "pa", "often"), "kinds of data"),
        ("species", ("a", "a", "b", "c"), "one name"),
    ],
)
def test_what_does_not_fit_is_refused(field: str, value: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        replace(scored(), **{field: value})


def test_rows_and_species_can_be_taken() -> None:
    values = scored()
    rows = values.taken(np.array([5, 2]))
    assert (rows.logit == values.logit[[5, 2]]).all() and (rows.block == values.block[[5, 2]]).all()
    columns = values.with_species(["Species 3", "Species 1"])
    assert columns.species == ("Species 3", "Species 1")
    assert (columns.found == values.found[:, [3, 1]]).all()
