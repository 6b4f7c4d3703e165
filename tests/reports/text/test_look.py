"""Without a gallery of texts there is nothing to show."""

from __future__ import annotations

import json
from pathlib import Path

from lookalike.reports.record import read_record
from lookalike.reports.text.look import texts_block


def test_other_galleries_hold_no_texts(tmp_path: Path) -> None:
    assert texts_block(read_record(tmp_path)) is None
    (tmp_path / "gallery").mkdir()
    (tmp_path / "gallery" / "gallery.json").write_text(json.dumps({"sprites": {}, "items": []}))
    assert texts_block(read_record(tmp_path)) is None
