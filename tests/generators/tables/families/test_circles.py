"""Shared tables whose rows refer to each other, in trees or in circles, keep the shape of the real ones."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from tests.data.desk import write_desk

from lookalike.core.errors import DataError
from lookalike.core.events import SILENT
from lookalike.core.rng import Rng
from lookalike.data.integrity import keys_of
from lookalike.data.readers.tables import Tables
from lookalike.data.relations import Relations
from lookalike.generators.tables.families.shared import in_circles
from lookalike.generators.tables.nested import Nested


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Relations:
    folder = tmp_path_factory.mktemp("desk")
    (folder / "read").mkdir()
    return Tables(tables=write_desk(folder, 400)).read(folder / "read")


@pytest.fixture(scope="module")
def made(desk: Relations) -> Relations:
    return Nested().fit(desk, Rng(0), SILENT).sample(400, Rng(1))


def forest(above: list[int]) -> str:
    """Return one word for each shape that trees of rows can have, whatever the rows are called.

    Source: Aho, Hopcroft and Ullman 1974, The Design and Analysis of Computer Algorithms, section 3.2.
    """

    def tree(at: int) -> str:
        return "(" + "".join(sorted(tree(row) for row, one in enumerate(above) if one == at)) + ")"

    return tree(-1)


def test_trees_of_rows_keep_their_shape(desk: Relations, made: Relations) -> None:
    for name, column in (("topics", "above"), ("staff", "manager")):
        real, new = (one.linked(name, column).tolist() for one in (desk, made))
        assert forest(new) == forest(real)
        # Else the rows would only have been copied in their order.
        assert new != real
    assert forest([-1, 0, 0]) != forest([-1, 0, 1])


def test_keys_of_a_circle_are_new_valid_and_fit_each_other(desk: Relations, made: Relations) -> None:
    assert all(found.wrong == 0 for found in keys_of(made))
    for name, key in (("staff", "staff"), ("departments", "department"), ("topics", "topic")):
        assert not set(made.tables[name].strings(key)) & set(desk.tables[name].strings(key))
    for data in (desk, made):
        heads = data.linked("departments", "head")
        assert data.linked("staff", "department")[heads].tolist() == list(range(len(heads)))
    sizes = [np.sort(np.bincount(data.linked("staff", "department"))).tolist() for data in (desk, made)]
    assert sizes[0] == sizes[1]


def test_columns_of_a_circle_are_made_anew_and_suit_it(desk: Relations, made: Relations) -> None:
    def above(data: Relations) -> float:
        level, to = data.tables["staff"].codes("level"), data.linked("staff", "manager")
        names = data.tables["staff"].schema.column("level").categories
        rank = np.array([("lead", "senior", "junior").index(name) for name in names])[level]
        return float((rank[to] < rank)[to >= 0].mean())

    assert above(made) > (above(desk) + 1 / 3) / 2
    pay = [set(data.tables["staff"].numbers("pay")) for data in (desk, made)]
    assert len(pay[0] & pay[1]) < len(pay[1]) / 2


def test_a_saved_model_has_the_same_circles(desk: Relations, made: Relations, tmp_path: Path) -> None:
    Nested().fit(desk, Rng(0), SILENT).save(tmp_path)
    again = Nested().load(tmp_path).sample(400, Rng(1))
    assert again.fingerprint() == made.fingerprint()


def test_columns_that_go_in_a_circle_are_told_from_others(desk: Relations) -> None:
    found = in_circles(desk.schema.tables)
    assert found == {"departments": ("head",), "staff": ("department", "manager"), "topics": ("above",)}


def test_what_refers_to_a_circle_is_made_after_it(tmp_path: Path) -> None:
    tables = write_desk(tmp_path, 60)
    (tmp_path / "desks.csv").write_text("desk,used_by\n" + "".join(f"E{one},S{one:03d}\n" for one in range(40)))
    (tmp_path / "tickets.csv").write_text(
        "\n".join(
            f"{line},{'desk' if not row else f'E{row % 40}'}"
            for row, line in enumerate((tmp_path / "tickets.csv").read_text().split())
        )
    )
    desks = {"read": "csv", "path": str(tmp_path / "desks.csv"), "key": "desk", "shared": True}
    tables["tickets"]["links"] = {**tables["tickets"]["links"], "desks": "desk"}
    # Before the circle that it refers to.
    tables = {"desks": {**desks, "links": {"staff": "used_by"}}, **tables}
    (tmp_path / "read").mkdir()
    data = Tables(tables=tables).read(tmp_path / "read")
    assert [one.name for one in data.schema.tables if one.shared].index("desks") >= 2
    made = Nested().fit(data, Rng(0), SILENT).sample(60, Rng(1))
    assert all(found.wrong == 0 for found in keys_of(made))
    assert (made.linked("desks", "used_by") >= 0).all()


def test_constraints_on_keys_of_a_circle_hold_or_are_an_error(tmp_path: Path) -> None:
    tables = write_desk(tmp_path, 60)
    tables["departments"]["constraints"] = [{"rule": "unique", "columns": ["head"]}]
    (tmp_path / "read").mkdir()
    made = Nested().fit(Tables(tables=tables).read(tmp_path / "read"), Rng(0), SILENT).sample(60, Rng(1))
    assert len(set(made.tables["departments"].strings("head"))) == 6
    # Places of topics under another one are made anew, and nothing keeps them apart.
    rows = [f"T{one},{one % 7},{'' if one < 3 else f'T{one % 3}'}" for one in range(20)]
    (tmp_path / "topics.csv").write_text("\n".join(["topic,place,above", *rows]))
    tickets = (tmp_path / "tickets.csv").read_text()
    (tmp_path / "tickets.csv").write_text(re.sub(r"T0[0-3]\d", "T5", tickets))
    tables["topics"]["constraints"] = [{"rule": "unique", "columns": ["above", "place"]}]
    (tmp_path / "again").mkdir()
    with pytest.raises(DataError, match=r"table topics: .* go in a circle; leave the constraint or the link out"):
        Nested().fit(Tables(tables=tables).read(tmp_path / "again"), Rng(0), SILENT)
