"""Conditions on the rows of a table, such as ``pr_ab == 1 and year >= 2000``, met without running code."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import InputError

Holds = npt.NDArray[np.bool_]
Scalar = str | int | float

COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


class Condition:
    """Comparisons of columns with values (``== != < <= > >= in``), joined by ``and``, ``or`` and brackets.

    Parameters
    ----------
    text
        The condition, such as ``basisOfRecord in ["HUMAN_OBSERVATION"] and year >= 2000``.

    Attributes
    ----------
    columns
        The columns that it names.
    texts
        Those of them that it compares with text, which are then compared as they are written in the table.

    Raises
    ------
    InputError
        The text is no such condition.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.columns: set[str] = set()
        self.texts: set[str] = set()
        try:
            self._tree = ast.parse(text.strip(), mode="eval").body
            self._note(self._tree)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise InputError(
                f"The condition {text!r} can't be understood; write for example pr_ab == 1 and year >= 2000, "
                'with text in quotes and lists as in country in ["FR", "CH"].'
            ) from error

    def holds(self, table: Mapping[str, npt.NDArray[Any]]) -> Holds:
        """Tell for each row whether it meets the condition; an empty cell meets no comparison.

        ``table`` maps the columns to numbers (NaN where empty), or for those of ``texts`` to text (empty where
        empty).
        """
        return self._holds(self._tree, table)

    def _note(self, node: ast.expr) -> None:
        """Collect the columns of an expression; raise ValueError where it is none of ours."""
        if isinstance(node, ast.BoolOp):
            for value in node.values:
                self._note(value)
            return
        name, comparison, value = _parts(node)
        values = _values(comparison, value)
        kinds = {isinstance(one, str) for one in values}
        if len(kinds) > 1:
            raise ValueError("numbers and text are mixed")
        self.columns.add(name)
        if True in kinds:
            self.texts.add(name)

    def _holds(self, node: ast.expr, table: Mapping[str, npt.NDArray[Any]]) -> Holds:
        if isinstance(node, ast.BoolOp):
            join = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
            parts: Holds = join.reduce([self._holds(value, table) for value in node.values])
            return parts
        name, comparison, value = _parts(node)
        column, values = table[name], _values(comparison, value)
        as_text = isinstance(values[0], str)
        if not as_text and name in self.texts:  # elsewhere in the condition it is compared with text
            column = np.array([_number(one) for one in column], np.float64)
        filled = column != "" if as_text else ~np.isnan(column)
        if isinstance(comparison, ast.In):
            met = np.isin(column, values)
        else:
            met = COMPARISONS[type(comparison)](column, values[0])
        return np.asarray(filled & met, np.bool_)


def _parts(node: ast.expr) -> tuple[str, ast.cmpop, ast.expr]:
    """Return column, comparison and value of ``column == value``."""
    if not isinstance(node, ast.Compare) or len(node.ops) != 1 or not isinstance(node.left, ast.Name):
        raise ValueError("not column, operator, value")
    comparison = node.ops[0]
    if not isinstance(comparison, (ast.In, *COMPARISONS)):
        raise ValueError("unknown operator")
    return node.left.id, comparison, node.comparators[0]


def _values(comparison: ast.cmpop, node: ast.expr) -> list[Scalar]:
    """Return the literal, or for ``in`` the literals, that a column is compared with."""
    found = ast.literal_eval(node)
    if isinstance(comparison, ast.In):
        if not isinstance(found, (list, tuple, set)) or not found:
            raise ValueError("in needs a list")
        values = list(found)
    else:
        values = [found]
    if not all(isinstance(one, (str, int, float)) for one in values):
        raise ValueError("not a number or text")
    return values


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return np.nan
