"""Trees on columns with gaps and codes; rows are judged by trees that have not seen them."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.core.errors import DataError
from lookalike.core.rng import Rng
from lookalike.techniques.boosting import Boosting, check_weight, fit_boosting, held_out_scores
from lookalike.techniques.ranking import placements

FEW = Boosting(iterations=10, least=5)


def test_a_missing_value_and_a_code_are_used_as_they_are() -> None:
    draw = np.random.default_rng(0)
    x = np.stack([draw.standard_normal(300), draw.integers(0, 5, 300)], axis=1)
    gone = draw.random(300) < 0.5
    x[gone, 0] = np.nan
    y = (gone | np.isin(x[:, 1], [0, 3])).astype(np.int64)
    model = fit_boosting(x, y, None, np.array([False, True]), Boosting(iterations=30), Rng(0), classes=True)
    assert (model.predict(x) == y).all()


def test_no_row_is_judged_by_trees_that_saw_it() -> None:
    """Sides drawn by chance cannot be told, however well trees learn them by heart."""
    draw = np.random.default_rng(1)
    x, side = draw.standard_normal((400, 5)), np.repeat([0, 1], 200)
    scores, fold = held_out_scores(x, side, np.zeros(5, dtype=bool), FEW, 4, Rng(0))
    assert np.bincount(2 * fold + side).tolist() == [50] * 8
    areas = [placements(scores[(fold == k) & (side == 1)], scores[(fold == k) & (side == 0)])[0] for k in range(4)]
    assert np.mean(np.concatenate(areas)) == pytest.approx(0.5, abs=0.1)
    known = fit_boosting(x, side, None, np.zeros(5, dtype=bool), FEW, Rng(0), classes=True).decision_function(x)
    assert placements(known[side == 1], known[side == 0])[0].mean() > 0.9


@pytest.mark.parametrize("weight", [np.ones(3), -np.ones(4), np.zeros(4), np.array([1, np.nan, 1, 1])])
def test_weights_that_do_not_fit_are_refused(weight: np.ndarray) -> None:
    with pytest.raises(DataError, match="weights must be 4 finite numbers"):
        check_weight(weight, 4)
