r"""Forms of keys: learnt from real keys batch by batch, and new keys of that form that are none of the real ones.

`Column.form` holds one as text: `A{10900..99999}` counts, `[A-Z]{2}-[0-9]{4}@5/301` are all strings of these
characters whose place in the order of the alphabet leaves 5 when it is divided by 301. No real key stands in a form.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Places = npt.NDArray[np.int64]
_DIGITS = "0123456789"
_LOWER, _UPPER = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_CLASSES = {
    "0-9": _DIGITS,
    "0-9a-f": _DIGITS + "abcdef",
    "0-9A-F": _DIGITS + "ABCDEF",
    "a-z": _LOWER,
    "A-Z": _UPPER,
    "0-9a-z": _DIGITS + _LOWER,
    "0-9A-Z": _DIGITS + _UPPER,
    "A-Za-z": _UPPER + _LOWER,
    "0-9A-Za-z": _DIGITS + _UPPER + _LOWER,
}
_COUNTED = re.compile(r"(.*)\{(\d+)\.\.(\d+)\}(.*)", re.DOTALL)
_RULE = re.compile(r"(.*)@(\d+)/(\d+)", re.DOTALL)
_PART = re.compile(r"\\(.)|\[([^\]]+)\](?:\{(\d+)\})?|(.)", re.DOTALL)
_LAST_NUMBER = re.compile(r"(.*?)(\d{1,18})(\D*)", re.DOTALL)
_LONGEST = 64
_WIDEST = 17
_ROOM = 10
"""New keys that there must be for each real one."""
_VAST = 1e12
"""Possible keys for each real one, from which on new ones are drawn at random."""
_FEW, _SURE = 4, 200


@final
@dataclass
class Shapes:
    """What the strings of a column are alike in, as far as they may be keys.

    Attributes:
        length: Characters of each; 0 = they differ.
        chars: Characters that were seen in each place.
        ends: What stands before and after the last number of each; None = that differs.
        low: Smallest such number.
        high: Largest.
        widths: Digits of such numbers.
        padded: One begins with a zero.
    """

    length: int = -1
    chars: list[set[str]] = field(default_factory=list)
    ends: tuple[str, str] | None = ("", "")
    low: int = 0
    high: int = -1
    widths: set[int] = field(default_factory=set)
    padded: bool = False

    def add(self, words: pa.Array) -> None:
        """Look at different words."""
        self._count(words)
        if self.length:
            lengths = pc.min_max(pc.binary_length(words)).as_py()
            if self.length < 0:
                self.length, self.chars = lengths["max"], [set() for _ in range(lengths["max"])]
            plain = lengths["min"] == lengths["max"] == self.length <= _LONGEST
            if not plain or not pc.all(pc.string_is_ascii(words)).as_py():
                self.length, self.chars = 0, []
                return
            bytes_NL = np.frombuffer("".join(words.to_pylist()).encode(), dtype=np.uint8).reshape(len(words), -1)
            for place, seen in enumerate(self.chars):
                seen.update(map(chr, np.unique(bytes_NL[:, place]).tolist()))

    def _count(self, words: pa.Array) -> None:
        if self.ends is None:
            return
        if self.high < 0:
            match = _LAST_NUMBER.fullmatch(words[0].as_py())
            self.ends = (match[1], match[3]) if match else None
        if self.ends is None:
            return
        before, after = (re.escape(end) for end in self.ends)
        found = pc.extract_regex(words, rf"^{before}(?P<number>[0-9]{{1,18}}){after}$")
        if found.null_count:
            self.ends = None
            return
        digits = pc.struct_field(found, "number")
        ends = pc.min_max(pc.cast(digits, pa.int64())).as_py()
        self.low = ends["min"] if self.high < 0 else min(self.low, ends["min"])
        self.high = max(self.high, ends["max"])
        self.widths.update(pc.unique(pc.utf8_length(digits)).to_pylist())
        self.padded |= bool(pc.any(pc.match_substring_regex(digits, "^0[0-9]")).as_py())

    def form(self, levels: Counter[str], count: int) -> str:
        """Return the form of new keys; empty = none has room enough.

        Args:
            levels: The real keys, where they are few enough to be there.
            count: How many there are.
        """
        if self.ends is not None and self.high >= 0 and (len(self.widths) == 1 or not self.padded):
            width = next(iter(self.widths)) if self.padded else 0
            if counted := count_on(self.low, self.high, count, 10**_WIDEST, width):
                return f"{_escaped(self.ends[0])}{counted}{_escaped(self.ends[1])}"
        if self.length <= 0:
            return ""
        for fixed in (True, False):
            form = _spelled(self.chars, count, fixed)
            if form and (room := Form.of(form).room) >= _VAST * count:
                return form
            if form and levels and (chosen := _apart(form, room, list(levels))):
                return chosen
        return ""


def count_on(low: int, high: int, count: int, most: int, width: int = 0) -> str:
    """Return the form of whole numbers above real ones, as long as those where there is room; empty = there is none.

    Args:
        low: Smallest real number.
        high: Largest, at least 0.
        count: How many there are.
        most: Largest that may be.
        width: Digits of each; 0 = as many as it needs.

    Example:
        >>> count_on(10_000, 10_899, 900, 2**31 - 1), count_on(1, 299, 200, 127)
        ('{10900..99999}', '')
    """
    step = 10 ** max(0, len(str(high - low)) - 2)
    start = (high // step + 1) * step
    digits = max(width, len(str(high)))
    while 10**digits - start < _ROOM * count and 10**digits <= most:
        digits += 1
    stop = min(10**digits - 1, most)
    return f"{{{start:0{width}d}..{stop}}}" if stop - start + 1 >= _ROOM * count else ""


def _spelled(chars: list[set[str]], count: int, fixed: bool) -> str:
    """Return the characters of each place; empty = some are no letters or digits and differ.

    Args:
        chars: Those that were seen in each place.
        count: Real keys.
        fixed: A digit that is the same in all of them stays.
    """
    both = [seen for seen in chars if seen & set(_DIGITS) and seen - set(_DIGITS)]
    letters = set().union(*both) - set(_DIGITS) if both else set()
    hexadecimal = next((kind for kind in ("0-9a-f", "0-9A-F") if letters and letters <= set(_CLASSES[kind])), "")
    found: list[str] = []
    for seen in chars:
        if len(seen) == 1 and (fixed or not seen <= set(_DIGITS)):
            found.append(_escaped(next(iter(seen))))
            continue
        kind = next((kind for kind, allowed in _CLASSES.items() if seen <= set(allowed)), "")
        if not kind:
            return ""
        if hexadecimal and len(seen) > 1 and seen <= set(_CLASSES[hexadecimal]):
            kind = hexadecimal
        sure = len(seen) <= _FEW and count >= _SURE
        found.append(f"[{''.join(sorted(seen))}]" if sure else f"[{kind}]")
    return _runs(found)


def _runs(parts: list[str]) -> str:
    text, place = "", 0
    while place < len(parts):
        length = 1
        while place + length < len(parts) and parts[place + length] == parts[place]:
            length += 1
        one = parts[place]
        text += f"{one}{{{length}}}" if length > 1 and one.startswith("[") else one * length
        place += length
    return text


def _apart(form: str, room: int, real: list[str]) -> str:
    """Return the form with a remainder that no real key has; empty = too few keys have it."""
    divisor = len(real) + 1
    if room // divisor < _ROOM * len(real):
        return ""
    spelled = Form.of(form)
    taken = np.zeros(divisor, dtype=bool)
    taken[[spelled.place(key) % divisor for key in real]] = True
    free = np.flatnonzero(~taken)
    # Not the first one: keys of which the smallest are real would leave their own order.
    return f"{form}@{free[len(free) // 2]}/{divisor}"


def _escaped(text: str) -> str:
    return re.sub(r"([\\\[\]{}@])", r"\\\1", text)


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


@final
@dataclass(frozen=True)
class Form:
    """All keys of a form, in order.

    Attributes:
        alphabets: Characters of each place; none where keys are counted.
        ends: What stands before and after a counted number.
        start: First number, or first place among all strings.
        stop: Last number; beyond it counting goes on.
        step: From one place to the next.
        width: Digits that a number has at least.
    """

    alphabets: tuple[str, ...] = ()
    ends: tuple[str, str] = ("", "")
    start: int = 0
    stop: int = 0
    step: int = 1
    width: int = 0

    @classmethod
    def of(cls, text: str) -> Form:
        """Return the form that a text says.

        Example:
            >>> Form.of("A{10900..99999}").write(np.array([0, 7])), Form.of("[A-Z]-[0-9]").write(np.array([0, 259]))
            (['A10900', 'A10907'], ['A-0', 'Z-9'])
        """
        if counted := _COUNTED.fullmatch(text):
            before, start, stop, after = counted.groups()
            return cls((), (_plain(before), _plain(after)), int(start), int(stop), width=len(start))
        rule = _RULE.fullmatch(text)
        spelled, start, step = (rule[1], int(rule[2]), int(rule[3])) if rule else (text, 0, 1)
        alphabets: list[str] = []
        for escaped, kind, times, plain in _PART.findall(spelled):
            alphabets += [_CLASSES.get(kind, kind) if kind else escaped or plain] * int(times or 1)
        return cls(tuple(alphabets), start=start, stop=math.prod(map(len, alphabets)) - 1, step=step)

    @property
    def room(self) -> int:
        """Number of keys."""
        return (self.stop - self.start) // self.step + 1

    @property
    def vast(self) -> bool:
        """There are so many that keys are drawn at random."""
        return bool(self.alphabets) and self.step == 1

    def place(self, key: str) -> int:
        """Return where a string stands among all of the alphabets."""
        found = 0
        for char, alphabet in zip(key, self.alphabets, strict=True):
            found = found * len(alphabet) + alphabet.index(char)
        return found

    def write(self, places: Places) -> list[str]:
        """Return the keys of some places; counted ones go on beyond the last."""
        numbers = self.start + places * self.step
        if not self.alphabets:
            return [f"{self.ends[0]}{number:0{self.width}d}{self.ends[1]}" for number in numbers.tolist()]
        chosen = np.zeros((len(numbers), len(self.alphabets)), dtype=np.int64)
        for place in range(len(self.alphabets) - 1, -1, -1):
            numbers, chosen[:, place] = np.divmod(numbers, len(self.alphabets[place]))
        return self._spell(chosen)

    def draw(self, count: int, draw: np.random.Generator) -> list[str]:
        """Return keys drawn at random."""
        return self._spell(np.stack([draw.integers(0, len(some), count) for some in self.alphabets], axis=1))

    def _spell(self, chosen: npt.NDArray[np.int64]) -> list[str]:
        chars = [np.array(list(some))[chosen[:, place]] for place, some in enumerate(self.alphabets)]
        return ["".join(row) for row in zip(*(column.tolist() for column in chars), strict=True)]


def permuted(places: Places, room: int, keys: npt.NDArray[np.uint64]) -> Places:
    """Return other places within [0, room), each from one alone: a permutation that the keys choose.

    Args:
        places: Distinct ones within [0, room).
        room: At least 1, at most 2^62.
        keys: One for each round, [R].

    Source: Luby and Rackoff 1988, doi:10.1137/0217022 (four rounds of Feistel); Black and Rogaway 2002,
    doi:10.1007/3-540-45760-7_9 (cycle walking).
    Differs from the paper: the rounds mix 64 bits by multiplying and shifting; nothing here is a secret.
    """
    half = np.uint64(max(1, (max(1, (room - 1).bit_length()) + 1) // 2))
    mask = np.uint64((1 << int(half)) - 1)
    found = places.astype(np.uint64)
    open_ = np.arange(len(found))
    while len(open_):
        left, right = found[open_] >> half, found[open_] & mask
        for key in keys:
            left, right = right, left ^ (_mixed(right + key) & mask)
        found[open_] = (left << half) | right
        open_ = open_[found[open_] >= room]
    return found.astype(np.int64)


def _mixed(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Return 64 bits of which each depends on all of a value's."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
