"""The steps of a demo: programs run one after another, and what they must leave. Standard library alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from qgis_profile import ROOT, make_profile, qgis_environment

PROFILE = ROOT / "build" / "qgis"


class DemoError(Exception):
    """A step that failed, in one sentence."""


def program(*names: str) -> str:
    """Return the first of ``names`` that is installed."""
    for name in names:
        found = shutil.which(name)
        if found:
            return found
    raise DemoError(f"{names[0]} is not installed; install QGIS (on Debian and Ubuntu: apt install qgis xvfb).")


def step(title: str, command: list[str], seconds: int, environment: Mapping[str, str], folder: Path) -> None:
    """Run one step in ``folder``, showing what it says; raise DemoError where it fails.

    QGIS makes a path relative twice when it saves a project, the second time from where it was started: another
    ``maps`` there would be taken for ours.
    """
    print(f"\n== {title}", flush=True)
    start = time.monotonic()
    try:
        done = subprocess.run(command, cwd=folder, env=environment, timeout=seconds, check=False)
    except subprocess.TimeoutExpired as error:
        raise DemoError(f"“{title}” took longer than {seconds} s.") from error
    if done.returncode:
        raise DemoError(f"“{title}” failed with status {done.returncode}; what it said stands above.")
    print(f"== {time.monotonic() - start:.0f} s", flush=True)


def demand(files: list[Path], since: float) -> None:
    """Raise DemoError unless every one of ``files`` was written since then."""
    for file in files:
        if not is_written(file, since):
            raise DemoError(f"{file} was not written.")


def is_written(file: Path, since: float) -> bool:
    """Tell whether there is such a file, not empty, of then (seconds since 1970) or later."""
    return file.is_file() and file.stat().st_mtime >= since - 1 and file.stat().st_size > 0


def demo_environment() -> dict[str, str]:
    """Return the environment for QGIS, with a profile that has the plugin."""
    make_profile(PROFILE)
    environment = {**qgis_environment(program("qgis"), os.environ), "PYTHONWARNINGS": "ignore"}
    if "XDG_RUNTIME_DIR" not in environment:
        runtime = PROFILE / "runtime"
        runtime.mkdir(mode=0o700, exist_ok=True)
        environment["XDG_RUNTIME_DIR"] = str(runtime)
    return environment


def window_step(title: str, script: Path, seconds: int, screen: str, folder: Path, **told: str) -> None:
    """Run a script in QGIS's window, on the display that is there or else on a ``screen`` of xvfb-run's.

    The script may import what lies beside it; ``told`` is added to its environment.
    """
    window = [program("qgis"), "--profiles-path", str(PROFILE), "--profile", "default", "--nologo"]
    window += ["--code", str(script)]
    shown = {**demo_environment(), "PYTHONPATH": str(script.parent), **told}
    shown.pop("QT_QPA_PLATFORM", None)
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        window = [program("xvfb-run"), "-a", "-s", f"-screen 0 {screen}", *window]
    step(title, window, seconds, shown, folder)
