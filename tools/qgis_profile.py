"""Make a QGIS profile that has the plugin, and none of QGIS's greetings. Standard library alone.

``python3 tools/qgis_profile.py FOLDER`` makes or renews ``FOLDER/profiles/default``; use it with
``qgis --profiles-path FOLDER --profile default`` or ``QGIS_CUSTOM_CONFIG_PATH=FOLDER qgis_process ...``.
"""

from __future__ import annotations

import argparse
import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

PACKAGE = "scalescape"
ROOT = Path(__file__).resolve().parent.parent

# QGIS asks for news and new versions over the network and greets newcomers: neither suits a script.
_INI = """\
[PythonPlugins]
scalescape=true
processing=true

[app]
askToSaveMemoryLayers=false
projections\\promptWhenMultipleTransformsExist=false
plugin_installer\\automatically_check_for_updates=false

[core]
NewsFeed\\httpsfeedqgisorg\\disabled=true

[qgis]
checkVersion=false
showTips=false
newProjectDefault=false
enableMacros=0
hideSplash=true
news_feed_enabled=false
firstRunVersionFlag=1000000
migration\\firstRunVersionFlag=1000000
migration\\settings=true
askToSaveProjectChanges=false
"""


def make_profile(folder: Path, root: Path = ROOT) -> Path:
    """Return the profile's folder, made where it is missing; its settings file is written again."""
    profile = folder / "profiles" / "default"
    plugins = profile / "python" / "plugins"
    plugins.mkdir(parents=True, exist_ok=True)
    link = plugins / PACKAGE
    if link.is_symlink() and link.resolve() != root.resolve():
        link.unlink()
    with contextlib.suppress(FileExistsError):
        link.symlink_to(root, target_is_directory=True)
    settings = profile / "QGIS" / "QGIS3.ini"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(_INI, encoding="utf-8")
    return profile


def qgis_environment(program: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for QGIS's ``program``, free of the Python that calls this.

    QGIS's Python looks on the PATH for where it lives; with another one (pyenv, conda, a virtual environment)
    in front it takes that one's library for its own, finds no ``qgis`` there and dies.
    """
    foreign = ("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "PYTHONSAFEPATH")
    kept = {name: value for name, value in environ.items() if name not in foreign}
    kept["PATH"] = os.pathsep.join((str(Path(program).parent), environ.get("PATH", "")))
    return kept


def main() -> None:
    """Make the profile that is named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    print(make_profile(parser.parse_args().folder.absolute()))


if __name__ == "__main__":
    main()
