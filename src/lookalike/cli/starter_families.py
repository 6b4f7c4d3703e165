"""What rows of one owner have in common, for the first recipe: what is that of the owner, and what gives their order.

Legend: N rows of a table, P owners.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import final

import numpy as np
import pyarrow.compute as pc

from lookalike.core.errors import LookalikeError
from lookalike.core.registry import find
from lookalike.core.schema import Member
from lookalike.data.holding import different
from lookalike.data.kinship import Kinship
from lookalike.data.related import orders
from lookalike.data.relations import Relations
from lookalike.data.table import Codes, Numbers
from lookalike.generators.tables.families.children import learnt
from lookalike.generators.tables.families.numbered import numbered, whole_numbers

_FEWEST = 20
"""Equal siblings that chance would make, from which on it is no chance that there are none."""


@final
@dataclass(frozen=True)
class Family:
    """What was seen of the rows of a table that has an owner.

    Attributes:
        same: Columns that say what a column of the owner says, and that one.
        order: The column that gives their order; empty = none does.
        why: What speaks for it, in words.
        numbers: Columns that number the rows of each owner, and the first number.
        once: Columns of which no two rows of one owner have the same value, and how many chance would make so.
    """

    same: Mapping[str, str] = field(default_factory=dict)
    order: str = ""
    why: str = ""
    numbers: Mapping[str, float] = field(default_factory=dict)
    once: Mapping[str, float] = field(default_factory=dict)


def families(found: Kinship) -> dict[str, Family]:
    """Return what was seen of each table that has an owner; nothing of one that cannot be read with its owner."""
    tables: dict[str, dict[str, object]] = {}
    for name in (found.root, *found.owners):
        table, owner = found.tables[name], found.owners.get(name)
        options = {key: value for key, value in table.options.items() if key != "label"}
        tables[name] = {"read": table.reader, **options, "key": found.key(name), "orphans": "drop"}
        if owner is not None:
            tables[name]["parent"] = {owner.other: owner.column}
    with tempfile.TemporaryDirectory() as folder:
        try:
            data = find("readers", "tables")(tables=tables).read(Path(folder))
        except (LookalikeError, ValueError):
            # Which tables belong together is a guess; a run says what is wrong with it.
            return {name: Family() for name in found.owners}
        return {member.name: replace(_family(data, member, _keys(found, member.name)), once=_once(data, member))
                for member in data.owned}  # fmt: skip


def _keys(found: Kinship, name: str) -> set[str]:
    """Return the columns of a table that hold keys of any table."""
    return {column for one in found.references if one.table == name for column in one.columns} | {*found.within(name)}


def _family(data: Relations, member: Member, keys: Collection[str]) -> Family:
    table, sizes = data.tables[member.name], data.sizes[member.name]
    same = {mine: other for mine, other in member.inherited if mine not in member.columns}
    own = {name: known for name, known in learnt(table).items()
           if name not in same and name not in keys and orders(known[0])}  # fmt: skip
    numbers = {one.column: one.first for one in numbered(own, sizes, None) if one.leads}
    dates = [name for name, (column, _) in own.items() if column.kind == "datetime" and not table.missing(name).any()]
    owner = data.owners(member.name)
    if numbers:
        first = next(iter(numbers))
        index = np.lexsort((whole_numbers(*own[first])[0], owner))
        siblings = np.diff(owner) == 0
        steps = {name: np.diff(table.numbers(name)[index])[siblings] for name in dates}
        rising = [name for name, step in steps.items() if (step >= 0).all() and (step > 0).any()]
        if rising:
            return Family(same, rising[0], f"rows of one owner come in this order, and {first} counts them", numbers)
        return Family(same, first, f"it numbers the rows of each owner from {numbers[first]:g} on", numbers)
    if dates:
        return Family(same, dates[0], "its dates give the order of the rows of one owner", numbers)
    for name, (column, values) in own.items():
        if _never_twice(whole_numbers(column, values)[0], owner, sizes):
            return Family(same, name, "no two rows of one owner have the same", numbers)
    return Family(same, numbers=numbers)


def _once(data: Relations, member: Member) -> dict[str, float]:
    """Return columns that never repeat under one owner though they do elsewhere, with what chance would give."""
    table, sizes, owner = data.tables[member.name], data.sizes[member.name], data.owners(member.name)
    besides = {member.column, *member.columns, *member.keys, member.key, *(mine for mine, _ in member.inherited)}
    pairs, found = float((sizes * (sizes - 1) / 2).sum()), dict[str, float]()
    for name in (one.name for one in table.schema.columns if one.name not in besides):
        words = table.table.column(name).combine_chunks()
        codes = np.asarray(pc.fill_null(words.dictionary_encode().indices, -1).to_numpy(zero_copy_only=False), np.int64)
        there = codes >= 0
        count = np.bincount(codes[there])
        chance = float(np.square(count / max(1, there.sum())).sum()) * pairs * float(there.mean()) ** 2
        if chance >= _FEWEST and len(count) < there.sum():
            here = owner[there] * len(count) + codes[there]
            found |= {name: chance} if len(different(here)) == len(here) else {}
    return found


def _never_twice(numbers: Numbers, owner: Codes, sizes: Codes) -> bool:
    """Say whether no two siblings have the same whole number, where chance would give many the same."""
    if not len(numbers) or np.isnan(numbers).any() or np.mod(numbers, 1).any():
        return False
    codes = np.unique(numbers, return_inverse=True)[1]
    equal = float(np.square(np.bincount(codes) / len(codes)).sum())
    chance = equal * float((sizes * (sizes - 1) / 2).sum())
    return chance >= _FEWEST and len(different(owner * (int(codes.max()) + 1) + codes)) == len(codes)
