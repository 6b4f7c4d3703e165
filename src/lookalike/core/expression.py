"""Formulas over columns: + - * / and numbers, read by a parser that knows nothing else; nothing is ever executed."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
_MOST = 1000
_DEPTH = 50
_LARGEST = 1e300
_QUOTED = re.compile(r"`([^`]+)`")


@final
@dataclass(frozen=True)
class Expression:
    """A formula that was read.

    Attributes:
        names: The columns in it, in the order of their first use.
        tree: What it says; column k stands as the name `_k`.
    """

    names: tuple[str, ...]
    tree: ast.expr

    def value(self, columns: Mapping[str, Values]) -> Values:
        """Return the formula's value of each row, [N]; what is missing or divided by zero is not finite."""
        places = {f"_{place}": columns[name] for place, name in enumerate(self.names)}
        with np.errstate(all="ignore"):
            return np.asarray(_value(self.tree, places), dtype=np.float64)


def parse(text: str) -> Expression:
    """Read a formula; names of columns that are no plain words stand in backquotes.

    Args:
        text: For example "price * count + `service-fee`".

    Raises:
        ValueError: It holds anything but columns, finite numbers, + - * / and brackets.

    Example:
        >>> parse("12 * `pay-month`").value({"pay-month": np.array([100.0])}).tolist()
        [1200.0]
    """
    if len(text) > _MOST:
        raise ValueError(f"a formula has at most {_MOST} characters, found {len(text)}")
    names: list[str] = []

    def place(name: str) -> str:
        if name not in names:
            names.append(name)
        return f"_{names.index(name)}"

    pieces = _QUOTED.split(text)
    # Quoted names become words first that the parser takes for names; every name is then numbered in order of use.
    quoted = {f"_q{k}_": name for k, name in enumerate(pieces[1::2])}
    plain = "".join(piece if k % 2 == 0 else f" _q{k // 2}_ " for k, piece in enumerate(pieces))
    try:
        tree = ast.parse(plain.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError(
            "a formula is made of columns, numbers, + - * / and brackets; this one cannot be read"
        ) from None

    def read(node: ast.expr, depth: int) -> ast.expr:
        if depth > _DEPTH:
            raise ValueError(f"a formula is at most {_DEPTH} brackets deep")
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub | ast.Mult | ast.Div):
            return ast.BinOp(read(node.left, depth + 1), node.op, read(node.right, depth + 1))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.UAdd | ast.USub):
            return ast.UnaryOp(node.op, read(node.operand, depth + 1))
        if isinstance(node, ast.Constant) and _finite(node.value):
            return node
        if isinstance(node, ast.Name):
            return ast.Name(place(quoted.get(node.id, node.id)))
        raise ValueError("a formula is made of columns, finite numbers, + - * / and brackets, and of nothing else")

    checked = read(tree, 0)
    if not names:
        raise ValueError("a formula names at least one column")
    return Expression(tuple(names), checked)


def _finite(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST


def _value(node: ast.expr, places: Mapping[str, Values]) -> Values | np.float64:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return np.float64(node.value)
    if isinstance(node, ast.Name):
        return places[node.id]
    if isinstance(node, ast.UnaryOp):
        inner = _value(node.operand, places)
        return -inner if isinstance(node.op, ast.USub) else inner
    assert isinstance(node, ast.BinOp)
    left, right = _value(node.left, places), _value(node.right, places)
    if isinstance(node.op, ast.Add):
        return left + right
    if isinstance(node.op, ast.Sub):
        return left - right
    return left * right if isinstance(node.op, ast.Mult) else left / right
