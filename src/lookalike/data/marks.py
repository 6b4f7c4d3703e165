"""Numbers with a decimal comma, marks between thousands, a currency or a unit: told apart, read and written back.

`Column.stored` says how 1234.5 is written after the way of writing digits: `fixed 1.234,5 kg`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lookalike.data.digits import Numbers

_LOOK = re.compile(r"(fixed|point|short|general\d|[eE]\+?\d\.\d+) (-?)([^\d+-]*)(\+?)1(\D?)234(\D)5(.*)")
_SPACES = " \u00a0\u202f"
_THOUSANDS = (*_SPACES, "'", "\u2019")
_MARKS = "".join((".,", *_THOUSANDS))
_SIGNS = "$€£¥₹₩₽₺₫₴₪฿₱₦"
_CODES = (
    "AED AUD BRL CAD CHF CNY CZK DKK EUR GBP HKD HUF IDR ILS INR JPY KRW MXN MYR NOK NZD PHP PLN RON RUB SAR SEK SGD "
    "THB TRY USD ZAR"
)
_CURRENCY = rf"(?:[A-Z]{{0,3}}[{_SIGNS}]|{'|'.join(_CODES.split())}|Rs\.?|kr\.?)"
_UNIT = rf"(?:[^\W\d_]|[%‰°²³{_SIGNS}])[\w%‰°²³/·^{_SIGNS}]{{0,9}}"
_PREFIX = re.compile(rf"(?:{_CURRENCY}[{_SPACES}]?)?")
_SUFFIX = re.compile(rf"(?:[{_SPACES}]?{_UNIT})?")
_WORD = re.compile(rf"[+-]?([^\d+\-.,]*)[+-]?[.,]?\d(?:[\d{_MARKS}]*\d)?(\D.*)?")
_GROUPED = 1000
_LONGEST = 1e8


@final
@dataclass(frozen=True)
class Look:
    """How a number stands in a cell beside its digits.

    Attributes:
        decimal: What stands before the digits after the point.
        thousands: What stands between groups of three digits; empty = nothing.
        prefix: What stands before every number.
        suffix: What stands after it.
        plus: Numbers above 0 have a plus sign.
        lead: The sign stands before the prefix.
    """

    decimal: str = "."
    thousands: str = ""
    prefix: str = ""
    suffix: str = ""
    plus: bool = False
    lead: bool = False

    def stored(self, way: str) -> str:
        """Return it as `Column.stored` has it.

        Example:
            >>> Look(",", ".", suffix=" kg").stored("fixed"), Look().stored("fixed")
            ('fixed 1.234,5 kg', 'fixed')
        """
        if self == Look():
            return way
        sign = "-" if self.lead else ""
        return f"{way} {sign}{self.prefix}{'+' if self.plus else ''}1{self.thousands}234{self.decimal}5{self.suffix}"

    @property
    def pattern(self) -> str:
        """Regular expression of such numbers: both places of the sign, and the digits, in groups."""
        point, mark = re.escape(self.decimal), re.escape(self.thousands)
        whole = rf"(?:0|[1-9]\d{{0,2}}(?:{mark}\d{{3}})*)" if mark else r"\d+"
        digits = rf"{whole}(?:{point}\d+)?" if mark else rf"(?:{whole}(?:{point}\d+)?|{point}\d+)"
        return rf"^([+-]?){re.escape(self.prefix)}([+-]?)({digits}){re.escape(self.suffix)}$"

    def read(self, words: pa.Array) -> pa.Array:
        """Return words of this look as plain numbers: 1234.5."""
        if self == Look():
            return words
        bare = pc.replace_substring_regex(words, self.pattern, r"\1\2\3")
        if self.thousands:
            bare = pc.replace_substring(bare, self.thousands, "")
        return bare if self.decimal == "." else pc.replace_substring(bare, self.decimal, ".")

    def write(self, words: list[str]) -> list[str]:
        """Return plain numbers in this look.

        Example:
            >>> Look(",", ".", "€ ").write(["-1234567.50", "12"])
            ['€ -1.234.567,50', '€ 12']
        """
        return words if self == Look() else [self._write(word) for word in words]

    def _write(self, word: str) -> str:
        sign = "-" if word.startswith("-") else "+" if self.plus and word.strip("0.") else ""
        whole, point, rest = word.removeprefix("-").partition(".")
        if self.thousands and whole.isdigit():
            whole = f"{int(whole):,}".replace(",", self.thousands)
        before = f"{sign}{self.prefix}" if self.lead else f"{self.prefix}{sign}"
        return f"{before}{whole}{self.decimal if point else ''}{rest}{self.suffix}"


def way_and_look(stored: str) -> tuple[str, Look]:
    """Return the way of writing digits, and what stands beside them."""
    match = _LOOK.fullmatch(stored)
    if match is None:
        return stored, Look()
    way, lead, prefix, plus, thousands, decimal, suffix = match.groups()
    return way, Look(decimal, thousands, prefix, suffix, bool(plus), bool(lead))


@final
@dataclass
class Marked:
    """Which looks fit every cell so far, each with what the numbers are like then.

    Attributes:
        decimal: The decimal mark where it is declared.
        prefix: What stands before every number where it is declared; None = a currency, if anything.
        suffix: What stands after it where it is declared; None = a currency or a unit, if anything.
    """

    decimal: str = ""
    prefix: str | None = None
    suffix: str | None = None
    _fits: dict[Look, Numbers | None] | None = None
    _grouped: set[Look] = field(default_factory=set)
    _lead: bool = False

    def add(self, words: pa.Array, counts: npt.NDArray[np.int64], earlier: Numbers, plain: Numbers) -> None:
        """Count different words, each with how often it comes.

        Args:
            words: Strings.
            counts: How often each comes.
            earlier: What plain numbers of the words before were like; all words before were such, or a look fits them.
            plain: The same with these words.
        """
        if self._fits is None:
            self._fits = dict.fromkeys(self._looks(str(words[0].as_py())))
        is_plain = plain.count - earlier.count == int(counts.sum())
        for look, found in list(self._fits.items()):
            bare = not look.prefix and not look.suffix
            if found is None and bare and is_plain and _same(look, plain):
                continue
            del self._fits[look]
            if found is None and not _same(look, earlier):
                continue
            if not pc.all(pc.match_substring_regex(words, look.pattern)).as_py():
                continue
            numbers = replace(earlier) if found is None else found
            digits = look.read(words)
            numbers.add(digits, counts)
            self._fits[look] = numbers
            self._see(look, words, digits)

    def _see(self, look: Look, words: pa.Array, digits: pa.Array) -> None:
        if look.thousands:
            long = pc.match_substring_regex(digits, r"^[+-]?\d{4}")
            if pc.any(long).as_py():
                self._grouped.add(look)
        if look.prefix:
            self._lead |= bool(pc.any(pc.starts_with(words, "-")).as_py())

    def _looks(self, word: str) -> list[Look]:
        """Return the looks that a first word may have."""
        match = _WORD.fullmatch(word)
        prefix, suffix = (match[1], match[2] or "") if match else ("", "")
        if self.prefix is not None or self.suffix is not None:
            prefix, suffix = self.prefix or "", self.suffix or ""
        elif not match or not _PREFIX.fullmatch(prefix) or not _SUFFIX.fullmatch(suffix):
            return []
        marks = {".": ("", ",", *_THOUSANDS), ",": ("", ".", *_THOUSANDS)}
        looks = [Look(decimal, mark, prefix, suffix) for decimal, some in marks.items() for mark in some
                 if self.decimal in ("", decimal)]  # fmt: skip
        return [look for look in looks if look != Look()]

    def chosen(self, plain: bool) -> tuple[Numbers, Look, str] | None:
        """Return what the numbers are like, their look, and what else it could be; None = plain numbers, or none.

        Args:
            plain: Every cell is a plain number too.
        """
        fits = {look: numbers for look, numbers in (self._fits or {}).items()
                if numbers is not None and (not look.thousands or look in self._grouped)}  # fmt: skip
        # Groups of three digits in numbers that are all so long are keys: 555 123 456.
        fits = {look: numbers for look, numbers in fits.items()
                if look != Look(look.decimal, look.thousands) or look.thousands not in (*_SPACES, ".")
                or min(abs(numbers.low), abs(numbers.high)) < _LONGEST}  # fmt: skip
        if not fits or (plain and self.decimal != ","):
            return None
        look = min(fits, key=lambda one: _doubtful(one, len(fits)))
        return fits[look], replace(look, lead=self._lead), _doubt(look, list(fits))

    def doubt(self) -> str:
        """Return what plain numbers could be as well."""
        return _doubt(Look(), [Look(), *self._grouped.intersection(self._fits or {})])


def _same(look: Look, plain: Numbers) -> bool:
    """Say whether plain numbers are read alike in a look."""
    small = max(abs(plain.low), abs(plain.high)) < _GROUPED if plain.count else True
    if look.decimal == "," and plain.whole < plain.count:
        return False
    return not plain.exponents and (small or not look.thousands)


def _doubtful(look: Look, count: int) -> tuple[bool, bool]:
    """Return what makes a look less likely: a comma or a point of money before three digits is none of decimals."""
    money = re.search(_CURRENCY, look.prefix + look.suffix) is not None
    return (count > 1 and not look.thousands and (look.decimal == "," or money), look.decimal == ",")


def _doubt(look: Look, fits: list[Look]) -> str:
    other = next((one for one in fits if one.decimal != look.decimal and (one.thousands or look.thousands)), None)
    if other is None:
        return ""
    mark = look.thousands or look.decimal
    what = "stand between thousands" if look.thousands else "be the decimal mark"
    return f"; {mark} is taken to {what}: set decimal: '{other.decimal}' if that is wrong"
