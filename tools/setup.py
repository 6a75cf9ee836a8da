"""Build what `make` needs: system packages where apt is there, and the two virtual environments.

``.venv`` is the engine's, with third-party packages only and no system packages in sight: our own code runs
from this folder, through a link of its import name and a console script. ``.venv-qgis`` is for the plugin's
tests, on QGIS's own Python with its packages in sight. Standard library alone; what is built already is left
alone.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENGINE = ROOT / ".venv"
QGIS = ROOT / ".venv-qgis"
IMPORT = ROOT / "build" / "import"
SYSTEM_PYTHON = "/usr/bin/python3"  # Debian's QGIS belongs to this one
OLDEST = (3, 11)
APT = {  # program or module that is missing: package that has it
    "qgis": "qgis",
    "python3-qgis": "python3-qgis",
    "xvfb-run": "xvfb",
    "xauth": "xauth",
    "python3-venv": "python3-venv",
}


def main() -> None:
    if sys.version_info < OLDEST:
        sys.exit(
            f"Scalescape's engine needs Python {'.'.join(map(str, OLDEST))} or newer, and this is "
            f"{sys.version.split()[0]}; run for example: make PYTHON=python3.12 setup"
        )
    install_system_packages()
    requirements = (ROOT / "pyproject.toml").read_bytes() + Path(__file__).read_bytes()
    build_environment(
        ENGINE, sys.executable, ["base", "train", "baselines", "test"], requirements, system=False
    )
    link_package()
    if has_module(SYSTEM_PYTHON, "qgis.core"):
        build_environment(QGIS, SYSTEM_PYTHON, ["plugin-test"], requirements, system=True)
    else:
        print(f"{SYSTEM_PYTHON} has no module qgis: the plugin's tests and the demo need QGIS 3.22 or newer.")


def install_system_packages() -> None:
    """Install QGIS, Xvfb and venv by apt, where they are missing and apt is there."""
    missing = [package for need, package in APT.items() if not is_there(need)]
    if not missing:
        return
    if shutil.which("apt-get") is None:
        print(f"Please install what is missing yourself: {', '.join(missing)}.")
        return
    sudo = [] if os.geteuid() == 0 else ["sudo"]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update"], ["install", "-y", "--no-install-recommends", *missing]):
        command = [*sudo, "apt-get", "-q", *arguments]
        print("+", *command, flush=True)
        subprocess.run(command, check=True, env=environment)


def is_there(need: str) -> bool:
    if need == "python3-qgis":
        return has_module(SYSTEM_PYTHON, "qgis.core")
    if need == "python3-venv":
        return has_module(SYSTEM_PYTHON, "ensurepip")
    return shutil.which(need) is not None


def has_module(python: str, module: str) -> bool:
    """Tell whether a Python can import a module."""
    try:
        run = subprocess.run([python, "-c", f"import {module}"], capture_output=True)
    except OSError:
        return False
    return run.returncode == 0


def build_environment(folder: Path, python: str, groups: list[str], state: bytes, system: bool) -> None:
    """Make a virtual environment with the pinned packages of ``groups``, unless it is up to date."""
    stamp = folder / "scalescape-setup"
    wanted = hashlib.sha256(state + python.encode()).hexdigest()
    interpreter = folder / "bin" / "python"
    if stamp.is_file() and stamp.read_text() == wanted and interpreter.exists():
        return
    print(f"Building {folder.name} (once; this downloads packages) ...", flush=True)
    options = ["--system-site-packages"] if system else []
    subprocess.run([python, "-m", "venv", "--clear", *options, str(folder)], check=True)
    subprocess.run(
        [str(interpreter), "-m", "pip", "install", "-q", "--disable-pip-version-check", *requirements(groups)],
        check=True,
    )
    stamp.write_text(wanted)


def requirements(groups: list[str]) -> list[str]:
    """Return the pinned requirements of ``pyproject.toml``: ``base`` or the name of an extra."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found = []
    for group in groups:
        found += project["dependencies"] if group == "base" else project["optional-dependencies"][group]
    return found


def link_package() -> None:
    """Give this folder the import name ``scalescape`` in the engine's environment, and its console script."""
    IMPORT.mkdir(parents=True, exist_ok=True)
    link = IMPORT / "scalescape"
    if not link.is_symlink():
        link.symlink_to(Path("..") / "..", target_is_directory=True)
    (site_packages,) = ENGINE.glob("lib/python3.*/site-packages")
    (site_packages / "scalescape.pth").write_text(f"{IMPORT}\n")
    script = ENGINE / "bin" / "scalescape"
    script.write_text(
        "#!/bin/sh\n"
        'here=$(dirname "$(readlink -f "$0")")\n'
        'exec "$here/python" "$here/../../engine/__main__.py" "$@"\n'
    )
    script.chmod(0o755)


if __name__ == "__main__":
    main()
