"""The rows of an owned table: how they are learnt from families, and made for new parents.

Legend: N rows of the table, P of its parent, M rows of one step.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np

from lookalike.core.events import Watch
from lookalike.core.rng import Rng
from lookalike.core.schema import Column, Member
from lookalike.core.store import write_json
from lookalike.data.relations import Relations
from lookalike.data.table import CODED, WORDS, Codes, Numbers, Table, Values
from lookalike.generators.tables.families.order import Order
from lookalike.generators.tables.families.stage import Columns, Stage, fit_stage, load_stage
from lookalike.techniques.siblings import FIRST, LAST, Ints, places

STAGES = ("first", "last", "middle")
_SPAN = "span"
_APART = "apart"
Known = dict[str, tuple[Column, Values]]


def learnt(table: Table) -> Known:
    """Return the columns of a table that are learnt: all but keys and free texts."""
    return {
        column.name: (column, table.values(column.name)) for column in table.schema.columns if column.kind not in WORDS
    }


def _some(known: Known, rows: Ints, before: str) -> Known:
    """Return rows of columns under names with a word before them."""
    return {f"{before} {name}": (column, np.asarray(values)[rows]) for name, (column, values) in known.items()}


def _stage_of(step: Ints) -> Ints:
    return np.minimum(step, len(STAGES) - 1)


@final
@dataclass(frozen=True)
class Children:
    """A fitted generator of the rows of one owned table.

    Attributes:
        columns: What is made, in order.
        stages: For the first child, the last one and those between; None = no family had one.
        order: The column that gives the order; None = there is none.
        most: Most children that a parent had.
    """

    columns: tuple[Column, ...]
    stages: tuple[Stage | None, ...]
    order: Order | None
    most: int

    def draw(self, parents: Columns, sizes: Codes, rng: Rng) -> Columns:
        """Return the columns of all children.

        Args:
            parents: Columns of the parents, by name.
            sizes: Children of each parent, at most `most`, [P].
            rng: Key.
        """
        made = {column.name: np.zeros(int(sizes.sum()), dtype=np.int64 if column.kind in CODED else np.float64)
                for column in self.columns}  # fmt: skip
        owner, found = np.repeat(np.arange(len(sizes)), sizes), places(sizes)
        for step in range(int(found.step.max(initial=-1)) + 1):
            rows = np.flatnonzero(found.step == step)
            stage = self.stages[min(step, len(STAGES) - 1)]
            assert stage is not None
            known: Columns = {f"parent {name}": np.asarray(values)[owner[rows]] for name, values in parents.items()}
            left, right = found.left[rows], found.right[rows]
            if step != FIRST:
                known |= {f"left {name}": values[left] for name, values in made.items()}
            if step > LAST:
                known |= {f"right {name}": values[right] for name, values in made.items()}
                known[_APART] = (right - left).astype(np.float64)
            if step > LAST and self.order is not None:
                known[_SPAN] = known[f"right {self.order.column.name}"] - known[f"left {self.order.column.name}"]
            drawn = stage.draw(known, len(rows), rng.child("step", step))
            if self.order is not None and step != FIRST:
                name = self.order.column.name
                drawn[name] = self._placed(step, made[name][left], np.asarray(drawn[name]), made[name][right])
            for name, values in drawn.items():
                made[name][rows] = values
        return made

    def _placed(self, step: int, left_M: Any, drawn_M: Numbers, right_M: Any) -> Numbers:  # noqa: ANN401  of `made`
        assert self.order is not None
        return self.order.later(left_M, drawn_M) if step == LAST else self.order.value(left_M, drawn_M, right_M)

    def save(self, folder: Path) -> None:
        """Write one folder for each stage, and what joins them."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, stage in zip(STAGES, self.stages, strict=True):
            if stage is not None:
                stage.save(folder / name)
        order = None if self.order is None else [self.order.step, self.order.low, self.order.high]
        about = {
            "columns": [column.model_dump(mode="json") for column in self.columns],
            "stages": [name for name, stage in zip(STAGES, self.stages, strict=True) if stage is not None],
            "order": None if self.order is None else [self.order.column.name, order],
            "most": self.most,
        }
        write_json(folder / "children.json", about)


def fit_children(
    data: Relations, member: Member, method: tuple[str, Mapping[str, Any]], rng: Rng, watch: Watch
) -> Children:
    """Learn the rows of an owned table from whole families.

    Args:
        data: Families.
        member: The table.
        method: Name and settings of a generator of single tables.
        rng: Key; without an order of their own, siblings are learnt in one that it gives.
        watch: Receives events.
    """
    sizes, owner = data.sizes[member.name], data.owners(member.name)
    own = learnt(data.extended(member.name))
    if member.order is None:
        shuffled = rng.child("order").numpy().random(len(owner))
        own = {name: (column, np.asarray(values)[np.lexsort((shuffled, owner))])
               for name, (column, values) in own.items()}  # fmt: skip
    order = None if member.order is None else Order.of(own[member.order][0], np.asarray(own[member.order][1]))
    parents, found = learnt(data.extended(str(member.parent))), places(sizes)
    stages: list[Stage | None] = []
    for number, name in enumerate(STAGES):
        rows = np.flatnonzero(_stage_of(found.step) == number)
        if not len(rows):
            stages.append(None)
            continue
        known = _some(parents, owner[rows], "parent")
        left, right = found.left[rows], found.right[rows]
        if number != FIRST:
            known |= _some(own, left, "left")
        if number > LAST:
            known |= _some(own, right, "right")
            known[_APART] = (Column(name=_APART, kind="integer"), (right - left).astype(np.float64))
        target: Known = {key: (column, np.asarray(values)[rows]) for key, (column, values) in own.items()}
        if order is not None and number != FIRST:
            known, target = _in_order(order, known, target)
        stages.append(fit_stage(target, known, method, rng.child(name), watch))
    return Children(tuple(column for column, _ in own.values()), tuple(stages), order, int(sizes.max(initial=0)))


def _in_order(order: Order, known: Known, target: Known) -> tuple[Known, Known]:
    """Return what is known and what is learnt with the place in the order in the place of the value."""
    name = order.column.name
    values, left = np.asarray(target[name][1]), np.asarray(known[f"left {name}"][1])
    if f"right {name}" not in known:
        return known, {**target, name: (order.after, values - left)}
    right = np.asarray(known[f"right {name}"][1])
    span = (renamed(order.after, _SPAN), right - left)
    return {**known, _SPAN: span}, {**target, name: (order.between, order.share(left, values, right))}


def renamed(column: Column, name: str) -> Column:
    """Return a column under another name."""
    return column.model_copy(update={"name": name})


def load_children(folder: Path, method: tuple[str, Mapping[str, Any]]) -> Children:
    """Read what `Children.save` wrote."""
    about = json.loads((folder / "children.json").read_text(encoding="utf-8"))
    columns = tuple(Column.model_validate(column) for column in about["columns"])
    stages = tuple(load_stage(folder / name, method) if name in about["stages"] else None for name in STAGES)
    order = None
    if about["order"] is not None:
        name, (step, low, high) = about["order"]
        order = Order(next(column for column in columns if column.name == name), step, low, high)
    return Children(columns, stages, order, about["most"])
