"""Tables of texts: which kind is read, columns and class names, faults, and what a run wrote comes back equal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

import lookalike
from lookalike.core.errors import DataError
from lookalike.core.registry import find
from lookalike.data.corpus import Corpus
from lookalike.data.reading import read_notes
from lookalike.data.table import Table

READERS = ("parquet", "hf")
NAMED = {"label": {"names": ["worse", "better", "never"], "_type": "ClassLabel"}}
PICTURES = pa.array(
    [{"bytes": b"x", "path": None}] * 4, pa.struct([pa.field("bytes", pa.binary()), pa.field("path", pa.string())])
)
SHOWN = {"picture": {"_type": "Image"}}
TEXTS = ["a fine one", "früh 🙂", "שלום עולם", "two\nlines"]


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets.disable_progress_bars()
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(datasets.config, "HF_CACHE_HOME", tmp_path / "cache")


def put(folder: Path, features: Any = None, name: str = "a", **columns: Any) -> Path:
    """Write a table; columns that are set to None are left out."""
    found = {"text": TEXTS, "label": [0, 1] * 2, **columns}
    table = pa.table({key: value for key, value in found.items() if value is not None})
    if features is not None:
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    folder.mkdir(exist_ok=True)
    pq.write_table(table, folder / f"{name}.parquet")
    return folder


def read(reader: str, folder: Path, **options: Any) -> Any:
    target = folder.parent / f"read-{reader}"
    target.mkdir()
    data = find("readers", reader)(path=str(folder), **options).read(target)
    if isinstance(data, Corpus):
        assert Corpus.open(target).fingerprint() == data.fingerprint()
    return data


@pytest.mark.parametrize("reader", READERS)
def test_texts_and_class_names_are_read(tmp_path: Path, reader: str) -> None:
    data = read(reader, put(tmp_path / "d", NAMED))
    assert data.texts() == TEXTS
    assert data.classes == ("worse", "better")
    assert data.labels.tolist() == [0, 1, 0, 1]
    assert read_notes(tmp_path / f"read-{reader}") == ["left out 1 classes without texts: never"]


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    ("columns", "options", "classes"),
    [
        ({"label": [5, 1, 5, 1]}, {}, ("1", "5")),
        ({"label": [4.5, 1.0] * 2}, {}, ("1.0", "4.5")),
        ({"label": [True, False] * 2}, {}, ("false", "true")),
        ({"label": ["y", "x"] * 2}, {}, ("x", "y")),
        ({"label": pa.array(["y", "x"] * 2).dictionary_encode()}, {}, ("x", "y")),
        ({"label": None, "sentiment": ["y", "x"] * 2}, {}, ("x", "y")),
        ({"label": None}, {}, ()),
        ({}, {"label": ""}, ()),
        ({"stars": [1, 2] * 2}, {"label": "stars"}, ("1", "2")),
        ({"text": pa.array(TEXTS, pa.large_string())}, {}, ("0", "1")),
    ],
)
def test_labels_of_every_type(tmp_path: Path, reader: str, columns: Any, options: Any, classes: Any) -> None:
    data = read(reader, put(tmp_path / "d", **columns), **options)
    assert data.texts() == TEXTS
    assert data.classes == classes


@pytest.mark.parametrize("reader", READERS)
def test_further_columns_become_strings(tmp_path: Path, reader: str) -> None:
    folder = put(tmp_path / "d", n=[1, None, 3, 4], f=[0.5, 1.0, float("nan"), 2.0], s=["a", None, "c", "d"])
    data = read(reader, folder, keep=("n", "f", "s"))
    assert data.column("n") == ["1", "", "3", "4"]
    assert data.column("f") == ["0.5", "1.0", "", "2.0"]
    assert data.column("s") == ["a", "", "c", "d"]


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        (
            {"text": None, "utterance": TEXTS},
            {"table": False},
            "no image column; .*set image: COLUMN, or text: COLUMN to read texts",
        ),
        ({}, {"text": "body"}, "has no column 'body'; found text, label; set text: COLUMN"),
        ({}, {"text": "text", "label": "stars"}, "has no column 'stars'.*set label: COLUMN"),
        ({}, {"keep": ("stars",)}, "has no column 'stars'.*set keep: COLUMN"),
        ({}, {"text": "label"}, "column 'label' of .* holds int64, not strings; columns of strings: text; set text"),
        (
            {"picture": PICTURES, "features": SHOWN},
            {},
            r"holds images \(picture\) and texts \(text\); set image: COLUMN .* or text",
        ),
        ({"text": ["a", None, "b", "c"]}, {}, "row 1 has no text; correct it, or set on_error: skip"),
        ({"text": ["a", " ", "b", "c"]}, {}, "row 1 has an empty text"),
        ({"label": [0, None, 1, 1]}, {}, "row 1 has no label; fill column 'label'"),
        ({"label": ["a"] * 4}, {}, "holds one class only, 'a' with 4 texts"),
        ({"label": ["a", "b", "b", "b"]}, {}, "have one text only: 'a'"),
        ({}, {"max_characters": 9}, "row 0 is 10 characters long, more than max_characters=9; raise it, or set on_err"),
    ],
)
def test_what_cannot_be_used_is_one_line(tmp_path: Path, reader: str, columns: Any, options: Any, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read(reader, put(tmp_path / "d", **columns), **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("reader", READERS)
def test_a_column_chooses_between_images_and_texts(tmp_path: Path, reader: str) -> None:
    folder = put(tmp_path / "d", SHOWN, picture=PICTURES)
    assert read(reader, folder, text="text").texts() == TEXTS
    with pytest.raises(DataError, match=r"cannot read .*row 0"):
        find("readers", reader)(path=str(folder), image="picture").read(tmp_path)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"text": "a", "image": "b"}, "image is for images and text for texts; keep the settings of one kind"),
        ({"keep": ("a",), "size": (8, 8)}, "size is for images and keep for texts"),
        ({"keep": ("a", "a")}, "keep must name each column once.*; found a; rename"),
        ({"keep": ("label",)}, "none that is called text, label or _label.*; found label; rename"),
    ],
)
def test_settings_of_both_kinds_are_refused(reader: str, options: Any, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        find("readers", reader)(path="x", **options)


@pytest.mark.parametrize("reader", READERS)
def test_rows_with_faults_can_be_skipped_and_are_counted(tmp_path: Path, reader: str) -> None:
    folder = put(tmp_path / "d", text=["a", "b\0", "c", "d", None, "e"], label=[0, 0, 1, 1, 0, 0])
    data = read(reader, folder, on_error="skip")
    assert data.texts() == ["a", "c", "d", "e"]
    assert read_notes(tmp_path / f"read-{reader}")[0].startswith("skipped 2 rows: ")


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(("raw", "fault"), [(b"\xed\xa0\x80", "lone surrogate"), (b"\xff\xfe", "no UTF-8 text")])
def test_strings_that_are_no_utf8_are_faults_of_their_row(tmp_path: Path, reader: str, raw: bytes, fault: str) -> None:
    places = np.array([0, 1, 1 + len(raw), 2 + len(raw)], dtype=np.int32)
    wrong = pa.Array.from_buffers(pa.string(), 3, [None, pa.py_buffer(places), pa.py_buffer(b"a" + raw + b"b")])
    (tmp_path / "d").mkdir()
    pq.write_table(pa.table({"text": wrong}), tmp_path / "d" / "a.parquet")
    assert read(reader, tmp_path / "d", on_error="skip").texts() == ["a", "b"]
    assert fault in read_notes(tmp_path / f"read-{reader}")[0]


@pytest.mark.parametrize("reader", READERS)
def test_labels_without_a_name_and_with_equal_names(tmp_path: Path, reader: str) -> None:
    with pytest.raises(DataError, match="label 7 has no name; allowed: 0 to 2 for the 3 class names"):
        read(reader, put(tmp_path / "d", NAMED, label=[0, 7, 1, 0]))
    equal = {"label": {"names": ["a", " a"], "_type": "ClassLabel"}}
    with pytest.raises(DataError, match="class names must differ, found 1 repeated"):
        find("readers", reader)(path=str(put(tmp_path / "e", equal))).read(tmp_path)


@pytest.mark.parametrize("reader", READERS)
def test_several_label_columns_need_a_choice(tmp_path: Path, reader: str) -> None:
    features = {**NAMED, "coarse": {"names": ["a", "b"], "_type": "ClassLabel"}}
    folder = put(tmp_path / "d", features, coarse=[0, 0, 1, 1])
    with pytest.raises(DataError, match=r"2 label columns \(label, coarse\); .*set label: COLUMN"):
        read(reader, folder)
    assert find("readers", reader)(path=str(folder), label="coarse").read(put(tmp_path / "o")).classes == ("a", "b")


def test_files_of_several_data_sets_are_told_apart(tmp_path: Path) -> None:
    folder = put(tmp_path / "d", NAMED)
    put(folder, name="b")
    with pytest.raises(DataError, match=r"b\.parquet differs from a\.parquet in its text or label column or class"):
        read("parquet", folder)


def test_columns_that_share_a_name_are_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table([pa.array(TEXTS), pa.array(TEXTS)], ["text", "text"]), tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"a\.parquet has several columns called text; rename them"):
        find("readers", "parquet")(path=str(tmp_path / "a.parquet")).opened()


def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    import tracemalloc

    count = 60_000
    texts = [f"{row} " + "words " * 40 for row in range(count)]
    put(tmp_path / "d", text=texts, label=[row % 2 for row in range(count)])
    del texts
    (tmp_path / "read").mkdir()
    tracemalloc.start()
    assert len(find("readers", "parquet")(path=str(tmp_path / "d")).read(tmp_path / "read")) == count
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < (tmp_path / "read" / "texts.arrow").stat().st_size


@pytest.mark.parametrize("reader", READERS)
def test_the_rows_of_a_run_come_back_equal(tmp_path: Path, reader: str) -> None:
    task = {"describe": "notes", "labels": {"up": "rising", "down": "falling"}, "attributes": {"tone": ["calm", "dry"]}}
    answers = ['{"text": "note {key} 🙂 שלום"}', '{"text": "two\\nlines {key}"}']
    recipe = {
        "name": "t",
        "generator": {"use": "text.prompted", "backend": {"use": "echo", "answers": answers}, "task": task},
        "sample": {"rows": 12},
    }
    made = lookalike.run(recipe, tmp_path / "run", workers=1).synthetic()
    again = read(reader, tmp_path / "run" / "synthetic", keep=("tone",))
    assert again.classes == made.classes == ("up", "down")
    assert again.texts() == made.texts()
    assert again.labels.tolist() == made.labels.tolist()
    assert again.column("tone") == made.column("tone")


def test_a_script_that_lies_in_a_data_set_is_not_run(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    trace = tmp_path / "was-run"
    (tmp_path / "d" / "d.py").write_text(f"open({str(trace)!r}, 'w').close()\n")
    with pytest.raises(DataError, match="datasets cannot open"):
        read("hf", tmp_path / "d")
    assert not trace.exists()


def test_a_library_that_could_run_scripts_is_told_not_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[object] = []

    def load_dataset(path: str, name: str | None, trust_remote_code: bool | None = None, **_: object) -> None:
        told.append(trust_remote_code)
        raise ValueError("enough seen")

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    with pytest.raises(DataError, match="enough seen"):
        read("hf", put(tmp_path / "d"))
    assert told == [False]


VALUES = {"text": None, "label": [0, 1, 0, -1], "age": [31, None, 40, 31], "town": ["Ulm", "Bonn", None, "Ulm"]}


@pytest.mark.parametrize("reader", READERS)
def test_without_images_and_texts_all_columns_are_a_table(tmp_path: Path, reader: str) -> None:
    data = read(reader, put(tmp_path / "d", NAMED, **VALUES), label="", columns={"town": {}})
    assert isinstance(data, Table)
    assert {column.name: column.kind for column in data.schema.columns} == {
        "label": "category", "age": "integer", "town": "category",
    }  # fmt: skip
    assert data.schema.column("label").categories == ("better", "worse")
    assert data.codes("label").tolist() == [1, 0, 1, -1]
    assert data.table.column("age").to_pylist() == [31, None, 40, 31]


@pytest.mark.parametrize("reader", READERS)
def test_a_table_can_be_forced(tmp_path: Path, reader: str) -> None:
    data = read(reader, put(tmp_path / "d"), table=True)
    assert isinstance(data, Table)
    assert data.table.column_names == ["text", "label"]
    assert data.classes == ("false", "true")


def test_files_of_one_table_have_the_same_columns(tmp_path: Path) -> None:
    folder = put(tmp_path / "d", **VALUES)
    put(folder, name="b", **{**VALUES, "age": [1, 2, 3, 4]})
    assert len(read("parquet", folder, label="")) == 8
    put(folder, name="c", **{**VALUES, "age": ["1", "2", "3", "4"]})
    (tmp_path / "read-parquet").rename(tmp_path / "before")
    with pytest.raises(DataError, match=r"c\.parquet differs from a\.parquet in the names or types of its columns"):
        read("parquet", folder, label="")


def test_an_index_of_pandas_is_no_column(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": [1.5, 2.5], "size": pd.Categorical(["s", "l"], ["s", "l"], ordered=True)}, index=[7, 9])
    frame.to_parquet(tmp_path / "a.parquet")
    data = read("parquet", tmp_path / "a.parquet")
    assert data.table.column_names == ["x", "size"]
    assert data.schema.column("size").categories == ("s", "l")
    assert data.schema.column("size").kind == "ordinal"


def test_settings_of_two_kinds_are_refused() -> None:
    with pytest.raises(ValidationError, match="channels is for images and table: true for tables of values"):
        find("readers", "parquet")(path="x", table=True, channels="rgb")
    with pytest.raises(ValidationError, match="missing is for tables of values; keep the settings of one kind"):
        find("readers", "parquet")(path="x", table=False, missing=["-"])
