from __future__ import annotations

import json
from pathlib import Path

from lookalike.reports.data_card import data_card, plain
from lookalike.reports.record import read_record


def test_the_card_says_what_how_and_what_not(run_folder: Path) -> None:
    card = data_card(read_record(run_folder))
    for text in (
        "are synthetic",
        "- Rows: 1,200",
        "image.ddpm",
        "## Limits",
        "No formal guarantee",
        "| Utility | CAUTION |",
    ):
        assert text.replace("_", "\\_") in card
    assert len(card) < 6000


def test_the_card_of_an_empty_folder_says_so(tmp_path: Path) -> None:
    assert "has not been measured yet" in data_card(read_record(tmp_path))


def test_text_from_users_stays_text(run_folder: Path) -> None:
    path = run_folder / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["name"] = "a\n# b <script> | [x](y)"
    path.write_text(json.dumps(manifest))
    card = data_card(read_record(run_folder))
    assert "<script>" not in card.replace("\\<script\\>", "")
    assert "\n# b" not in card


def test_plain_escapes_what_markdown_reads() -> None:
    assert plain("a*b\n|c") == "a\\*b \\|c"
