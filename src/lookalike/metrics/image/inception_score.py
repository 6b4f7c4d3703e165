"""Whether a classifier is sure about each synthetic image, and sees all classes among them."""

from __future__ import annotations

from typing import Any, ClassVar, final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from lookalike.core.contracts import Features, Method, Reference, Score
from lookalike.core.errors import ConfigError
from lookalike.core.rng import Rng
from lookalike.data.images import Images
from lookalike.data.shuffled import shuffled_pixels
from lookalike.encoders.memo import prepared
from lookalike.techniques.bootstrap import centred_interval, resampled_means
from lookalike.techniques.controls import compare

Values = npt.NDArray[np.float64]


@final
class InceptionScore(Method):
    """The exponential of the mutual information between image and predicted class: 1 is worst, the class count best.

    It compares nothing with real images, so it sees neither copies nor missing variety within a class. Floor: the score
    of holdout images. Ceiling: the score of training images whose pixels were permuted over the rows.

    Source: Salimans et al. 2016, arXiv:1606.03498, section 4.

    Differs from the paper: one score over all rows instead of the mean over ten parts; an interval by bootstrap; by
        default the classes of the user's own images.
    """

    verdict: ClassVar[str] = "fidelity"
    targets: ClassVar[tuple[str, ...]] = ("accepted",)
    needs_classes: ClassVar[bool] = True

    encoder: str = Field(default="image.task_cnn", description="Extractor with a class head, by its name.")
    rows: int = Field(default=10_000, ge=4, description="Most rows of each kind, at least 4.")
    resamples: int = Field(default=500, ge=100, le=10_000, description="Bootstrap resamples for the interval.")

    def score(self, real: Reference[Images], synthetic: Images, rng: Rng) -> Score:
        """Return the score; higher is better, from 1 to the number of classes.

        Raises:
            ConfigError: The extractor has no class head.
        """
        features = prepared(self.encoder, real.train)
        sets = compare(real, synthetic, self.rows, lambda data: self._probabilities(features, data), shuffled_pixels)
        parts = _parts(sets.synthetic)
        value = float(_score(parts.mean(axis=0)))
        replicates = _score(resampled_means(parts, self.resamples, rng.child("bootstrap").numpy()))
        low, high = centred_interval(value, replicates)
        classes = sets.synthetic.shape[1]
        name = "IS" if features.name == "inception" else f"IS[{features.name}]"
        return Score(
            value=value,
            interval=(max(1.0, low), min(float(classes), high)),
            n_real=sets.rows,
            n_synthetic=sets.rows,
            floor=None if sets.control is None else float(_score(_parts(sets.real).mean(axis=0))),
            ceiling=float(_score(_parts(sets.shuffled).mean(axis=0))),
            better="higher",
            detail={
                "name": name,
                "title": f"inception score, {name}",
                "extractor": features.name,
                "digest": features.digest,
                "best_possible": classes,
                "interval": "bootstrap over synthetic rows; one generator, one extractor",
                **sets.facts,
            },
        )

    def _probabilities(self, features: Features[Any], data: Images) -> Values:
        found = features.predict_proba(data)
        if found is None:
            raise ConfigError(
                f"image.inception_score needs an extractor that predicts classes, and {self.encoder} does not; "
                "use encoder: image.task_cnn"
            )
        return found


def _parts(probability_NK: Values) -> Values:
    """Return p and the sum of p log p of every row, [N, K + 1]: the score needs their means only."""
    plogp_NK = probability_NK * np.log(np.maximum(probability_NK, np.finfo(np.float64).tiny))
    return np.column_stack([probability_NK, plogp_NK.sum(axis=1)])


def _score(means: Values) -> Values:
    """Return exp(mean sum p log p - sum q log q), q the mean of p, for means [..., K + 1]."""
    q = means[..., :-1]
    marginal = (q * np.log(np.maximum(q, np.finfo(np.float64).tiny))).sum(axis=-1)
    score: Values = np.exp(means[..., -1] - marginal)
    return score
