"""Trees tell permuted columns from real rows, and cannot tell real rows from real rows."""

from __future__ import annotations

import numpy as np
import pytest
from tests.data.people import people, reference, schema

from lookalike.core.contracts import Reference
from lookalike.core.errors import DataError
from lookalike.core.rng import Rng
from lookalike.data.table import Table
from lookalike.metrics.tabular.two_sample import TwoSample


def test_permuted_columns_are_detected_and_real_rows_are_not() -> None:
    found = TwoSample(iterations=30).score(reference(), people(800, 5), Rng(0))
    assert found.ceiling is not None
    assert found.ceiling > 0.7
    assert found.interval is not None
    assert found.interval[0] < 0.5 < found.interval[1]
    assert found.floor == pytest.approx(0.5, abs=0.06)
    assert np.mean(found.detail["by_fold"]) == pytest.approx(found.value, abs=0.01)


def test_it_grows_with_the_share_of_odd_rows() -> None:
    fresh, values = people(800, 5), []
    for share in (0.0, 0.3, 1.0):
        columns = {column.name: fresh.values(column.name) for column in fresh.schema.columns}
        odd = np.arange(800) < share * 800
        columns["age"] = np.where(odd, 99, columns["age"])
        values.append(TwoSample(iterations=10, folds=2).score(reference(), Table.of(columns, schema()), Rng(0)).value)
    assert values == sorted(values)
    assert values[2] > 0.95


def test_too_few_rows_are_refused() -> None:
    few = people(5, 0)
    with pytest.raises(DataError, match="folds need 6 rows of each kind, found 5; lower folds"):
        TwoSample().score(Reference(few, few.take(np.arange(0))), few, Rng(0))
