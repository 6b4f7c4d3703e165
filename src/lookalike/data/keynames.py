"""Which columns may name single rows, by their names and by how often values come; and what new keys look like."""

from __future__ import annotations

import re

from lookalike.data.facts import Facts
from lookalike.data.formats import largest_of
from lookalike.data.keyforms import count_on

_KEY = re.compile(
    r"(?i:(^|[_\W])(id|key|pk|uuid|guid|row_?id|ssn|iban|passport|phone|e-?mail([_\W]?address)?)$)"
    r"|(?i:[_\W](nr|no|number|code|ref)$)|(?i:nummer$)|[a-z](I[dD]|Nr|No|Number|Code|Key)$"
)
_INDEX = re.compile(r"(?i:(^|[_\W])(index|rownames?|unnamed: 0)$)|(?i:^(no|nr|number|code)$)")
_GENERIC = frozenset(("id", "key", "pk", "fk", "nr", "no", "num", "number", "code", "ref", "uuid", "name"))
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_MANY = 50
LARGEST = 2**53
"""From here on not every whole number is one of 64 bits with a point."""


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


def stems(name: str) -> frozenset[str]:
    """Return the words of a name, those left out that any key has.

    Example:
        >>> sorted(stems("invoice_lines")), sorted(stems("customerId"))
        (['invoice', 'line'], ['customer'])
    """
    words = [word.casefold() for word in _WORDS.findall(name)]
    return frozenset(_singular(word) for word in words if word not in _GENERIC)


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word


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


def one_by_one(facts: Facts) -> str:
    """Return why values that single rows could be told by are not learnt."""
    if single := single_rows(facts):
        return f"{single:,} of {facts.filled:,} cells hold a value that no other row has"
    return f"{facts.different:,} different values in {facts.filled:,} cells"


def given_out(facts: Facts) -> str:
    """Return a warning where a list of values would give out some that belong to one row each; else nothing."""
    single = single_rows(facts)
    if single < 2:
        return "; 1 of its values belongs to one row: it may be given out" if single else ""
    return f"; {single:,} of its values belong to one row each: they may be given out"


def new_form(facts: Facts, stored: str) -> str:
    """Return the form of new keys."""
    numbers, most = facts.numbers, largest_of(stored)
    if most is None:
        return facts.shapes.form(facts.levels, facts.filled)
    if max(abs(numbers.low), abs(numbers.high)) >= LARGEST:
        return ""
    # No number beyond what a spreadsheet holds exactly.
    return count_on(int(numbers.low), max(0, int(numbers.high)), facts.filled, min(most, LARGEST - 1))
