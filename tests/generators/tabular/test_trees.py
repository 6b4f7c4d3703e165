"""Trees: known joints come back, patterns are kept, copies are seen, and every promise of the contract holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.spatial import cKDTree
from scipy.stats import chi2_contingency, chisquare

from lookalike.core.errors import ConfigError, DataError
from lookalike.core.events import SILENT, Note
from lookalike.core.rng import Rng
from lookalike.core.schema import Column
from lookalike.data.table import BOOLEANS, Table, Values, table_schema
from lookalike.generators.tabular.trees import Trees

DAY = 86_400.0


def mixed(n: int, seed: int = 0) -> Table:
    """Every kind of column; income and gain are missing together, `c` is `a` xor `b`, `y` is x squared and noise."""
    draw = np.random.default_rng(seed)
    a, b = draw.integers(0, 2, n), draw.integers(0, 2, n)
    x = np.round(draw.uniform(-3, 3, n), 3)
    gone = draw.random(n) < np.where(a == 1, 0.3, 0.05)
    gain = np.where(draw.random(n) < 0.8, 0, 50 * draw.integers(1, 100, n)).astype(float)
    columns: dict[str, Values] = {
        "a": a,
        "b": b,
        "c": np.where(draw.random(n) < 0.05, 1 - (a ^ b), a ^ b),
        "x": x,
        "y": np.round(x**2 + draw.normal(0, 0.3, n), 2),
        "gain": np.where(gone, np.nan, gain),
        "income": np.where(gone, np.nan, np.round(draw.lognormal(3, 1, n), 1)),
        "born": DAY * draw.integers(-9000, 9000, n),
        "smokes": (draw.random(n) < 0.3).astype(np.int64),
        "fixed": np.zeros(n, dtype=np.int64),
        "gone": np.full(n, np.nan),
        "key": [str(1000 + i) for i in range(n)],
        "note": [f"word {i}" for i in range(n)],
    }
    schema = table_schema(
        [
            Column(name="a", kind="category", categories=("no", "yes")),
            Column(name="b", kind="category", categories=("low", "high")),
            Column(name="c", kind="category", categories=("even", "odd")),
            Column(name="x", kind="number", decimals=3),
            Column(name="y", kind="number", decimals=2),
            Column(name="gain", kind="integer", grid=50, optional=True),
            Column(name="income", kind="number", decimals=1, optional=True),
            Column(name="born", kind="datetime"),
            Column(name="smokes", kind="boolean", categories=BOOLEANS),
            Column(name="fixed", kind="category", categories=("one",)),
            Column(name="gone", kind="number", optional=True),
            Column(name="key", kind="id", stored="int64"),
            Column(name="note", kind="text"),
        ],
        "c",
    )
    return Table.of(columns, schema)


@pytest.fixture(scope="module")
def real() -> Table:
    return mixed(4000)


@pytest.fixture(scope="module")
def fitted(real: Table) -> Any:
    return Trees().fit(real, Rng(0), SILENT)


@pytest.fixture(scope="module")
def made(fitted: Any) -> Table:
    return fitted.sample(4000, Rng(1))


def test_xor_of_two_categories_comes_back(real: Table, made: Table) -> None:
    cell = lambda t: 4 * t.codes("a") + 2 * t.codes("b") + t.codes("c")  # noqa: E731
    counts = np.stack([np.bincount(cell(t), minlength=8) for t in (real, made)])
    assert chi2_contingency(counts).pvalue > 0.001


def test_a_curve_with_noise_comes_back(made: Table) -> None:
    x, y = made.numbers("x"), made.numbers("y")
    assert np.abs(y - x**2).mean() < 0.5
    for low in range(-3, 3):
        part = y[(x >= low) & (x < low + 1)]
        middle = np.mean(np.linspace(low, low + 1, 1001) ** 2)
        assert abs(part.mean() - middle) < 0.25


@pytest.mark.parametrize("name", ["a", "b", "c", "smokes", "fixed"])
def test_shares_of_categories_come_back(real: Table, made: Table, name: str) -> None:
    counts = np.stack([np.bincount(t.codes(name), minlength=2) for t in (real, made)])
    counts = counts[:, counts.sum(axis=0) > 0]
    assert counts.shape[1] == 1 or chi2_contingency(counts).pvalue > 0.001


@pytest.mark.parametrize("name", ["x", "y", "income", "born", "gain"])
def test_shapes_of_numbers_come_back(real: Table, made: Table, name: str) -> None:
    one, two = (t.numbers(name)[~t.missing(name)] for t in (real, made))
    edges = np.unique(np.quantile(one, np.linspace(0, 1, 11)))
    expected, counts = np.histogram(one, edges)[0], np.histogram(two, edges)[0]
    assert counts.sum() == len(two)
    assert chisquare(counts, expected * counts.sum() / expected.sum()).pvalue > 1e-5


def test_missing_values_keep_rate_and_pattern(real: Table, made: Table) -> None:
    assert (made.missing("income") == made.missing("gain")).mean() > 0.99
    for code in (0, 1):
        rates = [t.missing("gain")[t.codes("a") == code].mean() for t in (real, made)]
        assert rates[1] == pytest.approx(rates[0], abs=0.03)
    assert made.missing("gone").all()
    assert not made.problems()


def test_grids_bounds_spikes_and_keys(real: Table, made: Table) -> None:
    assert made.schema == real.schema
    there = made.numbers("gain")[~made.missing("gain")]
    assert not np.mod(there, 50).any()
    assert (there == 0).mean() == pytest.approx(0.8, abs=0.03)
    assert not np.mod(made.numbers("born"), DAY).any()
    for name, decimals in (("x", 3), ("y", 2), ("income", 1)):
        new, old = made.numbers(name), real.numbers(name)
        np.testing.assert_array_equal(new, np.round(new, decimals))
        assert np.nanmin(old) <= np.nanmin(new)
        assert np.nanmax(new) <= np.nanmax(old)
    keys = made.strings("key")
    assert len(set(keys)) == len(keys)
    assert not set(keys) & set(real.strings("key"))
    assert all(key is not None and int(key) < 2**63 for key in keys)
    assert set(made.strings("note")) == {""}


def test_rows_depend_on_their_number_alone(fitted: Any, made: Table, tmp_path: Path) -> None:
    few = fitted.sample(700, Rng(1))
    assert few.fingerprint() == made.take(np.arange(700)).fingerprint()
    assert fitted.sample(700, Rng(2)).fingerprint() != few.fingerprint()
    assert len(fitted.sample(0, Rng(1))) == 0
    long = fitted.sample(9000, Rng(1))
    assert long.take(np.arange(4000)).fingerprint() == made.fingerprint()
    fitted.save(tmp_path)
    assert Trees().load(tmp_path).sample(9000, Rng(1)).fingerprint() == long.fingerprint()
    (tmp_path / "lookalike.json").write_text("{}")
    with pytest.raises(DataError, match="does not hold complete"):
        Trees().load(tmp_path)


def test_the_label_is_exact_and_so_is_what_is_searched(real: Table, fitted: Any) -> None:
    asked = ["odd", "even"] * 1000
    drawn = fitted.sample(2000, Rng(3), {"label": asked, "a": "yes", "gain": [0, None] * 1000})
    assert drawn.labels.tolist() == [1, 0] * 1000
    assert (drawn.codes("a") == 1).all()
    assert (drawn.numbers("gain")[::2] == 0).all()
    assert drawn.missing("gain")[1::2].all()
    # Given c and a, b is decided but for noise: Bayes' rule on the joint that is known.
    assert (drawn.codes("b")[::2] == 0).mean() == pytest.approx(0.95, abs=0.025)
    part = fitted.sample(10, Rng(3), {"label": asked[:10], "a": "yes", "gain": [0, None] * 5})
    assert part.fingerprint() == drawn.take(np.arange(10)).fingerprint()
    first = Trees(first=("a", "b")).fit(real, Rng(0), SILENT)
    drawn = first.sample(2000, Rng(3), {"a": "yes", "b": "low"})
    assert (drawn.codes("c") == 1).mean() == pytest.approx(0.95, abs=0.025)


def test_what_cannot_be_had_is_refused_in_one_line(real: Table, fitted: Any) -> None:
    for where, words in (
        ({"key": "1"}, "cannot choose by 'key'"),
        ({"x": 99}, r"x lies between -\d.* in the training rows, found 99"),
        ({"gone": 1}, "gone is always missing"),
        ({"smokes": None}, "smokes is never missing"),
    ):
        with pytest.raises(ConfigError, match=words):
            fitted.sample(2, Rng(0), where)
    never = real.take(np.flatnonzero(real.codes("c") == 0)[:50])
    with pytest.raises(ConfigError, match="no training row has the value asked of c"):
        Trees().fit(never, Rng(0), SILENT).sample(1, Rng(0), {"label": "odd"})
    with pytest.raises(ConfigError, match=r"x has 3 digits after the point, found 0\.0001"):
        fitted.sample(2, Rng(0), {"x": 0.0001})
    few = real.take(np.arange(200))
    unseen = next(x for x in np.round(np.arange(0.001, 1, 0.001), 3) if x not in few.values("x"))
    with pytest.raises(DataError, match="did not come in 20 attempts"):
        Trees(attempts=20).fit(few, Rng(0), SILENT).sample(3, Rng(0), {"x": float(unseen)})
    with pytest.raises(ConfigError, match="first names nothing; allowed: a, b"):
        Trees(first=("nothing",)).fit(real, Rng(0), SILENT)
    with pytest.raises(DataError, match="needs rows"):
        Trees().fit(real.take(np.zeros(0, dtype=np.int64)), Rng(0), SILENT)


@pytest.mark.parametrize("rows", [1, 2, 7])
def test_a_few_rows_are_enough(rows: int) -> None:
    few = mixed(rows)
    drawn = Trees().fit(few, Rng(0), SILENT).sample(20, Rng(0))
    assert len(drawn) == 20
    assert drawn.schema == few.schema


def test_free_text_is_announced(real: Table) -> None:
    told: list[Any] = []

    class Listening:
        folder = None

        def __call__(self, event: Any) -> None:
            told.append(event)

    Trees().fit(real.take(np.arange(50)), Rng(0), Listening())
    assert any(isinstance(event, Note) and "note will be empty" in event.message for event in told)


def test_a_hundred_thousand_levels_do_not_explode() -> None:
    n = 5000
    draw = np.random.default_rng(0)
    level = np.where(draw.random(n) < 0.5, draw.integers(0, 5, n), draw.integers(0, 100_000, n))
    schema = table_schema(
        [
            Column(name="level", kind="category", categories=tuple(map(str, range(100_000)))),
            Column(name="side", kind="category", categories=("l", "r")),
            Column(name="other", kind="category", categories=tuple(map(str, range(100_000)))),
        ]
    )
    table = Table.of({"level": level, "side": level % 2, "other": draw.permutation(100_000)[:n]}, schema)
    drawn = Trees().fit(table, Rng(0), SILENT).sample(n, Rng(0))
    common = drawn.codes("level") < 5
    assert (drawn.codes("side") == drawn.codes("level") % 2)[common].mean() > 0.97
    assert common.mean() == pytest.approx(0.5, abs=0.03)


def test_a_wide_table_reads_the_columns_that_matter() -> None:
    draw = np.random.default_rng(0)
    values = draw.standard_normal((400, 60))
    values[:, 59] = values[:, 3] + 0.05 * draw.standard_normal(400)
    names = [f"n{k}" for k in range(60)]
    schema = table_schema([Column(name=name, kind="number") for name in names])
    table = Table.of(dict(zip(names, values.T, strict=True)), schema)
    drawn = Trees(predictors=5).fit(table, Rng(0), SILENT).sample(1000, Rng(0))
    assert np.corrcoef(drawn.numbers("n3"), drawn.numbers("n59"))[0, 1] > 0.9


def closer_to_train(train: np.ndarray, holdout: np.ndarray, made: np.ndarray) -> float:
    near = [cKDTree(real).query(made, p=1)[0] for real in (train, holdout)]
    return float((near[0] < near[1]).mean() + (near[0] == near[1]).mean() / 2)


def test_a_setting_that_copies_is_seen_and_the_default_does_not() -> None:
    draw = np.random.default_rng(0)
    names = [f"n{k}" for k in range(4)]
    schema = table_schema([Column(name=name, kind="number") for name in names])
    base = draw.standard_normal((1600, 1))
    values = base + 0.7 * draw.standard_normal((1600, 4))
    table = Table.of(dict(zip(names, values.T, strict=True)), schema)
    train = table.take(np.arange(800))
    shares = {}
    for name, config in {"default": Trees(), "copier": Trees(min_leaf=1, significance=1, ties=1)}.items():
        drawn = config.fit(train, Rng(0), SILENT).sample(1600, Rng(0))
        made = np.stack([drawn.numbers(column) for column in names], axis=1)
        shares[name] = closer_to_train(values[:800], values[800:], made)
    # Half is what new rows would give; whatever learns from 800 rows lies a little nearer to these.
    assert 0.46 < shares["default"] < 0.6
    assert shares["copier"] > 0.9


def test_gaps_are_filled_from_both_sides(real: Table, fitted: Any) -> None:
    holes = mixed(1000, seed=5)
    draw = np.random.default_rng(1)
    gap = draw.random(1000) < 0.5
    optional = [
        column.model_copy(update={"optional": column.kind not in ("id", "text")}) for column in holes.schema.columns
    ]
    columns = {column.name: holes.values(column.name) for column in holes.schema.columns}
    columns["a"] = np.where(gap, -1, holes.codes("a"))
    columns["y"] = np.where(gap, np.nan, holes.numbers("y"))
    table = Table.of(columns, table_schema(optional, "c"))
    full = fitted.impute(table, Rng(0))
    assert not full.missing("a").any()
    assert not full.missing("income").any()
    assert full.missing("gone").all()
    assert (full.codes("a")[~gap] == holes.codes("a")[~gap]).all()
    assert full.strings("key") == holes.strings("key")
    # `a` comes before `b` in the chain; only what comes after the gap says what it is.
    assert (full.codes("a") == holes.codes("a"))[gap].mean() > 0.85
    assert np.abs(full.numbers("y") - full.numbers("x") ** 2)[gap].mean() < 0.5
    assert fitted.impute(table, Rng(0)).fingerprint() == full.fingerprint()
    alone = Trees(candidates=1).fit(real, Rng(0), SILENT).impute(table, Rng(0))
    assert (alone.codes("a") == holes.codes("a"))[gap].mean() < 0.65


def test_columns_that_are_always_given_are_not_learnt() -> None:
    data = mixed(600)
    fitted = Trees(given=("a", "gain")).fit(data, Rng(0), SILENT)
    assert [link.name for link in fitted.links[:2]] == ["a", "gain"]
    assert fitted.about["leaves"][:2] == [1, 1]
    first = data.schema.column("a").categories[1]
    made = fitted.sample(40, Rng(1), {"a": first, "gain": 0})
    assert (made.codes("a") == 1).all()
    with pytest.raises(ConfigError, match="a is not learnt, because given names it; give its values"):
        fitted.sample(4, Rng(1), {"gain": 0})
    with pytest.raises(ConfigError, match="given or first names a column twice"):
        Trees(given=("a",), first=("a",)).fit(data, Rng(0), SILENT)
