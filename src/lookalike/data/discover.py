"""Constraints that real rows meet without one being stated: proposals, each with what speaks for it.

Nothing is enforced because it was found. A relation that chance or the ranges of the columns would give is no proposal.
Legend: N rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, permutations
from typing import final

import numpy as np
import numpy.typing as npt

from lookalike.core.constraints import Combination, Constraint, Formula, Inequality
from lookalike.core.rng import Rng
from lookalike.core.schema import Column
from lookalike.data.holding import above, as_numbers, by_day, day_of, different, differing, rounding_of, together
from lookalike.data.table import CODED, Table

Values = npt.NDArray[np.float64]
_KEY = Rng(0).child("constraints by chance")
_ENOUGH = 20
_TELLING = 0.1
_TRIED = 100
_MOST_COLUMNS = 40
_MOST_TERMS = 15
_ROWS_EACH = 10


@final
@dataclass(frozen=True)
class Candidate:
    """A constraint that may hold.

    Attributes:
        rule: The constraint.
        evidence: In how many rows it holds, and how it would fare by chance; no value is told.
    """

    rule: Constraint
    evidence: str


def candidates(data: Table) -> list[Candidate]:
    """Return what holds in every row and would not by chance: dependencies, formulas, inequalities.

    Args:
        data: Real rows. Of a wide table the first 40 columns of each kind are looked at, and 15 for sums and products.
    """
    if len(data) < _ENOUGH:
        return []
    names = [column.name for column in data.schema.columns if column.kind in ("number", "integer", "datetime")]
    columns = {name: data.numbers(name) for name in names[:_MOST_COLUMNS]}
    with np.errstate(all="ignore"):
        formulas = list(_formulas(data, columns))
    told = [set(found.rule.columns) for found in formulas]
    ordered = [found for found in _inequalities(data, columns) if not any(set(found.rule.columns) <= t for t in told)]
    return [*_dependencies(data), *formulas, *ordered]


def _dependencies(data: Table) -> Iterator[Candidate]:
    """Yield pairs of columns in which each value of the first goes with one value of the second."""
    kinds = (*CODED, "integer")
    names = [column.name for column in data.schema.columns if column.kind in kinds][:_MOST_COLUMNS]
    codes = {name: together([as_numbers(data, name)]) for name in names}
    sizes = {name: int(codes[name].max()) + 1 for name in names}
    shares = {name: np.bincount(codes[name]) / len(data) for name in names}
    seen: set[frozenset[str]] = set()
    for first, second in permutations(names, 2):
        # As many rows must repeat a value of the first and could have had another of the second.
        tested = (len(data) - sizes[first]) * (1 - float(np.square(shares[second]).sum()))
        if sizes[first] * _ROWS_EACH > len(data) or tested < _ENOUGH or sizes[second] > sizes[first]:
            continue
        pairs = len(different(codes[first] * sizes[second] + codes[second]))
        if pairs == sizes[first] and {first, second} not in seen:
            seen.add(frozenset((first, second)))
            rule = Combination(rule="combination", columns=(first, second))
            yield Candidate(
                rule,
                f"{first} -> {second}: holds in {len(data):,} of {len(data):,} rows; each of {sizes[first]:,} values "
                "goes with one of the other",
            )


def _inequalities(data: Table, columns: dict[str, Values]) -> Iterator[Candidate]:
    """Yield pairs of which one is never above the other, although their ranges overlap."""
    dates = {name for name in columns if data.schema.column(name).kind == "datetime"}
    order = _KEY.numpy().permutation(len(data))
    for low, high in permutations(columns, 2):
        known = ~np.isnan(columns[low]) & ~np.isnan(columns[high])
        one, other = columns[low][known], columns[high][known]
        if by_day(data.schema.column(low), data.schema.column(high)):
            one, other = day_of(one), day_of(other)
        if (low in dates) != (high in dates) or len(one) < _ENOUGH or above(one, other).any():
            continue
        if (one == other).all():
            continue
        chance = float(above(one, other[order[order < len(other)]]).mean())
        if chance >= _TELLING:
            strict = bool((one < other).all())
            rule = Inequality(rule="inequality", low=low, high=high, strict=strict)
            yield Candidate(
                rule,
                f"{rule.title}: holds in {len(one):,} of {len(one):,} rows with both; if they were independent, "
                f"{100 * chance:.2g} % of rows would break it",
            )


def _formulas(data: Table, columns: dict[str, Values]) -> Iterator[Candidate]:
    """Yield numbers that are a multiple, a sum or a product of others."""
    able = [name for name in columns if data.schema.column(name).kind != "datetime"]
    able = [name for name in able if len(np.unique(columns[name][~np.isnan(columns[name])])) > 2][:_MOST_TERMS]
    multiples: set[frozenset[str]] = set()
    for found in _multiples(data, columns, able):
        multiples.add(frozenset(found.rule.columns))
        yield found
    for target in able:
        others = [name for name in able if name != target and {name, target} not in multiples]
        for first, second in combinations(others, 2):
            for sign, wanted in (("+", np.add), ("*", np.multiply)):
                value = wanted(columns[first], columns[second])
                text = f"{_quoted(first)} {sign} {_quoted(second)}"
                made = _candidate(data.schema.column(target), columns[target], value, text)
                if made is not None:
                    yield made


def _multiples(data: Table, columns: dict[str, Values], names: list[str]) -> Iterator[Candidate]:
    """Yield numbers that are a multiple of another, told once: by a factor of at least 1 where there is one."""
    seen: set[frozenset[str]] = set()
    factors = {pair: _factor(columns[pair[0]], columns[pair[1]]) for pair in permutations(names, 2)}
    known = [(pair, factor) for pair, factor in factors.items() if factor is not None]
    for (target, term), factor in sorted(known, key=lambda one: abs(one[1]) < 1):
        times = "" if factor == 1 else f"{factor:g} * "
        wanted, text = factor * columns[term], f"{times}{_quoted(term)}"
        found = _candidate(data.schema.column(target), columns[target], wanted, text)
        if found is not None and {target, term} not in seen:
            seen.add(frozenset((target, term)))
            yield found


def _factor(target: Values, term: Values) -> float | None:
    """Return what one column would be a multiple of the other by, if it is a short number; None = it is not."""
    large = np.nanargmax(np.abs(term))
    if term[large] == 0 or np.isnan(target[large]):
        return None
    factor = float(f"{target[large] / term[large]:.6g}")
    return factor if 1e-6 < abs(factor) < 1e6 and len(f"{abs(factor):g}") <= 4 else None


def _candidate(column: Column, target: Values, wanted: Values, text: str) -> Candidate | None:
    rounding = rounding_of(column)
    if differing(target[:_TRIED], wanted[:_TRIED], rounding).any():
        return None
    known = np.flatnonzero(np.isfinite(target) & np.isfinite(wanted))
    broken = differing(target, wanted, rounding).any()
    telling = len(np.unique(target[known])) if len(known) else 0
    # Of small numbers everything is a product up to rounding; the target must vary by far more than that.
    if broken or len(known) < _ENOUGH or telling < 3 or float(target[known].std()) < 4 * rounding:
        return None
    chance = differing(target[known], _KEY.numpy().permutation(wanted[known]), rounding).mean()
    if chance < 1 / 2:
        return None
    rule = Formula(rule="formula", column=column.name, equals=text)
    return Candidate(rule, f"{rule.title}: holds in {len(known):,} of {len(known):,} rows with all of them")


def _quoted(name: str) -> str:
    return name if name.isidentifier() else f"`{name}`"
