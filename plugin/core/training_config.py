"""A training config as it stands in QGIS, and its file beside the model, with which training is repeated."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional

from ...engine.protocol import NoData, RasterInput, nodata_text
from .toml_text import toml_text
from .translation import tr

KINDS = ("po", "pa", "pa-balanced")
PRESETS = ("default", "paper-single", "paper-multi", "paper-bimodal", "boxes-32-64-128", "climate-only")
MARK = "# Written by Scalescape's Processing algorithm “train”."
MODEL_SUFFIX = ".safetensors"


class TrainingConfigError(ValueError):
    """A config that can't be written; the message is one sentence."""


@dataclass(frozen=True)
class TrainingDraft:
    """What a config says; names as in it, files as paths.

    ``species`` is the field with a record's species; or else ``species_columns`` are fields with 0 and 1, one a
    species. ``file_crs`` and ``nodata`` are what layers say otherwise than their files. ``training`` holds what
    is said of ``[training]``.
    """

    train: str
    kind: str
    inputs: tuple[RasterInput, ...]
    species: str = ""
    species_columns: tuple[str, ...] = ()
    test: str = ""
    test_species_columns: tuple[str, ...] = ()
    background: str = ""
    area: str = ""
    bias: str = ""
    scales: dict[str, tuple[int, ...]] = field(default_factory=dict)
    file_crs: dict[str, str] = field(default_factory=dict)
    nodata: dict[str, NoData] = field(default_factory=dict)
    preset: str = PRESETS[0]
    training: dict[str, Any] = field(default_factory=dict)

    def tables(self, folder: Path) -> dict[str, dict[str, Any]]:
        """Return the tables of the config that lies in ``folder``; files in there are named relative to it."""

        def file(path: str) -> Optional[str]:
            if not path:
                return None
            return Path(path).name if Path(path).parent == folder else path

        sites = {
            "train": file(self.train),
            "test": file(self.test),
            "kind": self.kind,
            "species": self.species or None,
            "species_columns": list(self.species_columns) or None,
            "test_species_columns": list(self.test_species_columns) or None,
            "background": file(self.background),
            "area": file(self.area),
            "bias": file(self.bias),
        }
        tables: dict[str, dict[str, Any]] = {"sites": sites}
        for name in dict.fromkeys(one.modality for one in self.inputs):
            named = [_with_bands(one, file(one.file)) for one in self.inputs if one.modality == name]
            tables[f"modality.{name}"] = {"inputs": named, "scales": self.scales.get(name)}
            files = {one.file: file(one.file) for one in self.inputs if one.modality == name}
            nodata = {files[one]: nodata_text(value) for one, value in self.nodata.items() if one in files}
            crs = {files[one]: text for one, text in self.file_crs.items() if one in files}
            for key, by_file in (("nodata", nodata), ("crs", crs)):
                if by_file:
                    tables[f"modality.{name}.{key}"] = {str(one): value for one, value in by_file.items()}
        tables["model"] = {"preset": self.preset}
        if any(value is not None for value in self.training.values()):
            tables["training"] = self.training
        return tables


def config_beside(model: Path) -> Path:
    """Return the config that belongs to a model file that is to be made.

    Raises
    ------
    TrainingConfigError
        There is such a file, and it was not written here.
    """
    file = model.with_suffix(".toml")
    if file.exists() and not _is_ours(file):
        said = tr("{} is there already and was not written by this algorithm; name the model otherwise.")
        raise TrainingConfigError(said.format(file))
    return file


def write_config(draft: TrainingDraft, model: Path) -> Path:
    """Write the config beside the model file that is to be made and return its path.

    Raises
    ------
    TrainingConfigError
        A file that somebody else wrote is in the way, or the folder can't be written to.
    """
    file = config_beside(model)
    command = f"# scalescape train {file.name} --out {model.name}"
    text = f"{MARK} Repeat it with\n{command}\n\n{toml_text(draft.tables(file.parent))}"
    beside = file.with_name(f"{file.name}.partial")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(text, encoding="utf-8")
        beside.replace(file)  # whole, or what stood there stays
    except OSError as error:
        with suppress(OSError):
            beside.unlink()
        raise TrainingConfigError(tr("{} can't be written ({}).").format(file, error.strerror)) from error
    return file


def unknown_modality(scales: dict[str, tuple[int, ...]], inputs: Sequence[RasterInput]) -> str:
    """Return a modality that has scales and no raster; empty where there is none."""
    given = {one.modality for one in inputs}
    return next((name for name in scales if name not in given), "")


def _is_ours(file: Path) -> bool:
    """Tell whether a config was written here; one that a full disk left empty holds nothing to lose."""
    try:
        text = file.read_text(encoding="utf-8")
        return text.startswith(MARK) or not text
    except (OSError, UnicodeDecodeError):
        return False


def _with_bands(one: RasterInput, file: Optional[str]) -> str:
    bands = ",".join(str(band) for band in one.bands)
    return f"{file}#{bands}" if bands else str(file)
