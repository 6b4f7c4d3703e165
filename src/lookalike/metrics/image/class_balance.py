"""Whether the classes of the synthetic rows come in the shares that were wanted."""

from __future__ import annotations

from typing import ClassVar, final

from pydantic import Field

from lookalike.core.contracts import Method, Reference, Score
from lookalike.core.rng import Rng
from lookalike.data.images import Images
from lookalike.techniques.balance import Against, balance_score


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
    needs_classes: ClassVar[bool] = True

    against: Against = Field(
        default="uniform", description="Wanted shares: the same for each class, or those of the real training rows."
    )

    def score(self, real: Reference[Images], synthetic: Images, rng: Rng) -> Score:
        """Return the distance, 0 to 1; lower is better.

        Raises:
            DataError: There are no synthetic or no training rows.
        """
        return balance_score(real, synthetic, self.against, rng)
