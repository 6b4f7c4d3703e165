"""Whether values are missing as often, and in the same rows together, as in the real rows."""

from __future__ import annotations

from collections import Counter
from typing import ClassVar, final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from lookalike.core.contracts import Method, Reference, Score
from lookalike.core.errors import DataError
from lookalike.core.rng import Rng
from lookalike.data.shuffled import shuffled_columns
from lookalike.data.table import WORDS, Table
from lookalike.techniques.controls import compare
from lookalike.techniques.shapes import grouped_interval, total_variation

Codes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
_SHOWN = 20


@final
class MissingPattern(Method):
    """Total variation distance between the shares of patterns of missing values: 0 is best.

    A pattern is the set of columns in which a row has no value; keys and free texts do not count. Floor: training rows
    in the place of the synthetic ones. Ceiling: rows in which nothing is there, 1 unless real rows are so too. `detail`
    also tells what rows without any missing value would score, and values that are missing as often but independently.

    Source: Little and Rubin 2002, doi:10.1002/9781119013563, section 1.2 (pattern of missing data); total variation
        distance, for example Levin, Peres and Wilmer 2009, proposition 4.2.

    Differs from the sources: nothing.
    """

    verdict: ClassVar[str] = "fidelity"
    targets: ClassVar[tuple[str, ...]] = ("accepted", "unfiltered")

    rows: int = Field(default=10_000, ge=4, description="Most rows of each kind.")

    def score(self, real: Reference[Table], synthetic: Table, rng: Rng) -> Score:
        """Return the distance, 0 to 1; lower is better.

        Raises:
            DataError: A set has fewer than 4 rows, or no column counts.
        """
        names = [column.name for column in synthetic.schema.columns if column.kind not in WORDS]
        if not names:
            raise DataError("tabular.missing_pattern found keys and free texts only; it looks at other columns")
        sets = compare(real, synthetic, self.rows, lambda data: _gaps(data, names), shuffled_columns)
        none, every = np.zeros((1, len(names)), dtype=np.bool_), np.ones((1, len(names)), dtype=np.bool_)
        kinds = [sets.real, sets.synthetic, sets.shuffled, none, every]
        codes = _codes(kinds if sets.control is None else [*kinds, sets.control])
        real_N, made_N, shuffled_N, none_N, every_N = codes[:5]
        value = total_variation(real_N, made_N)
        return Score(
            value=value,
            interval=grouped_interval(value, total_variation, (real_N, made_N)),
            n_real=sets.rows,
            n_synthetic=sets.rows,
            floor=None if sets.control is None else total_variation(real_N, codes[5]),
            ceiling=total_variation(real_N, every_N),
            better="lower",
            detail={
                "title": "distance of the patterns of missing values",
                "complete": total_variation(real_N, none_N),
                "independent": total_variation(real_N, shuffled_N),
                "columns": _rates(names, sets.real, sets.synthetic),
                "patterns": _patterns(names, sets.real, sets.synthetic),
                "interval": "jackknife over 20 groups of real and synthetic rows; one generator",
                **sets.facts,
            },
        )


def _gaps(data: Table, names: list[str]) -> Flags:
    return np.stack([data.missing(name) for name in names], axis=1)


def _codes(sets: list[Flags]) -> list[Codes]:
    """Return one number for each pattern, for every row of every set."""
    packed = np.ascontiguousarray(np.packbits(np.concatenate(sets), axis=1))
    keys = packed.view(np.dtype((np.void, packed.shape[1]))).ravel()
    codes = np.unique(keys, return_inverse=True)[1].ravel().astype(np.int64)
    return np.split(codes, np.cumsum([len(rows) for rows in sets])[:-1])


def _rates(names: list[str], real_NF: Flags, made_NF: Flags) -> list[dict[str, object]]:
    """Return the share of missing values of each column that has some, the greatest difference first."""
    rates = zip(names, real_NF.mean(axis=0).tolist(), made_NF.mean(axis=0).tolist(), strict=True)
    some = [{"column": name, "real": real, "synthetic": made} for name, real, made in rates if real or made]
    return sorted(some, key=lambda row: -abs(row["real"] - row["synthetic"]))


def _patterns(names: list[str], real_NF: Flags, made_NF: Flags) -> list[dict[str, object]]:
    """Return the most frequent patterns of the real rows, with their shares."""
    counts = [Counter(row.tobytes() for row in np.packbits(rows, axis=1)) for rows in (real_NF, made_NF)]
    size = len(names)
    return [
        {
            "missing": [
                names[f] for f in np.flatnonzero(np.unpackbits(np.frombuffer(key, np.uint8), count=size)).tolist()
            ],
            "real": count / len(real_NF),
            "synthetic": counts[1][key] / len(made_NF),
        }
        for key, count in counts[0].most_common(_SHOWN)
    ]
