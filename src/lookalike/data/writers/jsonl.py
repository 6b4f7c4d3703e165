"""JSON lines: one text a line, readable by every tool."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, final
from uuid import uuid4

import numpy as np
from pydantic import Field

from lookalike.core.contracts import Method
from lookalike.core.errors import ConfigError
from lookalike.core.store import disk_errors
from lookalike.data.corpus import LABEL, PROBLEM, TEXT, Corpus, further_columns

_ROWS = 1000


@final
class Jsonl(Method):
    """Writes `texts.jsonl` with text, label by name and further columns; with `chat`, as conversations for fine-tuning.

    A conversation asks with the prompt and answers with the text: `{"messages": [{"role": "user", ...}, ...]}`, as
    OpenAI's fine-tuning, TRL and Axolotl take it. `{label}` in the prompt becomes the label's name.
    """

    chat: str | None = Field(
        default=None,
        description="Prompt of the user's turn, for example 'Write a {label} review.'; None = plain rows. "
        "'{text}' in it turns the task round: the text is asked about and the label is the answer.",
    )

    def write(self, data: Corpus, folder: Path) -> list[Path]:
        """Write all rows into an existing folder and return the file written.

        Raises:
            ConfigError: The prompt asks about a label that the texts do not have.
            BudgetError: The disk is full.
        """
        asks = self.chat or ""
        if not data.classes and ("{label}" in asks or "{text}" in asks):
            raise ConfigError("jsonl: chat speaks of a label, but the texts have none; leave {label} and {text} out")
        path, temporary = folder / "texts.jsonl", folder / f".texts.{uuid4().hex[:8]}.tmp"
        try:
            with disk_errors(path), temporary.open("w", encoding="utf-8", newline="\n") as file:
                for row in _rows(data):
                    line = row if self.chat is None else _conversation(self.chat, row)
                    file.write(json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n")
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        return [path]


def _rows(data: Corpus) -> Iterator[dict[str, Any]]:
    kept = [name for name in further_columns(data.schema) if name != PROBLEM]
    for start in range(0, len(data), _ROWS):
        part = data.take(np.arange(start, min(start + _ROWS, len(data))))
        columns = {name: part.column(name) for name in kept}
        for place, text in enumerate(part.texts()):
            row: dict[str, Any] = {TEXT: text}
            if data.classes:
                row[LABEL] = data.classes[part.labels[place]]
            # JSON knows no NaN: a number that is missing is null.
            yield row | {
                name: None if values[place] != values[place] else values[place] for name, values in columns.items()
            }


def _conversation(prompt: str, row: dict[str, Any]) -> dict[str, Any]:
    about = "{text}" in prompt
    # The text goes in last: braces inside it are not looked at.
    asked = prompt.replace("{label}", str(row.get(LABEL, ""))) if not about else prompt.replace("{text}", row[TEXT])
    answer = row[LABEL] if about else row[TEXT]
    return {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]}
