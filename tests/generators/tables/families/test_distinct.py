"""What is a part of a key does not come again in a family: drawn anew where it did, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.core.constraints import Constraint, Unique
from lookalike.core.events import Event, Note
from lookalike.core.rng import Rng
from lookalike.core.schema import Column, Member
from lookalike.data.integrity import keys_of
from lookalike.data.readers.tables import Tables
from lookalike.data.relations import Relations
from lookalike.data.table import Table, table_schema
from lookalike.generators.tables.families.distinct import Distinct, alone, instead, repeating
from lookalike.generators.tables.families.stage import Columns, Stage
from lookalike.generators.tables.nested import Nested, _way


@given(st.lists(st.lists(st.integers(-1, 7), max_size=7), max_size=6), st.booleans())
def test_values_that_come_again_are_others_that_there_were(families: list[list[int]], coded: bool) -> None:
    sizes = np.array([len(family) for family in families], dtype=np.int64)
    codes = np.array([code for family in families for code in family], dtype=np.int64)
    values = codes if coded else np.where(codes < 0, np.nan, codes)
    one = Distinct.of("c", np.arange(8))
    found = one.parted({"c": values}, sizes, Rng(0))["c"]
    assert found.dtype == values.dtype
    for begin, family in zip(np.cumsum(sizes) - sizes, families, strict=True):
        made = found[begin : begin + len(family)].tolist()
        seen: list[int] = []
        for before, after in zip(family, made, strict=True):
            if before < 0:
                assert after < 0 or np.isnan(after)
            elif before not in seen:
                assert after == before
            seen.append(before)
        there = [code for code in made if code >= 0]
        assert len(set(there)) == len(there)
        assert set(there) <= set(range(8))


@given(st.lists(st.lists(st.tuples(st.integers(-1, 3), st.integers(-1, 2)), max_size=7), max_size=6))
def test_of_two_columns_one_gives_way(families: list[list[tuple[int, int]]]) -> None:
    sizes = np.array([len(family) for family in families], dtype=np.int64)
    values = np.array([row for family in families for row in family], dtype=np.int64).reshape(-1, 2)
    one = Distinct.of("c", np.arange(8), ["d", "its time"])
    found = one.parted({"c": values[:, 0], "d": values[:, 1]}, sizes, Rng(0))
    assert found["d"].tolist() == values[:, 1].tolist()
    for begin, family in zip(np.cumsum(sizes) - sizes, families, strict=True):
        made = [*zip(found["c"][begin : begin + len(family)].tolist(), [row[1] for row in family], strict=True)]
        for place, row in enumerate(family):
            if -1 in row or row not in family[:place]:
                assert made[place] == row
        there = [row for row in made if -1 not in row]
        assert len(set(there)) == len(there)


def test_what_is_drawn_instead_is_most_like_the_row_and_new_in_its_family() -> None:
    owner, rule = np.array([0, 0, 0, 1]), Distinct.of("c", np.arange(5), ["d"])
    made = {"c": np.array([0, 0, 2, 0]), "d": np.array([1, 1, 1, 1]), "x": np.array([1.0, 5.0, np.nan, 9.0]),
            "k": np.array([0, 1, 0, 1])}  # fmt: skip
    step = np.array([0, 1, 2, 0])
    assert [repeating([rule], made, owner, step, now).tolist() for now in range(3)] == [[], [1], []]
    drawn = {"c": np.array([2, 1, 3, 4]), "d": np.array([1, 1, 1, 1]), "x": np.array([5.0, 6.0, 5.1, 5.0]),
             "k": np.array([1, 1, 1, 0])}  # fmt: skip
    earlier = np.array([0, 2, 3])
    assert instead([rule], made, drawn, owner, np.array([1]), earlier).tolist() == [2]
    every = {**drawn, "c": np.array([0, 2, 0, 2])}
    assert instead([rule], made, every, owner, np.array([1]), earlier).tolist() == [-1]
    assert instead([rule], made, {**every, "d": np.array([1, 1, 0, 0])}, owner, np.array([1]), earlier).tolist() == [2]
    # A missing value never comes again: it would be taken too often.
    for some, taken in (([-1, 3, 0, 2], 1), ([-1, 0, 0, 2], 0)):
        best = instead([rule], made, {**drawn, "c": np.array(some)}, owner, np.array([1]), earlier)
        assert best.tolist() == [taken]


def test_the_commonest_are_drawn_most_and_more_than_there_are_stay() -> None:
    learnt = np.array([0] * 60 + [1] * 30 + [2] * 10 + [3])
    one = Distinct.of("c", np.where(learnt == 3, np.nan, learnt))
    assert one == Distinct.of("c", np.where(learnt == 3, -1, learnt))
    assert one == Distinct("c", (0.0, 1.0, 2.0), (0.6, 0.3, 0.1))
    assert one == Distinct.opened({"column": "c", "values": [0.0, 1.0, 2.0], "share": [0.6, 0.3, 0.1]})
    drawn = one.parted({"c": np.zeros(4000)}, np.full(2000, 2), Rng(0))["c"].reshape(-1, 2)
    assert (drawn[:, 0] == 0).all()
    assert (drawn[:, 1] == 1).mean() == pytest.approx(0.75, abs=0.03)
    assert sorted(one.parted({"c": np.zeros(4)}, np.array([4]), Rng(0))["c"].tolist()) == [0, 0, 1, 2]


def test_which_columns_keep_a_constraint_by_themselves() -> None:
    columns = [Column(name=name, kind="category", categories=("a", "b")) for name in ("c", "d", "e", "f")]
    words = [Column(name=name, kind="id") for name in ("of", "at", "key")]
    rules: list[Constraint] = [Unique(rule="unique", columns=names) for names in (
        ("of", "at", "c"), ("of", "at", "d", "e"), ("at", "c"), ("of", "at"), ("key", "of", "at"), ("of", "at", "e"),
        ("at", "f", "of"))]  # fmt: skip
    schema = table_schema([*words, *columns]).model_copy(update={"constraints": tuple(rules)})
    member = Member(name="rows", rows=schema, parent="owners", columns=("of", "at"), order="e", inherited=(("f", "x"),))
    assert alone(member, ()) == {rules[0].title: ("c",), rules[1].title: ("d", "e")}
    assert alone(member, ("c", "d")) == {}
    assert alone(member, ("d",), ("e",)) == {rules[0].title: ("c",), rules[1].title: ("d", "e"), rules[5].title: ("e",)}
    single = member.model_copy(update={"columns": (), "column": "at"})
    assert alone(single, ()) == {rules[2].title: ("c",)}
    assert alone(member.model_copy(update={"columns": (), "parent": None}), ()) == {}


def languages(folder: Path) -> Relations:
    """Return products with a text in some languages each, no two in one."""
    draw = np.random.default_rng(0)
    names, share = np.array(["de", "en", "fr", "it", "pl"]), [0.35, 0.35, 0.15, 0.1, 0.05]
    rows = [(k, word) for k in range(400) for word in draw.choice(names, draw.integers(1, 5), False, share)]
    pd.DataFrame({"product": range(400), "kind": ["a", "b"] * 200}).to_csv(folder / "products.csv", index=False)
    texts = pd.DataFrame(rows, columns=["product", "language"]).assign(words=draw.integers(1, 900, len(rows)))
    texts.to_csv(folder / "texts.csv", index=False)
    (folder / "read").mkdir()
    place = {name: {"read": "csv", "path": str(folder / f"{name}.csv")} for name in ("products", "texts")}
    rule = {"rule": "unique", "columns": ["product", "language"]}
    return Tables(tables={"products": {**place["products"], "key": "product"},
                          "texts": {**place["texts"], "parent": {"products": "product"}, "constraints": [rule]}}
                  ).read(folder / "read")  # fmt: skip


def test_a_text_in_each_language(tmp_path: Path) -> None:
    """By rejection a fifth of families would go, the large ones first."""
    data = languages(tmp_path)
    told: list[Event] = []
    model = Nested().fit(data, Rng(0), told.append)
    made = model.sample(400, Rng(1))
    assert not made.problems()
    assert not [event for event in told if isinstance(event, Note) and "rejecting" in event.message]
    assert made.sizes["texts"].mean() == pytest.approx(data.sizes["texts"].mean(), abs=0.15)
    share = [np.bincount(rows.tables["texts"].codes("language"), minlength=5) / len(rows.tables["texts"])
             for rows in (data, made)]  # fmt: skip
    np.testing.assert_allclose(share[1], share[0], atol=0.04)
    model.save(tmp_path / "model")
    assert Nested().load(tmp_path / "model").sample(400, Rng(1)).fingerprint() == made.fingerprint()


def test_values_are_missing_as_often_as_in_the_data(tmp_path: Path) -> None:
    """One in three is; more were where any row that its family has not was taken for one that came again."""
    draw, words = np.random.default_rng(0), np.array([*"abcdef", "", "", ""])
    rows = [(k, words[one]) for k in range(400) for one in draw.choice(9, draw.integers(1, 7), replace=False)]
    frame = pd.DataFrame(rows, columns=["owner", "colour"]).assign(much=draw.integers(1, 900, len(rows)))
    frame.to_csv(tmp_path / "things.csv", index=False)
    pd.DataFrame({"owner": range(400), "kind": ["a", "b"] * 200}).to_csv(tmp_path / "owners.csv", index=False)
    (tmp_path / "read").mkdir()
    place = {name: {"read": "csv", "path": str(tmp_path / f"{name}.csv")} for name in ("owners", "things")}
    rule = {"rule": "unique", "columns": ["owner", "colour"]}
    data = Tables(tables={"owners": {**place["owners"], "key": "owner"},
                          "things": {**place["things"], "parent": {"owners": "owner"}, "constraints": [rule]}}
                  ).read(tmp_path / "read")  # fmt: skip
    made = Nested().fit(data, Rng(0), lambda _: None).sample(2000, Rng(1))
    share = [float((rows.tables["things"].codes("colour") < 0).mean()) for rows in (data, made)]
    assert not made.problems()
    assert share[1] == pytest.approx(share[0], abs=0.015)


def test_many_rows_that_come_again_are_not_all_drawn_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred thousand rows were: for larger families with little room, twice the memory and the time."""
    draw = np.random.default_rng(0)
    rows = [(k, slot) for k in range(30) for slot in draw.choice(110, draw.integers(60, 100), replace=False)]
    pd.DataFrame(rows, columns=["owner", "slot"]).to_csv(tmp_path / "cells.csv", index=False)
    pd.DataFrame({"owner": range(30), "kind": ["a", "b"] * 15}).to_csv(tmp_path / "owners.csv", index=False)
    (tmp_path / "read").mkdir()
    place = {name: {"read": "csv", "path": str(tmp_path / f"{name}.csv")} for name in ("owners", "cells")}
    data = Tables(tables={"owners": {**place["owners"], "key": "owner"},
                          "cells": {**place["cells"], "parent": {"owners": "owner"}, "key": ["owner", "slot"]}}
                  ).read(tmp_path / "read")  # fmt: skip
    model, drawn, drawing = Nested().fit(data, Rng(0), lambda _: None), [0], Stage.draw

    def watched(self: Stage, known: Columns, count: int, rng: Rng) -> Columns:
        drawn.append(count)
        return drawing(self, known, count, rng)

    monkeypatch.setattr(Stage, "draw", watched)
    assert not model.sample(256, Rng(1)).problems()
    assert max(drawn) <= 1 << 16


def courses(folder: Path) -> Relations:
    """Return students and the courses that they take, of which there are few, none twice, most of their own field."""
    draw = np.random.default_rng(0)
    field = np.arange(24) % 3
    known = pd.DataFrame({"course": [f"K{k:02d}" for k in range(24)], "field": np.array(["a", "b", "c"])[field]})
    known["hours"] = draw.integers(1, 9, 24)
    likes = draw.integers(0, 3, 300)
    rows = []
    for student in range(300):
        weight = np.where(field == likes[student], 8.0, 1.0) / (1 + np.arange(24))
        rows += [(student, f"K{k:02d}") for k in draw.choice(24, draw.integers(1, 7), False, weight / weight.sum())]
    taken = pd.DataFrame(rows, columns=["student", "course"]).assign(grade=draw.integers(1, 6, len(rows)))
    students = pd.DataFrame({"student": range(300), "likes": np.array(["a", "b", "c"])[likes]})
    for name, frame in (("students", students), ("taken", taken), ("courses", known)):
        frame.to_csv(folder / f"{name}.csv", index=False)
    (folder / "read").mkdir()
    place = {name: {"read": "csv", "path": str(folder / f"{name}.csv")} for name in ("students", "taken", "courses")}
    rule = {"rule": "unique", "columns": ["student", "course"]}
    return Tables(tables={"students": {**place["students"], "key": "student"},
                          "taken": {**place["taken"], "parent": {"students": "student"},
                                    "links": {"courses": "course"}, "constraints": [rule]},
                          "courses": {**place["courses"], "key": "course", "shared": True}}
                  ).read(folder / "read")  # fmt: skip


def test_no_course_is_taken_twice(tmp_path: Path) -> None:
    """Without the code a tenth of the courses taken were taken by the same student already."""
    data = courses(tmp_path)
    told: list[Event] = []
    model = Nested().fit(data, Rng(0), told.append)
    made = model.sample(300, Rng(1))
    for rows in (data, made):
        pairs = [*zip(rows.owners("taken").tolist(), rows.tables["taken"].strings("course"), strict=True)]
        assert len(set(pairs)) == len(pairs)
    assert not made.problems()
    assert not [event for event in told if isinstance(event, Note) and "rejecting" in event.message]
    assert all(one.wrong == 0 for one in keys_of(made))
    assert made.sizes["taken"].mean() == pytest.approx(data.sizes["taken"].mean(), abs=0.3)
    model.save(tmp_path / "model")
    assert Nested().load(tmp_path / "model").sample(300, Rng(1)).fingerprint() == made.fingerprint()


def fitting(data: Relations) -> float:
    """Return the share of courses that are of the student's own field."""
    likes, field = data.root.codes("likes"), data.tables["courses"].codes("field")
    return float((likes[data.owners("taken")] == field[data.linked("taken", "course")]).mean())


def test_courses_drawn_anew_are_of_the_field_that_the_student_likes(tmp_path: Path) -> None:
    """By chance .60 of them were: .73 are in the data, .67 where courses may come twice."""
    model = Nested().fit(data := courses(tmp_path), Rng(1), lambda _: None)
    assert fitting(data) == pytest.approx(0.733, abs=0.001)
    assert fitting(model.sample(1000, Rng(1))) > 0.64


def basket(folder: Path) -> Relations:
    """Return customers with what they chose: no product twice in one colour, most of the kind that they like."""
    draw, rows = np.random.default_rng(0), []
    likes = draw.integers(0, 3, 400)
    for customer in range(400):
        weight = np.where(np.arange(15) % 3 == likes[customer], 6.0, 1.0) / (1 + np.arange(15))
        pairs = np.outer(weight / weight.sum(), [0.7, 0.2, 0.1]).ravel()
        chosen = draw.choice(45, draw.integers(1, 12), False, pairs)
        rows += [(customer, f"P{k // 3:02d}", "abc"[k // 3 % 3], "rgb"[k % 3]) for k in chosen]
    frame = pd.DataFrame(rows, columns=["customer", "product", "kind", "colour"])
    frame.assign(amount=draw.integers(1, 9, len(rows))).to_csv(folder / "items.csv", index=False)
    frame = pd.DataFrame({"customer": range(400), "likes": np.array(["a", "b", "c"])[likes]})
    frame.to_csv(folder / "customers.csv", index=False)
    (folder / "read").mkdir()
    place = {name: {"read": "csv", "path": str(folder / f"{name}.csv")} for name in ("customers", "items")}
    rule = {"rule": "unique", "columns": ["customer", "product", "colour"]}
    return Tables(tables={"customers": {**place["customers"], "key": "customer"},
                          "items": {**place["items"], "parent": {"customers": "customer"}, "constraints": [rule]}}
                  ).read(folder / "read")  # fmt: skip


def test_no_product_comes_twice_in_one_colour(tmp_path: Path) -> None:
    """By rejection half of the customers went, with .6 of the rows of those that stayed."""
    data = basket(tmp_path)
    told: list[Event] = []
    model = Nested().fit(data, Rng(0), told.append)
    made = model.sample(400, Rng(1))
    assert not [event for event in told if isinstance(event, Note) and "rejecting" in event.message]
    assert not made.problems()
    assert made.sizes["items"].mean() == pytest.approx(data.sizes["items"].mean(), abs=0.4)
    items = made.tables["items"]
    words = [np.array(items.schema.column(name).categories)[items.codes(name)] for name in ("product", "kind")]
    # The product's kind follows: where values alone were drawn anew, .87 did.
    assert np.mean([kind == "abc"[int(name[1:]) % 3] for name, kind in zip(*words, strict=True)]) > 0.97
    model.save(tmp_path / "model")
    assert Nested().load(tmp_path / "model").sample(400, Rng(1)).fingerprint() == made.fingerprint()


def told_of(data: Relations) -> tuple[list[str], Relations]:
    """Return what is said of rejecting, and what is made."""
    told: list[Event] = []
    made = Nested().fit(data, Rng(0), told.append).sample(200, Rng(1))
    return [event.message for event in told if isinstance(event, Note) and "rejecting" in event.message], made


def visits(folder: Path, owners: int, most: int = 6, **more: object) -> Relations:
    """Return people who come on different days, numbered, with as many tenths."""
    draw, rows = np.random.default_rng(0), []
    for person in range(owners):
        days = np.sort(draw.choice(30, draw.integers(1, most), replace=False))
        rows += [(person, f"2024-01-{day + 1:02d}", place + 1) for place, day in enumerate(days)]
    frame = pd.DataFrame(rows, columns=["person", "day", "no"])
    frame["ten"], frame["mood"] = frame["no"] * 10, draw.integers(1, 90, len(frame))
    frame.to_csv(folder / "visits.csv", index=False)
    pd.DataFrame({"person": range(owners), "kind": draw.choice(["a", "b"], owners)}).to_csv(
        folder / "people.csv", index=False
    )
    (folder / "read").mkdir()
    place = {name: {"read": "csv", "path": str(folder / f"{name}.csv")} for name in ("people", "visits")}
    return Tables(tables={"people": {**place["people"], "key": "person"},
                          "visits": {**place["visits"], "parent": {"people": "person"}, **more}}
                  ).read(folder / "read")  # fmt: skip


@pytest.mark.parametrize(("owners", "most"), [(60, 6), (12, 6), (40, 2)])
def test_an_order_that_is_a_part_of_the_key_is_kept_apart(tmp_path: Path, owners: int, most: int) -> None:
    """However few families there are, and where each has one row."""
    told, made = told_of(visits(tmp_path, owners, most, key=["person", "day"], order="day"))
    assert told == []
    assert not made.problems()


@pytest.mark.parametrize("order", ["at", None])
def test_moments_are_a_part_of_the_key(tmp_path: Path, order: str | None) -> None:
    """Two moods at one moment, or one at two of a day: but not one mood twice at one."""
    draw, rows = np.random.default_rng(0), []
    for person in range(120):
        some = draw.choice(27, draw.integers(1, 9), replace=False)
        rows += [(person, f"2024-01-{k // 9 + 1:02d} {k // 3 % 3 * 4 + 8:02d}:30:00", "xyz"[k % 3]) for k in some]
    frame = pd.DataFrame(rows, columns=["person", "at", "mood"])
    frame.assign(much=draw.integers(1, 90, len(rows))).to_csv(tmp_path / "moods.csv", index=False)
    pd.DataFrame({"person": range(120), "kind": ["a", "b"] * 60}).to_csv(tmp_path / "people.csv", index=False)
    (tmp_path / "read").mkdir()
    place = {name: {"read": "csv", "path": str(tmp_path / f"{name}.csv")} for name in ("people", "moods")}
    data = Tables(tables={"people": {**place["people"], "key": "person"},
                          "moods": {**place["moods"], "parent": {"people": "person"}, "order": order,
                                    "key": ["person", "at", "mood"]}}).read(tmp_path / "read")  # fmt: skip
    told, made = told_of(data)
    assert told == []
    assert not made.problems()
    rows = [*zip(made.owners("moods").tolist(), made.tables["moods"].numbers("at") // 86_400,
                 made.tables["moods"].codes("mood").tolist(), strict=True)]  # fmt: skip
    assert len(set(rows)) < len(rows)


def test_where_a_day_is_full_another_is_taken(tmp_path: Path) -> None:
    """A twelfth of the families were rejected, as days that give the order never gave way."""
    draw, rows = np.random.default_rng(0), []
    for person in range(150):
        some = np.sort(draw.choice(12, draw.integers(1, 11), replace=False))
        rows += [(person, f"2024-01-{k // 2 + 1:02d}", "xy"[k % 2]) for k in some]
    frame = pd.DataFrame(rows, columns=["person", "day", "mood"]).assign(much=draw.integers(1, 90, len(rows)))
    frame.to_csv(tmp_path / "moods.csv", index=False)
    pd.DataFrame({"person": range(150), "kind": ["a", "b"] * 75}).to_csv(tmp_path / "people.csv", index=False)
    (tmp_path / "read").mkdir()
    place = {name: {"read": "csv", "path": str(tmp_path / f"{name}.csv")} for name in ("people", "moods")}
    data = Tables(tables={"people": {**place["people"], "key": "person"},
                          "moods": {**place["moods"], "parent": {"people": "person"}, "order": "day",
                                    "key": ["person", "day", "mood"]}}).read(tmp_path / "read")  # fmt: skip
    told, made = told_of(data)
    assert told == []
    assert not made.problems()
    days = made.tables["moods"].numbers("day")
    assert (np.diff(days)[np.diff(made.owners("moods")) == 0] >= 0).all()


def test_a_row_goes_to_the_nearest_day_with_room() -> None:
    rule = Distinct("c", (0.0, 1.0), (0.5, 0.5), ("day",))
    made = {"c": np.array([0, 1, 1, 0, 0]), "day": np.array([5.0, 5.0, 5.0, 7.0, 9.0]), "x": np.arange(5.0)}
    found = rule.moved(made, np.array([4, 1]), "day", True, Rng(0))
    assert {name: values.tolist() for name, values in found.items()} == {
        "c": [0, 1, 1, 0, 0], "day": [5.0, 5.0, 7.0, 7.0, 9.0], "x": [0.0, 1.0, 2.0, 3.0, 4.0]}  # fmt: skip
    last = {**made, "day": np.array([1.0, 3.0, 3.0, 3.0, 9.0])}
    found = rule.moved(last, np.array([4, 1]), "day", True, Rng(0))
    assert {name: values.tolist() for name, values in found.items()} == {
        "c": [0, 1, 1, 0, 0], "day": [1.0, 1.0, 3.0, 3.0, 9.0], "x": [0.0, 2.0, 1.0, 3.0, 4.0]}  # fmt: skip
    full = {name: values[:3] for name, values in made.items()}
    assert rule.moved(full, np.array([3]), "day", True, Rng(0))["day"].tolist() == [5.0, 5.0, 5.0]
    some = {name: values[[0, 1, 2, 4]] for name, values in made.items()}
    assert rule.moved(some, np.array([3, 1]), "day", True, Rng(0))["day"].tolist() == [5.0, 5.0, 5.0, 9.0]
    assert rule.moved(some, np.array([3, 1]), "day", False, Rng(0))["day"].tolist() == [5.0, 5.0, 9.0, 9.0]


def test_a_number_of_the_row_keeps_the_key_with_any_other_column(tmp_path: Path) -> None:
    told, made = told_of(visits(tmp_path, 60, key=["person", "no", "mood"]))
    assert told == []
    assert not made.problems()


def test_numbers_that_a_formula_gives_keep_no_key(tmp_path: Path) -> None:
    rule = {"rule": "formula", "column": "no", "equals": "ten / 10"}
    told, made = told_of(visits(tmp_path, 60, key=["person", "no"], constraints=[rule]))
    assert told == ["visits: constraints person, no: no two rows alike: kept by rejecting whole families"]
    assert made.problems()


def test_what_new_keys_keep_rejects_nothing(tmp_path: Path) -> None:
    data = courses(tmp_path)
    tables = dict(data.tables)
    for name, rule in (("students", ("student", "likes")), ("courses", ("field", "hours"))):
        rules = (Unique(rule="unique", columns=rule),)
        tables[name] = Table(tables[name].table, tables[name].schema.model_copy(update={"constraints": rules}))
    members = [one.model_copy(update={"rows": tables[one.name].schema}) for one in data.schema.tables]
    told = []
    for member in members:
        said: list[Event] = []
        changed = Relations(tables, data.sizes, data.schema.model_copy(update={"tables": tuple(members)}))
        _way(changed, member, said.append)
        told += [event.message for event in said if isinstance(event, Note)]
    assert told == ["courses: constraints field, hours: no two rows alike: kept by rejecting rows"]
