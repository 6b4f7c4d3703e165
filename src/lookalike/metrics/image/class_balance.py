"""Whether the classes of the synthetic rows come in the shares that were wanted."""

from __future__ import annotations

from typing import ClassVar, Literal, final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from lookalike.core.contracts import Method, Reference, Score
from lookalike.core.errors import DataError
from lookalike.core.rng import Rng
from lookalike.data.images import Images
from lookalike.techniques.bootstrap import centred_interval

Values = npt.NDArray[np.float64]
_DRAWS = 500


@final
class ClassBalance(Method):
    """Total variation distance between the class shares of the synthetic rows and the wanted ones: 0 is best.

    It is the share of rows that would need another label. Floor: the mean for equally many rows drawn from the wanted
    shares, which rows made by quota undercut. Ceiling: all rows in the rarest class. It reads labels, not images;
    `image.confidence` and the inception score tell whether the images show what the labels say.

    Source: total variation distance, for example Levin, Peres and Wilmer 2009, Markov Chains and Mixing Times,
        proposition 4.2.

    Differs from the paper: nothing.
    """

    verdict: ClassVar[str] = "validity"
    targets: ClassVar[tuple[str, ...]] = ("accepted",)

    against: Literal["uniform", "real"] = Field(
        default="uniform", description="Wanted shares: the same for each class, or those of the real training rows."
    )

    def score(self, real: Reference[Images], synthetic: Images, rng: Rng) -> Score:
        """Return the distance, 0 to 1; lower is better.

        Raises:
            DataError: There are no synthetic or no training rows.
        """
        n = len(synthetic)
        if n == 0 or len(real.train) == 0:
            raise DataError(f"class shares need rows, found {n} synthetic and {len(real.train)} training rows")
        made_K = synthetic.counts()
        real_K = real.train.counts() / len(real.train)
        uniform_K = np.full(len(made_K), 1 / len(made_K))
        wanted_K = uniform_K if self.against == "uniform" else real_K
        value = float(_distance(made_K / n, wanted_K))
        again = rng.child("bootstrap").numpy().multinomial(n, made_K / n, size=_DRAWS) / n
        fair = rng.child("floor").numpy().multinomial(n, wanted_K, size=_DRAWS) / n
        low, high = centred_interval(value, _distance(again, wanted_K))
        ceiling = float(1 - wanted_K.min())
        return Score(
            value=value,
            interval=(max(0.0, low), min(ceiling, high)),
            n_real=len(real.train),
            n_synthetic=n,
            floor=float(_distance(fair, wanted_K).mean()),
            ceiling=ceiling,
            better="lower",
            detail={
                "title": f"distance of class shares from {self.against}",
                "against": self.against,
                "to_uniform": float(_distance(made_K / n, uniform_K)),
                "to_real": float(_distance(made_K / n, real_K)),
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


def _by_class(data: Images) -> dict[str, int]:
    return dict(zip(data.classes, (int(count) for count in data.counts()), strict=True))
