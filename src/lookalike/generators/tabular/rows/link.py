"""One column of a chain of trees: how it is learnt from a table, drawn, judged and saved.

Legend: N rows, D columns of the chain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from lookalike.core.rng import Rng
from lookalike.core.schema import Column
from lookalike.data.table import NUMERIC, Codes, Numbers, Table
from lookalike.generators.tabular.rows.finish import step_of, to_form
from lookalike.techniques.cart import Floats, Ints, Tree, grow, leaves, stump
from lookalike.techniques.chain import (
    Order,
    Variable,
    category_variable,
    features,
    nearest,
    number_variable,
    order,
    outputs,
    places,
)
from lookalike.techniques.donors import Donors, gather, interpolate, pick, shares, step_back

_SCREENED = 1000
"""Rows on which the predictors of a very wide table are chosen."""
_COARSE = 32
"""Ranges of a number whose shares say how probable a value is."""


@final
@dataclass(frozen=True)
class Link:
    """One column of the chain: its values, its tree, and how the tree reads the columns before it."""

    name: str
    variable: Variable
    step: float | None
    read: list[int]
    orders: list[Order | None]
    tree: Tree
    donors: Donors

    def places(self, values: Numbers | Codes) -> Ints:
        """Return what trees of later columns read of values, [N]."""
        return places(self.variable, values)

    def leaf(self, place: list[Ints], rows: int) -> Ints:
        """Return the leaf of each row, given the places of the columns before."""
        if not self.read:
            return np.zeros(rows, dtype=np.int64)
        return leaves(self.tree, features(self.orders, [place[d] for d in self.read]))

    def draw(self, column: Column, leaf_N: Ints, u_N3: Floats, donors: Donors) -> Numbers | Codes:
        """Return values for rows that fell into leaves."""
        node_N = step_back(self.tree, leaf_N, u_N3[:, 2])
        run_N = pick(donors, self.tree, node_N, u_N3[:, 0])
        if not self.variable.numeric:
            return donors.code[run_N] - 1
        levels = self.variable.levels
        if not len(levels):
            return np.full(len(run_N), np.nan)
        value_N = interpolate(donors, run_N, levels, self.variable.tied, u_N3[:, 1])
        if self.variable.stepped:
            return nearest(levels, value_N)
        return to_form(column, value_N, self.step, float(levels[0]), float(levels[-1]))

    def likelihood(self, leaf_N: Ints, values: Numbers | Codes) -> Floats:
        """Return how probable values are in leaves, numbers by their range of about 1/32 of the rows, [N]."""
        if self.variable.numeric:
            numbers = np.asarray(values, dtype=np.float64)
            near = np.searchsorted(self.variable.levels, numbers).clip(0, max(len(self.variable.levels) - 1, 0))
            code_N = np.where(np.isnan(numbers), 0, near + 1)
        else:
            code_N = np.asarray(values, dtype=np.int64) + 1
        low_L, high_L = self._ranges()
        before = np.concatenate([[0], np.cumsum(self.variable.count)])
        low_N, high_N = low_L[code_N], high_L[code_N]
        prior_N = np.maximum((before[high_N + 1] - before[low_N]) / max(before[-1], 1), 1e-9)
        return shares(self.donors, self.tree, leaf_N, low_N, high_N, prior_N)

    def _ranges(self) -> tuple[Ints, Ints]:
        """Return the first and the last code of the range that each code lies in."""
        codes = np.arange(len(self.variable.count))
        if not self.variable.numeric or len(codes) <= _COARSE:
            return codes, codes
        seen = self.variable.count[1:]
        part = (np.cumsum(seen) - seen) * _COARSE // max(int(seen.sum()), 1)
        first = np.flatnonzero(np.diff(part, prepend=-1)) + 1
        last = np.append(first[1:] - 1, len(seen))
        number = np.cumsum(np.diff(part, prepend=-1) > 0) - 1
        return np.append(0, first[number]), np.append(0, last[number])

    def pack(self, start: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return what belongs into JSON, and arrays by name."""
        arrays: dict[str, Any] = {"levels": self.variable.levels, "tied": self.variable.tied}
        arrays |= {"count": self.variable.count, "place": self.variable.place, "threshold": self.tree.threshold}
        arrays |= {name: getattr(self.tree, name) for name in ("feature", "right", "last", "back")}
        arrays |= {name: getattr(self.donors, name) for name in ("code", "leaf", "end")}
        arrays |= {f"order.{k}": order for k, order in enumerate(self.orders) if order is not None}
        small = {name: _small(np.ascontiguousarray(value)) for name, value in arrays.items()}
        about = {"name": self.name, "numeric": self.variable.numeric, "step": self.step, "read": self.read}
        return about, {start + name: value for name, value in small.items()}

    @classmethod
    def unpack(cls, about: Mapping[str, Any], tensors: Mapping[str, Any], start: str) -> Link:
        """Return what `pack` gave."""

        def get(name: str) -> Any:  # noqa: ANN401  whichever type the array has
            value = tensors[start + name]
            return value.astype(np.int64) if value.dtype == np.int32 else value

        tree = Tree(*(get(name) for name in ("feature", "threshold", "right", "last", "back")))
        donors = Donors(*(get(name) for name in ("code", "leaf", "end")))
        orders = [tensors.get(f"{start}order.{k}") for k in range(len(about["read"]))]
        variable = Variable(get("levels"), get("tied"), get("count"), get("place"), about["numeric"])
        return cls(about["name"], variable, about["step"], about["read"], orders, tree, donors)


@final
class Learner:
    """Learns the links of a chain one after the other.

    Args:
        data: Training rows.
        names: Columns of the chain, in order.
        least: Fewest rows of a leaf.
        significance: Largest probability of a split by chance.
        ties: Rows from which a number stays as it is.
        rows: Most rows that splits are chosen on.
        predictors: Most columns that a tree reads.
        rng: Key of the rows that splits are chosen on.
    """

    def __init__(
        self,
        data: Table,
        names: Sequence[str],
        least: int,
        significance: float,
        ties: int,
        rows: int,
        predictors: int,
        rng: Rng,
    ) -> None:
        """Look at the columns; no tree is grown yet."""
        self.least, self.significance, self.predictors = least, significance, predictors
        self.columns = [data.schema.column(name) for name in names]
        self.steps: list[float | None] = []
        self.variables, self.codes, self.places = [], [], []
        for column in self.columns:
            if column.kind in NUMERIC:
                numbers = data.numbers(column.name)
                variable, code_N = number_variable(numbers, ties)
                self.steps.append(step_of(column, numbers))
            else:
                variable, code_N = category_variable(data.codes(column.name), len(column.categories))
                self.steps.append(None)
            self.variables.append(variable)
            self.codes.append(code_N)
            self.places.append(variable.place[code_N])
        shuffled = rng.child("rows").numpy().permutation(len(data))
        self.chosen = np.sort(shuffled[:rows])
        few = shuffled[:_SCREENED]
        self.screen = np.stack([_standard(place[few]) for place in self.places]) if len(names) > predictors else None
        self.few = few

    def link(self, d: int, rng: Rng, alone: bool = False) -> Link:
        """Return column d with a tree on the columns before it; `alone` = without one."""
        variable, code_N = self.variables[d], self.codes[d]
        read: list[int] = []
        orders: list[Order | None] = []
        tree, leaf_N = stump(), np.zeros(len(code_N), dtype=np.int64)
        if d and not alone:
            y_NQ = outputs(variable, code_N)
            read = self._read(d, y_NQ)
            orders = [
                None if self.variables[k].numeric else order(self.variables[k], self.codes[k], y_NQ) for k in read
            ]
            x_NF = features(orders, [self.places[k] for k in read])
            seed = rng.child("ties").integer()
            tree = grow(x_NF[self.chosen], y_NQ[self.chosen], self.least, self.significance, seed)
            leaf_N = leaves(tree, x_NF)
        donors = gather(code_N, leaf_N)
        return Link(self.columns[d].name, variable, self.steps[d], read, orders, tree, donors)

    def _read(self, d: int, y_NQ: Floats) -> list[int]:
        """Return the columns that a tree reads: all before it, or those that correlate most with what it explains."""
        if d <= self.predictors or self.screen is None:
            return list(range(d))
        y = y_NQ[self.few] - y_NQ[self.few].mean(axis=0)
        strength = np.abs(self.screen[:d] @ y).max(axis=1)
        return sorted(np.argsort(-strength, kind="stable")[: self.predictors].tolist())


def _standard(values: Ints) -> Floats:
    spread = values.std()
    return np.asarray((values - values.mean()) / (spread if spread > 0 else 1))


def _small(values: np.ndarray) -> np.ndarray:
    return values.astype(np.int32) if values.dtype == np.int64 else values
