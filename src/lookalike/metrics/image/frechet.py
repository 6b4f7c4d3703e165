"""How far the features of synthetic images are from those of real images, as two Gaussians."""

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
from lookalike.techniques.distances import frechet, frechet_leave_out, moments

_GROUPS = 20


@final
class Frechet(Method):
    """The squared Frechet distance between the features of holdout and synthetic images: 0 is best.

    The figure depends on the extractor and on the number of rows, so both stand beside it: `FD[extractor]`. It is
    called FID only with the Inception features that the name means. Floor: training images in the place of the
    synthetic ones. Ceiling: training images whose pixels were permuted over the rows. Interval: both sets of rows
    redrawn, at this number of rows, with this extractor.

    Source: Heusel et al. 2017, arXiv:1706.08500, equation 6.

    Differs from the paper: the reference is the holdout, not the training set, so that copying the training set
        brings no advantage; equal numbers of rows; by default the features of a classifier of the user's own images.
    """

    verdict: ClassVar[str] = "fidelity"
    targets: ClassVar[tuple[str, ...]] = ("accepted",)

    encoder: str = Field(default="image.task_cnn", description="Feature extractor, by its name among the encoders.")
    rows: int = Field(default=10_000, ge=4, description="Most rows of each kind that are compared, at least 4.")

    def score(self, real: Reference[Images], synthetic: Images, rng: Rng) -> Score:
        """Return the distance; lower is better, in squared units of the features."""
        features = prepared(self.encoder, real.train)
        sets = compare(real, synthetic, self.rows, lambda data: embedded(features, data), shuffled_pixels)
        reference = moments(sets.real)
        value = frechet(reference, moments(sets.synthetic))
        left_out = frechet_leave_out(sets.real, sets.synthetic, _GROUPS, rng.child("groups").numpy())
        low, high = jackknife_interval(value, left_out)
        name = "FID" if features.name == "inception" else f"FD[{features.name}]"
        return Score(
            value=value,
            interval=(max(0.0, low), high),
            n_real=sets.rows,
            n_synthetic=sets.rows,
            floor=None if sets.control is None else frechet(reference, moments(sets.control)),
            ceiling=frechet(reference, moments(sets.shuffled)),
            better="lower",
            detail={
                "name": name,
                "title": f"Fréchet distance, {name}",
                "extractor": features.name,
                "digest": features.digest,
                "dimension": features.dimension,
                "interval": f"delete-a-group jackknife over rows, {len(left_out)} groups; one generator, one extractor",
                **sets.facts,
            },
        )
