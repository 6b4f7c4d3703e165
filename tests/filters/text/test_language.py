"""Texts in another language go."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from lookalike.core.errors import ConfigError
from lookalike.core.rng import Rng
from lookalike.data.corpus import Corpus, text_schema
from lookalike.filters.text.language import Language

pytest.importorskip("lingua")
TEXTS = [
    "The plot of this film is thin and the cast looks tired.",
    "Dieser Film hat mir überhaupt nicht gefallen, leider.",
    "ok",
    "这部电影非常好看，我很喜欢。",
]
DATA = Corpus.of(TEXTS, [0] * 4, text_schema([]))


def test_other_languages_go_and_short_texts_stay() -> None:
    found = Language().select(DATA, None, Rng(0))
    assert found.index.tolist() == [0, 2]
    assert found.reasons[1] == "language: not en, rather de"
    assert Language(languages=("en", "zh")).select(DATA, None, Rng(0)).index.tolist() == [0, 2, 3]


def test_unknown_codes_are_refused() -> None:
    with pytest.raises(ValidationError, match="two-letter code"):
        Language(languages=("english",))
    with pytest.raises(ConfigError, match="knows no language 'xx'; allowed: af, ar"):
        Language(languages=("xx",)).select(DATA, None, Rng(0))
