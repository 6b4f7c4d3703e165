"""Shared tables are made anew, and rows refer to those that suit them, as often and as faithfully as real ones do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.data.clinic import write_clinic

from lookalike.core.errors import DataError
from lookalike.core.events import SILENT, Note
from lookalike.core.rng import Rng
from lookalike.core.schema import Column
from lookalike.data.integrity import keys_of
from lookalike.data.readers.tables import Tables
from lookalike.data.relations import Relations
from lookalike.data.table import Table, table_schema
from lookalike.generators.tables.families.shared import Link, Shared, asking
from lookalike.generators.tables.nested import Nested


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Relations:
    folder = tmp_path_factory.mktemp("clinic")
    (folder / "read").mkdir()
    return Tables(tables=write_clinic(folder, 1500, 60)).read(folder / "read")


@pytest.fixture(scope="module")
def made(clinic: Relations) -> Relations:
    return Nested().fit(clinic, Rng(0), SILENT).sample(1500, Rng(1))


def test_shared_tables_are_made_anew_with_new_keys_that_all_links_hold(clinic: Relations, made: Relations) -> None:
    assert made.schema == clinic.schema
    assert all(found.wrong == 0 for found in keys_of(made))
    for name, key in (("doctors", "doctor"), ("departments", "department")):
        real, new = clinic.tables[name].strings(key), made.tables[name].strings(key)
        assert len(new) == len(real)
        assert not set(new) & set(real)
    links = made.tables["visits"].strings("doctor")
    assert not set(links) & set(clinic.tables["doctors"].strings("doctor")) - {None}


def faithful(data: Relations) -> dict[str, float]:
    """Return what the visits of a clinic are made by: field, gaps, same doctor again, and the four who see most."""
    to, owner = data.linked("visits", "doctor"), data.owners("visits")
    there, doctors = to >= 0, data.tables["doctors"]
    wanted = data.tables["patients"].codes("complaint")[owner]
    next_ = (owner[1:] == owner[:-1]) & there[1:] & there[:-1]
    count = np.sort(np.bincount(to[there], minlength=len(doctors)))[::-1]
    return {
        "field": float((doctors.codes("field")[to[there]] == wanted[there]).mean()),
        "gaps": float((~there).mean()),
        "again": float((to[1:] == to[:-1])[next_].mean()),
        "busiest": float(count[:4].sum() / count.sum()),
    }


def test_rows_refer_as_real_ones_do(clinic: Relations, made: Relations) -> None:
    fields = [data.tables[name].schema.column(column).categories for data in (clinic,) for name, column in
              (("patients", "complaint"), ("doctors", "field"))]  # fmt: skip
    assert fields[0] == fields[1]
    real, found = faithful(clinic), faithful(made)
    assert real["field"] > 0.9
    assert real["again"] > 0.75
    assert abs(found["field"] - real["field"]) < 0.04
    assert abs(found["gaps"] - real["gaps"]) < 0.02
    assert abs(found["again"] - real["again"]) < 0.06
    assert abs(found["busiest"] - real["busiest"]) < 0.04


def test_a_shared_table_is_like_the_real_one_and_keeps_its_own_links(clinic: Relations, made: Relations) -> None:
    for data in (clinic, made):
        doctors = data.tables["doctors"]
        bones = doctors.codes("field") == doctors.schema.column("field").categories.index("bones")
        assert doctors.numbers("age")[bones].mean() - doctors.numbers("age")[~bones].mean() > 10
        beds = data.tables["departments"].numbers("beds")[data.linked("doctors", "department")]
        assert len(set(beds[bones].tolist())) <= 2


def changed(folder: Path, **columns: dict[str, object]) -> dict[str, Any]:
    """Write the files of a clinic with further columns, and return the settings that read them."""
    settings = write_clinic(folder, 200, 12)
    for name, more in columns.items():
        pd.read_csv(folder / f"{name}.csv").assign(**more).to_csv(folder / f"{name}.csv", index=False)
    (folder / "read").mkdir()
    return settings


def test_rows_that_are_referred_to_evenly_stay_so(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    settings = changed(tmp_path)
    visits, doctors = pd.read_csv(tmp_path / "visits.csv"), pd.read_csv(tmp_path / "doctors.csv")["doctor"]
    visits.assign(doctor=draw.choice(doctors, len(visits))).to_csv(tmp_path / "visits.csv", index=False)
    data = Tables(tables=settings).read(tmp_path / "read")
    made = Nested().fit(data, Rng(0), SILENT).sample(200, Rng(1))
    count = np.bincount(made.linked("visits", "doctor"), minlength=12)
    assert count.min() > 0.4 * count.mean()
    assert count.max() < 1.8 * count.mean()


def test_what_must_be_unique_in_a_shared_table_is(tmp_path: Path) -> None:
    settings = changed(tmp_path, doctors={"room": np.arange(12)})
    settings["doctors"] |= {"columns": {"room": {"kind": "integer"}}}
    settings["doctors"] |= {"constraints": [{"rule": "unique", "columns": ["room"]}]}
    made = Nested().fit(Tables(tables=settings).read(tmp_path / "read"), Rng(0), SILENT).sample(5, Rng(1))
    assert len(set(made.tables["doctors"].numbers("room").tolist())) == 12


def test_columns_may_be_called_as_ours_would_be(tmp_path: Path) -> None:
    theirs = {"doctor: age": 99, "number of visits by doctor": 98, "doctor: as": 97, "own doctor": 96}
    settings = changed(tmp_path, visits=theirs, doctors={"as": "x", "number of visits by doctor": np.arange(12)})
    made = Nested().fit(Tables(tables=settings).read(tmp_path / "read"), Rng(0), SILENT).sample(20, Rng(1))
    for name, value in theirs.items():
        assert set(made.tables["visits"].numbers(name).tolist()) == {value}
    assert {"doctor: age", "doctor: age "} < set(made.joined("visits", shared=True).table.column_names)


def test_few_shared_rows_are_told(clinic: Relations) -> None:
    told: list[object] = []
    Nested().fit(clinic.take(np.arange(50)), Rng(0), told.append)
    notes = [event.message for event in told if isinstance(event, Note)]
    assert "departments: shared, with 3 rows to learn from: made rows can be real ones with new keys" in notes
    assert not any(note.startswith("doctors: shared") for note in notes)


def test_every_sample_has_the_same_shared_rows(clinic: Relations, tmp_path: Path) -> None:
    model = Nested().fit(clinic, Rng(0), SILENT)
    few, other = model.sample(3, Rng(1)), model.sample(40, Rng(2))
    assert few.tables["doctors"].fingerprint() == other.tables["doctors"].fingerprint()
    model.save(tmp_path / "model")
    again = Nested().load(tmp_path / "model").sample(3, Rng(1))
    assert again.fingerprint() == few.fingerprint()


def test_parts_of_a_dataset_have_all_shared_rows(clinic: Relations) -> None:
    some = clinic.take(np.arange(5))
    assert len(some.tables["doctors"]) == 60
    with pytest.raises(KeyError, match="doctors"):
        some.rooted("doctors")
    with pytest.raises(DataError, match="shared but has no rows"):
        Nested().fit(Relations({**clinic.tables, "departments": Table.empty(clinic.tables["departments"].schema)},
                               clinic.sizes, clinic.schema), Rng(0), SILENT)  # fmt: skip


def test_a_row_joined_with_its_owners_knows_what_it_refers_to(clinic: Relations) -> None:
    assert "doctor: age" not in clinic.joined("visits").table.column_names
    joined = clinic.joined("visits", shared=True)
    names = [column.name for column in joined.schema.columns]
    assert names == ["cost", "day", "doctor: field", "doctor: age", "patients: complaint", "patients: number of visits"]
    to = clinic.linked("visits", "doctor")
    assert joined.missing("doctor: age").sum() == (to < 0).sum() > 0
    ages = clinic.tables["doctors"].numbers("age")
    np.testing.assert_array_equal(joined.numbers("doctor: age")[to >= 0], ages[to[to >= 0]])


def link(fields: list[int], count: list[float]) -> Link:
    columns = [Column(name="field", kind="category", categories=("a", "b", "c")), Column(name="n", kind="integer")]
    guide = Table.of({"field": np.array(fields), "n": np.array(count)}, table_schema(columns))
    keys = Table.of({"key": [f"k{row}" for row in range(len(fields))]}, table_schema([Column(name="key", kind="id")]))
    return Link("of", Shared(keys, guide, "key", ("field",)), "n")


def wanted(fields: list[int], count: list[float]) -> dict[str, object]:
    return {asking("of", "field"): np.array(fields), asking("of", "n"): np.array(count)}


def test_the_nearest_row_is_found_equal_ones_evenly_and_none_for_a_gap() -> None:
    one = link([0, 1, 1, 2], [5, 9, 9, 7])
    rows = one.find(wanted([0, 2, -1], [4, 8, np.nan]), Rng(0))
    assert rows.tolist() == [0, 3, -1]
    assert one.keys(rows) == ["k0", "k3", None]
    assert one.values(rows)[asking("of", "field")].tolist() == [0, 2, -1]
    count = np.bincount(one.find(wanted([1] * 4000, [9] * 4000), Rng(1)), minlength=4)
    assert count[[0, 3]].tolist() == [0, 0]
    assert abs(count[1] - 2000) < 200


def test_a_number_that_towers_over_others_is_no_class_of_its_own() -> None:
    # By value 990 is so much nearer to 1000 than to 400 that the field would not count.
    one = link([0, 1, *[0, 1] * 25], [1000, 400, *range(1, 51)])
    assert one.find(wanted([1], [990]), Rng(0)).tolist() == [1]
