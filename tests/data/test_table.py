"""Tables: made, saved, opened, hashed, taken from, and refused when their parts do not fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from lookalike.core.errors import DataError
from lookalike.core.schema import Column
from lookalike.data import open_dataset
from lookalike.data.table import BOOLEANS, Table, Values, concatenate_tables, table_schema

SCHEMA = table_schema(
    [
        Column(name="height", kind="number", optional=True),
        Column(name="children", kind="integer", optional=True),
        Column(name="smokes", kind="boolean", categories=BOOLEANS),
        Column(name="born", kind="datetime", optional=True),
        Column(name="town", kind="category", categories=("Ulm", "Bonn"), optional=True),
        Column(name="name", kind="id"),
        Column(name="ill", kind="category", categories=("no", "yes")),
    ],
    "ill",
)
COLUMNS: dict[str, Values] = {
    "height": np.array([1.5, np.nan, 1.75]),
    "children": np.array([2.0, 0.0, np.nan]),
    "smokes": np.array([1, 0, 1]),
    "born": np.array([0.0, -1.5, np.nan]),
    "town": np.array([1, -1, 0]),
    "name": ["ä", "", "c"],
    "ill": np.array([0, 1, 1]),
}


def _some(**changed: Values) -> Table:
    return Table.of({**COLUMNS, **changed}, SCHEMA)


def test_values_come_back_as_they_were_given() -> None:
    table = _some()
    for name, values in COLUMNS.items():
        np.testing.assert_array_equal(np.asarray(table.values(name)), np.asarray(values))
    np.testing.assert_array_equal(table.numbers("smokes"), [1, 0, 1])
    assert table.labels.tolist() == [0, 1, 1]
    assert table.counts().tolist() == [1, 2]
    assert table.missing("town").tolist() == [False, True, False]
    assert len(table) == 3


def test_a_saved_table_opens_equal(tmp_path: Path) -> None:
    _some().save(tmp_path)
    again = open_dataset(tmp_path)
    assert isinstance(again, Table)
    assert again.fingerprint() == _some().fingerprint()
    np.testing.assert_array_equal(again.numbers("born"), COLUMNS["born"])


def test_rows_are_taken_by_position_with_repeats() -> None:
    part = _some().take(np.array([2, 0, 2]))
    assert part.strings("name") == ["c", "ä", "c"]
    assert len(_some().take(np.array([], dtype=np.int64))) == 0
    assert concatenate_tables([part, part]).codes("town").tolist() == [0, 1, 0, 0, 1, 0]


def test_neighbouring_rows_are_a_view_and_equal_those_taken() -> None:
    whole = concatenate_tables([_some(), _some()])
    view = whole.take(np.array([1, 2, 3, 4]))
    apart = concatenate_tables([whole.take(np.array([row])) for row in (1, 2, 3, 4)])
    assert view.fingerprint() == apart.fingerprint()
    assert (
        view.table.column("height").chunk(0).buffers()[1].address == whole.table["height"].chunk(0).buffers()[1].address
    )
    assert view.strings("name") == ["", "c", "ä", ""]
    assert view.take(np.array([1, 0])).strings("name") == ["c", ""]


@pytest.mark.parametrize(
    "changed",
    [
        {"height": np.array([1.5, 0.0, 1.75])},
        {"height": np.array([np.nan, 1.5, 1.75])},
        {"name": ["ä", "c", ""]},
        {"name": ["äc", "", ""]},
        {"born": np.array([0.0, 0.0, np.nan])},
        {"town": np.array([1, 0, 0])},
    ],
)
def test_the_fingerprint_sees_every_part(changed: dict[str, Values]) -> None:
    assert _some(**changed).fingerprint() != _some().fingerprint()


def test_the_fingerprint_does_not_see_chunks() -> None:
    whole, one, rest = _some(), _some().take(np.array([0])), _some().take(np.array([1, 2]))
    assert concatenate_tables([one, rest]).fingerprint() == whole.fingerprint()


def test_a_missing_class_or_required_value_is_a_problem() -> None:
    assert _some().problems() == {}
    assert _some(ill=np.array([0, -1, 1])).problems() == {1: "no ill"}
    assert _some(name=["a", "b", None]).problems() == {2: "no name"}


def test_parts_that_do_not_fit_are_refused() -> None:
    with pytest.raises(DataError, match=r"0\.\.1, found 0 to 2"):
        _some(town=np.array([0, 2, 1]))
    with pytest.raises(DataError, match="no values were given for the column ill"):
        Table.of({name: values for name, values in COLUMNS.items() if name != "ill"}, SCHEMA)
    with pytest.raises(DataError, match="must hold double, found int64"):
        Table(pa.table({"a": [1]}), table_schema([Column(name="a", kind="number")]))
    with pytest.raises(DataError, match="several columns are called a"):
        table_schema([Column(name="a", kind="number"), Column(name="a", kind="number")])
    with pytest.raises(DataError, match="no column is called 'b'"):
        table_schema([Column(name="a", kind="number")], "b")
    with pytest.raises(DataError, match="does not hold a complete table"):
        Table.open(Path("nowhere"))


def test_equal_rows_have_equal_hashes_whatever_their_key() -> None:
    rows = list(_some().take(np.array([0, 1, 2, 0])).row_hashes())
    assert rows[0] == rows[3]
    assert len(set(rows)) == 3
    assert list(_some(name=["x", "y", "z"]).row_hashes()) == rows[:3]
    for name, values in {"height": [0.0, np.nan, 1.75], "town": [0, -1, 0], "born": [1.0, -1.5, np.nan]}.items():
        assert next(_some(**{name: np.array(values)}).row_hashes()) != rows[0]
    zero = {value: next(_some(height=np.array([value, 1.0, 1.0])).row_hashes()) for value in (0.0, -0.0, np.nan)}
    assert zero[0.0] == zero[-0.0] != zero[np.nan]
