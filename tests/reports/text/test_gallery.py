"""The gallery of texts shows some of each label, marks copies and clips; the page escapes all of it."""

from __future__ import annotations

from pathlib import Path

from lookalike.core.contracts import Reference
from lookalike.core.rng import Rng
from lookalike.data.corpus import PROBLEM, Corpus, text_schema
from lookalike.reports.page import render
from lookalike.reports.record import read_record
from lookalike.reports.text.gallery import build
from lookalike.reports.text.look import texts_block

SCHEMA = text_schema(["good", "bad"], ["tone", PROBLEM])


def _made(folder: Path) -> bytes:
    (folder / "gallery").mkdir(parents=True)
    plain = text_schema(["good", "bad"])
    real = Reference(Corpus.of(["copied TEXT", "b"], [0, 1], plain), Corpus.of(["c", "d"], [0, 1], plain))
    texts = ["<script>alert(1)</script>", "copied text", "x" * 5000, "d"]
    further = {"tone": ["calm"] * 4, PROBLEM: [""] * 4}
    accepted = Corpus.of(texts, [0, 0, 1, 1], SCHEMA, further)
    rejected = Corpus.of(["", "thrown"], [0, 1], SCHEMA, {"tone": ["", ""], PROBLEM: ["answer: none", ""]})
    build(folder / "gallery", real, accepted, (rejected, ["answer: none", "format: short"]), [], Rng(0))
    return (folder / "gallery" / "gallery.json").read_bytes()


def test_texts_are_shown_clipped_and_copies_marked(tmp_path: Path) -> None:
    _made(tmp_path)
    block = texts_block(read_record(tmp_path))
    assert block is not None
    assert block["copies"]
    good, bad = block["classes"]
    assert [text["copied"] for text in good["texts"]] == [False, True]
    assert [text["row"] for text in bad["texts"]] == [2, 3]
    assert max(len(text["text"]) for text in bad["texts"]) < 700
    assert good["texts"][0]["more"] == {"tone": "calm"}
    assert block["rejected"] == [{"reason": "format: short", "texts": ["thrown"]}]


def test_the_page_escapes_texts(tmp_path: Path) -> None:
    _made(tmp_path)
    page = render(tmp_path)
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "tone: calm" in page
    assert page.count("<b>!</b> copied text") == page.count("<b>!</b>") - 1 == 1


def test_equal_inputs_give_equal_bytes(tmp_path: Path) -> None:
    assert _made(tmp_path / "a") == _made(tmp_path / "b")
