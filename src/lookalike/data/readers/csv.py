"""Texts in a CSV file, one row each."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import chain
from typing import final

from pydantic import Field

from lookalike.core.errors import DataError
from lookalike.data.pixels import shown
from lookalike.data.reading import existing, file_state
from lookalike.data.texts import Record, TextReader

_SNIFFED = 1 << 16
_DELIMITERS = ",;\t|"


@final
class Csv(TextReader):
    """Reads texts and labels from columns of a CSV file with a header; commas, semicolons, tabs or bars are told apart.

    A byte-order mark is skipped. A row with more or fewer cells than the header is a fault.
    """

    path: str = Field(description="The file.")
    delimiter: str | None = Field(
        default=None, min_length=1, max_length=1, description="What stands between cells; None = found by looking."
    )
    encoding: str = Field(default="utf-8-sig", description="Character encoding, for example utf-8-sig or cp1252.")

    def state(self) -> str:
        """Return a hash of the file's name, size and time."""
        path = existing(self.path, "CSV file")
        return file_state([path], path.parent)

    def records(self) -> Iterator[Record]:
        """Yield the rows, named by file and line."""
        path = existing(self.path, "CSV file")
        before = csv.field_size_limit(max(csv.field_size_limit(), 4 * self.max_characters + 1))
        try:
            with path.open(encoding=self.encoding, newline="") as file:
                delimiter = self.delimiter or _delimiter(file.read(_SNIFFED))
                file.seek(0)
                rows = csv.reader(file, delimiter=delimiter, strict=True)
                header = next(rows, [])
                repeated = sorted({name for name in header if header.count(name) > 1})
                if repeated:
                    raise DataError(
                        f"{shown(path.name)} has several columns called {', '.join(map(shown, repeated))}; rename them"
                    )
                for cells in rows:
                    if not cells:
                        continue
                    name = f"{path.name} line {rows.line_num}"
                    if len(cells) != len(header):
                        yield name, dict.fromkeys(header)
                        continue
                    yield name, dict(zip(header, cells, strict=True))
        except (UnicodeDecodeError, LookupError) as error:
            raise DataError(
                f"{shown(path.name)} is not {shown(self.encoding)} text: {shown(error)}; set encoding, such as cp1252"
            ) from None
        except (csv.Error, OSError) as error:
            raise DataError(
                f"{shown(path.name)} is damaged or no CSV file: {shown(error)}; correct that line"
            ) from None
        finally:
            csv.field_size_limit(before)


def _delimiter(start: str) -> str:
    """Return the delimiter that the header uses most; a comma when it uses none."""
    header = next(chain(csv.reader(start.splitlines()[:1], delimiter="\0"), [[""]]))[0] if start else ""
    return max(_DELIMITERS, key=header.count)
