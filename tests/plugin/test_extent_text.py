"""An extent is told by its size on the ground and its middle, in any CRS."""

from __future__ import annotations

import pytest
from qgis.core import QgsCoordinateReferenceSystem, QgsRectangle
from scalescape.plugin.core.extent_text import extent_text

pytestmark = pytest.mark.usefixtures("qgis_app")


@pytest.mark.parametrize(
    ("crs", "bounds", "text"),
    [
        # UTM shrinks lengths by 0.9996 at its middle: 12.3 km on the map are 12.305 km on the ground.
        ("EPSG:32631", (493850, 4795950, 506150, 4804050), "12.3 × 8.1 km around 500 000, 4 800 000"),
        ("EPSG:32631", (500000, 4799920, 500080, 4800000), "80.0 × 80.0 m around 500 040, 4 799 960"),
        # A degree along the equator is 111.32 km, along the meridian 110.57 km.
        ("EPSG:4326", (9.5, -0.5, 10.5, 0.5), "111 × 111 km around 10.000, 0.000"),
        # Web Mercator stretches by 1 / cos(60°) = 2 at 60° north.
        ("EPSG:3857", (0, 8390737, 20000, 8410737), "10.0 × 10.0 km around 10 000, 8 400 737"),
    ],
)
def test_size_and_place(crs, bounds, text):
    assert extent_text(QgsRectangle(*bounds), QgsCoordinateReferenceSystem(crs)) == text
