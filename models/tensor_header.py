"""The header of a ``.safetensors`` file: which tensors it holds, and texts. Standard library alone.

Eight bytes (little-endian length of the header), the header (JSON) and the tensors, one after the other; see
https://github.com/huggingface/safetensors.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from .errors import CardError
from .plain_json import plain_json

START = 8  # bytes, that hold the length of the header
HEADER_BOUND = 64 * 1024 * 1024  # bytes; a card of 10,000 species takes about 4 MB
METADATA = "__metadata__"
MOST_SIDES = 8  # of a tensor
VALUE_BYTES = {
    "BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1,
    "U16": 2, "I16": 2, "F16": 2, "BF16": 2,
    "U32": 4, "I32": 4, "F32": 4,
    "U64": 8, "I64": 8, "F64": 8,
}  # fmt: skip


@dataclass(frozen=True)
class TensorHeader:
    """Shape and type of each tensor by its name, and texts by theirs."""

    shapes: dict[str, tuple[int, ...]]
    dtypes: dict[str, str]
    texts: dict[str, str]


def read_tensor_header(path: Path) -> TensorHeader:
    """Return the header of a file; no tensor is read.

    Raises
    ------
    CardError
        The file is missing, no safetensors file, or cut short.
    """
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise CardError(f"{path} is no file; choose a Scalescape model file.")
        with path.open("rb") as stream:
            return tensor_header(stream, found.st_size, str(path))
    except (OSError, ValueError) as error:
        if isinstance(error, CardError):
            raise
        reason = getattr(error, "strerror", None) or str(error)
        raise CardError(f"The model file {path} can't be read ({reason}); choose another.") from error


def tensor_header(stream: BinaryIO, size: int, source: str) -> TensorHeader:
    """Return the header that a stream of ``size`` bytes begins with. Raises as ``read_tensor_header``."""
    start = stream.read(START)
    length = int.from_bytes(start, "little")
    if len(start) < START or length > HEADER_BOUND or length < 2:
        raise CardError(f"{source} is no safetensors file; choose a Scalescape model file.")
    if START + length > size:
        raise CardError(f"{source} is cut short ({size} bytes); download or copy it again.")
    try:
        header = plain_json(stream.read(length).decode("utf-8"))
        texts = header.pop(METADATA, {})
        ends = sorted((*map(int, one["data_offsets"]), name) for name, one in header.items())
        shapes = {name: _shape(one["shape"]) for name, one in header.items()}
        dtypes = {name: str(one["dtype"]) for name, one in header.items()}
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise CardError(f"{source} is no safetensors file; choose a Scalescape model file.") from error
    missing = START + length + max((end for _, end, _ in ends), default=0) - size
    if missing > 0:
        raise CardError(f"{source} is cut short by {missing} bytes; download or copy it again.")
    _demand_in_line(ends, shapes, dtypes, size - START - length, source)
    if not isinstance(texts, dict) or not all(isinstance(text, str) for text in texts.values()):
        raise CardError(f"{source} is no safetensors file; choose a Scalescape model file.")
    return TensorHeader(shapes, dtypes, texts)


def _shape(sides: Any) -> tuple[int, ...]:
    """Return the sides of a tensor. Raise ValueError where they are none."""
    whole = isinstance(sides, list) and all(isinstance(one, int) and not isinstance(one, bool) for one in sides)
    if not whole or len(sides) > MOST_SIDES or any(one < 0 for one in sides):
        raise ValueError("a tensor has sides that are none")
    return tuple(sides)


def _demand_in_line(
    ends: list[tuple[int, int, str]],
    shapes: dict[str, tuple[int, ...]],
    dtypes: dict[str, str],
    size: int,
    source: str,
) -> None:
    """Raise CardError where tensors do not follow each other, each as long as its shape, up to the end."""
    at = 0
    for first, last, name in ends:
        values = 1
        for side in shapes[name]:
            values *= side
        if first != at or last - first != values * VALUE_BYTES.get(dtypes[name], -1):
            raise CardError(f"The header of {source} does not fit the weights behind it; get the file again.")
        at = last
    if at != size:
        raise CardError(f"The header of {source} does not fit the weights behind it; get the file again.")
