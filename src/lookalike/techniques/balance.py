"""How far the class shares of one set of rows are from wanted ones."""

from __future__ import annotations

from typing import Literal, TypeVar

import numpy as np
import numpy.typing as npt

from lookalike.core.contracts import Dataset, Reference, Score
from lookalike.core.errors import DataError
from lookalike.core.rng import Rng
from lookalike.techniques.bootstrap import centred_interval

D = TypeVar("D", bound=Dataset)
Values = npt.NDArray[np.float64]
Against = Literal["uniform", "real"]
_DRAWS = 500


def balance_score(real: Reference[D], synthetic: D, against: Against, rng: Rng) -> Score:
    """Return the total variation distance between the class shares of the synthetic rows and the wanted ones.

    Args:
        real: Real rows; the training rows give the shares that `real` means.
        synthetic: Rows to judge.
        against: Wanted shares: `uniform` over the classes, or `real`.
        rng: Key of interval and floor.

    Raises:
        DataError: There are no synthetic rows, or no training rows to compare with.

    Source: total variation distance, for example Levin, Peres and Wilmer 2009, Markov Chains and Mixing Times,
        proposition 4.2.
    """
    n, rows = len(synthetic), len(real.train)
    if n == 0 or (rows == 0 and against == "real"):
        raise DataError(f"class shares need rows, found {n} synthetic and {rows} training rows")
    made_K = _counts(synthetic)
    uniform_K = np.full(len(made_K), 1 / len(made_K))
    real_K = _counts(real.train) / rows if rows else uniform_K
    wanted_K = uniform_K if against == "uniform" else real_K
    value = float(_distance(made_K / n, wanted_K))
    again = rng.child("bootstrap").numpy().multinomial(n, made_K / n, size=_DRAWS) / n
    fair = rng.child("floor").numpy().multinomial(n, wanted_K, size=_DRAWS) / n
    low, high = centred_interval(value, _distance(again, wanted_K))
    ceiling = float(1 - wanted_K.min())
    return Score(
        value=value,
        interval=(max(0.0, low), min(ceiling, high)),
        n_real=rows,
        n_synthetic=n,
        floor=float(_distance(fair, wanted_K).mean()),
        ceiling=ceiling,
        better="lower",
        detail={
            "title": f"distance of class shares from {against}",
            "against": against,
            "to_uniform": float(_distance(made_K / n, uniform_K)),
            "to_real": float(_distance(made_K / n, real_K)) if rows else None,
            "counts": _by_class(synthetic),
            "counts_train": _by_class(real.train),
            "counts_holdout": _by_class(real.holdout),
            "missing": [name for name, count in _by_class(synthetic).items() if count == 0],
            "interval": "bootstrap over synthetic rows: how far as many independent rows would vary",
        },
    )


def _distance(share: Values, wanted_K: Values) -> Values:
    """Return the total variation distance for shares [..., K]."""
    distance: Values = np.abs(share - wanted_K).sum(axis=-1) / 2
    return distance


def _counts(data: Dataset) -> npt.NDArray[np.int64]:
    return np.bincount(data.labels, minlength=max(1, len(data.schema.classes))).astype(np.int64)


def _by_class(data: Dataset) -> dict[str, int]:
    return dict(zip(data.schema.classes, _counts(data).tolist(), strict=False))
