"""A training config: a TOML file, read into plain values that are checked all at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import tomllib
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from ..errors import InputError
from ..protocol import PRECISIONS
from ..values import input_of
from .config_faults import Fault, Key, faults_of, without

Kind = Literal["po", "pa", "pa-balanced"]
Names = Annotated[tuple[str, ...], Field(strict=False)]
Sizes = Annotated[tuple[int, ...], Field(strict=False)]
NAMING = ("species", "species_name", "species_columns", "presence")
NOT_A_PATH = re.compile(r"/vsi|[A-Za-z][A-Za-z0-9_+]+:")  # GDAL's own names; one letter is a Windows drive


def _auto_or_kilometres(value: object) -> object:
    if value == "auto" or (isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0):
        return value
    raise ValueError(f'must be "auto" or a number of kilometres, not {value!r}')


def _precision(value: object) -> object:
    if value in PRECISIONS:
        return value
    raise ValueError(f"must be one of {', '.join(PRECISIONS)}, not {value!r}")


Kilometres = Annotated[float | Literal["auto"], BeforeValidator(_auto_or_kilometres)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class _Records(_Table):
    """What one table of records is, and which of its columns say what."""

    kind: Kind | None = None
    species: str | None = None
    species_name: str | None = None
    species_columns: Names = ()
    presence: str | None = None
    where: str | None = None
    x: str | None = None
    y: str | None = None
    crs: str | None = None


class SourceConfig(_Records):
    """One of several tables of records, ``[[sites.source]]``; what it leaves out is taken from ``[sites]``.

    Attributes
    ----------
    file
        CSV, TSV or any vector file.
    kind
        ``po``, ``pa`` or ``pa-balanced``.
    species, species_name, species_columns
        One of: the column with the species of a record; the name of the only species of the table; shell
        patterns of columns, one a species.
    presence
        With ``species_name``: the column that is 1 where the species was found and 0 where it was not.
    where
        A condition that rows must meet, such as ``pr_ab == 1``.
    x, y, crs
        Columns of the coordinates, and their system.
    """

    file: str = ""


class SitesConfig(_Records):
    """``[sites]``: the tables of records, background points, and which records count."""

    train: str | None = None
    test: str | None = None
    test_species_columns: Names = ()
    background: str | None = None
    area: str | None = None
    bias: str | None = None
    max_uncertainty_m: Annotated[float, Field(gt=0)] | None = None
    source: Annotated[tuple[SourceConfig, ...], Field(strict=False)] = ()

    def sources(self) -> tuple[SourceConfig, ...]:
        """Return the training tables, each with what ``[sites]`` says where it says nothing itself."""
        shared = {name: getattr(self, name) for name in _Records.model_fields}
        given = self.source if self.source else (SourceConfig(file=self.train or ""),)
        return tuple(_completed(one, shared) for one in given)

    def test_source(self) -> SourceConfig | None:
        """Return the test table, surveyed sites with the same columns as for training unless told."""
        if self.test is None:
            return None
        names = {name: getattr(self, name) for name in _Records.model_fields} | {"kind": "pa", "where": None}
        if self.test_species_columns:
            names |= {"species": None, "species_name": None, "presence": None}
            names["species_columns"] = self.test_species_columns
        return SourceConfig(file=self.test, **names)


class ModalityConfig(_Table):
    """``[modality.NAME]``: where its values come from, and the scales at which they are looked at.

    Attributes
    ----------
    inputs
        Raster files, each whole or with the bands to take (``FILE#1,2``).
    patches
        Folder of a GeoLifeCLEF 2023 tree of JPEG patches.
    columns
        Columns of the site tables: samples with data, without rasters.
    categorical
        Which of ``columns``, or of the bands or files of ``inputs``, are categories.
    nodata
        A value that means NoData in all rasters, besides those that the files name.
    scales, backbone
        Windows (px), and ``residual`` or ``pointwise``; the preset's unless told.
    """

    inputs: Names = ()
    patches: str | None = None
    columns: Names = ()
    categorical: Names = ()
    nodata: float | None = None
    scales: Sizes = ()
    backbone: Literal["residual", "pointwise"] | None = None


class ModelConfig(_Table):
    """``[model]``: a preset, and what to change in its networks; modalities by name; texts for the card."""

    preset: str = "default"
    name: str = ""
    summary: str = ""
    licence: str = ""
    citation: str = ""
    scales: dict[str, Sizes] = {}
    widths: dict[str, Sizes] = {}
    channels: Annotated[int, Field(ge=1)] | None = None
    out_size: Annotated[int, Field(ge=1)] | None = None
    branch_norm: bool | None = None
    padding: Literal["valid", "zero"] | None = None


class TrainingSettings(_Table):
    """``[training]``: what is told of how a network is trained; None is the preset's."""

    epochs: Annotated[int, Field(ge=1)] | None = None
    seed: Annotated[int, Field(ge=0)] | None = None
    lambda2: Annotated[float, Field(ge=0, le=1)] | None = None
    n_background: Annotated[int, Field(ge=0)] | None = None
    min_records: Annotated[int, Field(ge=1)] | None = None
    thin_m: Annotated[float, Field(ge=0)] | None = None
    batch_size: Annotated[int, Field(ge=1)] | None = None
    learning_rate: Annotated[float, Field(gt=0)] | None = None
    weight_decay: Annotated[float, Field(ge=0)] | None = None
    optimiser: Literal["adamw", "sgd"] | None = None
    momentum: Annotated[float, Field(ge=0, lt=1)] | None = None
    schedule: Literal["one-cycle", "none"] | None = None
    augment: bool | None = None
    scale_dropout: bool | None = None
    dropout: Annotated[float, Field(ge=0, lt=1)] | None = None
    jitter: Annotated[float, Field(ge=0)] | None = None
    width: Annotated[float, Field(gt=0)] | None = None
    members: Annotated[int, Field(ge=1)] | None = None
    folds: Annotated[int, Field(ge=1)] | None = None
    blocks_km: Kilometres | None = None
    buffer_km: Kilometres | None = None
    patience: Annotated[int, Field(ge=0)] | None = None
    precision: Annotated[str, BeforeValidator(_precision)] | None = None


class TrainingConfig(_Table):
    """A whole config; files are absolute, or GDAL's names of what is no file.

    Attributes
    ----------
    sites, modality, model, training
        The tables of the file.
    folder
        Where the file lies.
    """

    sites: SitesConfig = SitesConfig()
    modality: dict[str, ModalityConfig] = {}
    model: ModelConfig = ModelConfig()
    training: TrainingSettings = TrainingSettings()
    folder: Annotated[Path, Field(strict=False)]

    @property
    def of_samples(self) -> bool:
        """Whether all predictors stand in columns of the tables: samples with data."""
        return bool(self.modality) and all(one.columns for one in self.modality.values())


def read_config(path: Path) -> TrainingConfig:
    """Read and check a training config.

    Parameters
    ----------
    path
        A TOML file; the paths in it are relative to it.

    Raises
    ------
    InputError
        The file can't be read, is no TOML, or has faults: all are named, one a line, each with its dotted key.
    """
    from .config_checks import checked  # it needs the classes above

    raw = _toml(path)
    faults: list[Fault] = []
    if "folder" in raw:
        faults.append((("folder",), "unknown key"))
        del raw["folder"]
    raw["folder"] = path.resolve().parent
    try:
        config = TrainingConfig.model_validate(raw)
    except ValidationError as error:
        faults += faults_of(error, TrainingConfig)
        config = _what_is_sound(raw)
    config = _resolved(config)
    known = [key for key, _ in faults]
    faults += [fault for fault in checked(config, known) if not _within(fault[0], known)]
    if faults:
        count = "a fault" if len(faults) == 1 else f"{len(faults)} faults"
        lines = "\n".join(f"  {dotted(key)}: {text}" for key, text in faults)
        raise InputError(f"The config {path} has {count}; mend it first:\n{lines}")
    return config


def dotted(key: Key) -> str:
    """Return a key as one writes it: ``sites.source[2].file``, tables of a list counted from 1."""
    text = ""
    for part in key:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _toml(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The config {path} can't be read ({error}); give a TOML file.") from error
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        what, _, where = str(error).rpartition(" (at ")
        place = where.rstrip(")").replace("end of document", f"line {text.count(chr(10)) + 1}, its end")
        raise InputError(
            f"The config {path} is not TOML at {place} ({what[:1].lower()}{what[1:]}); mend that line."
        ) from error


def _what_is_sound(raw: Mapping[str, Any]) -> TrainingConfig:
    """Return the config without the values that are no good, so that the rest can be checked too."""
    sound: Any = raw
    while True:
        try:
            return TrainingConfig.model_validate(sound)
        except ValidationError as error:
            sound = without(sound, [key for key, _ in faults_of(error, TrainingConfig)])


def _within(key: Key, faulty: list[Key]) -> bool:
    """Tell whether a key, or a table that holds it, is known to be faulty."""
    return any(key[: len(one)] == one for one in faulty)


def _completed(source: SourceConfig, shared: Mapping[str, Any]) -> SourceConfig:
    """Return a source with what ``[sites]`` says; one that names its species itself takes no other naming."""
    own = {name for name in shared if getattr(source, name)}
    taken = {name: value for name, value in shared.items() if name not in own}
    if own & set(NAMING):
        taken = {name: value for name, value in taken.items() if name not in NAMING}
    return source.model_copy(update=taken)


def _resolved(config: TrainingConfig) -> TrainingConfig:
    """Return the config with absolute files."""

    def at(file: str | None) -> str | None:
        return absolute(file, config.folder) if file else None

    sites = config.sites
    sources = tuple(one.model_copy(update={"file": at(one.file) or ""}) for one in sites.source)
    files = {name: at(getattr(sites, name)) for name in ("train", "test", "background", "area", "bias")}
    modalities = {
        name: one.model_copy(
            update={
                "inputs": tuple(at(file) or "" for file in one.inputs),
                "patches": at(one.patches),
            }
        )
        for name, one in config.modality.items()
    }
    return config.model_copy(
        update={"sites": sites.model_copy(update={**files, "source": sources}), "modality": modalities}
    )


def absolute(file: str, folder: Path) -> str:
    """Return a file's name seen from ``folder``, with bands or a layer's name after it as they were."""
    return file if NOT_A_PATH.match(file) else str(folder / file)


def on_disk(file: str) -> Path | None:
    """Return the path that must exist for a file's name to be of use, or None for what only GDAL knows."""
    if NOT_A_PATH.match(file):
        return None
    plain = file.partition("|")[0]
    return Path(input_of(f"modality={plain}").file)
