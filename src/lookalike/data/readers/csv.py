"""CSV files: a table of numbers, categories and dates, or one text a row."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self, TextIO, final

import pyarrow as pa
import pyarrow.csv as arrow_csv
from pydantic import Field, model_validator

from lookalike.core.errors import DataError
from lookalike.data.corpus import Corpus
from lookalike.data.pixels import shown
from lookalike.data.reading import existing, file_state
from lookalike.data.table import Table
from lookalike.data.tabular import Rows, TabularSettings, read_table
from lookalike.data.texts import TEXT_COLUMNS, Record, TextReader

_SNIFFED = 1 << 16
_RAGGED = re.compile(r"(?:Row #(\d+): )?Expected \d+ columns, got (\d+)")
_DELIMITERS = ",;\t|"
_BLOCK = 4 << 20
_LARGEST_BLOCK = 64 << 20
_EXCEL_LINE = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
_OF_TEXTS = ("text", "keep", "max_characters")
_OF_TABLES = ("missing", "columns", "leave_out")


@final
class Csv(TextReader, TabularSettings):
    """Reads a CSV file with a header, as a table or as texts; commas, semicolons, tabs or bars are told apart.

    It is a table unless a column is called text, sentence, content, review, ...; `table` or `text` says which is meant.
    A byte-order mark is skipped, and a first line `sep=;` names the delimiter, as in Excel. A row with more or fewer
    cells than the header is a fault.
    """

    path: str = Field(description="The file.")
    delimiter: str | None = Field(
        default=None, min_length=1, max_length=1, description="What stands between cells; None = found by looking."
    )
    encoding: str = Field(default="utf-8-sig", description="Character encoding, for example utf-8-sig or cp1252.")
    table: bool | None = Field(
        default=None,
        description="true = a table of numbers, categories and dates; false = texts; None = texts when a column has "
        "a usual name for them.",
    )

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        texts, tables = self._set(_OF_TEXTS), self._set(_OF_TABLES)
        if (texts and (tables or self.table)) or (tables and self.table is False):
            raise ValueError(
                f"{', '.join(texts) or 'table: false'} is for texts and {', '.join(tables) or 'table: true'} for "
                "tables; keep the settings of one kind"
            )
        return self

    def _set(self, names: tuple[str, ...]) -> list[str]:
        fields = type(self).model_fields
        return [name for name in names if getattr(self, name) != fields[name].default]

    def state(self) -> str:
        """Return a hash of the file's name, size and time."""
        path = existing(self.path, "CSV file")
        return file_state([path], path.parent)

    def tabular(self) -> bool:
        """Say whether a table is read, and not texts."""
        if self.table is not None or self._set(_OF_TABLES):
            return self.table is not False
        return not self._set(_OF_TEXTS) and not set(TEXT_COLUMNS) & set(self.header()[1])

    def read(self, folder: Path) -> Corpus | Table:
        """Read everything into `folder`; memory stays flat.

        Args:
            folder: Existing, empty.

        Returns:
            A table or texts, memory-mapped from the folder.

        Raises:
            DataError: The file is not usable; the message says what was found and how to fix it.
            BudgetError: The disk is full.
        """
        return read_table(self.rows(), self, folder) if self.tabular() else super().read(folder)

    def header(self) -> tuple[str, list[str]]:
        """Return the delimiter and the names of the columns."""
        return self._opening()[:2]

    def _opening(self) -> tuple[str, list[str], int]:
        """Return the delimiter, the names of the columns and the number of lines before these."""
        path = existing(self.path, "CSV file")
        if _is_utf_16(path) and not self.encoding.lower().startswith(("utf-16", "utf_16", "utf16")):
            raise self._not_text(path, "it begins with the mark of UTF-16")
        try:
            with path.open(encoding=self.encoding, newline="") as file:
                delimiter, before = self._start(file)
                return delimiter, next(csv.reader(file, delimiter=delimiter, strict=True), []), before
        except (UnicodeDecodeError, LookupError) as error:
            raise self._not_text(path, error) from None
        except (csv.Error, OSError) as error:
            raise _damaged(path, error) from None

    def _start(self, file: TextIO) -> tuple[str, int]:
        """Return the delimiter and the lines before the header, and leave the file there: Excel's `sep=;` is one."""
        start = file.read(_SNIFFED)
        mark = _EXCEL_LINE.match(start)
        file.seek(0)
        if mark:
            file.readline()
        return self.delimiter or (mark[1] if mark else _delimiter(start)), int(mark is not None)

    def rows(self) -> Rows:
        """Return the rows as those of a table."""
        path = existing(self.path, "CSV file")
        delimiter, header, before = self._opening()
        if not header:
            with path.open(encoding=self.encoding) as file:
                first = "begins with an empty line" if file.read(_SNIFFED).strip() else "holds no rows"
            raise DataError(f"{shown(path.name)} {first}; give a CSV file with a header")
        rows = Rows(path.name, tuple(header), lambda: self._batches(path, delimiter, header, before, rows))
        return rows

    def _batches(
        self, path: Path, delimiter: str, header: list[str], before: int, rows: Rows
    ) -> Iterator[pa.RecordBatch]:
        wrong: list[int] = []

        def ragged(row: Any) -> str:  # noqa: ANN401  an InvalidRow
            wrong.append(row.number or 0)
            return "skip"

        names = [str(place) for place in range(len(header))]
        encoding = (
            "utf8" if self.encoding.lower().replace("_", "-") in ("utf-8-sig", "utf-8", "utf8") else self.encoding
        )
        try:
            reader = arrow_csv.open_csv(
                path,
                # A row must fit into a block, and every column of a block costs memory of its own.
                read_options=arrow_csv.ReadOptions(
                    skip_rows=before,
                    column_names=names,
                    skip_rows_after_names=1,
                    use_threads=False,
                    encoding=encoding,
                    block_size=min(_LARGEST_BLOCK, _BLOCK * (1 + len(header) // 500)),
                ),
                parse_options=arrow_csv.ParseOptions(
                    delimiter=delimiter,
                    newlines_in_values=True,
                    # A thread that ends with an error frees it late: where Python has ended by then, all aborts.
                    invalid_row_handler=ragged if self.on_error == "skip" else None,
                    ignore_empty_lines=len(header) > 1,
                ),
                convert_options=arrow_csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.large_string()), strings_can_be_null=False
                ),
            )
            yield from reader
        except pa.ArrowInvalid as error:
            if "UTF8" in str(error):
                raise self._not_text(path, "bytes that are no UTF-8") from None
            if ragged_row := _RAGGED.search(str(error)):
                number, cells = ragged_row.groups()
                raise DataError(
                    f"{shown(path.name)} row {int(number) - 1 - before if number else 'unknown'} has {cells} cells, "
                    f"but the header has {len(header)}; correct it, or set on_error: skip"
                ) from None
            # The library's message may hold the row itself.
            raise _damaged(path, "a quote is not closed, or a row is too long") from None
        except (pa.ArrowException, OSError, LookupError) as error:
            raise _damaged(path, error) from None
        if wrong:
            rows.notes.append(f"skipped {len(wrong):,} rows that had more or fewer cells than the header")

    def _not_text(self, path: Path, error: object) -> DataError:
        hint = ": utf-16" if _is_utf_16(path) else ", such as cp1252"
        return DataError(f"{shown(path.name)} is not {shown(self.encoding)} text: {shown(error)}; set encoding{hint}")

    def records(self) -> Iterator[Record]:
        """Yield the rows as those of texts, named by file and line."""
        path = existing(self.path, "CSV file")
        before = csv.field_size_limit(max(csv.field_size_limit(), 4 * self.max_characters + 1))
        try:
            with path.open(encoding=self.encoding, newline="") as file:
                delimiter, skipped = self._start(file)
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
                    name = f"{path.name} line {rows.line_num + skipped}"
                    if len(cells) != len(header):
                        yield name, dict.fromkeys(header)
                        continue
                    yield name, dict(zip(header, cells, strict=True))
        except (UnicodeDecodeError, LookupError) as error:
            raise self._not_text(path, error) from None
        except (csv.Error, OSError) as error:
            raise _damaged(path, error) from None
        finally:
            csv.field_size_limit(before)


def _is_utf_16(path: Path) -> bool:
    """Say whether a file begins with the byte-order mark of UTF-16."""
    with path.open("rb") as file:
        return file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def _damaged(path: Path, error: object) -> DataError:
    return DataError(f"{shown(path.name)} is damaged or no CSV file: {shown(error)}; correct that line")


def _delimiter(start: str) -> str:
    """Return the delimiter that the header uses most; a comma when it uses none."""
    header = "".join(next(csv.reader(start.splitlines()[:1], delimiter="\0"), []))
    return max(_DELIMITERS, key=header.count)
