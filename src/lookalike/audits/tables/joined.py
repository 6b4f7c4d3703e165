"""An attack on single tables, made on one table with the columns of its owners."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self, final

from pydantic import Field, model_validator

from lookalike.core.contracts import Method, Reference, Score
from lookalike.core.registry import configured
from lookalike.core.rng import Rng
from lookalike.data.relations import Relations, one_table


@final
class Joined(Method):
    """Any audit of single tables, on one table joined with its owners and how many rows these own.

    One row of each family is taken unless `per_family` says otherwise: rows of a family are no independent rows. Floor,
    ceiling and interval are those of the audit.

    Source: that of the audit.
    """

    verdict: ClassVar[str] = "privacy"
    targets: ClassVar[tuple[str, ...]] = ("accepted",)

    measure: str = Field(default="tabular.closest_record", description="Audit of single tables.")
    settings: Mapping[str, Any] = Field(default={}, description="Its settings.")
    table: str | None = Field(default=None, description="The table; None = the root.")
    owners: bool = Field(default=True, description="Whether the columns of its owners stand beside its own.")
    per_family: int | None = Field(default=1, ge=1, description="Most rows of one row of the root; None = all.")

    @model_validator(mode="after")
    def _measurable(self) -> Self:
        if not self.measure.startswith("tabular."):
            raise ValueError(f"measure takes an audit of single tables, tabular.*, found {self.measure}")
        self._audit()
        return self

    def _audit(self) -> Any:  # noqa: ANN401  found by its name
        return configured("audits", self.measure, self.settings, "settings")

    def score(self, real: Reference[Relations], synthetic: Relations, rng: Rng) -> Score:
        """Return the figure of the audit.

        Raises:
            DataError: There is no such table, or the audit needs other rows.
        """
        parts = [
            one_table(data, self.table, self.owners, self.per_family) for data in (real.train, real.holdout, synthetic)
        ]
        audit = self._audit()
        score: Score = audit.score(Reference(parts[0], parts[1]), parts[2], rng)
        name = self.table or synthetic.schema.tables[0].name
        what = f"{name} with its owners" if self.owners and self.table else name
        title = f"{score.detail.get('title', self.measure)}: {what}"
        detail = {**score.detail, "title": title, "measure": self.measure, "verdict": audit.verdict}
        return Score(score.value, score.interval, score.n_real, score.n_synthetic, score.floor, score.ceiling,
                     score.better, detail)  # fmt: skip
