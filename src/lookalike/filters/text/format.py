"""Drops synthetic texts that have not the asked form."""

from __future__ import annotations

import re
from typing import ClassVar, final

from pydantic import Field

from lookalike.core.contracts import Method, Reference, Selection
from lookalike.core.rng import Rng
from lookalike.data.corpus import Corpus
from lookalike.techniques.selection import without

_BLANK = re.compile(r"\[[a-z][a-z '_-]{2,40}\]|<[a-z][a-z _-]{2,40}>|\{[a-z_ ]{2,40}\}", re.IGNORECASE)
_HEAD = 200


@final
class Format(Method):
    """Keeps texts of the asked length, without left-over blanks such as [name] and without their label in front.

    Source: ours.
    """

    reads_real: ClassVar[bool] = False

    min_words: int = Field(default=1, ge=0, description="Fewest words, parted by spaces.")
    max_words: int | None = Field(default=None, ge=1, description="Most words; None = no limit.")
    max_characters: int = Field(default=20_000, ge=1, description="Most characters.")
    without: tuple[str, ...] = Field(default=(), description="Parts that no text may hold, in any case.")
    blanks: bool = Field(default=True, description="Drop texts with a left-over blank such as [product name].")
    label_first: bool = Field(default=True, description="Drop texts that begin with the name of a label and a colon.")

    def select(self, data: Corpus, real: Reference[Corpus] | None, rng: Rng) -> Selection:
        """Return the texts that have the form; nothing is drawn and no real row is read."""
        del real, rng
        heads = tuple(f"{name.casefold()}:" for name in data.classes) if self.label_first else ()
        faults = {row: self._fault(text, heads) for row, text in enumerate(data.texts())}
        return without(len(data), {row: fault for row, fault in faults.items() if fault}, "format")

    def _fault(self, text: str, heads: tuple[str, ...]) -> str:
        words = len(text.split())
        if words < self.min_words:
            return f"fewer than {self.min_words} words"
        if self.max_words is not None and words > self.max_words:
            return f"more than {self.max_words} words"
        if len(text) > self.max_characters:
            return f"more than {self.max_characters} characters"
        folded = text.casefold()
        if heads and folded[:_HEAD].lstrip().startswith(heads):
            return "its label in front"
        if any(part.casefold() in folded for part in self.without):
            return "a part that no text may hold"
        return "a left-over blank" if self.blanks and _BLANK.search(text) else ""
