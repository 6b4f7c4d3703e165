"""The Vendi score against closed forms and the plain definition."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.core.errors import DataError
from lookalike.techniques.vendi import vendi_score


def _by_definition(x_ND: np.ndarray) -> float:
    unit = x_ND / np.linalg.norm(x_ND, axis=1, keepdims=True)
    share = np.linalg.eigvalsh(unit @ unit.T / len(unit))
    share = share[share > 1e-15]
    return float(np.exp(-(share * np.log(share)).sum()))


@pytest.mark.parametrize(("rows", "features"), [(5, 20), (200, 8), (30, 30), (1, 3)])
def test_it_is_the_definition_whichever_side_is_longer(rows: int, features: int) -> None:
    x = np.random.default_rng(0).standard_normal((rows, features))
    assert vendi_score(x) == pytest.approx(_by_definition(x), rel=1e-9)


def test_copies_count_once_and_different_rows_each() -> None:
    assert vendi_score(np.ones((50, 3))) == pytest.approx(1.0)
    assert vendi_score(np.eye(7)) == pytest.approx(7.0)
    shares = np.array([0.7, 0.2, 0.1])
    uneven = np.repeat(np.eye(3), [70, 20, 10], axis=0)
    assert vendi_score(uneven) == pytest.approx(np.exp(-(shares * np.log(shares)).sum()))


def test_length_does_not_count_and_zeros_are_like_nothing() -> None:
    x = np.random.default_rng(1).standard_normal((20, 5))
    assert vendi_score(x * np.arange(1, 21)[:, None]) == pytest.approx(vendi_score(x))
    assert vendi_score(np.zeros((4, 2))) == pytest.approx(4.0)


def test_no_rows_are_refused() -> None:
    with pytest.raises(DataError, match="at least one row"):
        vendi_score(np.zeros((0, 3)))
