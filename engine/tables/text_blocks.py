"""Blocks of whole lines of delimited text, and the columns of one in which nothing is out of order.

Reading a row at a time is sure and slow. Where a block has no quotes, and in every line as many delimiters as
the header has, pandas reads the same from it ten times as fast.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from csv import QUOTE_NONE
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from .cell_numbers import NOTHING

SIZE = 2**23  # bytes of a block, before it is drawn out to the end of a line
NO_NUMBER = sorted(
    {one for word in NOTHING for one in (word, word.upper(), word.capitalize())} | {"NaN", "#N/A"}
)


def blocks(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield the bytes of a stream in blocks that end with a line."""
    rest = b""
    while more := stream.read(SIZE):
        end = more.rfind(b"\n") + 1
        if not end:
            rest += more
            continue
        yield rest + more[:end]
        rest = more[end:]
    if rest:
        yield rest


def lines_of(block: bytes) -> Iterator[str]:
    """Yield the lines of a block with their ends."""
    return iter(io.TextIOWrapper(io.BytesIO(block), "utf-8", newline=""))


def count_of_whole_lines(block: bytes, delimiter: str, width: int, quotes: bool) -> int | None:
    """Return how many lines a block has, if every one has ``width`` fields and something in them; else None."""
    if (quotes and b'"' in block) or block.count(b"\r") != block.count(b"\r\n"):
        return None
    signs = np.frombuffer(block, np.uint8)
    ends = np.flatnonzero(signs == ord("\n"))
    if not len(ends) or ends[-1] != len(signs) - 1:
        ends = np.append(ends, len(signs))
    delimiters = np.flatnonzero(signs == ord(delimiter))
    before = np.searchsorted(delimiters, ends)
    lengths = np.diff(ends, prepend=-1) - 1
    whole = (np.diff(before, prepend=0) == width - 1) & (lengths > width)  # a line of delimiters and \r alone
    return len(ends) if whole.all() else None


def columns_of_block(
    block: bytes, delimiter: str, texts: Sequence[int], numbers: Sequence[int]
) -> tuple[list[tuple[npt.NDArray[np.int32], list[str]]], list[npt.NDArray[np.float64]]] | None:
    """Return columns of text (codes, and the texts that they are of) and of numbers; None where one has others.

    ``texts`` and ``numbers`` are places of columns, each in one of them.
    """
    import pandas

    types: dict[int, Any] = dict.fromkeys(texts, "object") | dict.fromkeys(numbers, "float64")
    try:
        table = pandas.read_csv(
            io.BytesIO(block),
            sep=delimiter,
            header=None,
            index_col=False,
            usecols=sorted(types),
            dtype=types,
            keep_default_na=False,
            na_values=dict.fromkeys(numbers, NO_NUMBER),
            quoting=QUOTE_NONE,
            skip_blank_lines=False,
            engine="c",
        )
    except UnicodeDecodeError:
        raise
    except ValueError:
        return None
    found = []
    for place in texts:  # not as categories, of which pandas makes numbers where it can: 7.0 of 007
        codes, values = pandas.factorize(table[place].to_numpy(object))
        found.append((codes.astype(np.int32), [str(one) for one in values]))
    return found, [table[place].to_numpy(np.float64) for place in numbers]


def in_quotes(cell: str) -> bool:
    """Tell whether a cell begins and ends with a quotation mark."""
    return len(cell) > 1 and cell[0] == cell[-1] == '"'


def without_quotes(cell: str) -> str:
    """Return a cell without its own pair of quotation marks."""
    return cell[1:-1].replace('""', '"') if in_quotes(cell) else cell
