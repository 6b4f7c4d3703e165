"""A linear model: what can be learnt of a table without any interplay of its columns."""

from __future__ import annotations

from typing import Any, final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from lookalike.core.contracts import Method
from lookalike.core.errors import DataError
from lookalike.core.rng import Rng
from lookalike.data.arrays import MixedSpace, mixed_space, modelled
from lookalike.data.table import Table
from lookalike.techniques.boosting import check_weight

Values = npt.NDArray[np.float64]
_ITERATIONS = 200


@final
class Logistic(Method):
    """Logistic regression of classes, ridge regression of numbers, on standardised numbers and one-hot categories.

    All columns but the label, keys and free texts are inputs. A missing value is a category, and the mean of a number.
    Categories of a column beyond the most frequent ones share a place. Nothing is drawn.

    Source: Cox 1958, doi:10.1111/j.2517-6161.1958.tb00292.x; Hoerl and Kennard 1970,
        doi:10.1080/00401706.1970.10488634.

    Differs from the papers: both are regularised alike, by the squared weights.
    """

    c: float = Field(default=1.0, gt=0, description="Inverse strength of the regularisation.")
    levels: int = Field(default=64, ge=1, le=4096, description="Categories of a column with a weight of their own.")

    def fit(
        self, data: Table, weight: npt.NDArray[np.float64] | None, unlabelled_target: Table | None, rng: Rng
    ) -> _FittedLogistic:
        """Train on labelled rows; those without a label are left out.

        Args:
            data: At least 1 row with a label.
            weight: [N], at least 0; None = equal.
            unlabelled_target: Not used.
            rng: Not used.

        Raises:
            DataError: There is no label or no labelled row, or the weights do not fit.
        """
        del unlabelled_target, rng
        label = data.schema.label
        if label is None:
            raise DataError("a learner needs a label, found a table without one; set label to the column to predict")
        check_weight(weight, len(data))
        rows = np.flatnonzero(~data.missing(label))
        if not len(rows):
            raise DataError(f"a learner needs at least 1 row with a value of '{label}', found none")
        space = mixed_space(data, modelled(data.schema, but=label), self.levels, shared=0)
        target = (data.labels if data.classes else data.numbers(label))[rows]
        held = np.unique(target)
        if len(held) == 1:
            return _FittedLogistic(None, space, data.classes, held, 1.0)
        x = space.array(data)[rows].astype(np.float64)
        chosen = None if weight is None else weight[rows]
        scale = 1.0 if data.classes else float(target.std())
        model = self._model(bool(data.classes), len(held)).fit(x, target / scale, sample_weight=chosen)
        return _FittedLogistic(model, space, data.classes, held, scale)

    def _model(self, classes: bool, held: int) -> Any:  # noqa: ANN401  an estimator of scikit-learn
        from sklearn.linear_model import LogisticRegression, Ridge

        if not classes:
            return Ridge(alpha=1 / self.c)
        # Newton steps are the fastest for two classes; for more, older versions of scikit-learn know one way only.
        return LogisticRegression(
            C=self.c, max_iter=_ITERATIONS, tol=1e-3, solver="newton-cholesky" if held == 2 else "lbfgs"
        )


@final
class _FittedLogistic:
    """A linear model, or the only value that the label had."""

    def __init__(
        self,
        model: Any,  # noqa: ANN401  an estimator of scikit-learn
        space: MixedSpace,
        classes: tuple[str, ...],
        held: npt.NDArray[Any],
        scale: float,
    ) -> None:
        self._model, self._space, self.classes, self._held, self._scale = model, space, classes, held, scale

    def predict_proba(self, data: Table) -> Values:
        result = np.zeros((len(data), len(self.classes)))
        if len(data):
            found = 1.0 if self._model is None else self._model.predict_proba(self._input(data))
            result[:, self._held.astype(np.int64)] = found
        return result

    def predict(self, data: Table) -> npt.NDArray[np.int64]:
        number: npt.NDArray[np.int64] = self.predict_proba(data).argmax(axis=1).astype(np.int64)
        return number

    def predict_values(self, data: Table) -> Values:
        if self._model is None or not len(data):
            return np.full(len(data), self._held[0] if self._model is None else 0.0)
        return np.asarray(self._model.predict(self._input(data)), dtype=np.float64) * self._scale

    def _input(self, data: Table) -> Values:
        return self._space.array(data).astype(np.float64)
