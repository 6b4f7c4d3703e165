"""From what the cells of a column are like to what kind of column it is, with the reason in words."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, final

from lookalike.core.errors import DataError
from lookalike.core.schema import Column
from lookalike.data.classes import ordered
from lookalike.data.dated import compact_dates, several_formats
from lookalike.data.declared import Declared, bounds
from lookalike.data.digits import ONE_VALUE, all_whole, range_told, way_of_digits
from lookalike.data.facts import MOST_LEVELS, Facts
from lookalike.data.formats import FIXED, PAIR, POINT, SHORT
from lookalike.data.keynames import (
    LARGEST,
    called_like_a_key,
    called_like_an_index,
    given_out,
    mostly_single,
    new_form,
    one_by_one,
)
from lookalike.data.marks import Look
from lookalike.data.pixels import shown
from lookalike.data.table import BOOLEANS

_PAIRS = (("false", "true"), ("no", "yes"), ("f", "t"), ("n", "y"), ("0", "1"))
_MOST_CLASSES = 20
_FEW_NUMBERS = 50
_FEWEST_KEYS = 20
_MOST_DECIMALS = 9
_FEWEST_STEPS = 10
_AS_CATEGORY = "set kind: category to learn it, and real values are given out"


@final
@dataclass(frozen=True)
class Inferred:
    """A column, why it is taken for that (after a semicolon: what else it could be), and what its cells are like."""

    column: Column
    reason: str
    facts: Facts


def infer(facts: Facts, declared: Declared, typed: str = "", is_label: bool = False) -> Inferred:
    """Decide what a column is.

    Args:
        facts: What its cells are like.
        declared: What the user says of it.
        typed: Name of its Arrow type, where the source has types; empty for sources of text.
        is_label: It is what the others shall predict.

    Raises:
        DataError: The cells are of mixed kinds, infinite, or not what was declared.
    """
    look, doubt = Look(), ""
    if not typed:
        facts, look, doubt = _with_marks(facts, declared)
    guess = _typed(facts, typed, declared) if typed else _written(facts, declared, is_label)
    kind, reason, more = guess
    if declared.kind is not None and declared.kind != kind:
        kind, reason, more = _as_declared(facts, declared.kind, more if typed else {}, bool(declared.format))
    elif declared.kind is not None:
        reason = "declared"
    if is_label and declared.kind is None and kind == "integer" and 2 <= len(facts.levels) <= _MOST_CLASSES:
        kind, more = "category", {"stored": typed or ("int64" if look == Look() else "")}
        reason = f"the label, with {len(facts.levels)} different whole numbers: classes (kind: integer to predict it)"
    fields = {**more, **{key: getattr(declared, key) for key in ("unit", "decimals", "grid")
                         if getattr(declared, key) not in (None, "")}}  # fmt: skip
    if kind in ("category", "ordinal") and not declared.categories and not is_label:
        reason += given_out(facts)
    if declared.format:
        fields["stored"] = declared.format
    if kind in ("number", "integer"):
        look = replace(look, plus=facts.numbers.plus and not facts.numbers.unsigned and not typed)
        reason += ("" if look == Look() else f", written like {look.stored('').strip()}") + doubt
        if look != Look():
            fields["stored"] = look.stored(str(fields.get("stored") or FIXED))
            fields.setdefault("unit", (look.prefix + look.suffix).strip())
    fields |= bounds(facts.name, kind, fields.get("stored", ""), declared)
    if kind in ("category", "ordinal"):
        fields["categories"] = _categories(facts, declared, kind, more)
    if kind == "boolean":
        fields["categories"] = BOOLEANS
    optional = facts.missing > 0 if declared.optional is None else declared.optional
    if facts.missing and not optional:
        raise DataError(
            f"column {shown(facts.name)} is declared as never missing, but {facts.missing:,} of {facts.rows:,} cells "
            "are; fill them, or leave optional out"
        )
    if kind == "id" and facts.filled:
        fields["form"] = new_form(facts, str(fields.get("stored", "")))
        fields["lacking"] = round(facts.missing / facts.rows, 4)
    fields = {key: value for key, value in fields.items() if value not in (None, "")}
    return Inferred(Column(name=facts.name, kind=kind, optional=optional, **fields), _told(facts, reason), facts)


def _with_marks(facts: Facts, declared: Declared) -> tuple[Facts, Look, str]:
    """Return what the numbers are like where they have marks, their look, and what else it could be."""
    plain = facts.numbers.count == facts.filled
    named = called_like_a_key(facts.name) and declared.kind not in ("number", "integer")
    found = None if named or not facts.filled else facts.marked.chosen(plain)
    if found is None:
        if plain and declared.decimal == "," and facts.numbers.whole < facts.numbers.count:
            raise DataError(
                f"column {shown(facts.name)} is declared with decimal: ',', but its numbers have a point; leave it out"
            )
        return facts, Look(), facts.marked.doubt() if plain else ""
    numbers, look, doubt = found
    code = not facts.repeated and numbers.whole == numbers.count and look.suffix[:1].isalpha()
    if numbers.codes or (code and declared.kind is None):
        return facts, Look(), ""
    return replace(facts, numbers=numbers), look, doubt


Guess = tuple[str, str, dict[str, Any]]


def _told(facts: Facts, reason: str) -> str:
    if facts.missing == facts.rows:
        return "no value in any row"
    return reason if facts.different != 1 or reason.startswith(ONE_VALUE) else f"{ONE_VALUE}, {reason}"


def _written(facts: Facts, declared: Declared, is_label: bool) -> Guess:
    """Return kind, reason and further parts of a column of a source of text."""
    if not is_label and compact_dates(facts, declared):
        return _date(facts)
    kind, reason, more = _guessed(facts, declared, is_label)
    several = several_formats(facts) if kind in ("id", "text", "category") else ""
    return "text" if several and kind == "id" else kind, reason + several, more


def _guessed(facts: Facts, declared: Declared, is_label: bool) -> Guess:
    """Return kind, reason and further parts of a column of words."""
    levels = {level.lower() for level in facts.levels}
    if not facts.filled:
        return "category", "", {}
    for pair in _PAIRS if not facts.many else ():
        if levels == set(pair) and len(facts.levels) == 2:
            return "boolean", f"only {pair[0]} and {pair[1]}", {"stored": _pair(facts, pair)}
    numbers = facts.numbers
    if numbers.infinite and numbers.count and declared.kind in (None, "number", "integer"):
        raise DataError(
            f"column {shown(facts.name)} holds {numbers.infinite:,} infinite values; correct them, or add their words "
            "(inf, -inf, ...) to data.missing to take them as missing"
        )
    if numbers.count == facts.filled and not numbers.codes:
        return _number(facts, declared.low is None and declared.high is None)
    if numbers.count and not numbers.codes and declared.kind is None:
        _refuse_mixed(facts, is_label)
    if facts.dates or facts.part_zoned:
        return _date(facts)
    return _words(facts, is_label)


def _pair(facts: Facts, pair: tuple[str, str]) -> str:
    first, second = sorted(facts.levels, key=lambda level: pair.index(level.lower()))
    return f"{first}{PAIR}{second}"


def _any_pair(facts: Facts) -> str:
    """Return the words of false and true for a column that was declared as boolean, in the order of their letters."""
    if len(facts.levels) == 2:
        known = [pair for pair in _PAIRS if {level.lower() for level in facts.levels} == set(pair)]
        return _pair(facts, known[0]) if known else PAIR.join(sorted(facts.levels))
    (level,) = facts.levels
    pair = next((pair for pair in _PAIRS if level.lower() in pair), None)
    if pair is None:
        raise DataError(
            f"column {shown(facts.name)} is declared as boolean but holds one word only, and whether it means true or "
            "false cannot be told; declare kind: category"
        )
    return PAIR.join(level if level.lower() == word else word for word in pair)


def _refuse_mixed(facts: Facts, is_label: bool) -> None:
    """Refuse measurements among which there are a few words."""
    numbers = facts.numbers
    many = facts.different > _FEW_NUMBERS
    if not many or numbers.count < facts.filled / 2 or is_label:
        return
    raise DataError(
        f"column {shown(facts.name)} mixes {numbers.count:,} numbers and {facts.filled - numbers.count:,} other values "
        f"(the first in row {facts.odd:,}); if these stand for a missing value, add them to data.missing; else correct "
        f"them, or set data.columns: {{{shown(facts.name)}: {{kind: category}}}}"
    )


def _number(facts: Facts, keys: bool = True) -> Guess:
    """Return kind, reason and further parts of a column of numbers; with bounds it is none of keys."""
    found, more = facts.numbers, _digits(facts)
    unique = keys and not facts.repeated
    if found.whole == found.count:
        if max(abs(found.low), abs(found.high)) >= LARGEST:
            return ("id", "unique whole numbers of more than 15 digits", {}) if unique else _words(facts)
        span = found.high - found.low + 1
        if unique and _counted(facts, span):
            more = {"stored": "int64"}
            return "id", "unique in every row" + (", counting on" if span == facts.filled else ""), more
        if keys and facts.repeated and called_like_a_key(facts.name):
            return _repeated_keys(facts)
        listed = range_told(found, "whole numbers")
        if unique and facts.filled >= _FEWEST_KEYS:
            listed += "; unique in every row: if it is a key, set kind: id"
        return "integer", listed, {"grid": more.get("grid")}
    told = range_told(found, "numbers")
    if "decimals" in more and found.low < found.high:
        told += f", {more['decimals']} digit{'s' if more['decimals'] > 1 else ''} after the point"
    return "number", told, more


def _counted(facts: Facts, span: float) -> bool:
    """Say whether whole numbers of which none repeats are keys: by their name, or because they count the rows."""
    named = called_like_a_key(facts.name) or called_like_an_index(facts.name)
    return (named and facts.filled > 1) or (span == facts.filled and facts.filled >= _FEWEST_KEYS)


def _repeated_keys(facts: Facts) -> Guess:
    """Return what whole numbers are that are called like a key and repeat: those of another table."""
    kind, reason, _ = _words(facts)
    if kind == "text":
        return kind, f"called like a key, and {reason} (kind: integer if they are amounts)", {}
    return kind, f"{reason}: codes, or keys of another table (kind: integer if they are amounts)", {"stored": "int64"}


def _digits(facts: Facts) -> dict[str, Any]:
    """Return decimals, grid and the way of writing numbers."""
    found = facts.numbers
    more: dict[str, Any] = {}
    if not found.exponents and found.decimals <= _MOST_DECIMALS:
        more["decimals"] = found.decimals
        padded = found.fewest == found.decimals and (found.padded or found.decimals == 0)
        more["stored"] = FIXED if padded else POINT if found.fewest >= 1 else SHORT
    else:
        more["stored"] = POINT if found.fewest >= 1 else SHORT
    enough = facts.different >= _FEWEST_STEPS or (facts.different >= 3 and found.step % 10 == 0)
    if not facts.many and found.whole < found.count and (way := way_of_digits(facts.levels, found)):
        return {"stored": way}
    if found.step > 1 and enough:
        more["grid"] = float(f"{found.step * 10.0**-found.decimals:.12g}")
    return more


def _date(facts: Facts) -> Guess:
    if facts.part_zoned:
        raise DataError(
            f"column {shown(facts.name)} holds dates with a time zone and dates without one, which cannot be put in "
            "order; give all of them a zone, or none"
        )
    forms = facts.dates or []
    form, told = forms[0], ""
    if "%z" in form:
        if len(facts.offsets) == 1:
            form = form.replace("%z", next(iter(facts.offsets)))
        else:
            told = f"; {len(facts.offsets)} time zones, brought to UTC"
    # Without the zeros before one digit it is the same date.
    if other := next((one for one in forms if one.replace("-", "") != forms[0].replace("-", "")), ""):
        told += f"; {other} would fit as well: set format if that is meant"
    if facts.numbers.count:
        told += "; whole numbers, all of them dates: set kind: integer for amounts"
    what = "dates" if "%y" in form.lower() else "times"
    return "datetime", f"{what} written as {form}{told}", {"stored": form}


def _words(facts: Facts, is_label: bool = False) -> Guess:
    words = 1 + facts.spaces / max(1, facts.filled)
    told = f"of {words:.0f} word{'s' if words >= 1.5 else ''}"
    few = facts.filled < _FEWEST_KEYS
    if not facts.repeated and facts.filled > 1 and not (is_label and few):
        doubt = f"; {facts.filled} rows are few: {_AS_CATEGORY}" if few else ""
        return ("id", f"unique in every row{doubt}", {}) if words < 2 else ("text", f"all different, {told}{doubt}", {})
    if mostly_single(facts) and not is_label:
        return "text", f"{one_by_one(facts)}; {_AS_CATEGORY}", {}
    if words >= 2 and facts.different > facts.filled * 0.5 and not few:
        return "text", f"mostly different, {told}", {}
    if facts.many:
        return "text", f"{facts.different:,} different values or more", {}
    reason = ONE_VALUE if len(facts.levels) == 1 else f"{len(facts.levels):,} different values"
    if facts.numbers.codes:
        reason += ", some with leading zeros, so codes and no numbers"
    if called_like_a_key(facts.name) and facts.repeated:
        reason += f"; called like a key, but {facts.repeated:,} cells repeat one"
    return "category", reason, {}


_TYPES: tuple[tuple[str, str], ...] = (
    (r"bool", "boolean"),
    (r"u?int\d+", "integer"),
    (r"float|double|halffloat|decimal.*", "number"),
    (r"timestamp.*|date.*", "datetime"),
)


def _typed(facts: Facts, typed: str, declared: Declared) -> Guess:
    """Return kind, reason and further parts of a column whose source has types."""
    kind = next((kind for pattern, kind in _TYPES if re.fullmatch(pattern, typed)), "")
    if not facts.filled:
        return kind or "category", "", {"stored": typed, "categories": ()} if kind else {}
    if typed.startswith("dictionary"):
        is_ordered = typed.endswith("ordered")
        kind = "ordinal" if is_ordered else "category"
        parts: dict[str, Any] = {"stored": typed, "categories": facts.order if is_ordered else ()}
        return kind, f"categories{' in order' if is_ordered else ''}, told by the type", parts
    if kind == "integer":
        found = _guessed(facts, declared, False)
        if found[0] in ("id", "integer", "boolean", "category", "text"):
            more = {"grid": found[2].get("grid")} if found[0] == "integer" else {}
            return found[0], found[1], {**more, "stored": typed}
    if kind == "number":
        return _typed_number(facts, typed, declared)
    if kind:
        return kind, f"of type {typed}", {"stored": typed}
    found = _words(facts)
    return found[0], found[1], {"stored": typed}


def _typed_number(facts: Facts, typed: str, declared: Declared) -> Guess:
    found = facts.numbers
    if found.infinite:
        _guessed(facts, declared, False)
    more = {key: value for key, value in _digits(facts).items() if key in ("decimals", "grid")}
    if found.whole < found.count:
        return "number", _number(facts)[1], {**more, "stored": typed}
    # Whole numbers of which some are missing often come as floating-point numbers.
    small = max(-found.low, found.high) < LARGEST
    more = {**more, "decimals": 0} if small else {}
    return "number", range_told(found, "whole numbers") if small else f"of type {typed}", {**more, "stored": typed}


_FITS: Mapping[str, Callable[[Facts], bool]] = {
    "number": lambda facts: facts.numbers.count == facts.filled,
    "integer": lambda facts: facts.numbers.count == facts.filled and all_whole(facts.numbers),
    "boolean": lambda facts: len(facts.levels) <= 2 and not facts.many,
    "category": lambda facts: not facts.many,
    "ordinal": lambda facts: not facts.many,
    "datetime": lambda _: True,
    "id": lambda facts: not facts.repeated,
    "text": lambda _: True,
}
_UNFIT = {
    "number": "holds cells that are no number",
    "integer": "holds cells that are no whole number",
    "boolean": "holds more than two different values",
    "category": f"holds more than {MOST_LEVELS:,} different values",
    "ordinal": f"holds more than {MOST_LEVELS:,} different values",
    "id": "repeats some of its values, so it is no key",
}


def _as_declared(facts: Facts, kind: str, typed: dict[str, Any], has_format: bool) -> Guess:
    if not _FITS[kind](facts):
        odd = f" (the first in row {facts.odd:,})" if kind in ("number", "integer") and facts.odd else ""
        raise DataError(
            f"column {shown(facts.name)} is declared as {kind}, but {_UNFIT[kind]}{odd}; correct it, or declare "
            "another kind"
        )
    more = {"stored": typed["stored"]} if typed.get("stored") else {}
    if kind == "number" and not typed:
        more = _digits(facts)
    if kind == "id" and not typed and facts.numbers.whole == facts.filled and not facts.numbers.codes:
        more = {"stored": "int64"} if max(abs(facts.numbers.low), abs(facts.numbers.high)) < LARGEST else {}
    if kind == "boolean" and not typed and facts.levels:
        more = {"stored": _any_pair(facts)}
    if kind == "datetime" and not typed and facts.filled:
        if not facts.dates and not has_format:
            raise DataError(
                f"column {shown(facts.name)} is declared as datetime, but no one format that is known fits its cells, "
                f"which look like {facts.looks()} (9 for digits, a for letters); set format, such as %d.%m.%Y, or "
                "correct them"
            )
        more = _date(facts)[2] if facts.dates else {}
    return kind, "declared", more


def _categories(facts: Facts, declared: Declared, kind: str, more: Mapping[str, Any]) -> tuple[str, ...]:
    if declared.categories:
        unknown = len(set(facts.levels) - set(declared.categories))
        if unknown:
            raise DataError(
                f"column {shown(facts.name)} holds {unknown:,} values that are not among the "
                f"{len(declared.categories)} declared categories; add them, or correct the cells"
            )
        return declared.categories
    if more.get("categories"):
        return tuple(more["categories"])
    if kind == "ordinal" and not str(more.get("stored", "")).startswith("dictionary"):
        raise DataError(
            f"column {shown(facts.name)} is declared as ordinal without its order; give categories: [lowest, ..., "
            "highest]"
        )
    return ordered(facts.levels)
