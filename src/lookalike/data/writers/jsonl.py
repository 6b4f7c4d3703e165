"""JSON lines: one text a line, readable by every tool."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, final
from uuid import uuid4

from pydantic import Field, model_validator

from lookalike.core.contracts import Method
from lookalike.core.errors import ConfigError
from lookalike.core.schema import Modality
from lookalike.core.store import disk_errors
from lookalike.data.corpus import LABEL, TEXT, Corpus


@final
class Jsonl(Method):
    """Writes `texts.jsonl` with text, label by name and further columns; with `chat`, as conversations for fine-tuning.

    A conversation asks with the prompt and answers with the text: `{"messages": [{"role": "user", ...}, ...]}`, as
    OpenAI's fine-tuning, TRL and Axolotl take it. `{label}` in the prompt becomes the label's name. `layout` writes
    what the generators of instructions, questions and preferences make: conversations, or pairs for DPO.
    """

    modalities: ClassVar[tuple[Modality, ...]] = ("text",)

    chat: str | None = Field(
        default=None,
        description="Prompt of the user's turn, for example 'Write a {label} review.'; None = plain rows. "
        "'{text}' in it turns the task round: the text is asked about and the label is the answer.",
    )

    layout: Literal["rows", "instruction", "preference"] = Field(
        default="rows",
        description="instruction = a conversation of text and response (or question and answer, the passage first); "
        "preference = prompt, chosen and rejected; rows = every column.",
    )

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if self.chat is not None and self.layout != "rows":
            raise ValueError("chat and layout are two forms of a line; give one of them")
        return self

    def write(self, data: Corpus, folder: Path) -> list[Path]:
        """Write all rows into an existing folder and return the file written.

        Raises:
            ConfigError: The prompt asks about a label that the texts do not have.
            BudgetError: The disk is full.
        """
        asks = self.chat or ""
        if not data.classes and ("{label}" in asks or "{text}" in asks):
            raise ConfigError("jsonl: chat speaks of a label, but the texts have none; leave {label} and {text} out")
        missing = [name for name in _NEEDED[self.layout] if not set(name) & set(data.table.column_names)]
        if missing:
            raise ConfigError(
                f"jsonl: layout {self.layout} needs the column {' or '.join(missing[0])}; found "
                f"{', '.join(data.table.column_names)}"
            )
        path, temporary = folder / "texts.jsonl", folder / f".texts.{uuid4().hex[:8]}.tmp"
        try:
            with disk_errors(path), temporary.open("w", encoding="utf-8", newline="\n") as file:
                for row in data.records():
                    line = _LAYOUTS[self.layout](row) if self.chat is None else _conversation(self.chat, row)
                    file.write(json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n")
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        return [path]


def _conversation(prompt: str, row: dict[str, Any]) -> dict[str, Any]:
    about = "{text}" in prompt
    # The text goes in last: braces inside it are not looked at.
    asked = prompt.replace("{label}", str(row.get(LABEL, ""))) if not about else prompt.replace("{text}", row[TEXT])
    answer = row[LABEL] if about else row[TEXT]
    return {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]}


def _turn(role: str, content: object) -> dict[str, str]:
    return {"role": role, "content": str(content)}


def _instruction(row: dict[str, Any]) -> dict[str, Any]:
    asked = f"{row['passage']}\n\n{row[TEXT]}" if "passage" in row else row[TEXT]
    return {"messages": [_turn("user", asked), _turn("assistant", row.get("response", row.get("answer")))]}


def _preference(row: dict[str, Any]) -> dict[str, Any]:
    pair = {name: [_turn("assistant", row[name])] for name in ("chosen", "rejected")}
    return {"prompt": [_turn("user", row[TEXT])], **pair}


_LAYOUTS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "rows": dict,
    "instruction": _instruction,
    "preference": _preference,
}
_NEEDED: dict[str, tuple[tuple[str, ...], ...]] = {
    "rows": (),
    "instruction": (("response", "answer"),),
    "preference": (("chosen",), ("rejected",)),
}
