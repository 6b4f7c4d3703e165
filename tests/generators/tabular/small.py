"""Small tables for tests of generators: one with a known joint distribution, one with every kind of column."""

from __future__ import annotations

import numpy as np

from lookalike.core.schema import Column
from lookalike.data.table import BOOLEANS, Table, table_schema

RAIN = np.array([0.3, 0.7])
WET = np.array([[0.9, 0.1], [0.25, 0.75]])
SLIP = np.array([[[0.98, 0.01, 0.01], [0.5, 0.3, 0.2]], [[0.9, 0.05, 0.05], [0.1, 0.3, 0.6]]])
JOINT = RAIN[:, None, None] * WET[:, :, None] * SLIP
"""p(rain, wet, slip), 2 x 2 x 3."""


def weather(n: int, seed: int = 0) -> Table:
    """Return rows of three columns drawn from `JOINT`; slip, a number from 0 to 2, is no label."""
    cell = np.random.default_rng(seed).choice(JOINT.size, n, p=JOINT.ravel())
    rain, wet, slip = np.unravel_index(cell, JOINT.shape)
    schema = table_schema(
        [
            Column(name="rain", kind="category", categories=("dry", "rain")),
            Column(name="wet", kind="boolean", categories=BOOLEANS),
            Column(name="slip", kind="integer"),
        ]
    )
    return Table.of({"rain": rain, "wet": wet, "slip": slip.astype(float)}, schema)


def cells(table: Table) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Return counts of each state of a weather table, 2 x 2 x 3."""
    place = (table.codes("rain"), table.codes("wet"), table.numbers("slip").astype(int))
    return np.bincount(np.ravel_multi_index(place, JOINT.shape), minlength=JOINT.size).reshape(JOINT.shape)


def mixed(n: int, seed: int = 0) -> Table:
    """Return rows of every kind of column, with missing values; the label is `ill`."""
    draw = np.random.default_rng(seed)
    ill = draw.integers(0, 2, n)
    height = np.round(1.7 + 0.1 * ill + 0.1 * draw.standard_normal(n), 2)
    schema = table_schema(
        [
            Column(name="key", kind="id", stored="int64"),
            Column(name="height", kind="number", decimals=2, optional=True),
            Column(name="gain", kind="integer"),
            Column(name="born", kind="datetime", grid=86_400.0, optional=True),
            Column(name="town", kind="category", categories=("Ulm", "Bonn", "Kiel"), optional=True),
            Column(name="size", kind="ordinal", categories=("S", "M", "L")),
            Column(name="same", kind="category", categories=("x",)),
            Column(name="gone", kind="number", optional=True),
            Column(name="note", kind="text"),
            Column(name="ill", kind="category", categories=("no", "yes")),
        ],
        "ill",
    )
    return Table.of(
        {
            "key": [f"k{i}" for i in range(n)],
            "height": np.where(draw.random(n) < 0.1, np.nan, height),
            "gain": np.where(draw.random(n) < 0.8, 0.0, draw.integers(100, 9999, n)),
            "born": np.where(draw.random(n) < 0.1, np.nan, 86_400.0 * draw.integers(-9000, 9000, n)),
            "town": np.where(draw.random(n) < 0.1, -1, draw.integers(0, 3, n)),
            "size": np.clip(draw.integers(0, 3, n) + ill, 0, 2),
            "same": np.zeros(n, dtype=np.int64),
            "gone": np.full(n, np.nan),
            "note": [f"text {i}" for i in range(n)],
            "ill": ill,
        },
        schema,
    )


def chi_square_p(counts: np.ndarray[tuple[int, ...], np.dtype[np.int64]], shares: np.ndarray) -> float:
    """Return the p-value of counts under shares."""
    from scipy.stats import chisquare

    return float(chisquare(counts.ravel(), shares.ravel() / shares.sum() * counts.sum()).pvalue)
