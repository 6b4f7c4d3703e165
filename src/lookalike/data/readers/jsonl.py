"""Texts in a file of JSON lines, one object each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import final

from pydantic import Field

from lookalike.core.errors import DataError
from lookalike.data.pixels import shown
from lookalike.data.reading import existing, file_state
from lookalike.data.texts import Record, TextReader, plain

_MOST_BYTES = 64 << 20


@final
class Jsonl(TextReader):
    """Reads texts and labels from the objects of a JSON-lines file; values that are no strings are kept as JSON."""

    path: str = Field(description="The file.")

    def state(self) -> str:
        """Return a hash of the file's name, size and time."""
        path = existing(self.path, "JSON-lines file")
        return file_state([path], path.parent)

    def records(self) -> Iterator[Record]:
        """Yield the objects, named by file and line."""
        path = existing(self.path, "JSON-lines file")
        number = 0
        try:
            with path.open("rb") as file:
                while line := file.readline(_MOST_BYTES):
                    number += 1
                    if not line.strip():
                        continue
                    record = json.loads(line.decode("utf-8-sig"))
                    if not isinstance(record, dict):
                        raise ValueError(f"a {type(record).__name__}, not an object")
                    yield f"{path.name} line {number}", {name: plain(value) for name, value in record.items()}
        except (ValueError, RecursionError, OSError) as error:
            raise DataError(
                f"{shown(path.name)} line {number} holds no JSON object: {shown(error)}; one object per line is needed"
            ) from None
