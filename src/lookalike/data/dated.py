"""Which columns of whole numbers hold dates."""

from __future__ import annotations

from lookalike.data.declared import Declared
from lookalike.data.facts import Facts
from lookalike.data.keynames import called_like_a_key, called_like_an_index

_FEWEST = 20


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
