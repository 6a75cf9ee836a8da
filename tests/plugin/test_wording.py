"""The engine's sentences lose what only the command line has, and gain what the dock has."""

from __future__ import annotations

import pytest
from scalescape.plugin.core.wording import in_the_dock, short_name

pytestmark = pytest.mark.usefixtures("qgis_app")


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Fill the edge (--edge fill).", "Fill the edge (Advanced › At the edge)."),
        ("Allow more (--memory).", "Allow more (Advanced › Memory)."),
        ("Add files or choose bands (FILE#1,2).", "Add files or choose bands (Inputs › bands)."),
        ("It fits two; choose bands (FILE#1,2).", "It fits two; choose bands (Inputs › bands)."),
        (
            "a.tif has no CRS; assign one (gdal_translate -a_srs, or Layer > Set CRS and export), or say which "
            "it is (--file-crs).",
            "a.tif has no CRS; set it for the layer (Layer › Set CRS of Layer).",
        ),
        ("Warp it (gdalwarp -t_srs).", "Warp it (Raster › Projections › Warp)."),
        (
            "No CRS; assign one (gdal_translate -a_srs, or Layer > Set CRS and export).",
            "No CRS; assign one (Raster › Projections › Assign Projection).",
        ),
        ("Warp it north up first (gdalwarp).", "Warp it north up first (Raster › Projections › Warp)."),
        ("Do this (--some-new-option 3), or that.", "Do this, or that."),
        ("bio1 averages 284 (trained on 11 ± 3 °C).", "bio1 averages 284 (trained on 11 ± 3 °C)."),
    ],
)
def test_options_become_places_in_the_dock(said, shown):
    assert in_the_dock(said).text == shown


def test_paths_become_names_and_stay_in_the_tooltip():
    files = ["/data/a/nir.tif", "/data/a/nir.tif.ovr", "/data/b/red.tif"]
    said = in_the_dock("/data/a/nir.tif was resampled onto the grid of /data/b/red.tif.", files)
    assert said.text == "nir.tif was resampled onto the grid of red.tif."
    assert said.tip == "/data/a/nir.tif\n/data/b/red.tif"
    assert in_the_dock("/data/a/nir.tif.ovr is odd.", files).text == "nir.tif.ovr is odd."


def test_files_of_one_name_keep_their_folder():
    files = ["/data/2020/nir.tif", "/data/2021/nir.tif"]
    assert [short_name(file, files) for file in files] == ["2020/nir.tif", "2021/nir.tif"]


def test_scales_are_told_as_widths(card):
    said = in_the_dock("Without satellite 59, 115 px: an experiment.", (), card)
    assert said.text == "Without satellite 590 m, 1.15 km: an experiment."
