"""A column of levels as codes and places: frequent levels, one group of the rare ones, missing.

Legend: N rows, K codes, L levels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self, final

import numpy as np

from lookalike.core.schema import Column
from lookalike.data.coded_numbers import EDGE, UNSEEN, Arrays, Grain
from lookalike.data.table import Codes, Numbers


@final
@dataclass(frozen=True)
class LevelCoding:
    """A category, ordinal or boolean column.

    Attributes:
        name: Name of the column.
        code_L: Code of each level of the schema; `UNSEEN` for those that no training row has.
        members: Levels in the order of their codes.
        mass: Share of each code's rows that lie before each member, and 1 after the last; per member.
        share: Share of its code's rows that each member has.
        kept: Number of codes of levels.
        missing: Some values are missing.
    """

    name: str
    code_L: Codes
    members: Codes
    mass: Numbers
    share: Numbers
    kept: int
    missing: bool

    bins: ClassVar[int] = 0

    @property
    def size(self) -> int:
        """Number of codes K."""
        return self.kept + self.missing

    @property
    def missing_code(self) -> int:
        """Code of a missing value."""
        return self.size - 1 if self.missing else UNSEEN

    @classmethod
    def learn(cls, column: Column, values: Codes, grain: Grain, whole: bool) -> Self:
        """Return the coding of a column from its training values; `whole` = no level is grouped."""
        counts = np.bincount(values[values >= 0], minlength=len(column.categories))
        seen = np.flatnonzero(counts)
        order = seen[np.argsort(-counts[seen], kind="stable")]
        single = len(order) if whole else int(min((counts[order] >= grain.rare).sum(), max(grain.levels - 1, 1)))
        code_L = np.full(len(column.categories), UNSEEN, dtype=np.int64)
        code_L[order] = np.minimum(np.arange(len(order)), single)
        kept = int(code_L.max(initial=-1)) + 1
        total_K = np.bincount(code_L[order], weights=counts[order], minlength=kept)
        share = counts[order] / total_K[code_L[order]]
        before = np.concatenate([[0.0], np.cumsum(share)])[:-1]
        first = np.searchsorted(code_L[order], np.arange(kept))
        return cls(
            name=column.name,
            code_L=code_L,
            members=order.astype(np.int64),
            mass=before - before[first][code_L[order]] if len(order) else before[:0],
            share=share.astype(np.float64),
            kept=kept,
            missing=bool((values < 0).any()) or not len(values),
        )

    def encode(self, values: Codes, draw: np.random.Generator) -> tuple[Codes, Numbers]:
        """Return codes and places, [N] each; a level that no training row has is `UNSEEN`."""
        even = EDGE + (1 - 2 * EDGE) * draw.random(len(values))
        if not len(self.members):
            return np.where(values < 0, self.missing_code, UNSEEN).astype(np.int64), even
        codes = np.where(values < 0, self.missing_code, self.code_L[np.maximum(values, 0)])
        rank = np.zeros(len(self.code_L), dtype=np.int64)
        rank[self.members] = np.arange(len(self.members))
        member = rank[np.maximum(values, 0)]
        known = (values >= 0) & (codes != UNSEEN)
        return codes.astype(np.int64), np.where(known, self.mass[member] + even * self.share[member], even)

    def decode(self, codes: Codes, places: Numbers) -> Codes:
        """Return levels, [N]; -1 = missing."""
        if not len(self.members):
            return np.full(len(codes), -1, dtype=np.int64)
        code = np.clip(codes, 0, self.kept - 1)
        ends = self.code_L[self.members] + self.mass + self.share
        member = np.searchsorted(ends, code + np.minimum(places, 1 - 1e-12), side="right")
        member = np.clip(member, 0, len(self.members) - 1)
        # Sums of shares may end a rounding error before 1: the last member of the code is meant.
        last = np.searchsorted(self.code_L[self.members], code, side="right") - 1
        return np.where(codes < self.kept, self.members[np.minimum(member, last)], -1).astype(np.int64)

    def log_share(self, codes: Codes, values: Codes) -> Numbers:
        """Return log p(level | code)."""
        share_L = np.ones(len(self.code_L) + 1)
        share_L[self.members] = self.share
        return np.where((codes >= 0) & (values >= 0), np.log(share_L[values]), 0.0)

    def interval(self, codes: Codes, places: Numbers) -> tuple[Numbers, Numbers]:
        """Return the ends of the places that decode to the same level, [N] each."""
        level = self.decode(codes, places)
        first, last = np.zeros(len(self.code_L) + 1), np.ones(len(self.code_L) + 1)
        first[self.members], last[self.members] = self.mass, self.mass + self.share
        return first[level], np.minimum(last[level], 1)

    def to_arrays(self) -> Arrays:
        """Return the state as float64 arrays."""
        return {
            "flags": np.array([self.kept, self.missing], dtype=np.float64),
            "code_L": self.code_L.astype(np.float64),
            "members": self.members.astype(np.float64),
            "mass": self.mass,
            "share": self.share,
        }

    @classmethod
    def from_arrays(cls, name: str, arrays: Mapping[str, Numbers]) -> Self:
        """Return what `to_arrays` described."""
        kept, missing = arrays["flags"].tolist()
        whole = {key: arrays[key].astype(np.int64) for key in ("code_L", "members")}
        return cls(
            name=name, mass=arrays["mass"], share=arrays["share"], kept=int(kept), missing=bool(missing), **whole
        )
