"""Any source of rows becomes a table: what is missing, what is declared, which rows are lost, and what is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from lookalike.core.contracts import Reference
from lookalike.core.errors import DataError
from lookalike.core.events import SILENT
from lookalike.core.registry import find
from lookalike.core.rng import Rng
from lookalike.data import open_dataset
from lookalike.data.formats import typed, written
from lookalike.data.reading import read_notes
from lookalike.data.table import Table
from lookalike.data.tabular import Rows, TabularSettings, decoded, read_table
from lookalike.filters.tabular.valid import Valid


class Settings(TabularSettings):
    """The settings, for rows that lie in memory."""

    given: Any = None

    def rows(self) -> Rows:
        """Return them."""
        return rows(self.given)


def rows(columns: dict[str, Any], size: int = 3) -> Rows:
    table = pa.table(columns)
    text = all(pa.types.is_string(field.type) for field in table.schema)
    types = {} if text else {field.name: _name(field.type) for field in table.schema}
    return Rows("data", tuple(table.column_names), lambda: iter(table.to_batches(max_chunksize=size)), types)


def _name(kind: pa.DataType) -> str:
    return f"dictionary{' ordered' if kind.ordered else ''}" if pa.types.is_dictionary(kind) else str(kind)


def read(tmp_path: Path, data: dict[str, Any], **settings: Any) -> Table:
    target = tmp_path / "read"
    target.mkdir()
    table = read_table(rows(data), Settings(**settings), target)
    assert open_dataset(target).fingerprint() == table.fingerprint()
    return table


TEXT = {
    "age": ["31", "", "40", "31"],
    "town": ["Ulm ", " Bonn", "NA", "Ulm"],
    "born": ["1990-01-02", "1991-01-02", "", "1990-01-02"],
    "ill": ["no", "yes", "no", "yes"],
    "note": ["a", "b", "b", "a"],
}


def test_text_is_read_and_written_back(tmp_path: Path) -> None:
    table = read(tmp_path, TEXT, label="ill")
    assert [column.kind for column in table.schema.columns] == [
        "integer",
        "category",
        "datetime",
        "boolean",
        "category",
    ]
    assert table.classes == ("false", "true")
    assert table.labels.tolist() == [0, 1, 0, 1]
    np.testing.assert_array_equal(table.numbers("age"), [31, np.nan, 40, 31])
    assert table.codes("town").tolist() == [1, 0, -1, 1]
    assert written(table).to_pydict() == {
        name: [cell.strip() if cell not in ("", "NA") else None for cell in cells] for name, cells in TEXT.items()
    }
    assert read_notes(tmp_path / "read") == [
        "column town: 2 different values; 1 of its values belongs to one row: it may be given out"
    ]


USERS = {
    "small": pa.array([1, None, 3, 3], pa.int8()),
    "share": pa.array([0.5, float("nan"), 0.25, None], pa.float32()),
    "price": pa.array([1.5, 2.0, None, 4.25]).cast(pa.decimal128(10, 2)),
    "flag": pa.array([True, False, None, True]),
    "day": pa.array([1, 2, 3, None], pa.int32()).cast(pa.date32()),
    "at": pa.array([1, 2, 3, None]).cast(pa.timestamp("ms", "Europe/Berlin")),
    "size": pa.DictionaryArray.from_arrays([0, 1, None, 2], ["s", "m", "l"], ordered=True),
    "town": pa.array(["Ulm", None, "Bonn", "Ulm"]).dictionary_encode(),
    "none": pa.nulls(4),
}


def test_types_of_the_user_come_back(tmp_path: Path) -> None:
    table = read(tmp_path, USERS)
    kinds = {column.name: column.kind for column in table.schema.columns}
    assert kinds == {
        "small": "integer", "share": "number", "price": "number", "flag": "boolean", "day": "datetime",
        "at": "datetime", "size": "ordinal", "town": "category", "none": "category",
    }  # fmt: skip
    assert table.schema.column("size").categories == ("s", "m", "l")
    found, given = typed(table), pa.table(USERS)
    for name in USERS:
        kind = found.column(name).type
        expected = given.column(name).to_pylist()
        assert found.column(name).to_pylist() == [None if str(value) == "nan" else value for value in expected], name
        assert kind == given.column(name).type or pa.types.is_dictionary(kind) or name == "none"
    for column in table.schema.columns:
        again = decoded(found.column(column.name), column)
        assert again.equals(table.table.column(column.name).combine_chunks()), column.name


def test_the_label_is_found_or_named(tmp_path: Path) -> None:
    columns = {"x": ["1", "2", "3", "4"] * 2, "Target": ["a", "b"] * 4}
    for name, label in (("a", None), ("b", "Target"), ("c", "")):
        (tmp_path / name).mkdir()
        assert read(tmp_path / name, columns, label=label).schema.label == (None if label == "" else "Target")
    (tmp_path / "d").mkdir()
    table = read(tmp_path / "d", columns, label="x", columns={"x": {"kind": "integer"}})
    assert not table.classes
    assert table.labels.tolist() == [0] * 8


def test_rows_without_a_label_are_skipped_and_counted(tmp_path: Path) -> None:
    columns = {"x": list("abcabc"), "label": ["u", "", "v", "u", "v", "NA"]}
    with pytest.raises(DataError, match="2 rows of data have no label; fill column 'label', or set on_error: skip"):
        read(tmp_path, columns)
    (tmp_path / "b").mkdir()
    table = read(tmp_path / "b", columns, on_error="skip")
    assert table.labels.tolist() == [0, 1, 0, 1]
    assert not table.schema.column("label").optional
    assert read_notes(tmp_path / "b" / "read") == ["skipped 2 rows without a label, the first in row 2"]


def test_other_words_for_missing_and_columns_left_out(tmp_path: Path) -> None:
    table = read(
        tmp_path, {"x": ["1", "-", "3"], "u": ["NA", "b", "b"], "z": ["1"] * 3}, missing=["-"], leave_out=["z"]
    )
    assert table.missing("x").tolist() == [False, True, False]
    assert table.schema.column("u").categories == ("NA", "b")
    assert table.table.column_names == ["x", "u"]


def test_more_rows_are_read_like_the_first(tmp_path: Path) -> None:
    first = read(tmp_path, TEXT, label="ill")
    (tmp_path / "b").mkdir()
    more = {**{name: cells[:1] for name, cells in TEXT.items()}, "note": ["b"]}
    table = Settings(given=more).read_like(tmp_path / "b", first.schema)
    assert table.schema == first.schema
    assert table.codes("note").tolist() == [1]
    for changed, message in (
        ({"town": ["Rom"]}, "column town holds 1 values that are not known values"),
        ({"ill": [""]}, "column ill of data lacks 1 values, but is never missing in the data"),
        ({"age": ["x"]}, "column age holds values that are no integer"),
    ):
        with pytest.raises(DataError, match=message):
            Settings(given={**more, **changed}).read_like(tmp_path / "b", first.schema)
    with pytest.raises(DataError, match="has no column 'age'"):
        Settings(given={"x": ["1"]}).read_like(tmp_path / "b", first.schema)


@pytest.mark.parametrize(
    ("columns", "settings", "message"),
    [
        ({"a": pa.array([], pa.string())}, {}, "data holds no rows"),
        ({"a": ["1"]}, {"label": "b"}, "has no column 'b'; found a; set label: COLUMN"),
        ({"a": ["1"]}, {"columns": {"b": {}}}, "has no column 'b', which data.columns names; found a"),
        ({"a": ["1"]}, {"leave_out": ["b"]}, "data.leave_out names"),
        ({"a": ["1"]}, {"leave_out": ["a"]}, "has no columns to read"),
        ({"label": ["x", "x"]}, {}, "holds one class only, 'x' with 2 rows"),
        ({"label": ["x", "x", "y"]}, {}, "have one row only: 'y'"),
        ({"class": [f"k{k}" for k in range(30)]}, {}, "the label class is taken for id .*which cannot be predicted"),
        ({"a": ["1", "2"]}, {"columns": {"a": {"high": 1}}}, "declared with high: 1, but holds a value above it"),
        ({"a": ["1", "2"]}, {"columns": {"a": {"low": 2}}}, "declared with low: 2, but holds a value below it"),
        ({"a": ["2021-05-01"]}, {"columns": {"a": {"low": "2021-05-02"}}}, "low: 2021-05-02, but holds a value below"),
        ({"a": ["01.05.2021"]}, {"columns": {"a": {"high": "30.04.2021"}}}, "with high: 30.04.2021, but holds a value"),
        ({"a": ["01.05.2021"]}, {"columns": {"a": {"high": "04/30/2021"}}}, "written as %d.%m.%Y or as .*, found 04"),
        ({"a": ["01.05.2021"]}, {"columns": {"a": {"high": 7}}}, "high must be a date written as .*, found 7"),
        ({"a": ["1", "2"]}, {"columns": {"a": {"low": "1.1.2000"}}}, "low must be a number, found 1.1.2000"),
        ({"a": ["1", "2"]}, {"columns": {"a": {"low": 3, "high": 0}}}, "low must not be above high, found 3.0 and 0.0"),
        ({"a": ["5/2021"]}, {"columns": {"a": {"kind": "datetime"}}}, "format.*which look like 9/9999 .*set format"),
        ({"a": ["1.5.2021", "x"]}, {"columns": {"a": {"kind": "datetime"}}}, "look like 9.9.9999, a "),
        ({"a": ["2021", "x"]}, {"columns": {"a": {"kind": "datetime", "format": "%Y"}}}, "1 values that are not dates"),
        ({"a": pa.array([[1], [2]])}, {}, "column a holds list<.*leave_out"),
        ({"a": pa.array([b"x"])}, {}, "column a holds binary"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_named(
    tmp_path: Path, columns: dict[str, Any], settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path, columns, **settings)


@pytest.mark.parametrize("n", [1, 2])
def test_one_or_two_rows_are_a_table(tmp_path: Path, n: int) -> None:
    assert len(read(tmp_path, {name: cells[:n] for name, cells in TEXT.items()})) == n


def test_a_hundred_thousand_levels_fit(tmp_path: Path) -> None:
    names = [f"level {k % 100_000}" for k in range(250_000)]
    target = tmp_path / "read"
    target.mkdir()
    table = read_table(rows({"x": names}, 50_000), Settings(columns={"x": {"kind": "category"}}), target)
    assert len(table.schema.column("x").categories) == 100_000
    assert written(table).column("x").to_pylist() == names


DAY = 86400.0
BOUNDED = {
    "in the format of the column": ({"low": "31.12.2020", "high": "02.01.2021"}, ["01.01.2021", "02.01.2021", ""]),
    "as ISO 8601, which YAML reads as dates": (
        {"low": date(2020, 12, 31), "high": datetime(2021, 1, 2)},
        ["01.01.2021", "02.01.2021", ""],
    ),
    "of a typed column": (
        {"low": "2020-12-31 00:00:00", "high": "2021-01-02"},
        pa.array([date(2021, 1, 1), date(2021, 1, 2), None], pa.date32()),
    ),
}


@pytest.mark.parametrize("how", BOUNDED)
def test_dates_have_public_bounds(tmp_path: Path, how: str) -> None:
    bounds, cells = BOUNDED[how]
    table = read(
        tmp_path, {"day": cells, "x": ["a", "b", "c"]}, columns={"day": bounds, "x": {"kind": "category"}}, label=""
    )
    column = table.schema.column("day")
    start = datetime(2020, 12, 31, tzinfo=UTC).timestamp()
    assert (column.low, column.high) == (start, start + 2 * DAY)
    assert Valid().select(table, Reference(table, table), Rng(0)).dropped == {}
    early = Table.of({"day": np.array([start - DAY, start, np.nan]), "x": np.array([0, 1, 2])}, table.schema)
    assert Valid().select(early, Reference(table, table), Rng(0)).dropped == {"day out of bounds": 1}


@pytest.mark.parametrize("name", ["trees", "marginals", "copula", "mixture", "smote"])
def test_generators_keep_the_bounds_of_dates(tmp_path: Path, name: str) -> None:
    days = [f"2021-{month:02d}-{day:02d}" for month in range(1, 13) for day in range(1, 29)]
    bounds = {"low": "2021-01-01", "high": "2021-12-28"}
    table = read(tmp_path, {"day": days, "x": ["a", "b"] * 168}, columns={"day": bounds}, label="x")
    made = find("generators", f"tabular.{name}")().fit(table, Rng(0), SILENT).sample(3000, Rng(1))
    seconds, column = made.numbers("day"), table.schema.column("day")
    assert made.schema == table.schema
    assert column.low is not None
    assert column.high is not None
    assert column.low <= seconds.min() <= seconds.max() <= column.high
