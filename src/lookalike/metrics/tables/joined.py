"""A metric of single tables, asked of one table with the columns of its owners."""

from __future__ import annotations

from typing import ClassVar, final

from pydantic import Field

from lookalike.data.joined import OfOneTable


@final
class Joined(OfOneTable):
    """Any metric of single tables, on one table joined with its owners and how many rows these own.

    One row of each family is taken unless `per_family` says otherwise: rows of a family are no independent rows, and
    what tells one from another is then that family itself. Floor, ceiling and interval are those of the metric.

    Source: that of the metric.
    """

    kind: ClassVar[str] = "metrics"
    verdict: ClassVar[str] = "fidelity"

    measure: str = Field(default="tabular.two_sample", description="Metric of single tables.")
