"""Corpora: saved, opened, hashed, taken from, and refused when their parts do not fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from lookalike.core.errors import DataError
from lookalike.data import open_dataset
from lookalike.data.corpus import Corpus, concatenate_texts, text_schema

SCHEMA = text_schema(["good", "bad"], ["source"])
TEXTS = ["fine", "", "früh\nspät 🙂", 'a "quoted" one']


def _some() -> Corpus:
    return Corpus.of(TEXTS, [0, 1, 1, 0], SCHEMA, {"source": ["a", "b", "b", "c"]})


def test_saved_texts_open_equal(tmp_path: Path) -> None:
    corpus = _some()
    corpus.save(tmp_path)
    again = open_dataset(tmp_path)
    assert isinstance(again, Corpus)
    assert again.fingerprint() == corpus.fingerprint()
    assert again.texts() == TEXTS
    assert again.column("source") == ["a", "b", "b", "c"]
    assert again.labels.tolist() == [0, 1, 1, 0]
    assert again.counts().tolist() == [2, 2]


def test_rows_are_taken_by_position_with_repeats() -> None:
    part = _some().take(np.array([2, 0, 2]))
    assert part.texts() == [TEXTS[2], TEXTS[0], TEXTS[2]]
    assert part.labels.tolist() == [1, 0, 1]
    assert len(_some().take(np.array([], dtype=np.int64))) == 0


def test_the_fingerprint_sees_every_part() -> None:
    found = {_some().fingerprint()}
    found.add(Corpus.of([*TEXTS[:3], "a 'quoted' one"], [0, 1, 1, 0], SCHEMA, {"source": list("abbc")}).fingerprint())
    found.add(Corpus.of(TEXTS, [1, 1, 1, 0], SCHEMA, {"source": list("abbc")}).fingerprint())
    found.add(Corpus.of(TEXTS, [0, 1, 1, 0], SCHEMA, {"source": list("abbd")}).fingerprint())
    schema = text_schema(["good", "bad"])
    found.add(Corpus.of(["ab", "c"], [0, 1], schema).fingerprint())
    found.add(Corpus.of(["a", "bc"], [0, 1], schema).fingerprint())
    assert len(found) == 6


def test_row_hashes_ignore_the_label() -> None:
    other = Corpus.of(TEXTS, [1, 1, 1, 1], SCHEMA, {"source": list("xxxx")})
    assert list(_some().row_hashes()) == list(other.row_hashes())


def test_texts_without_labels_have_one_number() -> None:
    corpus = Corpus.of(["a", "b"], [0, 0], text_schema([]))
    assert corpus.classes == ()
    assert corpus.labels.tolist() == [0, 0]


def test_parts_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    schema = text_schema(["good", "bad"])
    with pytest.raises(DataError, match=r"0\.\.1, found 0 to 2"):
        Corpus.of(["a", "b"], [0, 2], schema)
    with pytest.raises(DataError, match="nulls"):
        Corpus(pa.table({"text": pa.array(["a", None], pa.large_string()), "label": [0, 1]}), schema)
    with pytest.raises(DataError, match="needs the columns text, label, found text"):
        Corpus(pa.table({"text": pa.array(["a"], pa.large_string())}), schema)
    (tmp_path / "schema.json").write_text(schema.model_dump_json())
    with pytest.raises(DataError, match="complete set of texts"):
        open_dataset(tmp_path)


def test_joining_keeps_common_columns_only() -> None:
    plain = Corpus.of(["x"], [1], text_schema(["good", "bad"]))
    both = concatenate_texts([_some(), plain])
    assert both.texts() == [*TEXTS, "x"]
    assert both.labels.tolist() == [0, 1, 1, 0, 1]
    assert both.table.column_names == ["text", "label"]
    assert concatenate_texts([_some(), _some()]).column("source") == list("abbc") * 2
    with pytest.raises(DataError, match="2 different lists"):
        concatenate_texts([plain, Corpus.of(["x"], [0], text_schema(["bad", "good"]))])
