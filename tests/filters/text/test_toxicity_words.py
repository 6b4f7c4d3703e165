"""Listed words go as whole words, whatever their case."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from lookalike.core.errors import ConfigError
from lookalike.core.rng import Rng
from lookalike.data.corpus import Corpus, text_schema
from lookalike.filters.text.toxicity_words import ToxicityWords

DATA = Corpus.of(["Shut  UP, you", "a classy ass", "shutting up", "grass", "it's f***"], [0] * 5, text_schema([]))


def test_whole_words_and_phrases_only(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("# a list\nshut up  # rude\n\nass\n", encoding="utf-8")
    for options in ({"words": ("Shut up", "ASS")}, {"path": tmp_path / "list.txt"}):
        found = ToxicityWords(**options).select(DATA, None, Rng(0))
        assert found.index.tolist() == [2, 3, 4]
        assert found.dropped == {"a listed word": 2}


def test_no_list_drops_nothing_and_a_wrong_one_is_named(tmp_path: Path) -> None:
    assert len(ToxicityWords().select(DATA, None, Rng(0)).index) == 5
    (tmp_path / "bad").write_bytes(b"\xff\xfe\x00")
    for path in ("bad", "none"):
        with pytest.raises(ConfigError, match=f"{path} cannot be read as UTF-8"):
            ToxicityWords(path=tmp_path / path).select(DATA, None, Rng(0))
    with pytest.raises(ValidationError, match="empty word"):
        ToxicityWords(words=(" ",))
