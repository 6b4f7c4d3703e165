"""How far the features of synthetic images are from those of real images, by a polynomial kernel: fair for few rows."""

from __future__ import annotations

from typing import ClassVar, final

from pydantic import Field

from lookalike.core.contracts import Method, Reference, Score
from lookalike.core.rng import Rng
from lookalike.data.images import Images
from lookalike.data.shuffled import shuffled_pixels
from lookalike.encoders.memo import embedded, prepared
from lookalike.techniques.bootstrap import jackknife_interval
from lookalike.techniques.controls import compare
from lookalike.techniques.distances import Features, KernelDistance, kernel_distance

_GROUPS = 20


@final
class Kernel(Method):
    """The unbiased squared maximum mean discrepancy between features of holdout and synthetic images: 0 is best.

    Its expectation does not depend on the number of rows, and it is negative about half of the time when both sets
    come from one distribution; it is never cut at 0. It is called KID only with Inception features. Floor: training
    images in the place of the synthetic ones. Ceiling: training images whose pixels were permuted over the rows.

    Source: Binkowski et al. 2018, arXiv:1801.01401, section 4.

    Differs from the paper: all pairs of rows instead of random subsets of 1,000; interval by a jackknife over groups of
        rows; the reference is the holdout; by default the features of a classifier of the user's own images.
    """

    verdict: ClassVar[str] = "fidelity"
    targets: ClassVar[tuple[str, ...]] = ("accepted",)

    encoder: str = Field(default="image.task_cnn", description="Feature extractor, by its name among the encoders.")
    rows: int = Field(default=10_000, ge=4, description="Most rows of each kind; time grows with the square.")

    def score(self, real: Reference[Images], synthetic: Images, rng: Rng) -> Score:
        """Return the distance; lower is better, below zero is possible."""
        features = prepared(self.encoder, real.train)
        sets = compare(real, synthetic, self.rows, lambda data: embedded(features, data), shuffled_pixels)

        def distance(other: Features, purpose: str) -> KernelDistance:
            return kernel_distance(sets.real, other, _GROUPS, rng.child(purpose).numpy())

        name = "KID" if features.name == "inception" else f"KD[{features.name}]"
        found = distance(sets.synthetic, "groups")
        return Score(
            value=found.value,
            interval=jackknife_interval(found.value, found.leave_out),
            n_real=sets.rows,
            n_synthetic=sets.rows,
            floor=None if sets.control is None else distance(sets.control, "floor").value,
            ceiling=distance(sets.shuffled, "ceiling").value,
            better="lower",
            detail={
                "name": name,
                "title": f"kernel distance, {name}",
                "extractor": features.name,
                "digest": features.digest,
                "dimension": features.dimension,
                "interval": (
                    f"delete-a-group jackknife over rows, {len(found.leave_out)} groups; one generator, one extractor"
                ),
                **sets.facts,
            },
        )
