"""Columns that number the rows of each family do so in made families too; orders that never repeat do not repeat."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.data.orders import write_orders

from lookalike.core.events import Event, Note
from lookalike.core.rng import Rng
from lookalike.core.schema import Column
from lookalike.data.readers.tables import Tables
from lookalike.data.relations import Relations
from lookalike.data.table import Codes, Numbers
from lookalike.generators.tables.families.numbered import (
    Apart,
    Numbered,
    counted_again,
    in_turn,
    nearly_numbered,
    numbered,
)
from lookalike.generators.tables.families.since import Since
from lookalike.generators.tables.nested import Nested

DAY = 86_400.0
SIZES = np.array([3, 0, 1, 2, 4] * 12)
OWNER = np.repeat(np.arange(len(SIZES)), SIZES)
PLACE = np.concatenate([np.arange(size) for size in SIZES]).astype(np.float64)
WHOLE = Column(name="no", kind="integer")


def mixed(values: Numbers, seed: int = 0) -> Numbers:
    """Return values with those of each family in an order that chance gives."""
    return values[np.lexsort((np.random.default_rng(seed).random(len(values)), OWNER))]


def read(folder: Path, frames: dict[str, pd.DataFrame], **lines: object) -> Relations:
    for name, frame in frames.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
    (folder / "read").mkdir()
    of = {"read": "csv", "path": str(folder / "lines.csv"), "parent": {"orders": "order"}}
    orders = {"read": "csv", "path": str(folder / "orders.csv"), "key": "order"}
    return Tables(tables={"orders": orders, "lines": {**of, **lines}}).read(folder / "read")


def few_lines(gap: float = 0.0) -> dict[str, pd.DataFrame]:
    """Return orders whose lines are numbered, some of which are left out, with a moment that rises with the number."""
    draw = np.random.default_rng(0)
    sizes = 1 + draw.poisson(2, 400)
    owner = np.repeat(np.arange(400), sizes)
    number = 1 + np.concatenate([np.arange(size) for size in sizes])
    rest = draw.integers(0, 2 * 86_400, len(owner)).astype(float)
    later = pd.Series(rest).groupby(owner).cumsum().to_numpy()
    moment = pd.Timestamp("2024-01-01") + pd.to_timedelta(draw.integers(0, 300, 400)[owner] * 86_400 + later, "s")
    lines = pd.DataFrame({"order": owner, "line_no": number, "at": moment.strftime("%Y-%m-%d %H:%M:%S"),
                          "price": draw.gamma(2, 10, len(owner)).round(2)})  # fmt: skip
    lines = lines[draw.random(len(owner)) >= gap].sample(frac=1, random_state=0)
    return {"orders": pd.DataFrame({"order": np.arange(400), "kind": ["a", "b"] * 200}), "lines": lines}


def of_families(data: Relations, name: str = "line_no") -> list[list[float]]:
    """Return what each family holds in a column of lines, row by row."""
    table = data.tables["lines"]
    column = table.schema.column(name)
    values = (
        table.numbers(name) if not column.categories else np.array(column.categories)[table.codes(name)].astype(float)
    )
    return [values[data.owners("lines") == family].tolist() for family in range(len(data.sizes["lines"]))]


def test_lines_are_numbered_as_in_the_data(tmp_path: Path) -> None:
    """Of data with none, 9.5 % of pairs of order and number came twice, and 73 % of orders had numbers from 1 on."""
    tables = write_orders(tmp_path)
    (tmp_path / "read").mkdir()
    data = Tables(tables=tables).read(tmp_path / "read")
    assert data.tables["lines"].schema.column("line_no").kind == "category"
    told: list[Event] = []
    model = Nested().fit(data, Rng(0), told.append)
    made = model.sample(300, Rng(1))
    for family in of_families(made, "line_no"):
        assert family == [1 + place for place in range(len(family))]
    notes = [event.message for event in told if isinstance(event, Note)]
    assert "lines: line_no numbers the rows of each owner from 1 on: each row gets its place" in notes
    # The first line is a gear in nine of ten orders, and so it is made: rows are learnt in their order.
    for rows in (data, made):
        gear = rows.tables["lines"].codes("product") == rows.tables["lines"].schema.column("product").categories.index(
            "gear"
        )
        first = rows.tables["lines"].codes("line_no") == rows.tables["lines"].schema.column("line_no").categories.index(
            "1"
        )
        assert gear[first].mean() == pytest.approx(0.9, abs=0.03)
        assert gear[~first].mean() == pytest.approx(0.1, abs=0.03)
    (tmp_path / "model").mkdir()
    model.save(tmp_path / "model" / "new")
    again = Nested().load(tmp_path / "model" / "new").sample(300, Rng(1))
    assert again.fingerprint() == made.fingerprint()


@pytest.mark.parametrize("order", ["line_no", "at"])
def test_numbers_are_places_in_an_order_that_they_rise_with(tmp_path: Path, order: str) -> None:
    data = read(tmp_path, few_lines(), order=order)
    made = Nested().fit(data, Rng(0), lambda _: None).sample(300, Rng(1))
    assert data.tables["lines"].schema.column("line_no").kind == ("integer" if order == "line_no" else "category")
    for family in of_families(made):
        assert family == [1 + place for place in range(len(family))]
    if order == "at":
        assert all(family == sorted(family) for family in of_families(made, "at"))


def test_numbers_in_no_order_of_others_are_ranks(tmp_path: Path) -> None:
    frames = few_lines()
    frames["lines"]["line_no"] = frames["lines"].groupby("order")["price"].rank(method="first").astype(int)
    data = read(tmp_path, frames, order="at")
    told: list[Event] = []
    made = Nested().fit(data, Rng(0), told.append).sample(300, Rng(1))
    assert all(sorted(family) == [1 + place for place in range(len(family))] for family in of_families(made))
    assert all(family == sorted(family) for family in of_families(made, "at"))
    assert any("each row gets its rank by what is drawn" in event.message for event in told if isinstance(event, Note))
    alike = [np.corrcoef(data_.tables["lines"].codes("line_no"), data_.tables["lines"].numbers("price"))[0, 1]
             for data_ in (data, made)]  # fmt: skip
    assert alike[1] == pytest.approx(alike[0], abs=0.15)


@pytest.mark.parametrize("order", ["line_no", "at"])
def test_an_order_that_never_repeats_does_not_repeat(tmp_path: Path, order: str) -> None:
    """Without the code .2 % of numbers with gaps came twice in an order."""
    data = read(tmp_path, few_lines(0.15), order=order)
    model = Nested().fit(data, Rng(0), lambda _: None)
    made = model.sample(2000, Rng(1))
    assert all(len(set(family)) == len(family) for family in of_families(data, order))
    for family in of_families(made, order):
        assert family == sorted(set(family))
    model.save(tmp_path / "model")
    assert Nested().load(tmp_path / "model").sample(2000, Rng(1)).fingerprint() == made.fingerprint()
    if order == "line_no":
        gaps = [np.concatenate([np.diff(family) for family in of_families(rows)]) for rows in (data, made)]
        assert (gaps[1] == 1).mean() == pytest.approx((gaps[0] == 1).mean(), abs=0.03)
        assert max(map(max, filter(None, of_families(made)))) <= max(map(max, filter(None, of_families(data))))


def test_models_of_earlier_versions_are_read(tmp_path: Path) -> None:
    model = Nested().fit(read(tmp_path, few_lines(0.15), order="at"), Rng(0), lambda _: None)
    model.save(tmp_path / "model")
    (place,) = (tmp_path / "model").rglob("children.json")
    about = json.loads(place.read_text())
    assert about.pop("counted") == []
    assert about.pop("apart")["column"] == "at"
    place.write_text(json.dumps(about))
    assert len(Nested().load(tmp_path / "model").sample(10, Rng(1))) == 10


def test_what_numbers_rows_is_found_whatever_its_kind_and_order() -> None:
    words = ("10", "1", "3", "2", "4")
    codes = np.array([words.index(f"{place + 1:.0f}") for place in mixed(PLACE)])
    own = {
        "no": (WHOLE, mixed(PLACE) + 7),
        "level": (Column(name="level", kind="ordinal", categories=words[1:]), codes - 1),
        "other": (WHOLE, mixed(PLACE, 1)),
        "rest": (WHOLE, np.random.default_rng(0).integers(0, 4, len(PLACE)).astype(float)),
    }
    found = numbered(own, SIZES, None)
    assert found == (
        Numbered("no", 7.0),
        Numbered("level", 1.0, (1.0, 3.0, 2.0, 4.0)),
        Numbered("other", 0.0, leads=False),
    )
    # Rows come in the order of the first.
    index = in_turn(own, SIZES, None, found, Rng(0))
    assert (np.asarray(own["no"][1])[index] == PLACE + 7).all()
    assert (OWNER[index] == OWNER).all()
    assert [one.leads for one in numbered(own, SIZES, "other")] == [False, False, True]


@pytest.mark.parametrize(
    ("values", "sizes"),
    [
        (np.where(np.arange(len(PLACE)) == 5, np.nan, PLACE), SIZES),
        (PLACE + (OWNER == 4), SIZES),
        (np.where(PLACE == 2, 3, PLACE), SIZES),
        (np.where(PLACE == 2, 1, PLACE), SIZES),
        (PLACE + 0.5, SIZES),
        (PLACE[: SIZES[:5].sum()], SIZES[:5]),
        (np.zeros(60), np.ones(60, dtype=np.int64)),
    ],
    ids=["missing", "another first", "a gap", "twice", "halves", "few rows", "one row each"],
)
def test_what_does_not_number_rows_is_learnt(values: Numbers, sizes: Codes) -> None:
    assert numbered({"no": (Column(name="no", kind="number"), values)}, sizes, None) == ()


def test_words_are_no_numbers() -> None:
    codes = PLACE.astype(np.int64)
    for words in (("a", "b", "c", "d"), ("1", "2", "3", "three"), ("1", "01", "2", "3")):
        assert numbered({"no": (Column(name="no", kind="category", categories=words), codes)}, SIZES, None) == ()


def test_numbers_come_back_by_plain_loops() -> None:
    sizes = np.array([3, 0, 2])
    drawn = {"a": np.array([9.0, 2.0, 2.0, 5.0, 1.0]), "b": np.array([2, 0, 1, 1, 2])}
    levels = (2.0, 1.0, 0.0)
    counted = (Numbered("a", 4.0, leads=False), Numbered("b", 0.0, levels, leads=False), Numbered("c", 1.0))
    made = counted_again(drawn, counted, sizes)
    assert made["a"].tolist() == [6, 4, 5, 5, 4]
    # Drawn codes 2, 0, 1 stand for 0, 2, 1, which are the ranks 0, 2, 1: codes 2, 0, 1.
    assert [levels[code] for code in made["b"]] == [0, 2, 1, 1, 0]
    assert made["c"].tolist() == [1, 2, 3, 1, 2]


@given(st.lists(st.lists(st.integers(0, 12), max_size=6), max_size=5), st.sampled_from([0.5, 1.0, DAY]))
def test_rows_are_kept_apart_and_change_only_where_they_are_not(families: list[list[int]], step: float) -> None:
    sizes = np.array([len(family) for family in families], dtype=np.int64)
    values = step * np.array([value for family in families for value in sorted(family)], dtype=np.float64)
    found = Apart("no", step, 0.0, 12 * step).parted({"no": values}, sizes, (), {})["no"]
    for begin, size in zip(np.cumsum(sizes) - sizes, sizes, strict=True):
        before, after = values[begin : begin + size], found[begin : begin + size]
        assert (np.diff(after) >= step).all()
        assert after.min(initial=0) >= 0
        assert after.max(initial=0) <= 12 * step
        if (np.diff(before) > 0).all():
            assert (before == after).all()


def test_the_moment_of_the_owner_comes_before_the_stretch() -> None:
    apart, sizes = Apart("at", DAY, 0.0, 5 * DAY), np.array([3])
    values = np.array([4.0, 5.0, 5.0]) * DAY
    since, until = (
        Since("at", "p", 0.0, 9 * DAY, 0.0, 9 * DAY, True),
        Since("at", "p", -9 * DAY, 0.0, 0.0, 9 * DAY, True),
    )
    # Of the highest value a row is kept as long as there is room from the owner's moment on.
    for day, expected in ((0, [3, 4, 5]), (3, [3, 4, 5]), (4, [4, 5, 6])):
        found = apart.parted({"at": values}, sizes, (since,), {"p": np.array([day * DAY])})
        assert (found["at"] / DAY).tolist() == expected
    for day, expected in ((5, [3, 4, 5]), (7, [4, 5, 6])):
        late = Apart("at", DAY, 0.0, 9 * DAY).parted({"at": values}, sizes, (until,), {"p": np.array([day * DAY])})
        assert (late["at"] / DAY).tolist() == expected


def test_orders_that_may_repeat_or_hold_any_numbers_are_not_kept_apart() -> None:
    assert Apart.of(WHOLE, 2 * PLACE, SIZES) == Apart("no", 1.0, 0.0, 6.0)
    assert Apart.of(WHOLE, np.floor(PLACE / 2), SIZES) is None
    assert Apart.of(Column(name="no", kind="number"), PLACE, SIZES) is None
    decimal = Apart.of(Column(name="no", kind="number", decimals=1), PLACE / 5, SIZES)
    assert decimal is not None
    assert decimal.step == pytest.approx(0.1)
    assert Apart.of(WHOLE, PLACE[: SIZES[:20].sum()], SIZES[:20]) is None


@pytest.mark.parametrize(("sizes", "told"), [([2] * 12, True), ([2] * 11, False), ([7, 1, 7], True), ([12], False)])
def test_rows_beyond_the_first_are_what_tells(sizes: list[int], told: bool) -> None:
    """Few large families say as much as many small ones."""
    place = np.concatenate([np.arange(size) for size in sizes]).astype(np.float64)
    assert bool(numbered({"no": (WHOLE, place + 1)}, np.array(sizes), None)) == told


@pytest.mark.parametrize(("wrong", "gap", "told"), [(1, 1, True), (2, 1, True), (3, 1, False), (1, np.nan, True)])
def test_what_numbers_nearly_all_families_is_told(wrong: int, gap: float, told: bool) -> None:
    """Of 40 families of 3 rows one or two have a gap or no number; families of one row say nothing."""
    sizes = np.array([3] * 40 + [1] * 40)
    values = np.concatenate([np.arange(size) for size in sizes]).astype(np.float64) + 1
    values[2 : 3 * wrong : 3] += gap
    own = {"no": (WHOLE, values), "any": (WHOLE, np.zeros(len(values)))}
    assert numbered(own, sizes, None) == ()
    words = f"no numbers the rows of nearly every owner from 1 on, but not of {wrong}: it is learnt as any other column"
    assert [note.startswith(words) for note in nearly_numbered(own, sizes)] == [True] * told


def test_a_warning_says_that_not_all_are_numbered(tmp_path: Path) -> None:
    frames = few_lines()
    told: list[Event] = []
    frames["lines"].loc[frames["lines"]["line_no"] == 7, "line_no"] = 70
    Nested().fit(read(tmp_path, frames), Rng(0), told.append)
    notes = [(event.message, event.level) for event in told if isinstance(event, Note)]
    assert [level for message, level in notes if "line_no numbers the rows of nearly every owner" in message] == [
        "warning"
    ]
