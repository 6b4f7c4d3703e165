"""What is found where texts lie: reader, columns, labels, lengths, faults; and texts told from images."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lookalike.core.errors import DataError
from lookalike.core.registry import find
from lookalike.data.detect import Description, describe, guess
from lookalike.data.detect_texts import TextDescription

ROWS = [(f"a story of {number} words or so", "ab"[number % 2]) for number in range(10)]


def table(path: Path, rows: Sequence[Sequence[Any]] = ROWS, header: Sequence[str] = ("text", "label")) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter="\t" if path.suffix == ".tsv" else ",").writerows([header, *rows])
    return path


def found(path: Path) -> TextDescription:
    """Return the description, whose settings must read exactly what it says."""
    told = describe(path)
    assert isinstance(told, TextDescription)
    (path.parent / "read-it").mkdir()
    data = find("readers", told.reader)(**told.options).read(path.parent / "read-it")
    assert data.classes == told.classes
    assert dict(zip(data.classes, data.counts().tolist() if data.classes else [], strict=True)) == dict(told.counts)
    assert len(data) == told.rows
    assert told.characters.tolist() == sorted(len(text) for text in data.texts())
    assert told.words.tolist() == sorted(len(text.split()) for text in data.texts())
    assert told.size.tolist() == sorted(len(text.encode()) for text in data.texts())
    return told


@pytest.mark.parametrize("name", ["rows.csv", "rows.tsv", "rows.jsonl", "rows.ndjson", "rows.parquet"])
def test_a_table_of_texts(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if path.suffix in (".csv", ".tsv"):
        table(path, header=("said", "kind"))
    elif path.suffix == ".parquet":
        pq.write_table(pa.table({"said": [row[0] for row in ROWS], "kind": [row[1] for row in ROWS]}), path)
    else:
        path.write_text("\n".join(json.dumps({"said": text, "kind": label}) for text, label in ROWS))
    told = found(path)
    assert told.options == {"path": str(path), "text": "said", "label": "kind"}
    assert told.counts == {"a": 5, "b": 5}
    assert told.columns == {"said": "texts of 7 words", "kind": "2 values"}
    assert told.notes == ()


def test_class_names_of_a_table_come_first(tmp_path: Path) -> None:
    features = {"b": {"names": ["low", "high"], "_type": "ClassLabel"}}
    columns = {"text": [row[0] for row in ROWS], "label": ["x", "y"] * 5, "b": [1, 0, 0, 0, 0] * 2}
    rows = pa.table(columns).replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    pq.write_table(rows, tmp_path / "a.parquet")
    told = found(tmp_path / "a.parquet")
    assert told.counts == {"low": 8, "high": 2}
    assert (told.label.name, told.label.others) == ("b", ("label",))


def test_a_folder_of_hugging_face(tmp_path: Path) -> None:
    datasets.disable_progress_bars()
    rows = {"text": [row[0] for row in ROWS], "label": [row[1] for row in ROWS]}
    datasets.Dataset.from_dict(rows).save_to_disk(tmp_path / "d")
    told = found(tmp_path / "d")
    assert (told.reader, told.options["text"], told.options["label"]) == ("hf", "text", "label")


@pytest.mark.parametrize(
    ("files", "options", "labels"),
    [
        ({"a.txt": 5}, {}, ()),
        ({"up/a.txt": 5, "down/a.txt": 5}, {}, ("down", "up")),
        (
            {f"{label}/{number}.txt": 1 for label in ("up", "down") for number in range(3)},
            {"per": "file"},
            ("down", "up"),
        ),
        ({f"{number}.txt": 2 for number in range(4)}, {"per": "file"}, ()),
    ],
)
def test_folders_of_text_files(tmp_path: Path, files: dict[str, int], options: Any, labels: Any) -> None:
    for name, lines in files.items():
        path = tmp_path / "d" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(f"line {line} of {name}" for line in range(lines)))
    told = found(tmp_path / "d")
    assert told.options == {"path": str(tmp_path / "d"), **options}
    assert told.classes == labels


def test_a_train_folder_and_a_single_table_are_found(tmp_path: Path) -> None:
    for label in ("up", "down"):
        (tmp_path / "d" / "train" / label).mkdir(parents=True)
        (tmp_path / "d" / "train" / label / "a.txt").write_text("one line\nanother line\n")
    assert guess(tmp_path / "d") == ("txt", {"path": str(tmp_path / "d" / "train")})
    path = table(tmp_path / "e" / "rows.csv")
    (tmp_path / "e" / "readme.txt").write_text("about")
    assert guess(tmp_path / "e") == ("csv", {"path": str(path)})
    table(tmp_path / "e" / "more.csv")
    with pytest.raises(DataError, match=r"holds 2 tables: more\.csv, rows\.csv; give one of them"):
        guess(tmp_path / "e")


def test_a_test_part_is_used_when_its_labels_are_the_same(tmp_path: Path) -> None:
    path = table(tmp_path / "d" / "train.csv")
    test = table(tmp_path / "d" / "test.csv")
    assert guess(tmp_path / "d") == ("csv", {"path": str(path)})
    told = found(path)
    assert told.test == {**told.options, "path": str(test)}
    for rows, header in (
        (ROWS[::2], ("text", "label")),
        ([(row[0],) for row in ROWS], ("text",)),
        ([(row[0], {"a": "c", "b": "b"}[row[1]]) for row in ROWS], ("text", "label")),
    ):
        table(test, rows, header)
        told = describe(path)
        assert isinstance(told, TextDescription)
        assert told.test is None


def test_rows_with_faults_are_counted_and_left_out(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", [*ROWS, ("", "a"), ("no label", ""), ("a\0b", "a")])
    told = found(path)
    assert told.options["on_error"] == "skip"
    assert told.rows == 10
    assert told.notes[0].startswith("skipped 3 rows: a.csv line 12 has an empty text | ")


def test_other_encodings_are_tried_and_told(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"text,label\n" + "".join(f"früh am Tag {i},{'ab'[i % 2]}\n" for i in range(6)).encode("cp1252"))
    told = found(path)
    assert told.options["encoding"] == "cp1252"
    assert "so read as cp1252" in told.notes[0]
    path.write_bytes(b"text,label\n\x81\x8d,a\n")
    with pytest.raises(DataError, match="is not utf-8-sig text"):
        describe(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "holds no rows; give a CSV file with a header"),
        ("text,label\none two,a\nthree four,a\nfive six,a\nseven eight,b\n", "classes have one text only: 'b'"),
        ('text\n"one', "damaged or no CSV file"),
    ],
)
def test_nothing_usable_is_one_line(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(DataError, match=message) as caught:
        describe(tmp_path / "a.csv")
    assert "\n" not in str(caught.value)


def test_a_table_of_images_is_told_from_texts_whatever_its_columns_are_called(photos: Path, tmp_path: Path) -> None:
    lines = [f"{kind}/{i}.png,{i % 2}" for kind in ("cat", "dog") for i in range(3)]
    (photos / "truth.csv").write_text("\n".join(["name,class", *lines]))
    assert guess(photos / "truth.csv")[0] == "folder"
    path = table(tmp_path / "a.csv", [("Ann", *row) for row in ROWS], ("name", "text", "label"))
    assert guess(path) == ("csv", {"path": str(path)})
    (photos / "readme.txt").write_text("about these photos")
    assert guess(photos)[0] == "folder"


def test_a_table_with_images_and_captions_is_read_as_images(tmp_path: Path, some: Any) -> None:
    (path,) = find("writers", "parquet")().write(some(6), tmp_path)
    whole = pq.read_table(path)
    metadata = whole.schema.metadata
    whole = whole.append_column("text", pa.array([f"a picture of {i}" for i in range(6)]))
    pq.write_table(whole.replace_schema_metadata(metadata), path)
    told = describe(path)
    assert isinstance(told, Description)
    assert told.options == {"path": str(path), "image": "image"}
    assert told.rows == 6
    assert np.array(list(told.counts.values())).sum() == 6


def test_rows_without_texts_are_named_by_their_columns(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"id": 1, "label": "a"}\n{"id": 2, "label": "b"}\n')
    with pytest.raises(DataError, match=r"no column holds texts of several words; id: numbers; label: .*text: COLUMN}"):
        describe(tmp_path / "a.jsonl")
