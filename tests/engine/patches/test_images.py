"""Patches of the JPEG tree of GeoLifeCLEF 2023."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scalescape.engine.patches.cache import PatchCache, collected
from scalescape.engine.patches.image_source import ImageSource, image_path
from scalescape.engine.protocol import Progress
from scalescape.engine.running.errors import InputError
from scalescape.engine.running.progress import Monitor


def write_image(folder: Path, name: str, side: int = 128, seed: int = 0) -> None:
    """Colours and infrared that say where they are: a smooth ramp survives JPEG."""
    rows, columns = np.mgrid[0:side, 0:side]
    colours = np.stack([rows, columns, np.full_like(rows, seed)], axis=2).astype(np.uint8)
    for kind, pixels in (("rgb", colours), ("nir", (rows + columns).astype(np.uint8))):
        path = folder / kind / image_path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path, quality=100, subsampling=0)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for seed, name in enumerate(("3018575", "12", "123")):
        write_image(tmp_path / "SatelliteImages", name, seed=60 * seed)
    return tmp_path / "SatelliteImages"


@pytest.mark.parametrize(
    ("name", "path"),
    [("3018575", "75/85/3018575.jpeg"), ("123", "23/1/123.jpeg"), ("12", "12/12.jpeg"), ("7", "7/7.jpeg")],
)
def test_folders_are_the_last_digits(name: str, path: str) -> None:
    assert image_path(name) == path


@pytest.mark.parametrize("name", ["../../x", "", "3018575.0", "²³"])
def test_a_name_that_is_no_number_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="no whole number"):
        image_path(name)


@pytest.mark.parametrize("side", [1, 25, 59, 115, 127])
def test_the_window_is_centred_on_pixel_64(tree: Path, side: int) -> None:
    found = collected(ImageSource(tree, np.array(["3018575"]), side))
    assert found.values.shape == (1, 4, side, side) and found.values.dtype == np.uint8
    red, green, _, nir = found.values[0].astype(int)
    first = 64 - side // 2
    expected = np.arange(first, first + side)
    assert np.abs(red - expected[:, None]).max() <= 3 and np.abs(green - expected).max() <= 3
    assert np.abs(nir - expected[:, None] - expected).max() <= 3


def test_sites_may_share_an_image_and_one_may_have_none(tree: Path) -> None:
    source = ImageSource(tree, np.array(["123", "999", "3018575", "123"]), 3)
    found = collected(source)
    assert source.count == 2 and found.places[0] == found.places[3] != found.places[2]
    assert found.usable.tolist() == [True, False, True, True]


def test_an_image_without_infrared_is_none(tree: Path) -> None:
    (tree / "nir" / image_path("12")).unlink()
    assert collected(ImageSource(tree, np.array(["12", "123"]), 3)).usable.tolist() == [False, True]


def test_another_image_gives_other_patches(tree: Path, tmp_path: Path) -> None:
    cache = PatchCache(tmp_path / "patches")
    ids = np.array(["3018575"])
    first = cache.patches(ImageSource(tree, ids, 3), Monitor(), "satellite")
    cache.patches(ImageSource(tree, ids, 3), Monitor(), "satellite")
    assert len(list(cache.folder.iterdir())) == 1
    write_image(tree, "3018575", seed=200)
    os.utime(tree / "rgb" / image_path("3018575"), ns=(1, 1))
    second = cache.patches(ImageSource(tree, ids, 3), Monitor(), "satellite")
    assert len(list(cache.folder.iterdir())) == 2
    assert abs(int(second.values[0, 2, 1, 1]) - int(first.values[0, 2, 1, 1])) > 100


@pytest.mark.parametrize("kind", ["rgb", "nir"])
def test_an_image_that_changes_while_the_tree_is_read_is_named(tree: Path, tmp_path: Path, kind: str) -> None:
    ids = np.array(["123", "3018575"])
    image = tree / kind / image_path("123")

    def change(report: Progress) -> None:
        if report.done:
            os.utime(image, ns=(1, image.stat().st_mtime_ns + 1_000_000_000))

    with pytest.raises(InputError, match=rf"{kind}/23/1/123\.jpeg was changed while it was in use"):
        PatchCache(tmp_path / "kept").patches(ImageSource(tree, ids, 3), Monitor(change), "satellite")
    assert list((tmp_path / "kept").iterdir()) == []
    assert len(PatchCache(tmp_path / "kept").patches(ImageSource(tree, ids, 3), Monitor(), "satellite")) == 2


def test_what_cannot_be_used_is_refused(tree: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no folder rgb"):
        ImageSource(tmp_path, np.array(["12"]), 3)
    with pytest.raises(InputError, match="holds no image of any site"):
        ImageSource(tree, np.array(["777"]), 3)
    with pytest.raises(InputError, match=r"128 × 128 pixels, too small for a scale of 129"):
        collected(ImageSource(tree, np.array(["12"]), 129))
    (tree / "rgb" / image_path("12")).write_bytes(b"no image")
    with pytest.raises(InputError, match=r"12\.jpeg can't be read"):
        collected(ImageSource(tree, np.array(["12"]), 3))


@pytest.mark.real_data
def test_the_real_sample(real_data: Path, tmp_path: Path) -> None:
    folder = real_data / "glc23_sample" / "SatelliteImages"
    names = sorted(path.stem for path in (folder / "rgb").rglob("*.jpeg"))
    assert len(names) == 100
    found = PatchCache(tmp_path).patches(ImageSource(folder, np.array(names), 115), Monitor(), "satellite")
    assert found.usable.all() and found.values.shape == (100, 4, 115, 115)
    for site in (0, 17, 99):
        folders = names[site][-2:], names[site][-4:-2], f"{names[site]}.jpeg"
        colours = np.asarray(Image.open(folder.joinpath("rgb", *folders)))
        infrared = np.asarray(Image.open(folder.joinpath("nir", *folders)))
        values = found.raw([site])[0][0]
        for row in range(115):
            np.testing.assert_array_equal(values[:3, row].T, colours[7 + row, 7:122])
            np.testing.assert_array_equal(values[3, row], infrared[7 + row, 7:122])
