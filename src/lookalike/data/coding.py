"""Columns of a table as codes and places, and back: the form in which networks and mixtures see a table.

A value becomes a code, which a model learns, and a place in [0, 1) within that code, which it may learn or draw
evenly. Codes of a number: bins of equal mass (one bin = the whole range), values that hold a large share by
themselves (spikes), missing. Codes of a category: its frequent levels, one group of the rare ones, missing. The place
tells the value among those of a code by their shares in the training rows, so `decode` undoes `encode`.

Legend: N rows, D modelled columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self, final

import numpy as np

from lookalike.core.schema import Schema
from lookalike.data.coded_levels import LevelCoding
from lookalike.data.coded_numbers import UNSEEN, Arrays, Grain, NumberCoding
from lookalike.data.table import CODED, NUMERIC, Codes, Numbers, Table, Values


@final
@dataclass(frozen=True)
class TableCoding:
    """The coding of every modelled column; keys and free texts have none.

    Attributes:
        schema: Schema of the training rows.
        columns: One coding for each modelled column, in the schema's order.
    """

    schema: Schema
    columns: tuple[NumberCoding | LevelCoding, ...]

    @classmethod
    def learn(cls, data: Table, grain: Grain) -> Self:
        """Return the coding of a table; equal tables give equal codings."""
        found: list[NumberCoding | LevelCoding] = []
        for column in data.schema.columns:
            if column.kind in NUMERIC:
                found.append(NumberCoding.learn(column, data.numbers(column.name), grain))
            elif column.kind in CODED:
                label = column.name == data.schema.label
                found.append(LevelCoding.learn(column, data.codes(column.name), grain, label))
        return cls(data.schema, tuple(found))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the modelled columns, D."""
        return tuple(column.name for column in self.columns)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of codes of each column, D."""
        return tuple(column.size for column in self.columns)

    def encode(self, data: Table, draw: np.random.Generator) -> tuple[Codes, Numbers]:
        """Return codes and places, [N, D] each."""
        pairs = [self.encode_values(d, data.values(name), draw) for d, name in enumerate(self.names)]
        shape = (len(data), len(pairs))
        codes = np.stack([codes for codes, _ in pairs], 1) if pairs else np.empty(shape, dtype=np.int64)
        return codes, np.stack([places for _, places in pairs], 1) if pairs else np.empty(shape)

    def encode_values(self, d: int, values: Values, draw: np.random.Generator) -> tuple[Codes, Numbers]:
        """Return codes and places of values of column d, [N] each."""
        coding = self.columns[d]
        if isinstance(coding, NumberCoding):
            return coding.encode(np.asarray(values, dtype=np.float64), draw)
        return coding.encode(np.asarray(values, dtype=np.int64), draw)

    def decode(self, codes: Codes, places: Numbers) -> dict[str, Values]:
        """Return the values of the modelled columns, in the form that `Table.of` takes."""
        return {column.name: column.decode(codes[:, d], places[:, d]) for d, column in enumerate(self.columns)}

    def log_share(self, codes: Codes, data: Table) -> Numbers:
        """Return log p(value | code) of every value, [N, D]; -inf for what no code holds."""
        result = np.zeros(codes.shape)
        for d, column in enumerate(self.columns):
            if isinstance(column, NumberCoding):
                result[:, d] = column.log_share(codes[:, d], data.numbers(column.name))
            else:
                result[:, d] = column.log_share(codes[:, d], data.codes(column.name))
        return np.where(codes == UNSEEN, -np.inf, result)

    def to_arrays(self) -> Arrays:
        """Return the state as arrays by name; the schema is kept beside them."""
        return {f"{d}.{key}": a for d, column in enumerate(self.columns) for key, a in column.to_arrays().items()}

    @classmethod
    def from_arrays(cls, schema: Schema, arrays: Mapping[str, Numbers]) -> Self:
        """Return what `to_arrays` described.

        Raises:
            KeyError: An array is absent.
        """
        modelled = [column for column in schema.columns if column.kind in (*NUMERIC, *CODED)]
        found: list[NumberCoding | LevelCoding] = []
        for d, column in enumerate(modelled):
            own = {key.partition(".")[2]: a for key, a in arrays.items() if key.partition(".")[0] == str(d)}
            kind = NumberCoding if column.kind in NUMERIC else LevelCoding
            found.append(kind.from_arrays(column.name, own))
        return cls(schema, tuple(found))
