"""Latent classes: one component is the product of shares, two known classes are found, likelihood never falls."""

from __future__ import annotations

import numpy as np

from lookalike.techniques.latent_class import fit_classes, indicator


def test_the_indicator_counts_codes_through() -> None:
    found = indicator(np.array([[0, 2], [1, 0]]), (2, 3)).todense()
    assert found.tolist() == [[1, 0, 0, 0, 1], [0, 1, 1, 0, 0]]


def test_one_component_has_the_shares() -> None:
    codes = np.random.default_rng(0).integers(0, 3, (500, 1))
    weight, code = fit_classes(codes, (3,), 1, 5, 1e-6, np.random.default_rng(1), lambda *_: None)
    np.testing.assert_allclose(weight, 0, atol=1e-9)
    np.testing.assert_allclose(np.exp(code[:, 0]), np.bincount(codes[:, 0]) / 500, atol=1e-6)


def test_two_classes_are_found_and_the_likelihood_never_falls() -> None:
    draw = np.random.default_rng(0)
    kind = draw.random(4000) < 0.3
    codes = (draw.random((4000, 8)) < np.where(kind, 0.9, 0.2)[:, None]).astype(np.int64)
    told: list[float] = []
    weight, code = fit_classes(
        codes, (2,) * 8, 2, 200, 1e-6, np.random.default_rng(1), lambda _, value: told.append(value)
    )
    order = np.argsort(weight)
    np.testing.assert_allclose(np.exp(weight[order]), [0.3, 0.7], atol=0.03)
    np.testing.assert_allclose(np.exp(code[1::2][:, order]), np.tile([0.9, 0.2], (8, 1)), atol=0.05)
    assert (np.diff(told) > -1e-9).all()
