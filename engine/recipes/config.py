"""What a training config may hold: plain values by table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from ..files.gdal_names import is_gdal_name
from ..protocol import PRECISIONS, NoData, RasterInput, joined_nodata, nodata_of_json, nodata_of_text
from ..words.values import input_of

Kind = Literal["po", "pa", "pa-balanced"]
Names = Annotated[tuple[str, ...], Field(strict=False)]
Sizes = Annotated[tuple[int, ...], Field(strict=False)]
EVERY_FILE = ""  # in tables by file
NAMING = ("species", "species_name", "species_columns", "presence")


def _auto_or_kilometres(value: object) -> object:
    if value == "auto" or (isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0):
        return value
    raise ValueError(f'must be "auto" or a number of kilometres, not {value!r}')


def _precision(value: object) -> object:
    if value in PRECISIONS:
        return value
    raise ValueError(f"must be one of {', '.join(PRECISIONS)}, not {value!r}")


def _nodata(value: object) -> object:
    said = value if isinstance(value, dict) else {EVERY_FILE: value}
    try:
        return {
            str(file): nodata_of_text(one) if isinstance(one, str) else nodata_of_json(one)
            for file, one in said.items()
        }
    except (TypeError, ValueError) as error:
        raise ValueError(
            "must be a number, a list of numbers and ranges such as [0, [249, 255]], or a table of such by "
            f"file, not {value!r}"
        ) from error


def _crs(value: object) -> object:
    said = value if isinstance(value, dict) else {EVERY_FILE: value}
    if all(isinstance(one, str) and one for one in said.values()):
        return said
    raise ValueError(f"must be the name of a CRS in quotes, or a table of such by file, not {value!r}")


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
    keep_obscured: bool = False
    source: Annotated[tuple[SourceConfig, ...], Field(strict=False)] = ()

    def sources(self) -> tuple[SourceConfig, ...]:
        """Return the training tables, each with what ``[sites]`` says where it says nothing itself."""
        shared = {name: getattr(self, name) for name in _Records.model_fields}
        given = self.source if self.source else (SourceConfig(file=self.train or ""),)
        return tuple(_completed(one, shared) for one in given)

    def test_source(self) -> SourceConfig | None:
        """Return the test table, surveyed sites with the same columns as for training by default."""
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
        What means NoData in the rasters, besides what the files say: a number, a list of numbers and ranges
        (``[0, [249, 255]]`` or ``"0 249..255"``), or a table of such by file.
    crs
        The CRS of the rasters in place of their own: one for all, or a table by file.
    scales, backbone
        Windows (px), and ``residual`` or ``pointwise``; the preset's by default.
    """

    inputs: Names = ()
    patches: str | None = None
    columns: Names = ()
    categorical: Names = ()
    nodata: Annotated[dict[str, NoData], BeforeValidator(_nodata)] = {}
    crs: Annotated[dict[str, str], BeforeValidator(_crs)] = {}
    scales: Sizes = ()
    backbone: Literal["residual", "pointwise"] | None = None

    def rasters(self, name: str) -> tuple[RasterInput, ...]:
        """Return the raster files of the modality, which is called ``name``."""
        return tuple(input_of(f"{name}={text}") for text in self.inputs)

    def nodata_by_file(self) -> dict[str, NoData]:
        """Return what means NoData in each file of which more is said than in the file."""
        found = {}
        for one in self.rasters("m"):
            said = [self.nodata[key] for key in (EVERY_FILE, one.file) if key in self.nodata]
            if said:
                found[one.file] = joined_nodata(said)
        return found

    def crs_by_file(self) -> dict[str, str]:
        """Return the CRS of each file whose own does not count."""
        found = {one.file: self.crs.get(one.file, self.crs.get(EVERY_FILE, "")) for one in self.rasters("m")}
        return {file: crs for file, crs in found.items() if crs}


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


def _completed(source: SourceConfig, shared: Mapping[str, Any]) -> SourceConfig:
    """Return a source with what ``[sites]`` says; one that names its species itself takes no other naming."""
    own = {name for name in shared if getattr(source, name)}
    taken = {name: value for name, value in shared.items() if name not in own}
    if own & set(NAMING):
        taken = {name: value for name, value in taken.items() if name not in NAMING}
    return source.model_copy(update=taken)


def on_disk(file: str) -> Path | None:
    """Return the path that must exist for a file's name to be of use, or None for what only GDAL knows."""
    if is_gdal_name(file):
        return None
    plain = file.partition("|")[0]
    return Path(input_of(f"modality={plain}").file)
