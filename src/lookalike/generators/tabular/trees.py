"""Tables by one tree for each column: every value is drawn from the leaf that the columns before it lead to.

Legend: N rows, D columns of the chain, U random numbers of a row, C completions of rows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, final

import numpy as np
import numpy.typing as npt
from pydantic import Field
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from lookalike.core.contracts import Method
from lookalike.core.errors import ConfigError, DataError
from lookalike.core.events import Note, Progress, Watch
from lookalike.core.rng import Rng
from lookalike.core.schema import Schema
from lookalike.core.store import write_file, write_json
from lookalike.data.asked import asked_values
from lookalike.data.fresh import fresh_words
from lookalike.data.table import CODED, NUMERIC, WORDS, Codes, Numbers, Table, Values
from lookalike.generators.tabular.rows.link import Learner, Link
from lookalike.techniques.cart import Floats, Ints
from lookalike.techniques.donors import filled

_FORMAT = "lookalike.tabular.trees/1"
_WEIGHTS = "trees.safetensors"
_DRAWS = 3
"""Random numbers of one cell: which donor, how far from it, and how far up the tree."""
_NUMBERS = 1 << 22
"""Most random numbers of one block."""
_FIRST_BLOCK = 8192
_TOGETHER = 1 << 16
"""Most candidate rows at a time."""
Drawn = dict[str, Numbers | Codes]


@final
class Trees(Method):
    """Learns a tree for each column on the columns before it; draws rows of any class, fills in missing values.

    The label comes first, so that rows of asked classes are exact; each next column has a tree whose leaves hold the
    values of training rows. A missing value, and a number that many rows share, are values like any other; other
    numbers are spread between neighbours in a leaf.

    Source: Reiter 2005, Journal of Official Statistics 21(3); Drechsler and Reiter 2011, doi
        10.1016/j.csda.2011.06.006; Nowok, Raab and Dibben 2016, doi 10.18637/jss.v074.i11 (synthpop).
    Differs from the papers: splits that may be chance are undone, leaves are larger and lean towards their parents by
        how weak a split is, which keeps rows no nearer to the training rows than to others; numbers are interpolated
        in their leaf; columns come in the order of the table, after the label.
    """

    rows_per_shard: ClassVar[int] = _FIRST_BLOCK

    first: tuple[str, ...] = Field(
        default=(), description="Columns drawn first, in order: rows asked by these cost nothing; empty = the label."
    )
    given: tuple[str, ...] = Field(
        default=(), description="Columns that every row will be asked by: they lead the others and are not learnt."
    )
    min_leaf: int | None = Field(
        default=None, ge=1, le=10**6, description="Fewest rows of a leaf; None = from 10 (small tables) to 30."
    )
    significance: float = Field(
        default=0.001, gt=0, le=1, description="A split that chance gives with this probability goes; 1 keeps all."
    )
    ties: int = Field(
        default=5, ge=1, description="Numbers that so many rows share are drawn as they are; others are spread."
    )
    grow_rows: int = Field(
        default=50_000, ge=10, description="Rows that splits are chosen on; leaves hold the values of all rows."
    )
    predictors: int = Field(default=100, ge=1, le=10_000, description="Most columns that one tree reads.")
    attempts: int = Field(
        default=1000, ge=1, le=10**6, description="Rows drawn in search of one with asked values in later columns."
    )
    candidates: int = Field(
        default=32, ge=1, le=10_000, description="Completions among which a row with missing values is filled in."
    )

    def fit(self, data: Table, rng: Rng, watch: Watch) -> _FittedTrees:
        """Grow one tree for each column.

        Args:
            data: At least one row.
            rng: Key of ties between splits and of the rows that splits are chosen on.
            watch: Receives progress, and what is not modelled.

        Raises:
            DataError: No rows.
            ConfigError: `first` names a column that is not there, or one that is not modelled.
        """
        if len(data) == 0:
            raise DataError("tabular.trees needs rows to learn from, found none; check the reader's path and the split")
        names = self._order(data.schema)
        least = self.min_leaf or int(np.clip(round(len(data) ** 0.5 / 6), 10, 30))
        known = Learner(data, names, least, self.significance, self.ties, self.grow_rows, self.predictors, rng)
        links = []
        for d in range(len(names)):
            links.append(known.link(d, rng.child("tree", d), alone=names[d] in self.given))
            watch(Progress("fit", d + 1, len(names), "columns"))
        texts = [column.name for column in data.schema.columns if column.kind == "text"]
        if texts:
            told = f"free text is not modelled: {', '.join(texts)} will be empty; leave the column out, or use text.*"
            watch(Note("fit", told, "warning"))
        about: dict[str, Any] = {
            "format": _FORMAT,
            "config": self.model_dump(mode="json"),
            "rows": len(data),
            "min_leaf": least,
            "leaves": [int((link.tree.feature < 0).sum()) for link in links],
            "schema": data.schema.model_dump(mode="json"),
        }
        return _FittedTrees(links, about, self)

    def _order(self, schema: Schema) -> list[str]:
        able = [column.name for column in schema.columns if column.kind in (*CODED, *NUMERIC)]
        lead = (*self.given, *self.first)
        wrong = next((name for name in lead if name not in able), None)
        if wrong is not None or len(set(lead)) < len(lead):
            raise ConfigError(
                f"tabular.trees: given or first names {wrong or 'a column twice'}; allowed: {', '.join(able[:20])}, "
                "each once"
            )
        front = [*lead, *([schema.label] if schema.label in able and not self.first else [])]
        front = list(dict.fromkeys(front))
        return [*front, *(name for name in able if name not in front)]

    def load(self, folder: Path) -> _FittedTrees:
        """Read fitted trees; settings of sampling come from this config.

        Raises:
            DataError: The folder does not hold a complete model.
        """
        try:
            about = json.loads((folder / "lookalike.json").read_text(encoding="utf-8"))
            if about["format"] != _FORMAT:
                raise ValueError(f"format {about['format']}, expected {_FORMAT}")
            tensors = load_file(folder / _WEIGHTS)
            links = [Link.unpack(link, tensors, f"{d}.") for d, link in enumerate(about["links"])]
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            reason = " ".join(str(error).split())[:200]
            raise DataError(f"{folder} does not hold complete tabular.trees ({reason}); fit them again") from None
        return _FittedTrees(links, about, self)


@final
class _FittedTrees:
    """A chain of trees with all that is needed to draw from it."""

    spent = None

    def __init__(self, links: list[Link], about: dict[str, Any], config: Trees) -> None:
        self.links, self.about, self.config = links, about, config
        self.schema = Schema.model_validate(about["schema"])
        self.columns = [self.schema.column(link.name) for link in links]
        self._width = max(1, _DRAWS * len(links))
        self._block = int(min(_FIRST_BLOCK, max(256, _NUMBERS // self._width)))

    def sample(self, n: int, rng: Rng, where: Mapping[str, object] | None = None) -> Table:
        """Draw exactly n rows.

        Asked columns that lead the chain are set, which is exact. For others rows are drawn until one has the asked
        values, which is exact too, but ends in an error after `attempts`.

        Args:
            n: Number of rows, at least 0.
            rng: Key; row i depends on it, on i and on what is asked of row i alone.
            where: Column -> one value, or one for each row; "label" means the label column.

        Returns:
            Rows of the training table's schema; keys are new, free texts empty.

        Raises:
            ConfigError: A condition is not known, or no training row meets it.
            DataError: Too few rows with the asked values came.
        """
        asked = {name: np.asarray(v) for name, v in asked_values(n, self.schema, where, "tabular.trees").items()}
        if lacking := [name for name in self.about["config"].get("given", ()) if name not in asked]:
            raise ConfigError(f"where: {lacking[0]} is not learnt, because given names it; give its values")
        self._check(asked)
        lead = next((d for d, link in enumerate(self.links) if link.name not in asked), len(self.links))
        fixed = {link.name: asked[link.name] for link in self.links[:lead] if link.name in asked}
        sought = {name: values for name, values in asked.items() if name not in fixed}
        parts: list[Drawn] = []
        for start in range(0, n, self._block):
            rows = np.arange(start, min(n, start + self._block))
            # Rows of random numbers, so that the first ones do not depend on how many there are.
            u_NU = rng.child("block", start // self._block).numpy().random((len(rows), self._width))
            given = {name: values[rows] for name, values in fixed.items()}
            parts.append(self._chain(u_NU, given))
            if sought:
                self._search(parts[-1], rows, given, {name: v[rows] for name, v in sought.items()}, rng)
        return self._table(n, parts, rng)

    def _check(self, asked: Mapping[str, npt.NDArray[Any]]) -> None:
        """Refuse values that no training row could have led to."""
        for link in self.links:
            if link.name not in asked:
                continue
            values, count, levels = asked[link.name], link.variable.count, link.variable.levels
            code = np.where(np.isnan(values), 0, 1) if link.variable.numeric else values + 1
            if (count[code[code == 0] if link.variable.numeric else code] == 0).any():
                raise ConfigError(f"where: no training row has the value asked of {link.name}; ask for one that occurs")
            there = values[code > 0]
            wrong = there[(there < levels[0]) | (there > levels[-1])] if len(levels) else there
            if link.variable.numeric and len(wrong):
                seen = f"lies between {levels[0]:g} and {levels[-1]:g}" if len(levels) else "is always missing"
                raise ConfigError(
                    f"where: {link.name} {seen} in the training rows, found {wrong[0]:g}; ask for another value"
                )

    def _chain(self, u_NU: Floats, fixed: Mapping[str, Any]) -> Drawn:
        """Return drawn columns; those that are given stay."""
        drawn: Drawn = {}
        place: list[Ints] = []
        for d, (link, column) in enumerate(zip(self.links, self.columns, strict=True)):
            if link.name in fixed:
                drawn[link.name] = fixed[link.name]
            else:
                u_N3 = u_NU[:, _DRAWS * d : _DRAWS * (d + 1)]
                drawn[link.name] = link.draw(column, link.leaf(place, len(u_NU)), u_N3, link.donors)
            place.append(link.places(drawn[link.name]))
        return drawn

    def _search(self, drawn: Drawn, rows: Ints, fixed: Drawn, sought: Drawn, rng: Rng) -> None:
        """Replace rows that have not the values sought, by drawing them again and again."""
        lacking = np.flatnonzero(~_alike(drawn, sought))
        spent, turn = 1, 0
        while len(lacking):
            tries = min(2 ** (turn + 1), 64, self.config.attempts - spent)
            if tries < 1:
                raise DataError(
                    f"where: {len(lacking)} of {len(rows)} rows with asked values of {', '.join(sought)} did not come "
                    f"in {self.config.attempts} attempts each; fit with first: [{', '.join(sought)}], raise attempts, "
                    "or ask for values that are less rare"
                )
            found = np.zeros(len(lacking), dtype=bool)
            for start in range(0, len(lacking), max(1, _TOGETHER // tries)):
                part = lacking[start : start + max(1, _TOGETHER // tries)]
                streams = [rng.child("row", int(rows[row])).child("again", turn).numpy() for row in part]
                u_NU = np.concatenate([stream.random((tries, self._width)) for stream in streams])
                again = self._chain(u_NU, {name: np.repeat(values[part], tries) for name, values in fixed.items()})
                fits = _alike(again, {name: np.repeat(values[part], tries) for name, values in sought.items()})
                fits = fits.reshape(len(part), tries)
                hit = fits.any(axis=1)
                source = (np.arange(len(part)) * tries + fits.argmax(axis=1))[hit]
                for name, values in again.items():
                    drawn[name][part[hit]] = values[source]
                found[start : start + len(part)] = hit
            lacking, spent, turn = lacking[~found], spent + tries, turn + 1

    def impute(self, data: Table, rng: Rng) -> Table:
        """Fill in missing values, keeping all others.

        Each row gets `candidates` completions, drawn along the chain, of which one is chosen with the probability
        that the columns after a gap have with it: exact for the model as candidates grow, up to numbers being judged
        by ranges; with one candidate, columns after a gap are not heard. Keys and free texts stay.

        Args:
            data: Rows of the training table's columns.
            rng: Key; row i depends on it, on i and on the row alone.

        Returns:
            The same rows without missing values, except in columns that had no value in any training row.
        """
        columns: dict[str, Values] = {column.name: data.values(column.name) for column in self.schema.columns}
        whole = {link.name: np.array(columns[link.name]) for link in self.links}
        gaps = np.any([data.missing(link.name) for link in self.links], axis=0) if self.links else np.zeros(0, bool)
        width = self.config.candidates * self._width + 1
        block = max(1, min(1024, _NUMBERS // width))
        for start in range(0, len(data), block):
            rows = start + np.flatnonzero(gaps[start : start + block])
            if len(rows):
                u_NU = rng.child("block", start // block).numpy().random((block, width))[rows - start]
                completed = self._complete({name: values[rows] for name, values in whole.items()}, u_NU)
                for name, values in completed.items():
                    whole[name][rows] = values
        return Table.of({**columns, **whole}, data.schema)

    def _complete(self, known: Drawn, u_NU: Floats) -> Drawn:
        """Return one of several completions of each row, chosen by the probability of what is known after a gap."""
        count = self.config.candidates
        u_CU = u_NU[:, :-1].reshape(-1, self._width)
        score_C = np.zeros(len(u_CU))
        open_C = np.zeros(len(u_CU), dtype=bool)
        drawn: Drawn = {}
        place: list[Ints] = []
        for d, (link, column) in enumerate(zip(self.links, self.columns, strict=True)):
            values: Any = np.repeat(known[link.name], count)
            gap = np.isnan(values) if link.variable.numeric else values < 0
            leaf_C = link.leaf(place, len(values))
            later = np.flatnonzero(open_C & ~gap)
            score_C[later] += np.log(link.likelihood(leaf_C[later], values[later]))
            donors = filled(link.donors)
            if gap.any() and len(donors.code):
                values[gap] = link.draw(column, leaf_C[gap], u_CU[gap, _DRAWS * d : _DRAWS * (d + 1)], donors)
            drawn[link.name] = values
            open_C |= gap
            place.append(link.places(values))
        weight = score_C.reshape(-1, count)
        weight = np.cumsum(np.exp(weight - weight.max(axis=1, keepdims=True)), axis=1)
        chosen = (weight <= u_NU[:, -1:] * weight[:, -1:]).sum(axis=1).clip(max=count - 1)
        chosen += np.arange(len(u_NU)) * count
        return {name: values[chosen] for name, values in drawn.items()}

    def _table(self, n: int, parts: list[Drawn], rng: Rng) -> Table:
        columns = fresh_words(self.schema, n, rng.child("keys"))
        for column in self.schema.columns:
            if column.kind not in WORDS:
                empty = np.zeros(0, dtype=np.int64 if column.kind in CODED else np.float64)
                columns[column.name] = np.concatenate([empty, *(part[column.name] for part in parts)])
        return Table.of(columns, self.schema)

    def save(self, folder: Path) -> None:
        """Write `trees.safetensors` and `lookalike.json`."""
        packed = [link.pack(f"{d}.") for d, link in enumerate(self.links)]
        tensors = {name: value for _, arrays in packed for name, value in arrays.items()}
        write_file(folder / _WEIGHTS, save(tensors))
        write_json(folder / "lookalike.json", {**self.about, "links": [about for about, _ in packed]})


def _alike(drawn: Mapping[str, Any], sought: Mapping[str, Any]) -> npt.NDArray[np.bool_]:
    """Return the rows that have all the values sought; missing equals missing."""
    same = [(drawn[name] == values) | ((drawn[name] != drawn[name]) & (values != values))  # noqa: PLR0124  NaN
            for name, values in sought.items()]  # fmt: skip
    return np.asarray(np.all(same, axis=0))
