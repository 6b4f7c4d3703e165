"""New keys are of the form of the real ones and never one of them; rows depend on the key and their place alone."""

from __future__ import annotations

import re

import numpy as np
import pytest

from lookalike.core.errors import DataError
from lookalike.core.events import Event, Note
from lookalike.core.rng import Rng
from lookalike.core.schema import Column
from lookalike.data.formats import typed
from lookalike.data.fresh import Places, fresh_words, in_blocks, tell_unlearnt
from lookalike.data.table import table_schema

SCHEMA = table_schema(
    [
        Column(name="word", kind="id"),
        Column(name="number", kind="id", stored="int32"),
        Column(name="note", kind="text"),
        Column(name="more", kind="text", optional=True),
        Column(name="x", kind="number"),
    ]
)


def test_keys_are_new_and_texts_empty() -> None:
    found = fresh_words(SCHEMA, 3000, Rng(0))
    assert len(set(found["word"])) == len(set(found["number"])) == 3000
    assert {len(str(key)) for key in found["word"]} == {24}
    assert all(9 * 10**17 <= int(str(key)) < 10**18 for key in found["number"])
    assert set(found["note"]) == {""}
    assert set(found["more"]) == {None}
    assert fresh_words(SCHEMA, 5, Rng(0))["word"] == list(found["word"])[:5]
    assert not set(fresh_words(SCHEMA, 3000, Rng(1))["word"]) & set(found["word"])


def test_fewer_rows_are_the_beginning_of_more() -> None:
    draw = lambda draw: {"x": draw.normal(size=1024)}  # noqa: E731
    whole = in_blocks(2500, Rng(3), SCHEMA, {}, draw)
    for n in (0, 1, 1024, 1500):
        assert in_blocks(n, Rng(3), SCHEMA, {}, draw).fingerprint() == whole.take(np.arange(n)).fingerprint()
    assert in_blocks(2, Rng(3), SCHEMA, {"x": np.array([1.0, 2.0])}, draw).numbers("x").tolist() == [1, 2]
    assert str(typed(whole).column("number").type) == "int64"


def test_free_texts_are_told() -> None:
    notes: list[Event] = []
    tell_unlearnt(SCHEMA, "tabular.some", notes.append)  # type: ignore[arg-type]
    assert [note.message.split()[0] for note in notes if isinstance(note, Note)] == ["note", "more"]


FORMED = table_schema(
    [
        Column(name="a", kind="id", form="A{10900..99999}"),
        Column(name="b", kind="id", form="[A-Z]{2}-[0-9]@5/7"),
        Column(name="c", kind="id", form="[0-9a-f]{20}"),
        Column(name="d", kind="id", stored="int16", form="{300..999}", lacking=0.25, optional=True),
    ]
)


def test_parts_of_a_dataset_share_the_keys_of_a_form() -> None:
    rng = Rng(0).child("sample")
    parts = [fresh_words(FORMED, 300, rng.child("shard", start).child("keys")) for start in (0, 300, 600)]
    for name, form in (("a", r"A\d{5}"), ("b", r"[A-Z]{2}-\d"), ("c", r"[0-9a-f]{20}"), ("d", r"\d{3,4}")):
        keys = [key for part in parts for key in part[name] if key is not None]
        assert len(set(keys)) == len(keys)
        assert all(re.fullmatch(form, str(key)) for key in keys), name
    whole = fresh_words(FORMED, 900, rng)
    assert fresh_words(FORMED, 20, rng) == {name: list(keys)[:20] for name, keys in whole.items()}
    assert whole["a"] != fresh_words(FORMED, 900, Rng(1))["a"]


def test_keys_lack_as_often_as_real_ones() -> None:
    lacks = [key is None for key in fresh_words(FORMED, 4000, Rng(0))["d"]]
    # Four standard deviations of 4000 draws.
    assert abs(np.mean(lacks) - 0.25) < 0.028
    assert not any(key is None for key in fresh_words(FORMED, 4000, Rng(0))["a"])


def test_beyond_the_room_of_a_form() -> None:
    found = fresh_words(FORMED, 2000, Rng(0))
    assert max(int(str(key)) for key in found["d"] if key is not None) > 999
    assert {len(str(key)) for key in found["b"]} == {4, 24}
    for keys in found.values():
        there = [key for key in keys if key is not None]
        assert len(set(there)) == len(there)
    with pytest.raises(DataError, match="column d of int16 has no place for the key 33,299; make fewer rows"):
        fresh_words(FORMED, 33_000, Rng(0))


def test_places_of_children_are_their_own() -> None:
    parents = Places(np.array([7, 8, 9]), Rng(0))
    found = parents.children(np.array([2, 0, 3]), 3, "items").rows.tolist()
    assert found == [21, 22, 27, 28, 29]
