from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.core.errors import DataError
from lookalike.techniques import manifold
from lookalike.techniques.manifold import overlap


def plain(real: np.ndarray, synthetic: np.ndarray, k: int) -> dict[str, float]:
    def distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.sqrt(np.square(a[:, None].astype(np.float64) - b[None]).sum(axis=2))

    def radius(x: np.ndarray) -> np.ndarray:
        d = distance(x, x)
        np.fill_diagonal(d, np.inf)
        return np.sort(d, axis=1)[:, k - 1]

    d = distance(real, synthetic)
    in_real = d <= radius(real)[:, None]
    return {
        "precision": in_real.any(axis=0).mean(),
        "recall": (d <= radius(synthetic)[None]).any(axis=1).mean(),
        "density": in_real.sum(axis=0).mean() / k,
        "coverage": in_real.any(axis=1).mean(),
    }


@given(seed=st.integers(0, 10_000), n=st.integers(6, 30), m=st.integers(6, 30), k=st.integers(1, 5), grid=st.booleans())
def test_it_equals_the_definition_with_ties_and_copies(seed: int, n: int, m: int, k: int, grid: bool) -> None:
    r = np.random.default_rng(seed)
    if grid:
        real, synthetic = r.integers(0, 3, (n, 3)), r.integers(0, 3, (m, 3))
    else:
        real, synthetic = r.standard_normal((n, 3)), r.standard_normal((m, 3)) + 0.5
    real, synthetic = real.astype(np.float32), synthetic.astype(np.float32)
    assert overlap(real, synthetic, k).means() == pytest.approx(plain(real, synthetic, k), abs=1e-12)


@pytest.mark.parametrize("offset", [0.0, 1000.0])
def test_it_equals_the_definition_over_several_blocks(monkeypatch: pytest.MonkeyPatch, offset: float) -> None:
    monkeypatch.setattr(manifold, "_BLOCK", 37)
    r = np.random.default_rng(0)
    real = (r.standard_normal((150, 16)) + offset).astype(np.float32)
    synthetic = (1.1 * r.standard_normal((130, 16)) + offset).astype(np.float32)
    assert overlap(real, synthetic, 4).means() == pytest.approx(plain(real, synthetic, 4), abs=1e-12)


def test_it_equals_prdc_where_no_distance_is_tied(capsys: pytest.CaptureFixture[str]) -> None:
    prdc = pytest.importorskip("prdc")
    r = np.random.default_rng(1)
    real, synthetic = r.standard_normal((2, 600, 64)).astype(np.float32)
    expected = prdc.compute_prdc(real, synthetic, 5)
    capsys.readouterr()
    assert overlap(real, synthetic, 5).means() == pytest.approx(expected, abs=1e-12)


def test_copies_of_a_set_that_holds_duplicates_are_all_inside() -> None:
    r = np.random.default_rng(2)
    for scale in (1.0, 1e3):
        real = np.repeat(scale * r.standard_normal((40, 33)), 9, axis=0).astype(np.float32)
        found = overlap(real, r.permutation(real), 3).means()
        assert found["precision"] == found["recall"] == found["coverage"] == 1.0


def test_independent_samples_of_one_distribution_are_known_not_to_reach_one() -> None:
    r = np.random.default_rng(3)
    real, synthetic = r.standard_normal((2, 3000, 64)).astype(np.float32)
    found = overlap(real, synthetic, 5).means()
    assert found["precision"] == pytest.approx(0.70, abs=0.04)
    assert found["recall"] == pytest.approx(0.70, abs=0.04)
    assert found["density"] == pytest.approx(1.0, abs=0.1)


def test_a_collapsed_set_is_precise_and_covers_nothing() -> None:
    real = np.random.default_rng(4).standard_normal((400, 8)).astype(np.float32)
    found = overlap(real, np.repeat(real[:1], 400, axis=0), 5).means()
    assert found["precision"] == 1.0
    assert found["recall"] == 1 / 400
    assert found["coverage"] < 0.1


def test_a_far_set_shares_nothing() -> None:
    real, synthetic = np.random.default_rng(5).standard_normal((2, 100, 8)).astype(np.float32)
    assert set(overlap(real, synthetic + 100, 5).means().values()) == {0.0}


def test_too_few_rows_are_refused() -> None:
    x = np.zeros((5, 2), dtype=np.float32)
    with pytest.raises(DataError, match="k=5 neighbours need more than 5 rows"):
        overlap(x, np.zeros((50, 2), dtype=np.float32), 5)
    assert overlap(x, x, 4).means()["precision"] == 1.0


def test_inputs_and_global_state_stay_as_they_are(global_state: None) -> None:
    x, y = np.random.default_rng(6).standard_normal((2, 50, 4)).astype(np.float32)
    before = x.copy(), y.copy()
    x.flags.writeable = y.flags.writeable = False
    overlap(x, y, 3)
    assert (x == before[0]).all() and (y == before[1]).all()
