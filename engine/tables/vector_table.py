"""The rows of a vector file, or of a spreadsheet, as pyogrio reads them."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from ..running.errors import InputError
from ..words.listing import listed
from ..words.species_names import spelt
from .cells import TEXT, Cells, Raw, Texts

GEOMETRY = ("x of the point", "y of the point")  # columns that stand for the geometry
SHEETS = {".xlsx", ".ods"}
AS_TEXT = {"HEADERS": "FORCE", "FIELD_TYPES": "STRING"}  # cells of a spreadsheet as they stand in it
CUT = 10  # characters of a name that a shapefile keeps
MOST_LAYERS = 6  # that a message names


class VectorTable:
    """A layer of a vector file, or a sheet.

    Parameters
    ----------
    name
        The file's name, for messages.
    file
        As GDAL opens it.
    layer
        Which; else the only one with points, or the only sheet that is not empty.
    unpacked
        The folder that it was unpacked into; it is there as long as the table.

    Attributes
    ----------
    columns
        The names of its fields, spelt.
    crs
        The coordinate system that the file states, or None.
    points
        Whether it has geometries.
    cut
        Whether its format cuts names of fields to 10 characters.

    Raises
    ------
    InputError
        Several layers could be meant.
    OSError, ValueError, RuntimeError
        pyogrio can't read it.
    """

    def __init__(
        self,
        name: str,
        file: str,
        layer: str | None,
        unpacked: tempfile.TemporaryDirectory[str] | None = None,
    ) -> None:
        import pyogrio

        self.name = name
        self.file = file
        self._unpacked = unpacked
        suffix = PurePosixPath(file).suffix.lower()
        self._options = AS_TEXT if suffix in SHEETS else {}
        self.cut = suffix in {".shp", ".dbf"}
        self.layer = layer or self._only_layer()
        about = pyogrio.read_info(file, layer=self.layer, **self._options)
        self._fields = [str(one) for one in about["fields"]]
        self._is_text = [str(one) == "object" for one in about["dtypes"]]
        self.columns = [spelt(one) for one in self._fields]
        self.crs: str | None = about["crs"]
        self.points = about["geometry_type"] is not None

    @property
    def text_columns(self) -> list[str]:
        """The columns that hold text."""
        return [name for name, is_text in zip(self.columns, self._is_text, strict=True) if is_text]

    def read(self, texts: Sequence[str], numbers: Sequence[str]) -> Cells:
        """Return columns, those of ``texts`` as text and those of ``numbers`` as what may be numbers.

        Coordinates of ``GEOMETRY`` are NaN where a row has no point.

        Raises
        ------
        InputError
            The file holds something other than single points.
        OSError, ValueError, RuntimeError
            pyogrio can't read it.
        """
        import pyogrio

        wanted = [one for one in dict.fromkeys((*texts, *numbers)) if one not in GEOMETRY]
        fields = [self._fields[self.columns.index(one)] for one in wanted]
        meta, rows, geometries, values = pyogrio.raw.read(
            self.file,
            layer=self.layer,
            columns=fields,
            read_geometry=self.points,
            return_fids=bool(self._options),
            **self._options,
        )
        held = dict(zip((str(one) for one in meta["fields"]), values, strict=True))
        column = {name: held[field] for name, field in zip(wanted, fields, strict=True)}
        if self.points:
            column |= dict(zip(GEOMETRY, self._coordinates(geometries), strict=True))
            count = len(column[GEOMETRY[0]])
        else:
            count = max((len(one) for one in held.values()), default=0)
        row = np.arange(2, count + 2) if rows is None else np.asarray(rows)
        return Cells(
            row.astype(np.int64),
            {name: Texts.of(map(_as_text, column[name].tolist())) for name in texts},
            {name: _numeric(column[name]) for name in numbers},
        )

    def _only_layer(self) -> str | None:
        import pyogrio

        layers = [(str(name), kind) for name, kind in pyogrio.list_layers(self.file)]
        if len(layers) < 2:
            return layers[0][0] if layers else None
        if self._options:
            held = [name for name, _ in layers if self._holds_rows(name)]
        else:
            with_shapes = [(name, str(kind)) for name, kind in layers if kind is not None]
            held = [name for name, kind in with_shapes if "Point" in kind or "Unknown" in kind]
            held = held or [name for name, _ in with_shapes] or [name for name, _ in layers]
        if len(held) == 1:
            return held[0]
        what = "sheets" if self._options else "layers"
        names = held or [name for name, _ in layers]
        raise InputError(
            f"{self.name} has several {what} ({listed(names, MOST_LAYERS)}); name one as "
            f"{self.name}|layername={names[0]}."
        )

    def _holds_rows(self, layer: str) -> bool:
        import pyogrio

        about = pyogrio.read_info(self.file, layer=layer, force_feature_count=True, **self._options)
        return bool(about["features"])

    def _coordinates(self, geometries: Any) -> tuple[Raw, Raw]:
        import shapely

        shapes = shapely.from_wkb(geometries)
        empty = shapely.is_missing(shapes) | shapely.is_empty(shapes)
        single = ~empty & (shapely.get_num_geometries(shapes) == 1)
        shapes = np.where(single, shapely.get_geometry(shapes, 0), shapes)
        wrong = ~empty & (shapely.get_type_id(shapes) != shapely.GeometryType.POINT)
        if wrong.any():
            first = int(np.argmax(wrong))
            raise InputError(
                f"{self.name} holds more than single points (row {first + 2} is a {shapes[first].geom_type} of "
                f"{int(shapely.get_num_coordinates(shapes[first]))} points); choose a layer of points."
            )
        shapes[empty] = None
        return shapely.get_x(shapes), shapely.get_y(shapes)


def _numeric(values: Raw) -> Raw:
    """Return numbers as they are, else text, empty where a cell is."""
    if values.dtype.kind in "iufb":
        return values
    return np.array([_as_text(one) for one in values.tolist()], TEXT)


def _as_text(value: Any) -> str:
    """Return a cell as text: whole numbers without a point, empty where it is."""
    if value is None or value != value:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
