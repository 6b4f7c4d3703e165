from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
import torch
from hypothesis import given
from hypothesis import strategies as st

from lookalike.core.errors import DataError
from lookalike.techniques import distances
from lookalike.techniques.bootstrap import jackknife_interval
from lookalike.techniques.distances import frechet, frechet_leave_out, groups_of, kernel_distance, moments


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def fixture() -> tuple[np.ndarray, np.ndarray]:
    r = generator()
    return r.standard_normal((1000, 16)), 1.1 * r.standard_normal((1000, 16)) + 0.1


def plain_frechet(x: np.ndarray, y: np.ndarray) -> float:
    a, b = np.cov(x.T), np.cov(y.T)
    root = scipy.linalg.sqrtm(a @ b).real
    return float(np.square(x.mean(0) - y.mean(0)).sum() + np.trace(a + b - 2 * root))


def plain_mmd(x: np.ndarray, y: np.ndarray) -> float:
    def kernel(a: np.ndarray, b: np.ndarray) -> float:
        return float((a @ b / len(a) + 1) ** 3)

    n, m = len(x), len(y)
    xx = sum(kernel(x[i], x[j]) for i in range(n) for j in range(n) if i != j)
    yy = sum(kernel(y[i], y[j]) for i in range(m) for j in range(m) if i != j)
    xy = sum(kernel(a, b) for a in x for b in y)
    return xx / (n * (n - 1)) + yy / (m * (m - 1)) - 2 * xy / (n * m)


def test_the_published_fixture() -> None:
    x, y = fixture()
    assert frechet(moments(x), moments(y)) == pytest.approx(0.4569135148, abs=1e-10)
    assert plain_frechet(x, y) == pytest.approx(0.4569135148, abs=1e-9)


def test_moments_are_those_of_numpy_whatever_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    x = (generator().standard_normal((257, 7)) + 1000).astype(np.float32)
    monkeypatch.setattr(distances, "_ROWS", 31)
    found = moments(x)
    assert found.mean.numpy() == pytest.approx(x.mean(0, dtype=np.float64), rel=1e-14)
    assert torch.equal(found.covariance, found.covariance.T)
    assert found.covariance.numpy() == pytest.approx(np.cov(x.T.astype(np.float64)), abs=1e-10)


@pytest.mark.parametrize("rows", [2, 50, 1000])
@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_a_set_is_no_distance_from_itself(rows: int, scale: float) -> None:
    x = scale * generator().standard_normal((rows, 128))
    assert abs(frechet(moments(x), moments(x))) < 1e-6


def test_a_singular_covariance_is_allowed() -> None:
    r = generator()
    x = np.repeat(r.standard_normal((100, 4)), 2, axis=1)
    y = np.zeros((10, 8))
    assert frechet(moments(x), moments(y)) == pytest.approx(
        np.square(x.mean(0)).sum() + x.var(0, ddof=1).sum(), rel=1e-9
    )
    few, many = r.standard_normal((20, 64)), r.standard_normal((300, 64))
    ridge = 1e-9 * np.eye(64)
    root = scipy.linalg.sqrtm((np.cov(few.T) + ridge) @ (np.cov(many.T) + ridge)).real
    expected = np.square(few.mean(0) - many.mean(0)).sum() + np.trace(np.cov(few.T) + np.cov(many.T) - 2 * root)
    assert frechet(moments(few), moments(many)) == pytest.approx(expected, rel=1e-3)


@given(seed=st.integers(0, 1000), rows=st.integers(2, 40), width=st.integers(1, 12))
def test_frechet_is_symmetric_and_never_below_zero(seed: int, rows: int, width: int) -> None:
    r = generator(seed)
    x, y = moments(r.standard_normal((rows, width))), moments(2 * r.standard_normal((rows + 3, width)))
    assert frechet(x, y) == pytest.approx(frechet(y, x), rel=1e-6, abs=1e-9)
    assert frechet(x, y) > -1e-9


@pytest.mark.parametrize(("rows", "width"), [(1000, 256), (4000, 64)])
def test_equal_distributions_are_as_far_apart_as_theory_says(rows: int, width: int) -> None:
    # For S = I it is |dm|^2 + |dS|^2 / 4 to second order: 2 D/N comes from the means, D^2 / 2N from the covariances.
    x, y = generator().standard_normal((2, rows, width))
    assert frechet(moments(x), moments(y)) == pytest.approx(2 * width / rows + width**2 / (2 * rows), rel=0.05)


def test_groups_share_out_all_rows_evenly() -> None:
    groups = groups_of(103, 20, generator())
    assert sorted(np.concatenate(groups)) == list(range(103))
    assert {len(group) for group in groups} == {5, 6}
    assert len(groups_of(3, 20, generator())) == 3


def test_leaving_a_group_out_equals_doing_so_by_hand() -> None:
    x, y = fixture()
    found = frechet_leave_out(x[:200], y[:150], 7, generator(5))
    again = generator(5)
    first, second = groups_of(200, 7, again), groups_of(150, 7, again)
    for place in range(7):
        expected = plain_frechet(np.delete(x[:200], first[place], 0), np.delete(y[:150], second[place], 0))
        assert found[place] == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("scale", [1.0, 1.3])
def test_the_interval_covers_the_mean_of_the_figure_at_this_size(scale: float) -> None:
    values, bounds = [], []
    for seed in range(60):
        r = generator(seed)
        x, y = r.standard_normal((150, 6)), scale * r.standard_normal((150, 6))
        values.append(frechet(moments(x), moments(y)))
        bounds.append(jackknife_interval(values[-1], frechet_leave_out(x, y, 20, r)))
    mean = np.mean(values)
    covered = np.mean([low <= mean <= high for low, high in bounds])
    assert covered >= 0.88
    width = np.mean([high - low for low, high in bounds])
    assert width < 3 * 4 * np.std(values), "an interval as wide as that says nothing"


def test_the_kernel_distance_equals_double_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    r = generator(3)
    x, y = r.standard_normal((23, 5)), r.standard_normal((17, 5)) + 0.3
    monkeypatch.setattr(distances, "_CELLS", 40)
    found = kernel_distance(x, y, 4, generator(9))
    assert found.value == pytest.approx(plain_mmd(x, y), rel=1e-9)
    again = generator(9)
    first, second = groups_of(23, 4, again), groups_of(17, 4, again)
    expected = [plain_mmd(np.delete(x, a, 0), np.delete(y, b, 0)) for a, b in zip(first, second, strict=True)]
    assert found.leave_out == pytest.approx(expected, rel=1e-9)


def test_the_kernel_distance_is_unbiased_and_not_cut_at_zero() -> None:
    values = []
    for seed in range(200):
        r = generator(seed)
        x, y = r.standard_normal((2, 40, 8))
        values.append(kernel_distance(x, y, 5, r).value)
    assert 0.3 < np.mean(np.array(values) < 0) < 0.8
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(200)


def test_inputs_are_neither_changed_nor_trusted(global_state: None) -> None:
    x, y = (part.astype(np.float32) for part in fixture())
    before = x.copy()
    x.flags.writeable = False
    frechet(moments(x), moments(y))
    frechet_leave_out(x, y, 5, generator())
    kernel_distance(x, y, 5, generator())
    assert (x == before).all()
    bad = y.copy()
    bad[3, 2] = np.nan
    for call in (lambda: moments(bad), lambda: kernel_distance(x, bad, 5, generator())):
        with pytest.raises(DataError, match="finite"):
            call()
    with pytest.raises(DataError, match="at least 2 rows"):
        moments(x[:1])
    with pytest.raises(DataError, match="at least 4 rows"):
        frechet_leave_out(x, y[:3], 5, generator())


def test_four_rows_are_enough() -> None:
    x, y = (part[:4] for part in fixture())
    assert len(frechet_leave_out(x, y, 20, generator())) == 4
    assert np.isfinite(kernel_distance(x, y, 20, generator()).leave_out).all()


def test_everything_is_computed_in_double_precision() -> None:
    found = moments(generator().standard_normal((10, 3)).astype(np.float32))
    assert found.mean.dtype == found.covariance.dtype == torch.float64


def test_the_number_of_threads_is_put_back() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        x = moments(fixture()[0])
        frechet(x, x)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
