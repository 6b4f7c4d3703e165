"""A table is told from texts and images, its columns are described, and a label is proposed with the reason."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lookalike.cli.starter_tables import discovered
from lookalike.core.errors import DataError
from lookalike.data.detect import describe
from lookalike.data.detect_tables import TableDescription, describe_table, holds_texts
from lookalike.data.detect_texts import TextDescription

ROWS = "age,town,when,ill\n" + "".join(f"{30 + k},{'ab'[k % 2]},2021-01-{1 + k:02d},{k % 2}\n" for k in range(9))


def put(tmp_path: Path, content: str, name: str = "rows.csv") -> str:
    (tmp_path / name).write_text(content)
    return str(tmp_path / name)


def test_a_csv_of_values_is_a_table(tmp_path: Path) -> None:
    found = describe(put(tmp_path, ROWS))
    assert isinstance(found, TableDescription)
    assert (found.reader, found.rows, found.label, found.why) == ("csv", 9, "ill", "the last column, with classes")
    assert dict(found.options) == {"path": str(tmp_path / "rows.csv")}
    assert [one.column.kind for one in found.columns] == ["integer", "category", "datetime", "boolean"]


@pytest.mark.parametrize(
    ("header", "label", "why"),
    [
        ("age,Target,when,ill", "Target", "by its name"),
        ("price,town,ill,when", "price", "by its name"),
        ("age,town,ill,when", "", "no column is called like one, and the last one has no classes"),
    ],
)
def test_the_label_is_proposed(tmp_path: Path, header: str, label: str, why: str) -> None:
    rows = "".join(f"{30.5 + k * k},{'ab'[k % 2]},{k % 2},2021-01-{1 + k:02d}\n" for k in range(9))
    found = describe(put(tmp_path, f"{header}\n{rows}"))
    assert isinstance(found, TableDescription)
    assert (found.label, found.why) == (label, why)


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ("ab" * 19 + "a ", "1 of its 40 cells is empty: on_error: skip leaves such rows out"),
        ("ab" * 19 + "  ", "2 of its 40 cells are empty: on_error: skip leaves such rows out"),
        ("a" * 40, "it has one value at most"),
        ("ab" * 19 + "ac", "1 of its 3 classes has one row only"),
    ],
)
def test_why_a_column_called_like_a_label_is_none(tmp_path: Path, cells: str, why: str) -> None:
    rows = "".join(f"{cell},{0.5 + k * k}\n" for k, cell in enumerate(cells))
    found = describe(put(tmp_path, f"outcome,x\n{rows}"))
    assert isinstance(found, TableDescription)
    assert (found.label, found.why) == ("", f"column outcome is called like one, but {why}")
    assert discovered(found)[1] == ""


def test_texts_stay_texts_and_can_be_a_column_of_a_table(tmp_path: Path) -> None:
    rows = [f"{k},a longer note about thing {k},x,y,{k % 3},{k % 2}" for k in range(40)]
    few = put(tmp_path, "\n".join(["id,note", *(",".join(row.split(",")[:2]) for row in rows)]), "few.csv")
    assert isinstance(describe(few), TextDescription)
    usual = put(tmp_path, "\n".join(["id,review,a,b,c,d", *rows]), "usual.csv")
    assert isinstance(describe(usual), TextDescription)
    many = describe(put(tmp_path, "\n".join(["id,note,a,b,c,d", *rows]), "many.csv"))
    assert isinstance(many, TableDescription)
    assert [one.column.kind for one in many.columns][:2] == ["id", "text"]
    forced = describe_table("csv", {"path": usual})
    assert forced.options["table"] is True


def test_parquet_and_databases(tmp_path: Path) -> None:
    pq.write_table(pa.table({"x": [1.5, 2.5, 3.5], "y": [1, 2, 2]}), tmp_path / "a.parquet")
    found = describe(tmp_path / "a.parquet")
    assert isinstance(found, TableDescription)
    assert found.reader == "parquet"
    assert not holds_texts("parquet", {"path": str(tmp_path / "a.parquet")})
    with sqlite3.connect(tmp_path / "a.db") as connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS x UNION SELECT 2")
    connection.close()
    assert describe_table("sql", {"path": str(tmp_path / "a.db"), "table": "t"}).rows == 2
    database = describe(tmp_path / "a.db")
    assert isinstance(database, TableDescription)
    assert (database.reader, database.options["table"]) == ("sql", "t")
    with sqlite3.connect(tmp_path / "a.db") as connection:
        connection.execute("CREATE TABLE u AS SELECT 1 AS x")
    connection.close()
    with pytest.raises(DataError, match=r"holds 2 tables: t, u; write a recipe with data: \{read: sql"):
        describe(tmp_path / "a.db")
    with pytest.raises(DataError, match=r"holds no table .reader txt.; give a csv"):
        describe_table("txt", {"path": "x"})


def test_doubts_are_notes(tmp_path: Path) -> None:
    rows = "".join(f"0{1 + k}/0{1 + k % 3}/2021,{k % 4}\n" for k in range(9))
    found = describe(put(tmp_path, f"day,user_id\n{rows}"))
    assert [note.split(":")[0] for note in found.notes] == ["column day", "column user_id"]
    with pytest.raises(DataError, match="row 2 has 3 cells"):
        describe(put(tmp_path, "a,b\n1,2\n1,2,3\n"))


@pytest.mark.parametrize(
    "cell",
    [
        "{day:02d}.03.2021 14:{k:02d}",
        "3/{day}/2021 3:{k:02d} PM",
        "{day} March 2021",
        "€ {k}.{day:02d}",
        "7{k}.125 kg",
        "+49 731 55{k:02d}{day:02d}",
        "Anna Huber{k}",
        "Highstreet {k}",
    ],
)
def test_dates_amounts_and_names_are_no_texts_even_in_few_columns(tmp_path: Path, cell: str) -> None:
    rows = "".join(f"{k % 7},{cell.format(k=10 + k, day=1 + k % 28)},{'ab'[k % 2]}\n" for k in range(40))
    assert isinstance(describe(put(tmp_path, f"ward,seen,ill\n{rows}")), TableDescription)


def test_moments_of_a_typed_table_are_no_texts(tmp_path: Path) -> None:
    when = pa.array([1_600_000_000 + 86_461 * k for k in range(40)], pa.timestamp("s"))
    pq.write_table(pa.table({"when": when, "ill": ["yes", "no"] * 20}), tmp_path / "a.parquet")
    assert isinstance(describe(tmp_path / "a.parquet"), TableDescription)
    notes = [f"a longer note about thing {k}" for k in range(40)]
    pq.write_table(pa.table({"when": when, "note": notes, "ill": ["yes", "no"] * 20}), tmp_path / "b.parquet")
    found = describe(tmp_path / "b.parquet")
    assert isinstance(found, TextDescription)
    assert (found.text.name, found.columns["when"]) == ("note", "dates or amounts")


def test_few_columns_with_one_of_short_texts_say_how_it_is_read_as_such(tmp_path: Path) -> None:
    rows = "".join(f"play {k % 40} {k % 7},{'ab'[k % 2]}\n" for k in range(60))
    (tmp_path / "u.csv").write_text("utterance,intent\n" + rows)
    found = describe_table("csv", {"path": str(tmp_path / "u.csv")})
    told = "to make texts like those of column utterance, call that column text in the data"
    assert told in found.notes
