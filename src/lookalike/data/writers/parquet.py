"""Parquet shards that Hugging Face datasets opens as images or texts, and pandas as tables."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, final

from pydantic import Field

from lookalike.core.contracts import Method
from lookalike.core.schema import Modality
from lookalike.data.corpus import Corpus
from lookalike.data.images import Images
from lookalike.data.relations import Relations
from lookalike.data.shards import write_shards
from lookalike.data.table import Table


@final
class Parquet(Method):
    """Writes `part-00000.parquet` and so on; same rows, same bytes. Several tables have a folder each."""

    modalities: ClassVar[tuple[Modality, ...]] = ("image", "text", "tabular", "tables")

    rows_per_shard: int = Field(default=10_000, ge=1, description="Most rows in one file.")

    def write(self, data: Images | Corpus | Table | Relations, folder: Path) -> list[Path]:
        """Write all rows into an existing folder and return the files written, in order.

        Raises:
            BudgetError: The disk is full.
        """
        return write_shards(data, folder, rows=self.rows_per_shard)
