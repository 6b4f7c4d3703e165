"""Boosted trees: the downstream model that utility of tables is measured with."""

from __future__ import annotations

from typing import Any, final

import numpy as np
import numpy.typing as npt

from lookalike.core.contracts import Method
from lookalike.core.errors import DataError
from lookalike.core.rng import Rng
from lookalike.data.arrays import Grouping, grouped, modelled
from lookalike.data.table import Table
from lookalike.techniques.boosting import MOST_CATEGORIES, check_weight, fit_boosting
from lookalike.techniques.boosting import Boosting as Settings

Values = npt.NDArray[np.float64]


@final
class Boosting(Settings, Method):
    """Gradient-boosted trees for classes and for numbers; missing values and categories are used as they are.

    All columns but the label, keys and free texts are inputs. Categories beyond the 249 most frequent ones of a column
    share a code.

    Source: Friedman 2001, doi:10.1214/aos/1013203451; Ke et al. 2017, LightGBM (histograms); the implementation is
        scikit-learn's.

    Differs from the papers: no early stopping, so that any number of rows has the same budget.
    """

    def fit(
        self, data: Table, weight: npt.NDArray[np.float64] | None, unlabelled_target: Table | None, rng: Rng
    ) -> _FittedBoosting:
        """Train on labelled rows; those without a label are left out.

        Args:
            data: At least 1 row with a label.
            weight: [N], at least 0; None = equal.
            unlabelled_target: Not used.
            rng: Key of the rows that bins are measured on, where there are more than 200,000.

        Raises:
            DataError: There is no label or no labelled row, or the weights do not fit.
        """
        del unlabelled_target
        label = data.schema.label
        if label is None:
            raise DataError("a learner needs a label, found a table without one; set label to the column to predict")
        check_weight(weight, len(data))
        coding = grouped(data, modelled(data.schema, but=label), MOST_CATEGORIES)
        target = data.labels if data.classes else data.numbers(label)
        rows = np.flatnonzero(~data.missing(label))
        if not len(rows):
            raise DataError(f"a learner needs at least 1 row with a value of '{label}', found none")
        if len(np.unique(target[rows])) == 1:
            return _FittedBoosting(None, coding, data.classes, target[rows][:1])
        chosen = None if weight is None else weight[rows]
        model = fit_boosting(
            coding.array(data)[rows], target[rows], chosen, coding.nominal, self, rng, classes=bool(data.classes)
        )
        return _FittedBoosting(model, coding, data.classes, np.unique(target[rows]) if data.classes else target[:0])


@final
class _FittedBoosting:
    """Boosted trees, or the only value that the label had."""

    def __init__(
        self,
        model: Any,  # noqa: ANN401  an estimator of scikit-learn
        coding: Grouping,
        classes: tuple[str, ...],
        held: npt.NDArray[Any],
    ) -> None:
        self._model, self._coding, self.classes, self._held = model, coding, classes, held

    def predict_proba(self, data: Table) -> Values:
        result = np.zeros((len(data), len(self.classes)))
        if len(data):
            found = 1.0 if self._model is None else self._model.predict_proba(self._coding.array(data))
            result[:, self._held.astype(np.int64)] = found
        return result

    def predict(self, data: Table) -> npt.NDArray[np.int64]:
        number: npt.NDArray[np.int64] = self.predict_proba(data).argmax(axis=1).astype(np.int64)
        return number

    def predict_values(self, data: Table) -> Values:
        if self._model is None or not len(data):
            return np.full(len(data), self._held[0] if self._model is None else 0.0)
        return np.asarray(self._model.predict(self._coding.array(data)), dtype=np.float64)
