"""The block of columns: what it lists, what it leaves out, and what it says of keys and free texts."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lookalike.core.constraints import Inequality
from lookalike.core.contracts import Reference
from lookalike.core.rng import Rng
from lookalike.core.schema import Column
from lookalike.data.holding import constrained
from lookalike.data.table import Table, table_schema
from lookalike.reports import page
from lookalike.reports.evidence import Evidence
from lookalike.reports.record import Record, read_record
from lookalike.reports.tabular.gallery import build
from lookalike.reports.tabular.look import columns_block


def _run(tmp_path: Path, columns: int) -> Record:
    schema = table_schema(
        [
            Column(name="<key>", kind="id"),
            Column(name="free", kind="text"),
            *(Column(name=f"c{k}", kind="number", unit="m") for k in range(columns)),
        ]
    )
    values = [float(k) for k in range(40)]
    table = Table.of(
        {"<key>": [f"k{k}" for k in range(40)], "free": [""] * 40, **{f"c{k}": values for k in range(columns)}},  # type: ignore[dict-item]
        schema,
    )
    (tmp_path / "gallery").mkdir()
    build(tmp_path / "gallery", Reference(table, table), table, (table, []), [], Rng(0))
    return read_record(tmp_path)


def test_columns_are_shown_and_the_others_listed(tmp_path: Path) -> None:
    block = columns_block(_run(tmp_path, 70))
    assert block is not None
    assert (len(block["open"]), len(block["more"]), len(block["list"])) == (6, 54, 70)
    assert block["open"][0]["kind"] == "number, m"
    assert (block["keys"], block["texts"]) == (["<key>"], ["free"])
    assert block["more_columns"] == 32


def test_the_page_shows_them(tmp_path: Path) -> None:
    _run(tmp_path, 3)
    text = page.render(tmp_path)
    assert "Keys are new, and none is a real one: &lt;key&gt;." in text
    assert "Free texts are not modelled, and their cells are empty: free." in text
    assert "<key>" not in text
    assert text.count('class="chart"') >= 3


def test_the_page_shows_what_is_rare_missing_or_must_hold(tmp_path: Path) -> None:
    schema = table_schema(
        [
            Column(name="<a>", kind="integer", optional=True),
            Column(name="b", kind="integer", optional=True),
            Column(name="ok", kind="category", categories=("<no>", "yes")),
        ],
        "ok",
    )
    holes = np.where(np.arange(200) % 4, np.arange(200.0), np.nan)
    plain = Table.of({"<a>": holes, "b": holes + 1, "ok": np.arange(200) < 1}, schema)
    table = constrained(plain, [Inequality(rule="inequality", low="<a>", high="b")])
    (tmp_path / "gallery").mkdir()
    build(tmp_path / "gallery", Reference(table, table), table, (table, []), [], Rng(0))
    text = page.render(tmp_path)
    for heading in ("Constraints", "Missing values", "Rare classes and values"):
        assert f"<h3>{heading}</h3>" in text
    assert "&lt;a&gt; &lt;= b" in text
    assert "by construction" in text
    assert "b and &lt;a&gt;" in text
    assert "<a>" not in text
    assert "<no>" not in text


def test_other_runs_have_no_such_block() -> None:
    record = Record(Evidence([], {}), "", (), 0, 0, {"texts": []}, None, {})
    assert columns_block(record) is None
