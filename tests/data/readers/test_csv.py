"""CSV files: of texts and of tables, found columns, other delimiters, and every way in which a row cannot be used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.csv as arrow_csv
import pytest

from lookalike.core.errors import DataError
from lookalike.data.corpus import Corpus
from lookalike.data.readers.csv import Csv
from lookalike.data.reading import read_notes
from lookalike.data.table import Table

ROWS = 'id,text,label,source\n1,"fine, really",good,a\n2,"two\nlines",bad,b\n3,früh 🙂,good,a\n4,שלום,bad,\n'


def _read(tmp_path: Path, content: str | bytes, **options: Any) -> Any:
    path = tmp_path / "rows.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    target = tmp_path / "read"
    target.mkdir()
    return Csv(path=str(path), **options).read(target)


def test_texts_and_labels_are_read(tmp_path: Path) -> None:
    corpus: Corpus = _read(tmp_path, ROWS, keep=("source",))
    assert corpus.classes == ("bad", "good")
    assert corpus.texts() == ["fine, really", "two\nlines", "früh 🙂", "שלום"]
    assert corpus.labels.tolist() == [1, 0, 1, 0]
    assert corpus.column("source") == ["a", "b", "a", ""]
    assert sorted(path.name for path in (tmp_path / "read").iterdir()) == ["notes.json", "schema.json", "texts.arrow"]
    assert Corpus.open(tmp_path / "read").fingerprint() == corpus.fingerprint()


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_delimiters_are_told_apart(tmp_path: Path, delimiter: str) -> None:
    rows = [("text", "label"), ("a, b", "x"), ("c", "y"), ("d", "x"), ("e", "y")]
    assert _read(tmp_path, "\n".join(map(delimiter.join, rows))).texts() == ["a, b", "c", "d", "e"]


def test_a_byte_order_mark_and_another_encoding(tmp_path: Path) -> None:
    assert _read(tmp_path, b"\xef\xbb\xbftext\none\ntwo\n").texts() == ["one", "two"]
    with pytest.raises(DataError, match=r"is not utf-8-sig text: .*set encoding"):
        _read(tmp_path / "b", b"text\nfr\xfch\n") if (tmp_path / "b").mkdir() is None else None
    (tmp_path / "c").mkdir()
    assert _read(tmp_path / "c", b"text\nfr\xfch\n", encoding="cp1252").texts() == ["früh"]


def test_without_a_label_all_rows_count_as_one(tmp_path: Path) -> None:
    corpus = _read(tmp_path, ROWS, label="")
    assert corpus.classes == ()
    assert corpus.schema.label is None
    assert corpus.labels.tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("text,label\n", {}, "holds no text that can be used"),
        ("", {}, "holds no rows"),
        ("a,label\n1,x\n2,x\n", {"table": False}, "has no text column; found a, label; set text: COLUMN"),
        (ROWS, {"text": "body"}, "has no column 'body'; found id, text, label, source; set text: COLUMN"),
        (ROWS, {"label": "stars"}, "has no column 'stars'.*set label: COLUMN"),
        (ROWS, {"keep": ("stars",)}, "has no column 'stars'.*set keep: COLUMN"),
        ("text,text\na,b\n", {}, "several columns called text"),
        ("text,label\na,x\nb,x\n", {}, "holds one class only, 'x' with 2 texts"),
        ("text,label\na,x\nb,x\nc,y\n", {}, "have one text only: 'y'"),
        ("text,label\na,x\n,y\n", {}, "line 3 has an empty text; correct it, or set on_error: skip"),
        ("text,label\na,x\nb,\n", {}, "line 3 has no label"),
        ("text,label\na\n", {}, "line 2 has no text"),
        ("text\na\0b\n", {}, "NUL|line contains"),
        ("text\n" + "a" * 50 + "\n", {"max_characters": 49}, "is 50 characters long, more than max_characters=49"),
        ('text\n"a', {}, "damaged or no CSV file"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, content: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        _read(tmp_path, content, **options)


def test_skipped_rows_are_counted(tmp_path: Path) -> None:
    corpus = _read(tmp_path, "text,label\na,x\n,y\nb,\nc,x\nd,y\ne,y\n", on_error="skip")
    assert corpus.texts() == ["a", "c", "d", "e"]
    assert read_notes(tmp_path / "read") == [
        "skipped 2 rows: rows.csv line 3 has an empty text | rows.csv line 4 has no label"
    ]


def test_a_long_text_is_no_fault_of_the_csv_module(tmp_path: Path) -> None:
    assert len(_read(tmp_path, "text\n" + "a" * 500_000 + "\n").texts()[0]) == 500_000


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no CSV file at"):
        Csv(path=str(tmp_path / "absent.csv")).state()


TABLE = "age,town,label\n31,Ulm,x\n,Bonn,y\n40,,x\n31,Ulm,y\n"


def _table(tmp_path: Path, content: str | bytes, **options: Any) -> Table:
    found = _read(tmp_path, content, **options)
    assert isinstance(found, Table)
    return found


def test_a_table_is_read_where_no_column_holds_texts(tmp_path: Path) -> None:
    table = _table(tmp_path, TABLE)
    assert [column.kind for column in table.schema.columns] == ["integer", "category", "category"]
    assert table.classes == ("x", "y")
    assert sorted(path.name for path in (tmp_path / "read").iterdir()) == ["notes.json", "schema.json", "table.arrow"]


def test_settings_say_whether_it_is_a_table(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(ROWS)
    assert not Csv(path=str(path)).tabular()
    assert Csv(path=str(path), table=True).tabular()
    assert Csv(path=str(path), leave_out=("text",)).tabular()
    assert not Csv(path=str(path), text="source").tabular()
    with pytest.raises(ValueError, match="text is for texts and missing for tables; keep the settings of one kind"):
        Csv(path=str(path), text="source", missing=("-",))
    with pytest.raises(ValueError, match="table: false is for texts and missing for tables"):
        Csv(path=str(path), table=False, missing=("-",))
    assert isinstance(_read(tmp_path, ROWS, table=True, label=""), Table)


@pytest.mark.parametrize(
    ("content", "options"),
    [
        (TABLE.replace(",", ";"), {}),
        (TABLE.replace(",", "\t").replace("\n", "\r\n"), {}),
        ("\ufeff" + TABLE, {}),
        ('age,town,label\n31, Ulm ,x\n\n,"Bonn",y\n40,?,x\n31,Ulm,y', {}),
        (TABLE.replace("Ulm", "Köln").encode("cp1252"), {"encoding": "cp1252"}),
    ],
)
def test_one_table_in_other_clothes(tmp_path: Path, content: str | bytes, options: dict[str, Any]) -> None:
    table = _table(tmp_path, content, **options)
    assert table.table.column("age").to_pylist() == [31, None, 40, 31]
    assert len(table.schema.column("town").categories) == 2
    assert table.codes("town").tolist() in ([1, 0, -1, 1],)


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("a,b\n", {}, "holds no rows"),
        ("\n\n", {}, "holds no rows; give a CSV file with a header"),
        ("\n\na,b\n1,2\n", {}, "begins with an empty line; give a CSV file with a header"),
        ("a,a\n1,2\n", {}, "several columns called a; rename them"),
        ("a,b\n1,2\n3\n", {}, "row 2 has 1 cells, but the header has 2; correct it, or set on_error: skip"),
        ("a,b\n1,2\n3,4,5\n", {}, "row 2 has 3 cells"),
        ("a,b\n1,secret" + "x" * (9 << 20) + "\n2,3\n", {}, "damaged or no CSV file: a quote is not closed, or a row"),
        (b"a,b\n1,fr\xfch\n", {}, "is not utf-8-sig text.*set encoding"),
        ("a,b\n1,2\n".encode("utf-16"), {}, "begins with the mark of UTF-16; set encoding: utf-16"),
        ("a,b\n1,2\n".encode("utf-16"), {"encoding": "cp1252"}, "begins with the mark of UTF-16; set encoding: utf-16"),
        (b"a,,\n1,2,3\n", {}, "the header of .* has 2 empty cells; give every column a name"),
        ("a,b\n1,2\n", {"label": "c"}, "has no column 'c'; found a, b; set label: COLUMN"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_table_is_named(
    tmp_path: Path, content: str | bytes, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message) as caught:
        _read(tmp_path, content, table=True, **options)
    assert "secret" not in str(caught.value)


def test_an_uneven_row_stops_the_reading_without_a_call_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Arrow's thread asks for the interpreter when it lets go of a callback, and aborts a process that is ending."""
    given: list[Any] = []
    kept = arrow_csv.ParseOptions
    monkeypatch.setattr(arrow_csv, "ParseOptions", lambda **told: given.append(told) or kept(**told))
    with pytest.raises(DataError, match="row 2 has 1 cells, but the header has 2"):
        _read(tmp_path, "a,b\n1,2\n3\n", table=True)
    assert given[0]["invalid_row_handler"] is None


def test_ragged_rows_are_skipped_and_counted(tmp_path: Path) -> None:
    table = _table(tmp_path, "a,b\n1,2\n3\n4,5,6\n7,8\n", on_error="skip")
    assert table.table.column("a").to_pylist() == [1, 7]
    assert read_notes(tmp_path / "read") == ["skipped 2 rows that had more or fewer cells than the header"]


def test_one_column_keeps_its_empty_cells(tmp_path: Path) -> None:
    assert _table(tmp_path, "a\n1\n\n3\n").table.column("a").to_pylist() == [1, None, 3]


@pytest.mark.parametrize("count", [1000, pytest.param(10_000, marks=pytest.mark.slow)])
def test_many_columns(tmp_path: Path, count: int) -> None:
    names = [f"c{k}" for k in range(count)]
    lines = [",".join(names), *(",".join([str(k)] * count) for k in (1, 2, 2))]
    assert len(_table(tmp_path, "\n".join(lines)).schema.columns) == count


def test_a_long_cell(tmp_path: Path) -> None:
    assert len(_table(tmp_path, "a,b\n1," + "x" * 3_000_000 + "\n2,y\n")) == 2


def test_threads_hold_no_python_function_where_a_row_stops_the_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that reads ahead frees it late: where Python has ended by then, the program aborts after its message."""
    held, open_csv = [], arrow_csv.open_csv

    def spied(path: Path, **options: Any) -> Any:
        held.append(options["parse_options"].invalid_row_handler)
        return open_csv(path, **options)

    monkeypatch.setattr(arrow_csv, "open_csv", spied)
    (tmp_path / "bad.csv").write_text("a,b\n1,x\n2,y,3\n")
    with pytest.raises(DataError, match=r"^bad.csv row 2 has 3 cells, but the header has 2; correct it, or set"):
        list(Csv(path=str(tmp_path / "bad.csv")).rows().batches())
    assert held == [None]
    assert sum(map(len, Csv(path=str(tmp_path / "bad.csv"), on_error="skip").rows().batches())) == 1


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("delimiter", [";", "\t", "/"])
def test_a_line_for_excel_names_the_delimiter(tmp_path: Path, mark: str, end: str, delimiter: str) -> None:
    lines = [f"sep={delimiter}", *(delimiter.join(row) for row in (("a,b", "n"), ("x", "1,5"), ("y", "2"), ("x", "3")))]
    table: Table = _read(tmp_path, mark + end.join([*lines, ""]))
    assert [column.name for column in table.schema.columns] == ["a,b", "n"]
    assert table.numbers("n").tolist() == [1.5, 2, 3]


def test_a_line_for_excel_is_counted_and_read_with_texts(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="row 2 has 3 cells, but the header has 2"):
        _read(tmp_path, "sep=;\na;b\n1;2\n1;2;3\n")
    for name, delimiter in (("a", None), ("b", ",")):
        (tmp_path / name).mkdir()
        content = f"SEP=;\ntext{delimiter or ';'}label\none{delimiter or ';'}x\ntwo{delimiter or ';'}x\n"
        assert _read(tmp_path / name, content, delimiter=delimiter, label="").texts() == ["one", "two"]
    faults = [name for name, _ in Csv(path=str(tmp_path / "a" / "rows.csv"), table=False).records()]
    assert faults == ["rows.csv line 3", "rows.csv line 4"]
    (tmp_path / "c").mkdir()
    utf_16 = "sep=;\na;b\n1;2\n3;4\n".encode("utf-16")
    assert _read(tmp_path / "c", utf_16, encoding="utf-16").numbers("b").tolist() == [2, 4]
