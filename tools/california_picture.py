"""Maps banana slugs of California in the real QGIS window, and takes the picture that README.md shows of it.

``python3 tools/california_picture.py RASTERS`` needs a folder as models/zoo/california.toml describes it. QGIS
notes the range of rasters beside them, so give a copy.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from demo_steps import DemoError, demand, window_step
from qgis_profile import ROOT

SCREEN, LONGEST_S = "1560x1110x24", 500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rasters", type=Path, help="holds climate_pc.tif and the folder modis")
    parser.add_argument("--picture", type=Path, default=ROOT / "docs" / "images" / "california.jpg")
    asked = parser.parse_args()
    began, picture = time.time(), asked.picture.absolute()
    # Not among the system's temporary files, whose layers QGIS marks as temporary.
    with tempfile.TemporaryDirectory(dir=ROOT / "build", ignore_cleanup_errors=True) as folder:
        try:
            window_step(
                "Mapping in QGIS",
                ROOT / "tools" / "california_window.py",
                LONGEST_S,
                SCREEN,
                ROOT,
                SCALESCAPE_RASTERS=str(asked.rasters.absolute()),
                SCALESCAPE_MAPS=str(Path(folder, "maps")),
                SCALESCAPE_MODEL=str(ROOT / "models" / "zoo" / "california.safetensors"),
                SCALESCAPE_PICTURE=str(picture),
            )
            demand([picture], began)
        except DemoError as error:
            sys.exit(str(error))


if __name__ == "__main__":
    main()
