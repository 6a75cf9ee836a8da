"""Conditions on the rows of a table, such as ``1990 <= year < 2000``, met without running code."""

from __future__ import annotations

import ast
import operator
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..running.errors import InputError
from ..words.species_names import spelt
from .cell_numbers import PLAIN
from .cells import Texts

Holds = npt.NDArray[np.bool_]
Scalar = str | int | float
Columns = Mapping[str, npt.NDArray[Any] | Texts]

# Each comparison with the one that says the same when its sides are swapped.
COMPARISONS: dict[type[ast.cmpop], tuple[Callable[[Any, Any], Any], type[ast.cmpop]]] = {
    ast.Eq: (operator.eq, ast.Eq),
    ast.NotEq: (operator.ne, ast.NotEq),
    ast.Lt: (operator.lt, ast.Gt),
    ast.LtE: (operator.le, ast.GtE),
    ast.Gt: (operator.gt, ast.Lt),
    ast.GtE: (operator.ge, ast.LtE),
}
ORDERS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
TOKEN = re.compile(
    r"""(?P<text>'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")   # in quotes: a value
      | `(?P<quoted>[^`]+)`                             # in backquotes: a column
      | (?P<number>\d[\w.]*(?:(?<=[eE])[+-]\d+)?)
      | (?P<word>[^\W\d]\w*)""",
    re.VERBOSE,
)
OPERATORS = {"and", "or", "not", "in", "is"}
VALUES = {"true": "True", "false": "False"}
EMPTY = "empty"
EXAMPLE = (
    "write for example pr_ab == 1 and 1990 <= year < 2000, with text in quotes, lists as in country in "
    '["FR", "CH"], and names of columns that hold blanks or signs in backquotes, as in `number of birds` > 0'
)


class Condition:
    """Comparisons of columns with values, joined by ``and``, ``or``, ``not`` and brackets.

    ``== != < <= > >=``, also in chains, ``in`` and ``not in`` a list, ``is empty`` and ``is not empty``. A
    name in backquotes may hold anything; a word of Python's (``class``, ``from``) needs none.

    Parameters
    ----------
    text
        The condition, such as ``basisOfRecord in ["HUMAN_OBSERVATION"] and year >= 2000``.

    Attributes
    ----------
    columns
        The columns that it names.
    texts, numbers
        Those of them that it compares with text, or asks whether they are empty, and those that it compares
        with numbers; a column may be in both.
    literals
        The texts that it compares with, by column.

    Raises
    ------
    InputError
        The text is no such condition.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.texts: set[str] = set()
        self.numbers: set[str] = set()
        self.literals: dict[str, set[str]] = {}
        try:
            self._names: dict[str, str] = {}  # columns by what stands for them in the tree
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", SyntaxWarning)
                warnings.simplefilter("ignore", DeprecationWarning)
                self._tree = ast.parse(f"({self._with_plain_names(text)})", mode="eval").body
            self._note(self._tree)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise InputError(f"The condition {text!r} can't be understood; {EXAMPLE}.") from error
        self.columns = self.texts | self.numbers

    def holds(self, table: Columns, numbers: Columns | None = None) -> Holds:
        """Tell for each row whether it meets the condition.

        An empty cell meets no comparison, and no negated one either: ``country != "FR"``,
        ``not country == "FR"`` and ``country not in ["FR"]`` are one.

        Parameters
        ----------
        table
            Columns by name: numbers (NaN where empty), or for those of ``texts`` text (empty where empty).
        numbers
            Those of ``numbers`` that are compared with text too.
        """
        return self._holds(self._tree, table, numbers or {})[0]

    def _with_plain_names(self, text: str) -> str:
        """Return the condition with a plain name in place of each column's, which may be any."""
        made: list[str] = []
        before: list[str] = []  # words, to know what follows ``is``
        end = 0
        for token in TOKEN.finditer(text):
            between = text[end : token.start()]
            if "`" in between:
                raise ValueError("a backquote without its other")
            made.append(between)
            before += [between] if between.strip() else []
            made.append(self._plain_token(token, before))
            before.append(token[0])
            end = token.end()
        if "`" in text[end:]:
            raise ValueError("a backquote without its other")
        return "".join([*made, text[end:]])

    def _plain_token(self, token: re.Match[str], before: list[str]) -> str:
        word = token["word"]
        if token["quoted"] is not None:
            return self._stand_in(token["quoted"])
        if word is None or word in OPERATORS or word in VALUES.values():
            return token[0]
        if word.lower() in VALUES:
            return VALUES[word.lower()]
        if word.lower() in OPERATORS and word.isupper():
            return word.lower()
        last = [one.lower() for one in before[-2:]]
        asked = word.lower() == EMPTY and (last[-1:] == ["is"] or last == ["is", "not"])
        return EMPTY if asked else self._stand_in(word)

    def _stand_in(self, column: str) -> str:
        name = f"c{len(self._names)}"
        self._names[name] = spelt(column)
        return name

    def _note(self, node: ast.expr) -> None:
        """Collect the columns of an expression; raise ValueError where it is none of ours."""
        if isinstance(node, ast.BoolOp):
            for value in node.values:
                self._note(value)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            self._note(node.operand)
        else:
            for one in self._comparisons(node):
                if isinstance(one.comparison, ast.Is) or isinstance(one.values[0], str):
                    self.texts.add(one.column)
                    self.literals.setdefault(one.column, set()).update(str(value) for value in one.values)
                else:
                    self.numbers.add(one.column)

    def _holds(self, node: ast.expr, table: Columns, numbers: Columns) -> tuple[Holds, Holds]:
        """Return where an expression is met, and where its contrary is; neither where a cell is empty."""
        if isinstance(node, ast.UnaryOp):
            met, unmet = self._holds(node.operand, table, numbers)
            return unmet, met
        if isinstance(node, ast.BoolOp):
            parts = [self._holds(value, table, numbers) for value in node.values]
            is_and = isinstance(node.op, ast.And)
        else:
            parts = [_compared(one, table, numbers) for one in self._comparisons(node)]
            is_and = True  # a chain
        met, unmet = parts[0]
        for one, other in parts[1:]:
            met, unmet = (met & one, unmet | other) if is_and else (met | one, unmet & other)
        return met, unmet

    def _comparisons(self, node: ast.expr) -> Iterator[_Comparison]:
        """Yield the comparisons of a chain; ``a < b < c`` is two. Raise ValueError where it is none of ours."""
        if not isinstance(node, ast.Compare):
            raise ValueError("no comparison")
        sides = [node.left, *node.comparators]
        for place, comparison in enumerate(node.ops):
            left, right = sides[place], sides[place + 1]
            column = self._column(left)
            if column is None and self._column(right) is None and place == 0:
                column = self._quoted_column(left)
            if column is not None:
                yield _comparison(column, comparison, right, self._names)
                continue
            column = self._column(right)
            if column is None or type(comparison) not in COMPARISONS:
                raise ValueError("not column, operator, value")
            yield _comparison(column, COMPARISONS[type(comparison)][1](), left, self._names)

    def _column(self, node: ast.expr) -> str | None:
        return self._names.get(node.id) if isinstance(node, ast.Name) else None

    def _quoted_column(self, node: ast.expr) -> str | None:
        """Return the column that text in quotes names where it stands first: ``"class" == "Aves"``."""
        return spelt(node.value) if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


@dataclass(frozen=True)
class _Comparison:
    """A column, what it is compared by, and with; no value asks whether it is empty."""

    column: str
    comparison: ast.cmpop
    values: tuple[Scalar, ...]
    negated: bool = False


def _comparison(column: str, comparison: ast.cmpop, node: ast.expr, names: Mapping[str, str]) -> _Comparison:
    if isinstance(comparison, (ast.Is, ast.IsNot)):
        if not isinstance(node, ast.Name) or node.id != EMPTY or node.id in names:
            raise ValueError("is goes with empty")
        return _Comparison(column, ast.Is(), (), isinstance(comparison, ast.IsNot))
    found = ast.literal_eval(node)
    if isinstance(comparison, (ast.In, ast.NotIn)):
        if not isinstance(found, (list, tuple, set)) or not found:
            raise ValueError("in needs a list")
        values = tuple(found)
    else:
        values = (found,)
    if not all(isinstance(one, (str, int, float)) for one in values):
        raise ValueError("not a number or text")
    if len({isinstance(one, str) for one in values}) > 1:
        raise ValueError("numbers and text are mixed")
    values = tuple(spelt(one) if isinstance(one, str) else one for one in values)
    negated = isinstance(comparison, ast.NotIn)
    return _Comparison(column, ast.In() if negated else comparison, values, negated)


def _compared(one: _Comparison, table: Columns, numbers: Columns) -> tuple[Holds, Holds]:
    column = table[one.column]
    as_text = bool(one.values) and isinstance(one.values[0], str)
    if not as_text and one.values:
        column = numbers.get(one.column, column)
    if as_text and type(one.comparison) in ORDERS:
        _demand_words(one, column)
    if isinstance(column, Texts):  # each text once
        values = np.array([spelt(text) for text in column.values], np.str_)
        filled, met = (found[column.codes] for found in _met(one, values))
    else:
        filled, met = _met(one, column)
    return filled & met, filled & ~met


def _demand_words(one: _Comparison, column: npt.NDArray[Any] | Texts) -> None:
    """Raise InputError where a column of numbers is put in order with a number in quotes, as words are."""
    filled = [text for text in getattr(column, "values", ()) if text.strip()]
    if filled and all(PLAIN.fullmatch(text.strip()) for text in (*filled, str(one.values[0]))):
        raise InputError(
            f"The column {one.column!r} holds numbers and the condition has {one.values[0]!r} in quotes, "
            'as if they were words ("10" comes before "9"); write the number without quotes.'
        )


def _met(one: _Comparison, column: npt.NDArray[Any]) -> tuple[Holds, Holds]:
    """Return where values are comparable, and where they meet a comparison."""
    filled: Holds = ~np.isnan(column) if column.dtype.kind in "iufb" else np.asarray(column != "", np.bool_)
    if isinstance(one.comparison, ast.Is):
        met = filled if one.negated else ~filled
        return np.ones(len(column), np.bool_), met
    if isinstance(one.comparison, ast.In):
        met = np.isin(column, np.array(one.values))
    else:
        met = np.asarray(COMPARISONS[type(one.comparison)][0](column, one.values[0]), np.bool_)
    return filled, met ^ one.negated
