"""The rows of an owned table: how they are learnt from families, and made for new parents.

Legend: N rows of the table, P of its parent, M rows of one step.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, final

import numpy as np

from lookalike.core.events import Note, Watch
from lookalike.core.rng import Rng
from lookalike.core.schema import Column
from lookalike.core.store import write_json
from lookalike.data.table import CODED, WORDS, Codes, Numbers, Table
from lookalike.generators.tables.families.distinct import Distinct, distinct_of, instead, repeating
from lookalike.generators.tables.families.numbered import (
    Apart,
    Numbered,
    counted_again,
    in_turn,
    nearly_numbered,
    numbered,
    within,
)
from lookalike.generators.tables.families.order import SPAN, Known, Order
from lookalike.generators.tables.families.shared import Link, asking
from lookalike.generators.tables.families.since import Since, since, told_again, told_by
from lookalike.generators.tables.families.stage import Columns, Stage, fit_stage, load_stage
from lookalike.techniques.families import likeness, sums_of_codes, sums_of_numbers
from lookalike.techniques.siblings import FIRST, LAST, Ints, Places, places

STAGES = ("first", "last", "middle")
_AS = "\x1fas"
"""Name of the column that says whether a link is that of a neighbour."""
_WHOSE = ("another", "the one before", "the one after")
_APART = "apart"
"""Name of the column that says how many places two neighbours are apart."""
_PLACE = "place"
"""Name of the column that says which row of its family one is, where a column numbers them."""
_ALIKE = 0.02
"""Least likeness of siblings at which a column is worth describing."""
_TELLING = 0.5
"""Part of a commonest value that must not be chance."""
_TURNS, _TRIES, _FEWEST, _DRAWN = 8, 32, 4, 1 << 16
"""Most times that rows are drawn in the place of one that comes again, how many, how few where many rows do, and about
how many in place of all."""


def learnt(table: Table) -> Known:
    """Return the columns of a table that are learnt: all but keys and free texts."""
    able = [column for column in table.schema.columns if column.kind not in WORDS]
    return {column.name: (column, table.values(column.name)) for column in able}


def _some(known: Known, rows: Ints, before: str) -> Known:
    """Return rows of columns under names with a word before them."""
    return {f"{before} {name}": (column, np.asarray(values)[rows]) for name, (column, values) in known.items()}


@final
@dataclass(frozen=True)
class Children:
    """A fitted generator of the rows of one owned table.

    Attributes:
        columns: What is made, in order.
        stages: For the first child, the last one and those between; None = no family had one.
        order: The column that gives the order; None = there is none.
        most: Most children that a parent had.
        since: Columns of moments that are made by how far they are from one of the parent.
        counted: Columns that number the rows of every family.
        parted: What keeps rows of a family apart in their order; None = they may be equal.
        distinct: Columns in which no two rows of a family are equal together.
    """

    columns: tuple[Column, ...]
    stages: tuple[Stage | None, ...]
    order: Order | None
    most: int
    since: tuple[Since, ...] = ()
    counted: tuple[Numbered, ...] = ()
    parted: Apart | None = None
    distinct: tuple[Distinct, ...] = ()

    @property
    def placed(self) -> bool:
        """Whether rows are in the order of a column that numbers them."""
        return any(one.leads for one in self.counted)

    def draw(self, parents: Columns, sizes: Codes, rng: Rng, links: Sequence[Link] = ()) -> Columns:
        """Return the columns of all children, and under the name of each link the row that it refers to.

        Args:
            parents: Columns of the parents, by name.
            sizes: Children of each parent, at most `most`, [P].
            rng: Key.
            links: Columns that refer to shared tables.
        """
        count = int(sizes.sum())
        made: Columns = {
            column.name: np.zeros(count, np.int64 if column.kind in CODED else np.float64) for column in self.columns
        }
        made |= {link.column: np.full(count, -1, np.int64) for link in links}
        owner, found = np.repeat(np.arange(len(sizes)), sizes), places(sizes)
        above: Columns = {f"parent {name}": np.asarray(values)[owner] for name, values in parents.items()}
        above |= {_PLACE: within(sizes).astype(np.float64)} if self.placed else {}
        for step in range(int(found.step.max(initial=-1)) + 1):
            rows = np.flatnonzero(found.step == step)
            for name, values in self._drawn(step, rows, made, above, found, rng, links).items():
                made[name][rows] = values
            for turn in range(_TURNS if self.distinct else 0):
                rows = repeating(self.distinct, made, owner, found.step, step)
                if not len(rows):
                    break
                tries = int(np.clip(_DRAWN // len(rows), _FEWEST, _TRIES))
                many, key = np.repeat(rows, tries), rng.child("again", turn)
                drawn = self._drawn(step, many, made, above, found, key, links)
                there = found.step <= step
                there[rows] = False
                best = instead(self.distinct, made, drawn, owner, rows, np.flatnonzero(there))
                for name, values in drawn.items():
                    made[name][rows[best >= 0]] = values[best[best >= 0]]
        made = made if self.order is None else self.order.joined(made, owner)
        made = told_again(made, self.since, parents, owner)
        made = made if self.parted is None else self.parted.parted(made, sizes, self.since, parents)
        for place, one in enumerate(self.distinct):
            made = one.parted(made, sizes, rng.child("distinct", place))
            if self.order is not None:
                order, bound = self.order.column.name, {each.column for each in self.since}
                made = one.moved(made, sizes, order, order in bound, rng.child("moved", place))
        for link in links:
            made |= link.values(made[link.column]) if link.column in {one.column for one in self.distinct} else {}
        return counted_again(made, self.counted, sizes)

    def _drawn(
        self, step: int, rows: Ints, made: Columns, above: Columns, found: Places, rng: Rng, links: Sequence[Link]
    ) -> Columns:
        """Return rows of a step with their place in the order and what they refer to, [M] each.

        Args:
            step: The step.
            rows: The rows, each as often as it is wanted, [M].
            made: Columns of all rows, [N] each; those of earlier steps are there.
            above: What each row has of its parent, and its place, [N] each.
            found: Where each row stands, [N].
            rng: Key.
            links: Columns that refer to shared tables.
        """
        stage = self.stages[min(step, len(STAGES) - 1)]
        assert stage is not None
        known: Columns = {name: values[rows] for name, values in above.items()}
        left, right = found.left[rows], found.right[rows]
        if step != FIRST:
            known |= {f"left {name}": values[left] for name, values in made.items()}
        if step > LAST:
            known |= {f"right {name}": values[right] for name, values in made.items()}
            known[_APART] = (right - left).astype(np.float64)
        if self.order is not None and step > LAST:
            known[SPAN] = known[f"right {self.order.column.name}"] - known[f"left {self.order.column.name}"]
        drawn = stage.draw(known, len(rows), rng.child("step", step))
        if self.order is not None and step != FIRST:
            name = self.order.column.name
            drawn[name] = self.order.values(made[name][left], drawn[name], known.get(f"right {name}"))
        for place, link in enumerate(links):
            to = link.find(drawn, rng.child("link", place).child("step", step))
            whose = drawn.pop(asking(link.column, _AS), np.zeros(len(rows), np.int64))
            whose = np.where((whose == 2) & (right < 0), 0, whose)
            drawn |= {link.column: np.choose(whose, (to, made[link.column][left], made[link.column][right]))}
            drawn |= link.values(drawn[link.column])
        return drawn

    def save(self, folder: Path) -> None:
        """Write one folder for each stage, and what joins them."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, stage in zip(STAGES, self.stages, strict=True):
            if stage is not None:
                stage.save(folder / name)
        order = self.order
        about = {
            "columns": [column.model_dump(mode="json") for column in self.columns],
            "stages": [name for name, stage in zip(STAGES, self.stages, strict=True) if stage is not None],
            "order": None if order is None else [order.column.name, order.step, order.low, order.high],
            "most": self.most,
            "since": [one.saved() for one in self.since],
            "counted": [asdict(one) for one in self.counted],
            "apart": None if self.parted is None else asdict(self.parted),
            "distinct": [asdict(one) for one in self.distinct],
        }
        write_json(folder / "children.json", about)


def fit_children(
    own: Known,
    parents: Known,
    sizes: Codes,
    order: str | None,
    method: tuple[str, Mapping[str, Any]],
    rng: Rng,
    watch: Watch,
    links: Mapping[str, Codes] = MappingProxyType({}),
    alone: Collection[tuple[str, ...]] = (),
) -> Children:
    """Learn the rows of an owned table from whole families.

    Args:
        own: Columns of the table, rows in the order of their owners, [N].
        parents: Columns of the parents, [P].
        sizes: Children of each parent, [P].
        order: Column that rows of one owner are in the order of; None = they are learnt in an order that `rng` gives.
        method: Name and settings of a generator of single tables.
        rng: Key.
        watch: Receives events.
        links: Row of a shared table that each row refers to, by the column that does, [N].
        alone: Columns in which no two rows of one owner may be equal together.
    """
    owner, form = np.repeat(np.arange(len(sizes)), sizes), None
    ways = since(own, parents, owner)
    counted = numbered(own, sizes, order)
    led, parted = {one.column for one in counted if one.leads}, None
    if order is not None and order not in led:
        parted = Apart.of(*own[order], sizes, demanded=(order,) in alone)
    able = {**{name: values for name, (_, values) in own.items()}, **links}
    for told in (one.told for one in (*ways, *counted, parted) if one is not None):
        watch(Note("fit", told))
    for told in nearly_numbered(own, sizes):
        watch(Note("fit", told, "warning"))
    index = in_turn(own, sizes, order, counted, rng.child("order"))
    own = told_by(own, ways, parents, owner)
    own = {name: (column, np.asarray(values)[index]) for name, (column, values) in own.items()}
    links = {name: rows[index] for name, rows in links.items()}
    own = {name: known for name, known in own.items() if name not in led}
    if order is not None and order in own:
        form = Order.of(own[order][0], np.asarray(own[order][1], dtype=np.float64))
        own = form.taken_apart(own)
    found = places(sizes)
    stages: list[Stage | None] = []
    for number, name in enumerate(STAGES):
        rows = np.flatnonzero(np.minimum(found.step, len(STAGES) - 1) == number)
        if not len(rows):
            stages.append(None)
            continue
        known = _some(parents, owner[rows], "parent") | _beside(own, found, rows, number, sizes if led else None)
        target = _whose(links, found, rows) if number != FIRST else {}
        target |= {key: (column, np.asarray(values)[rows]) for key, (column, values) in own.items()}
        if form is not None and number != FIRST:
            known, target = form.placed(known, target)
        stages.append(fit_stage(target, known, method, rng.child(name), watch))
    kept = {one.column for one in (*counted, parted) if one is not None}
    distinct = distinct_of(alone, able, form, kept, [one.column for one in ways])
    columns = tuple(column for column, _ in own.values())
    return Children(columns, tuple(stages), form, int(sizes.max(initial=0)), ways, counted, parted, distinct)


def _beside(own: Known, found: Places, rows: Ints, number: int, sizes: Codes | None) -> Known:
    """Return what rows of a step are given of their siblings, and which row of its family each is if `sizes` is given.

    Args:
        own: Columns of the table, [N].
        found: Where each row stands, [N].
        rows: Rows of the step, [M].
        number: Which of `STAGES` it is.
        sizes: Children of each parent, [P].
    """
    known: Known = {}
    if number != FIRST:
        known |= _some(own, found.left[rows], "left")
    if number > LAST:
        known |= _some(own, found.right[rows], "right")
        counts = {_APART: (found.right - found.left)[rows]} | ({} if sizes is None else {_PLACE: within(sizes)[rows]})
        known |= {name: (Column(name=name, kind="integer"), count.astype(np.float64)) for name, count in counts.items()}
    return known


def _whose(links: Mapping[str, Codes], found: Places, rows: Ints) -> Known:
    """Return for each link whether it is that of the neighbour before, of the one after, or another, [M] each."""
    made: Known = {}
    for name, to in links.items():
        after = np.where((found.right[rows] >= 0) & (to[found.right[rows]] == to[rows]), 2, 0)
        code = np.where(to[found.left[rows]] == to[rows], 1, after)
        called = asking(name, _AS)
        made[called] = Column(name=called, kind="category", categories=_WHOSE), code
    return made


def load_children(folder: Path, method: tuple[str, Mapping[str, Any]]) -> Children:
    """Read what `Children.save` wrote."""
    about = json.loads((folder / "children.json").read_text(encoding="utf-8"))
    columns = tuple(Column.model_validate(column) for column in about["columns"])
    stages = tuple(load_stage(folder / name, method) if name in about["stages"] else None for name in STAGES)
    order = None
    if about["order"] is not None:
        name, step, low, high = about["order"]
        order = Order(next(column for column in columns if column.name == name), step, low, high)
    # Models of earlier versions know nothing of the last three.
    counted = tuple(Numbered.opened(one) for one in about.get("counted", ()))
    parted = None if about.get("apart") is None else Apart(**about["apart"])
    distinct = tuple(Distinct.opened(one) for one in about.get("distinct", ()))
    ways = tuple(Since(**one) for one in about.get("since", ()))
    return Children(columns, stages, order, about["most"], ways, counted, parted, distinct)


def described(own: Known, owner: Codes, families: int, before: str) -> Known:
    """Return what describes the children of each parent: the mean of numbers, the commonest of categories, [P] each.

    A mean of few children is mostly chance, and would make strangers alike: it is pulled to the mean of all by the part
    that chance has in it, a commonest value says nothing where that is more than half, and columns in which siblings
    are no more alike than strangers are left out.

    Args:
        own: Columns of the children, [N].
        owner: Parent of each child, rising, [N].
        families: P.
        before: What the names of the columns begin with.

    Source: James and Stein 1961; the weight of a family of n is n rho / (1 + (n - 1) rho) for siblings that share rho
        of the variance (Spearman 1910, Brown 1910).
    """
    found: Known = {}
    for name, (column, values) in own.items():
        about: dict[str, Any] = {"name": f"{before} {name}", "optional": True}
        if column.kind in CODED:
            codes = np.asarray(values)
            share = np.bincount(codes + 1, minlength=len(column.categories) + 1) / max(len(codes), 1)
            weight = _weight(sums_of_codes(codes + 1, owner, families, share))
            if weight is not None:
                best = np.where(weight >= _TELLING, _commonest(codes, owner, families), -1)
                found[about["name"]] = column.model_copy(update=about), best
            continue
        numbers = np.asarray(values, dtype=np.float64)
        there = ~np.isnan(numbers)
        middle = float(numbers[there].mean()) if there.any() else 0.0
        weight = _weight(sums_of_numbers(numbers, owner, families, middle))
        if weight is not None:
            count = np.bincount(owner[there], minlength=families)
            mean = np.bincount(owner[there], numbers[there], families) / np.where(count > 0, count, np.nan)
            found[about["name"]] = Column(kind="number", **about), middle + weight * (mean - middle)
    return found


def _weight(sums_PS: Numbers) -> Numbers | None:
    """Return which part of what a family has in common is not chance, [P]; None when siblings are no more alike."""
    alike = float(likeness(sums_PS[:, None])[0][0])
    rows = sums_PS[:, -1]
    return None if alike < _ALIKE else np.asarray(rows * alike / (1 + np.maximum(rows - 1, 0) * alike))


def _commonest(codes: Codes, owner: Codes, families: int) -> Codes:
    """Return the commonest code of each family, the lowest of several; -1 where there is none."""
    levels = int(codes.max(initial=0)) + 2
    pairs, count = np.unique(owner * levels + codes + 1, return_counts=True)
    best = np.lexsort((-pairs, count))
    found = np.full(families, -1, dtype=np.int64)
    # Of several entries of one family the last one, which is the commonest, stays.
    found[pairs[best] // levels] = pairs[best] % levels - 1
    return found
