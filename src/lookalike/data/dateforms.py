"""The formats that one written date may have, by its look.

Beside the parts of `strftime` there are `%3f` for three digits of a second, `%-d`, `%-m`, `%-H` and `%-I` without a
zero before one digit, `%^b` for a month in capitals, `%P` for am and pm in small letters; `%z` is written as Z.
"""

from __future__ import annotations

import re

Forms = tuple[tuple[str, tuple[str, ...]], ...]
"""Regular expression of a look, and the formats that may be meant."""


def _named() -> Forms:
    """Return the dates that have a month in letters; a month of three letters may be a whole name: May."""
    found: list[tuple[str, tuple[str, ...]]] = []
    months = (("[A-Z][a-z]{2}", ("%b", "%B")), ("[A-Z]{3}", ("%^b",)), ("[A-Z][a-z]{3,8}", ("%B",)))
    days = ((r"\d{2}", ("%d", "%-d")), (r"\d", ("%-d",)))
    years = ((r"\d{4}", "%Y"), (r"\d{2}", "%y"))
    for month, names in months:
        for day, counts in days:
            for year, form in years:
                pairs = [(name, count) for name in names for count in counts]
                found += [
                    (
                        rf"{day}{mark}{month}{mark}{year}",
                        tuple(f"{count}{mark}{name}{mark}{form}" for name, count in pairs),
                    )
                    for mark in (" ", "-", "/")
                ]
                found.append((rf"{month} {day}, {year}", tuple(f"{name} {count}, {form}" for name, count in pairs)))
    return tuple(found)


def _halves() -> Forms:
    """Return the times of a clock of twelve hours."""
    found: list[tuple[str, tuple[str, ...]]] = []
    for look, half in (("[AP]M", "%p"), ("[ap]m", "%P")):
        for space in ("", " "):
            for digits, seconds in (("", ""), (r":\d{2}", ":%S")):
                rest = f":%M{seconds}{space}{half}"
                found.append((rf"\d{{2}}:\d{{2}}{digits}{space}{look}", (f"%I{rest}", f"%-I{rest}")))
                found.append((rf"\d:\d{{2}}{digits}{space}{look}", (f"%-I{rest}",)))
    return tuple(found)


_DATES: Forms = (
    (r"\d{4}-\d{2}-\d{2}", ("%Y-%m-%d",)),
    (r"\d{4}/\d{2}/\d{2}", ("%Y/%m/%d",)),
    (r"\d{2}\.\d{2}\.\d{4}", ("%d.%m.%Y", "%-d.%-m.%Y")),
    (r"\d{1,2}\.\d{1,2}\.\d{4}", ("%-d.%-m.%Y",)),
    (r"\d{2}\.\d{2}\.\d{2}", ("%d.%m.%y",)),
    (r"\d{2}/\d{2}/\d{4}", ("%m/%d/%Y", "%d/%m/%Y", "%-m/%-d/%Y", "%-d/%-m/%Y")),
    (r"\d{1,2}/\d{1,2}/\d{4}", ("%-m/%-d/%Y", "%-d/%-m/%Y")),
    (r"\d{2}/\d{2}/\d{2}", ("%m/%d/%y", "%d/%m/%y", "%-m/%-d/%y", "%-d/%-m/%y")),
    (r"\d{1,2}/\d{1,2}/\d{2}", ("%-m/%-d/%y", "%-d/%-m/%y")),
    (r"\d{2}-\d{2}-\d{4}", ("%d-%m-%Y", "%m-%d-%Y")),
    *_named(),
)
_TIMES: Forms = (
    (r"\d{2}:\d{2}", ("%H:%M", "%-H:%M")),
    (r"\d:\d{2}", ("%-H:%M",)),
    (r"\d{2}:\d{2}:\d{2}", ("%H:%M:%S", "%-H:%M:%S")),
    (r"\d:\d{2}:\d{2}", ("%-H:%M:%S",)),
    (r"\d{2}:\d{2}:\d{2}\.\d{1,6}", ("%H:%M:%S.%{}f",)),
    *_halves(),
)
COMPACT = ("%Y%m%d", "%Y%m%d%H%M%S")
"""Dates of digits alone."""
COMPACT_YEARS = r"^(?:19|20|2100)\d{4,}$"
"""Regular expression of those from 1900 to 2100: others are numbers more likely."""
_COMPACT: Forms = tuple((rf"\d{{{length}}}", (form,)) for length, form in zip((8, 14), COMPACT, strict=True))
_ZONE = r"(?:Z|[+-]\d{2}:?\d{2})"


def date_formats(example: str) -> list[str]:
    """Return the formats of dates that one value may be written in; none when it is no date.

    Example:
        >>> date_formats("3/4/2021"), date_formats("13-04-2021"), date_formats("7")
        (['%-m/%-d/%Y', '%-d/%-m/%Y'], ['%d-%m-%Y', '%m-%d-%Y'], [])
        >>> date_formats("5-JAN-21 3:04 pm")
        ['%-d-%^b-%y %-I:%M %P']
    """
    for pattern, dates in (*_DATES, *_TIMES, *_COMPACT):
        if "." not in pattern.partition(":")[2] and re.fullmatch(pattern, example, flags=re.ASCII):
            return list(dates)
    for pattern, dates in _DATES:
        # Most words are refused here, so that the clocks need not be tried.
        if not re.match(pattern, example, flags=re.ASCII):
            continue
        for clock, times in _TIMES:
            match = re.fullmatch(rf"{pattern}([T ]){clock}({_ZONE})?", example, flags=re.ASCII)
            if match:
                digits, zone = len(example.removesuffix(match[2] or "").rpartition(".")[2]), "%z" if match[2] else ""
                return [f"{date}{match[1]}{time.format(digits)}{zone}" for date in dates for time in times]
    return []
