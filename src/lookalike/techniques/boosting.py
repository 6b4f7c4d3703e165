"""Gradient-boosted trees on histograms, with missing values and categories as they are.

Shape suffixes: N rows, F columns, K classes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from lookalike.core.errors import DataError
from lookalike.core.rng import Rng

Values = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
MOST_CATEGORIES = 250
"""Codes of a categorical column at most; a histogram has 255 bins."""


class Boosting(BaseModel):
    """How trees are boosted; the defaults are those of scikit-learn."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    iterations: int = Field(default=100, ge=1, description="Trees, one after the other; for each class if above two.")
    rate: float = Field(default=0.1, gt=0, le=1, description="Share of a tree's answer that is added.")
    leaves: int = Field(default=31, ge=2, description="Leaves of a tree at most.")
    least: int = Field(default=20, ge=1, description="Rows of a leaf at least.")


def fit_boosting(
    x_NF: Values,
    target_N: npt.NDArray[Any],
    weight_N: Values | None,
    nominal_F: Flags,
    settings: Boosting,
    rng: Rng,
    *,
    classes: bool,
) -> Any:  # noqa: ANN401  an estimator of scikit-learn
    """Return a fitted model of scikit-learn.

    Args:
        x_NF: Columns; NaN = missing; those of categories hold codes from 0 to 249.
        target_N: Class numbers, at least two different ones, or numbers.
        weight_N: Share of each row in the loss, at least 0; None = equal.
        nominal_F: Which columns hold categories.
        settings: Number and size of the trees.
        rng: Key of the rows that bins are measured on, where there are more than 200,000.
        classes: Whether the target is a class.

    Raises:
        DataError: The weights do not fit.

    Source: Friedman 2001, doi:10.1214/aos/1013203451; Ke et al. 2017 (LightGBM) for histograms, through scikit-learn.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    check_weight(weight_N, len(x_NF))
    kind = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
    model = kind(
        max_iter=settings.iterations,
        learning_rate=settings.rate,
        max_leaf_nodes=settings.leaves,
        min_samples_leaf=settings.least,
        categorical_features=np.flatnonzero(nominal_F),
        early_stopping=False,
        random_state=rng.integer() % (1 << 32),
    )
    # Bins cannot be measured on a column without any value; a constant one is never split.
    empty_F = np.isnan(x_NF).all(axis=0)
    return model.fit(np.where(empty_F, 0.0, x_NF), target_N, sample_weight=weight_N)


def check_weight(weight_N: Values | None, rows: int) -> None:
    """Refuse weights that cannot be used.

    Raises:
        DataError: They are not as many as the rows, negative, not finite or all 0.
    """
    if weight_N is None:
        return
    if weight_N.shape != (rows,) or not np.isfinite(weight_N).all() or weight_N.min() < 0 or weight_N.sum() <= 0:
        raise DataError(
            f"weights must be {rows} finite numbers of at least 0 and not all 0, found shape {weight_N.shape}"
        )


def held_out_scores(
    x_NF: Values, side_N: npt.NDArray[np.int64], nominal_F: Flags, settings: Boosting, folds: int, rng: Rng
) -> tuple[Values, npt.NDArray[np.int64]]:
    """Return how sure trees that have not seen a row are that it is of side 1, [N], and the row's fold, [N].

    Args:
        x_NF: Columns, as for `fit_boosting`.
        side_N: 0 or 1, at least `folds` rows of each.
        nominal_F: Which columns hold categories.
        settings: Number and size of the trees.
        folds: Parts that are left out in turn, at least 2; each side is spread evenly over them.
        rng: Key of the folds.
    """
    fold_N = np.empty(len(side_N), dtype=np.int64)
    for side in (0, 1):
        rows = np.flatnonzero(side_N == side)
        fold_N[rng.child("folds", side).numpy().permutation(rows)] = np.arange(len(rows)) % folds
    score_N = np.empty(len(side_N))
    for fold in range(folds):
        out = fold_N == fold
        model = fit_boosting(x_NF[~out], side_N[~out], None, nominal_F, settings, rng.child("fit", fold), classes=True)
        score_N[out] = model.decision_function(x_NF[out])
    return score_N, fold_N
