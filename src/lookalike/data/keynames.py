"""Which columns may name single rows: by what they are called, and by how often their values come."""

from __future__ import annotations

import re

from lookalike.data.facts import Facts

_KEY = re.compile(
    r"(?i:(^|[_\W])(id|key|pk|uuid|guid|row_?id|ssn|iban|passport|phone|e-?mail([_\W]?address)?)$)"
    r"|(?i:[_\W](nr|no|number|code|ref)$)|(?i:nummer$)|[a-z](I[dD]|Nr|No|Number|Code|Key)$"
)
_INDEX = re.compile(r"(?i:(^|[_\W])(index|rownames?|unnamed: 0)$)|(?i:^(no|nr|number|code)$)")
_MANY = 50
_MANY_SINGLE = 10


def called_like_a_key(name: str) -> bool:
    """Say whether a column is called as keys are.

    Example:
        >>> [called_like_a_key(name) for name in ("customer_no", "patientId", "Matrikelnummer", "paid", "casino")]
        [True, True, True, False, False]
    """
    return bool(_KEY.search(name))


def called_like_an_index(name: str) -> bool:
    """Say whether a column is called as rows are counted: a key where none repeats, else an amount as likely.

    Example:
        >>> called_like_an_index("index"), called_like_an_index("no"), called_like_an_index("body mass")
        (True, True, False)
    """
    return bool(_INDEX.search(name))


def single_rows(facts: Facts) -> int:
    """Return how many cells hold a value that no other has; 0 where there are too many values to tell."""
    return sum(count == 1 for count in facts.levels.values())


def mostly_single(facts: Facts) -> bool:
    """Say whether values nearly name the rows.

    Most cells hold a value that no other has, or more than 50 values come twice at most on the average.
    """
    if facts.many or facts.filled < 2:
        return False
    return single_rows(facts) * 2 > facts.filled or (facts.different > _MANY and facts.filled <= 2 * facts.different)


def given_out(facts: Facts) -> str:
    """Return a warning where a list of values would give out many that belong to one row each; else nothing."""
    single = single_rows(facts)
    if single < 2 or (single < _MANY_SINGLE and single * _MANY_SINGLE <= facts.filled):
        return ""
    return f"; {single:,} of its values belong to one row each: they may be given out"
