"""Several tables in one: sites, what was found, and what was not surveyed, against a plain loop over rows."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from odc.geo.crs import CRS
from pyproj import Transformer
from scalescape.engine.sites.cleaning import Cleaning
from scalescape.engine.sites.merging import merged, places_of, stacked, without_repeats
from scalescape.engine.sites.observations import Observations
from scalescape.engine.sites.preparation import aligned
from scalescape.engine.sites.site_table import SiteTable
from scipy import sparse
from site_files import prepared

SPECIES = "ABCD"
FOUND, NOT, EMPTY = 1, 0, -1


@st.composite
def tables(draw: st.DrawFn) -> list[tuple[str, str, list[tuple[int, int, tuple[int, ...]]]]]:
    """Tables of (kind, species named, rows of x, day and a value a species)."""
    found = []
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(["po", "pa", "pa-balanced"]))
        named = "".join(sorted(draw(st.sets(st.sampled_from(SPECIES), min_size=1))))
        cell = st.sampled_from([FOUND, NOT, EMPTY])
        row = st.tuples(st.integers(0, 3), st.integers(1, 2), st.tuples(*[cell] * len(named)))
        found.append((kind, named, draw(st.lists(row, min_size=1, max_size=6))))
    return found


def observations(kind: str, named: str, rows: list[tuple[int, int, tuple[int, ...]]]) -> Observations:
    values = np.array([row[2] for row in rows])
    x = np.array([float(row[0]) for row in rows])
    return Observations(
        table=kind, kind=kind, row=np.arange(len(rows)) + 2, x=x, y=x * 0, crs=CRS("EPSG:32631"),
        species=tuple(named), found=sparse.csr_array(values == FOUND), holes=sparse.csr_array(values == EMPTY),
        one_each=False, patch=np.full(len(rows), "p"), day=np.array([row[1] for row in rows]),
    )  # fmt: skip


def merged_sites(given_tables: list[tuple[str, str, list[tuple[int, int, tuple[int, ...]]]]]) -> SiteTable:
    stack = stacked([observations(*one) for one in given_tables])
    return merged(stack, places_of(stack), Cleaning())


@settings(deadline=None, max_examples=200)
@given(tables())
def test_what_counts_at_a_site_is_what_a_loop_over_rows_finds(
    given_tables: list[tuple[str, str, list[tuple[int, int, tuple[int, ...]]]]],
) -> None:
    cells: dict[tuple[float, str], list[int]] = defaultdict(list)  # site, species: every cell that any row has
    order: list[tuple[int, int]] = []
    for _, named, rows in given_tables:
        for x, day, values in rows:
            if (x, day) not in order:
                order.append((x, day))
            for species, value in zip(named, values, strict=True):
                cells[(x, day), species].append(value)
    sites = merged_sites(given_tables)
    found, known = sites.labels(np.arange(len(sites)))
    assert sites.x.tolist() == [x for x, _ in order]
    for number, site in enumerate(order):
        for column, species in enumerate(sites.species):
            mine = cells[site, species]
            assert found[number, column] == (FOUND in mine)
            assert known[number, column] == (FOUND in mine or NOT in mine)
    assert sites.surveys().tolist() == known.sum(axis=0).tolist()
    assert sites.presences().tolist() == found.sum(axis=0).tolist()
    least = ["po", "pa-balanced", "pa"]
    for species, kind in zip(sites.species, sites.kinds, strict=True):
        assert kind == min((k for k, named, _ in given_tables if species in named), key=least.index)


@settings(deadline=None, max_examples=50)
@given(tables(), st.permutations("ABCDE"))
def test_test_sites_take_the_species_of_training(
    given_tables: list[tuple[str, str, list[tuple[int, int, tuple[int, ...]]]]], wanted: list[str]
) -> None:
    sites = merged_sites(given_tables)
    other = merged_sites([("po", "".join(wanted), [(0, 1, (1,) * 5)])])
    test = aligned(sites, other.species, other.kinds)
    every = np.arange(len(sites))
    before, after = sites.labels(every), test.labels(every)
    assert test.species == tuple(wanted)
    for column, species in enumerate(wanted):
        if species in sites.species:
            mine = sites.species.index(species)
            assert (after[0][:, column] == before[0][:, mine]).all()
            assert (after[1][:, column] == before[1][:, mine]).all()
        else:
            assert not after[0][:, column].any() and not after[1][:, column].any()


def test_species_of_one_table_are_masked_at_the_sites_of_another(tmp_path: Path) -> None:
    (tmp_path / "slugs.csv").write_text("species,x,y\nslug 1,1,99\nslug 2,2,99\n", encoding="utf-8")
    (tmp_path / "fir.csv").write_text("x,y,pr_ab\n2,99,1\n3,99,0\n4,99,\n", encoding="utf-8")
    done = prepared(
        tmp_path,
        """
        x = "x"
        y = "y"
        crs = "EPSG:32631"
        [[sites.source]]
        file = "slugs.csv"
        kind = "po"
        species = "species"
        [[sites.source]]
        file = "fir.csv"
        kind = "pa-balanced"
        species_name = "fir"
        presence = "pr_ab"
        """,
        crs="EPSG:32631",
    )
    sites = done.sites
    assert (sites.species, sites.kinds) == (("slug 1", "slug 2", "fir"), ("po", "po", "pa-balanced"))
    found, known = sites.labels(np.arange(4))
    assert sites.x.tolist() == [1, 2, 3, 4]
    assert found.tolist() == [[1, 0, 0], [0, 1, 1], [0, 0, 0], [0, 0, 0]]
    assert known.tolist() == [
        [True, True, False],
        [True, True, True],  # where the tables meet
        [False, False, True],
        [False, False, False],
    ]
    assert len(sites.surveyed) == 3


def test_tables_of_different_systems_meet_on_the_ground(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("species,decimalLongitude,decimalLatitude\nA,3.01,45\n", encoding="utf-8")
    x, y = Transformer.from_crs("EPSG:4326", "EPSG:32631", always_xy=True).transform(3.01, 45)
    (tmp_path / "b.csv").write_text(f"taxon,e,n\nB,{x:.4f},{y:.4f}\nB,{x + 1:.4f},{y:.4f}\n", encoding="utf-8")
    done = prepared(
        tmp_path,
        """
        kind = "po"
        [[sites.source]]
        file = "a.csv"
        species = "species"
        [[sites.source]]
        file = "b.csv"
        species = "taxon"
        x = "e"
        y = "n"
        crs = "EPSG:32631"
        """,
        crs="EPSG:32631",
    )
    assert done.sites.found.toarray().tolist() == [[True, True], [False, True]]
    assert done.sites.x.tolist() == pytest.approx([x, x + 1], abs=1e-3)


def test_records_of_another_patch_or_day_are_other_sites(tmp_path: Path) -> None:
    (tmp_path / "glc.csv").write_text(
        "glcID;dayOfYear;lon;lat;speciesId;patchID\n"
        "1;100;3;45;7;11\n2;100;3;45;8;11\n3;101;3;45;7;11\n4;100;3;45;7;12\n5;100;3;45;8;11\n6;102;3;45;8;12\n",
        encoding="utf-8",
    )
    sites = 'train = "glc.csv"\nkind = "po"\nspecies = "speciesId"\nx = "lon"\ny = "lat"\ncrs = "EPSG:4326"\n'
    done = prepared(
        tmp_path, sites, crs="EPSG:4326", n_background=0, lambda2=1.0,
        modality='patches = "."\nscales = [25]\n[training]\nn_background = 0\nlambda2 = 1.0',
    )  # fmt: skip
    assert done.sites.patch_ids is not None
    assert done.sites.patch_ids.tolist() == ["11", "11", "12", "12"]
    assert done.sites.found.toarray().tolist() == [[True, True], [True, False], [True, False], [False, True]]
    assert done.report.dropped[0].count == 1


def test_repeats_within_a_table_are_counted_and_those_of_two_tables_are_not() -> None:
    one = observations("po", "AB", [(0, 1, (1, 0)), (0, 1, (1, 0)), (0, 1, (0, 1)), (1, 1, (1, 0))])
    records = [Observations(**{**one.__dict__, "one_each": True})] * 2
    stack = stacked(records)
    report = Cleaning()
    kept, place = without_repeats(stack, places_of(stack), report)
    assert len(kept.x) == len(place) == 6
    assert [dropped.count for dropped in report.dropped] == [1, 1]


def test_categories_written_differently_are_one(tmp_path: Path) -> None:
    (tmp_path / "po.csv").write_text("species,x,y,veg\nA,1,1,2\nB,2,2,3.0\n", encoding="utf-8")
    (tmp_path / "bg.csv").write_text("x,y,veg\n5,5,2.0\n6,6,wood\n", encoding="utf-8")
    sites = (
        'train = "po.csv"\nkind = "po"\nspecies = "species"\nx = "x"\ny = "y"\ncrs = "EPSG:32631"\n'
        'background = "bg.csv"'
    )
    done = prepared(tmp_path, sites, modality='columns = ["veg"]\ncategorical = ["veg"]')
    assert done.sites.columns["veg"].tolist() == ["2", "3"]
    assert done.background.columns["veg"].tolist() == ["2", "wood"]
    assert done.background.how == "file"


def test_a_test_table_without_any_species_of_training_is_refused(tmp_path: Path) -> None:
    (tmp_path / "po.csv").write_text("species,x,y\nA,1,1\nB,2,2\n", encoding="utf-8")
    (tmp_path / "pa.csv").write_text("x,y,C,D\n1,1,0,1\n", encoding="utf-8")
    sites = (
        'train = "po.csv"\ntest = "pa.csv"\nkind = "po"\nspecies = "species"\nx = "x"\ny = "y"\n'
        'crs = "EPSG:32631"\ntest_species_columns = ["C", "D"]'
    )
    with pytest.raises(ValueError, match=r"None of the species of pa.csv \(C, D\) is among .* \(A, B\)"):
        prepared(tmp_path, sites, crs="EPSG:32631")
