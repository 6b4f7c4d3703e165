"""Finds columns that name the rows of a table together, where no single one does, and tables that refer to them.

Legend: N rows of the table that refers, M of the one that is referred to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lookalike.data.holding import repeated, together
from lookalike.data.table import Codes

Words = Callable[[str, Sequence[str]], list[pa.Array]]
"""Returns columns of a table as words."""
_MOST_COLUMNS = 8
_LARGEST = 3
_FEWEST = 20
"""Pairs of rows that chance would make alike, from which on it is no chance that none are."""
_MOST_LOST = 0.05


@final
@dataclass(frozen=True)
class Together:
    """Columns of a table that hold keys of another, of as many columns with the same names.

    Attributes:
        table: Whose columns they are.
        other: The table that they refer to.
        columns: Their names, in both tables.
        lost: Share of rows whose key the other lacks.
        used: How many of the keys there are found here.
    """

    table: str
    other: str
    columns: tuple[str, ...]
    lost: float
    used: int


def keys_together(
    able: Mapping[str, Sequence[str]], pairs: Iterable[tuple[str, str]], words: Words
) -> Iterator[Together]:
    """Yield references by several columns that are called alike in both tables.

    Args:
        able: Columns of each table that may be part of a key: none of their cells is missing.
        pairs: Tables that may refer to another, and that one.
        words: Returns columns of a table.
    """
    for table, other in pairs:
        shared = [name for name in able[other] if name in able[table]][:_MOST_COLUMNS]
        columns = _key(words(other, shared), shared) if len(shared) > 1 else None
        if columns is None:
            continue
        here, there = (_joined(words(name, columns)) for name in (table, other))
        found = pc.index_in(here, there)
        lost, used = found.null_count / len(here), len(pc.unique(found.drop_null()))
        if lost <= _MOST_LOST:
            yield Together(table, other, columns, lost, used)


def _key(cells: Sequence[pa.Array], names: Sequence[str]) -> tuple[str, ...] | None:
    """Return the fewest columns that no two rows share, where by chance many would; None = there are none.

    Args:
        cells: Columns, [M] each.
        names: Their names.
    """
    every = [_codes(column) for column in cells]
    # A column that names rows alone needs no other.
    several = [place for place, column in enumerate(every) if repeated(column).any()]
    codes, names = [every[place] for place in several], [names[place] for place in several]
    alike = [float(np.square(np.bincount(column) / len(column)).sum()) for column in codes]
    pairs = len(cells[0]) * (len(cells[0]) - 1) / 2
    for size in range(2, _LARGEST + 1):
        for places in combinations(range(len(names)), size):
            chance = pairs * float(np.prod([alike[place] for place in places]))
            if chance >= _FEWEST and not repeated(together([codes[place] for place in places])).any():
                return tuple(names[place] for place in places)
    return None


def _codes(column: pa.Array) -> Codes:
    return np.asarray(pc.dictionary_encode(column).indices, dtype=np.int64)


def _joined(columns: Sequence[pa.Array]) -> pa.Array:
    return pc.binary_join_element_wise(*columns, pa.scalar("\x1f", pa.large_string()))
