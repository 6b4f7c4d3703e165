"""One table of several, with the columns of its owners, for whatever is asked of single tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from pydantic import Field, model_validator

from lookalike.core.contracts import Method, Reference, Score
from lookalike.core.errors import DataError
from lookalike.core.registry import configured
from lookalike.core.rng import Rng
from lookalike.data.relations import Relations
from lookalike.data.table import Table

_KEY = Rng(0).child("rows of a family")


class OfOneTable(Method):
    """What a metric and an audit of single tables have in common when they are asked of one table of several.

    A subclass names the kind of method (`metrics`, `audits`), the default of `measure`, and its verdict.
    """

    kind: ClassVar[str]
    verdict: ClassVar[str]
    targets: ClassVar[tuple[str, ...]] = ("accepted",)

    measure: str
    settings: Mapping[str, Any] = Field(default={}, description="Its settings.")
    table: str | None = Field(default=None, description="The table; None = the root.")
    owners: bool = Field(default=True, description="Whether the columns of its owners stand beside its own.")
    shared: bool = Field(
        default=False,
        description="Whether the columns of shared rows that it refers to stand there too. These rows are few and made "
        "anew, so that they tell synthetic rows from real ones by themselves: for tabular.pair_trend.",
    )
    per_family: int | None = Field(default=1, ge=1, description="Most rows of one row of the root; None = all.")

    @model_validator(mode="after")
    def _measurable(self) -> Self:
        if not self.measure.startswith("tabular."):
            raise ValueError(f"measure takes one of the {self.kind} of single tables, tabular.*, found {self.measure}")
        self._asked()
        return self

    def _asked(self) -> Any:  # noqa: ANN401  found by its name
        return configured(self.kind, self.measure, self.settings, "settings")

    def score(self, real: Reference[Relations], synthetic: Relations, rng: Rng) -> Score:
        """Return the figure of what is measured.

        Raises:
            DataError: There is no such table, or it needs other rows.
        """
        train, holdout, made = (
            one_table(data, self.table, self.owners, self.per_family, self.shared)
            for data in (real.train, real.holdout, synthetic)
        )
        asked = self._asked()
        score: Score = asked.score(Reference(train, holdout), made, rng)
        name = self.table or synthetic.schema.tables[0].name
        beside = " and ".join(
            ["its owners"] * bool(self.owners and self.table) + ["the shared rows it refers to"] * self.shared
        )
        what = f"{name} with {beside}" if beside else name
        title = f"{score.detail.get('title', self.measure)}: {what}"
        detail = {**score.detail, "title": title, "measure": self.measure, "verdict": asked.verdict}
        return Score(score.value, score.interval, score.n_real, score.n_synthetic, score.floor, score.ceiling,
                     score.better, detail)  # fmt: skip


def one_table(data: Relations, name: str | None, owners: bool, per_family: int | None, shared: bool = False) -> Table:
    """Return rows of one table without keys.

    Args:
        data: Families.
        name: The table; None = the root.
        owners: Whether the columns of its owners stand beside its own.
        per_family: Most rows of one row of the root, drawn by a fixed key; None = all.
        shared: Whether the columns of shared rows that it refers to stand there too.

    Raises:
        DataError: There is no such table, or it is kept or shared.
    """
    able = [member.name for member in data.schema.tables if not member.whole]
    name = name or able[0]
    shared_ = [member.name for member in data.schema.tables if member.shared]
    if name in shared_:
        raise DataError(
            f"table {name} is shared: all its rows were learnt from, so there are none to test on; allowed: "
            f"{', '.join(able)}"
        )
    if name not in able:
        raise DataError(f"no table that is made is called '{name}'; allowed: {', '.join(able)}")
    table = data.joined(name, shared, owners)
    if per_family is None:
        return table
    root = data.rooted(name)
    order = np.lexsort((_KEY.numpy().random(len(root)), root))
    place = np.arange(len(root)) - np.searchsorted(root, root)
    return table.take(np.sort(order[place < per_family]))
