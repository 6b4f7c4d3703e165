"""New keys are of the form of the real ones and never one of them; rows depend on the key and their place alone."""

from __future__ import annotations

import numpy as np

from lookalike.core.events import Event, Note
from lookalike.core.rng import Rng
from lookalike.core.schema import Column
from lookalike.data.formats import typed
from lookalike.data.fresh import fresh_words, in_blocks, tell_unlearnt
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
