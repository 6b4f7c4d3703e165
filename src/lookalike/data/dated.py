"""Which columns of whole numbers hold dates, and which hold dates in several formats."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from lookalike.data.dateforms import date_formats
from lookalike.data.declared import Declared
from lookalike.data.facts import Facts
from lookalike.data.formats import parse_dates
from lookalike.data.keynames import called_like_a_key, called_like_an_index

_FEWEST = 20
_MOST_FORMATS = 8


def compact_dates(facts: Facts, declared: Declared) -> bool:
    """Say whether whole numbers such as 20210305 are dates: all of them are, and they are no keys.

    Args:
        facts: What the cells are like.
        declared: What the user says; who speaks of digits or of another kind means no dates.
    """
    numbers = facts.numbers
    if not facts.dates or numbers.count < facts.filled or facts.filled < _FEWEST:
        return False
    if declared.kind not in (None, "datetime") or declared.decimals is not None or declared.grid is not None:
        return False
    unique = not facts.repeated
    counting = unique and numbers.high - numbers.low + 1 == facts.filled
    return not (counting or called_like_a_key(facts.name) or (unique and called_like_an_index(facts.name)))


def several_formats(facts: Facts) -> str:
    """Return a warning where all cells are dates but no one format fits them; it tells looks, no cell."""
    words = list(facts.levels)
    if not words or facts.dates or facts.numbers.count == facts.filled:
        return ""
    for _ in range(_MOST_FORMATS):
        given = pa.array(words, pa.large_string())
        gone = [np.isnat(parse_dates(given, form)) for form in date_formats(words[0])]
        left = [words[place] for place in np.flatnonzero(np.all(gone, axis=0))] if gone else words
        if not left:
            return f"; dates in several formats, which look like {facts.looks()}: write them in one"
        if len(left) == len(words):
            break
        words = left
    return ""
