"""It learns what columns tell, for classes and for numbers, and answers when there is little to learn from."""

from __future__ import annotations

import numpy as np
import pytest
from tests.data.people import people

from lookalike.core.contracts import PredictsValues
from lookalike.core.errors import DataError
from lookalike.core.rng import Rng
from lookalike.core.schema import Column
from lookalike.data.table import Table, table_schema
from lookalike.learners.tabular.logistic import Logistic


def test_it_learns_classes() -> None:
    train, test = people(800, 0), people(500, 1)
    fitted = Logistic().fit(train, None, None, Rng(0))
    hits = fitted.predict(test) == test.labels
    assert hits.mean() > 0.7
    assert test.counts().max() / 500 < 0.6
    found = fitted.predict_proba(test)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert fitted.classes == ("no", "yes")
    assert fitted.predict(test.take(np.arange(0))).shape == (0,)


def test_it_learns_numbers_and_skips_rows_without_one() -> None:
    train, test = people(800, 0, "pay"), people(500, 1, "pay")
    fitted = Logistic().fit(train, None, None, Rng(0))
    assert isinstance(fitted, PredictsValues)
    there = ~test.missing("pay")
    truth, found = test.numbers("pay")[there], fitted.predict_values(test)[there]
    assert 1 - np.square(truth - found).mean() / truth.var() > 0.5
    assert fitted.classes == ()


def test_more_classes_and_one_that_never_occurs() -> None:
    train = people(600, 0, "town")
    fitted = Logistic().fit(train, None, None, Rng(0))
    never = np.flatnonzero(train.counts() == 0)
    assert len(never)
    assert (fitted.predict_proba(train)[:, never] == 0).all()


def test_a_row_without_weight_teaches_nothing() -> None:
    train, test = people(400, 0), people(200, 1)
    weight = np.where(train.labels == 0, 1.0, 1e-9)
    assert (Logistic().fit(train, weight, None, Rng(0)).predict(test) == 0).all()
    with pytest.raises(DataError, match="weights must be 400 finite numbers"):
        Logistic().fit(train, weight[:3], None, Rng(0))


def test_one_class_one_number_one_row() -> None:
    rows = people(100, 0)
    same = rows.take(np.flatnonzero(rows.labels == 1))
    assert (Logistic().fit(same, None, None, Rng(0)).predict(rows) == 1).all()
    one = people(10, 0, "age").take(np.array([4, 4]))
    assert (Logistic().fit(one, None, None, Rng(0)).predict_values(one) == one.numbers("age")).all()
    Logistic().fit(rows.take(np.array([0, 1])), None, None, Rng(0)).predict(rows)


def test_many_categories_and_empty_columns() -> None:
    size = 3000
    kinds = [
        Column(name="code", kind="category", categories=tuple(map(str, range(size)))),
        Column(name="gone", kind="number", optional=True),
        Column(name="same", kind="number"),
        Column(name="y", kind="category", categories=("a", "b")),
    ]
    draw = np.random.default_rng(0)
    code = draw.integers(0, size, 400)
    values = {"code": code, "gone": np.full(400, np.nan), "same": np.ones(400), "y": code % 2}
    rows = Table.of(values, table_schema(kinds, "y"))
    assert Logistic().fit(rows, None, None, Rng(0)).predict(rows).shape == (400,)


def test_what_cannot_be_learnt_is_refused() -> None:
    with pytest.raises(DataError, match="needs a label"):
        Logistic().fit(people(10, 0, None), None, None, Rng(0))
    with pytest.raises(DataError, match="at least 1 row with a value of 'owner'"):
        Logistic().fit(people(0, 0), None, None, Rng(0))
