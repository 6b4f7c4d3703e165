"""Numbers as people read them: three digits that matter, a unit always, never a bare NaN."""

from __future__ import annotations

import math

NOTHING = "–"
_SPACE = "\u202f"
_MINUS = "\u2212"
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def _usable(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def figure(value: object) -> str:
    """Return a number with three significant digits; anything that is no finite number gives a dash.

    Example:
        >>> figure(0.0123456), figure(12345.6), figure(None)
        ('0.0123', '12,300', '–')
    """
    if not _usable(value):
        return NOTHING
    number = float(value)  # type: ignore[arg-type]
    if number == 0:
        return "0"
    mantissa, _, power = f"{number:.2e}".partition("e")
    exponent = int(power)
    if exponent < -4 or exponent > 8:
        return f"{mantissa}{_SPACE}×{_SPACE}10{str(exponent).translate(_SUPERSCRIPT)}".replace("-", _MINUS)
    rounded = round(number, 2 - exponent)
    return f"{rounded:,.{max(0, 2 - exponent)}f}".replace("-", _MINUS)


def count(value: object) -> str:
    """Return a whole number with all its digits, in groups of three.

    Example:
        >>> count(48000)
        '48,000'
    """
    return f"{round(float(value)):,}".replace("-", _MINUS) if _usable(value) else NOTHING  # type: ignore[arg-type]


def percent(share: object, signed: bool = False) -> str:
    """Return a share of one as a percentage.

    Args:
        share: A number; 1 means 100 %.
        signed: Write a plus before positive numbers.
    """
    if not _usable(share):
        return NOTHING
    hundred = float(share) * 100  # type: ignore[arg-type]
    digits = 0 if abs(hundred) >= 99.95 else 1 if abs(hundred) >= 0.095 or abs(hundred) < 0.005 else 2
    text = f"{hundred:+.{digits}f}" if signed and hundred else f"{abs(hundred) if hundred == 0 else hundred:.{digits}f}"
    if digits and float(text) == 0:
        text = "0"
    return f"{text.replace('-', _MINUS)}{_SPACE}%"


def written(value: object, unit: str) -> str:
    """Return a number in its unit: `share` is written in per cent, anything else with the unit behind it."""
    if unit == "share":
        return percent(value)
    text = figure(value)
    return text if text == NOTHING or not unit else f"{text}{_SPACE}{unit}"


def interval(bounds: object, unit: str) -> str:
    """Return `low to high` in its unit, or an empty text when there is no interval."""
    if not isinstance(bounds, list | tuple) or len(bounds) != 2 or not all(_usable(bound) for bound in bounds):
        return ""
    low, high = written(bounds[0], unit), written(bounds[1], unit)
    end = f"{_SPACE}{'%' if unit == 'share' else unit}"
    return f"{low.removesuffix(end)} to {high}"


def duration(seconds: object) -> str:
    """Return a time in the unit that suits its size.

    Example:
        >>> duration(3700)
        '1 h 2 min'
    """
    if not _usable(seconds):
        return NOTHING
    number = float(seconds)  # type: ignore[arg-type]
    if number < 1:
        return f"{figure(number * 1000)}{_SPACE}ms"
    if number < 59.95:
        return f"{figure(number)}{_SPACE}s"
    seconds_left = round(number)
    if seconds_left < 3600:
        return f"{seconds_left // 60}{_SPACE}min {seconds_left % 60}{_SPACE}s"
    minutes = round(number / 60)
    return f"{minutes // 60:,} h {minutes % 60} min"


def size(byte_count: object) -> str:
    """Return a number of bytes in kB, MB or GB (powers of ten)."""
    if not _usable(byte_count):
        return NOTHING
    number = float(byte_count)  # type: ignore[arg-type]
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if number >= factor:
            return f"{figure(number / factor)}{_SPACE}{unit}"
    return f"{number:.0f}{_SPACE}bytes"


def clipped(text: object, length: int) -> str:
    """Return a text cut to a length, with an ellipsis where it was cut."""
    whole = str(text)
    return whole if len(whole) <= length else whole[: length - 1] + "…"


def words(names: list[str]) -> str:
    """Join names as a sentence does: `a`, `a and b`, `a, b and c`."""
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1] if names else ""
