"""What the report shows of several tables: all columns, numbers of children, one family, and no real key."""

from __future__ import annotations

import json
from pathlib import Path

from tests.metrics.tables.known import reference, shops

from lookalike.core.rng import Rng
from lookalike.core.store import write_json
from lookalike.reports.making import balance_block
from lookalike.reports.record import read_record
from lookalike.reports.tables.gallery import build
from lookalike.reports.tabular.look import columns_block


def test_every_table_is_shown_with_how_many_rows_belong_to_each(tmp_path: Path) -> None:
    (tmp_path / "gallery").mkdir()
    made = shops(200, 5)
    build(tmp_path / "gallery", reference(), made, (made, []), [], Rng(0))
    found = json.loads((tmp_path / "gallery" / "gallery.json").read_text())["table"]
    columns = {one["name"]: one for one in found["columns"]}
    assert set(columns) == {"shops: size", "shops: number of sales", "sales: price", "sales: land", "sales: day"}
    assert set(columns["shops: number of sales"]["shares"]) == {"real", "synthetic", "holdout"}
    assert columns["shops: number of sales"]["distance"] < 0.2
    assert found["rows"]["synthetic"] == 200 + len(made.tables["sales"])
    assert found["header"] == ["price", "land", "day", "shops: size", "shops: number of sales"]
    assert len(found["sample"]) == 12
    assert "5-1" not in json.dumps(found["sample"])
    block = columns_block(read_record(tmp_path))
    assert block is not None
    assert block["keys"] == ["shops: shop", "sales: sale", "sales: shop"]


def test_rows_of_each_table_are_counted_where_there_are_no_classes(tmp_path: Path) -> None:
    (tmp_path / "gallery").mkdir()
    made = shops(200, 5)
    build(tmp_path / "gallery", reference(), made, (made, []), [], Rng(0))
    manifest = {"data": {"classes": [], "counts": {"train": [300]}}, "sample": {"asked": [200], "accepted": [200]}}
    write_json(tmp_path / "manifest.json", manifest)
    block = balance_block(read_record(tmp_path))
    assert block is not None
    assert block["rows"] == []
    assert block["chart"] is None
    assert block["totals"] == {"real": "300", "asked": "200", "made": "–", "accepted": "200"}
    assert [(one["name"], one["synthetic"]) for one in block["tables"]] == [
        ("shops", "200"),
        ("sales", f"{len(made.tables['sales']):,}"),
    ]
