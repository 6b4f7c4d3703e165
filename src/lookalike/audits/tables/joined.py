"""An attack on single tables, made on one table with the columns of its owners."""

from __future__ import annotations

from typing import ClassVar, final

from pydantic import Field

from lookalike.data.joined import OfOneTable


@final
class Joined(OfOneTable):
    """Any audit of single tables, on one table joined with its owners and how many rows these own.

    One row of each family is taken unless `per_family` says otherwise: rows of a family are no independent rows. Floor,
    ceiling and interval are those of the audit.

    Source: that of the audit.
    """

    kind: ClassVar[str] = "audits"
    verdict: ClassVar[str] = "privacy"

    measure: str = Field(default="tabular.closest_record", description="Audit of single tables.")
