"""CSV files of texts: found columns, other delimiters, and every way in which a row cannot be used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lookalike.core.errors import DataError
from lookalike.data.corpus import Corpus
from lookalike.data.readers.csv import Csv
from lookalike.data.reading import read_notes

ROWS = 'id,text,label,source\n1,"fine, really",good,a\n2,"two\nlines",bad,b\n3,früh 🙂,good,a\n4,שלום,bad,\n'


def _read(tmp_path: Path, content: str | bytes, **options: Any) -> Corpus:
    path = tmp_path / "rows.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    target = tmp_path / "read"
    target.mkdir()
    return Csv(path=str(path), **options).read(target)


def test_texts_and_labels_are_read(tmp_path: Path) -> None:
    corpus = _read(tmp_path, ROWS, keep=("source",))
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
        ("", {}, "holds no text that can be used"),
        ("a,label\n1,x\n2,x\n", {}, "has no text column; found a, label; set text: COLUMN"),
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
