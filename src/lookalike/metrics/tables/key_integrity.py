"""Does every key name one row, and refer to one that is there?"""

from __future__ import annotations

from typing import ClassVar, final

from lookalike.core.contracts import Method, Reference, Score
from lookalike.core.rng import Rng
from lookalike.data.integrity import Keys, keys_of
from lookalike.data.relations import Relations
from lookalike.techniques.proportions import clopper_pearson


@final
class KeyIntegrity(Method):
    """Share of keys that name one row of their table, or refer to a row that is there: 1 is best, and what must be.

    All synthetic rows are looked at. Floor: real rows. Ceiling: tables that were made one by one, each with new keys of
    its own, so that none refers to another.

    Source: Codd 1970, doi 10.1145/362384.362685 (primary and foreign keys); the interval is that of Clopper and
        Pearson 1934, doi 10.1093/biomet/26.4.404.
    """

    verdict: ClassVar[str] = "validity"
    targets: ClassVar[tuple[str, ...]] = ("accepted", "unfiltered")

    def score(self, real: Reference[Relations], synthetic: Relations, rng: Rng) -> Score:
        """Return the share, 0 to 1; higher is better."""
        del rng
        found, held = keys_of(synthetic), len(real.holdout) > 0
        reference = real.holdout if held else real.train
        cells, wrong = _total(found)
        alone = [one for one in found if not one.refers]
        return Score(
            value=1 - wrong / max(cells, 1),
            interval=clopper_pearson(cells - wrong, cells),
            n_real=len(reference),
            n_synthetic=len(synthetic),
            floor=_share(keys_of(reference)),
            ceiling=(sum(one.cells - one.wrong for one in alone)) / max(cells, 1),
            better="higher",
            detail={
                "title": "keys that are valid",
                "keys": [
                    {
                        "table": one.table,
                        "column": one.column,
                        "refers to": one.refers or None,
                        "cells": one.cells,
                        "wrong": one.wrong,
                    }
                    for one in found
                ],
                "reference": "holdout" if held else "train",
            },
        )


def _total(found: list[Keys]) -> tuple[int, int]:
    return sum(one.cells for one in found), sum(one.wrong for one in found)


def _share(found: list[Keys]) -> float:
    cells, wrong = _total(found)
    return 1 - wrong / max(cells, 1)
