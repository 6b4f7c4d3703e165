"""Drops synthetic texts with words from a list of the user."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar, Self, final

from pydantic import Field, model_validator

from lookalike.core.contracts import Method, Reference, Selection
from lookalike.core.errors import ConfigError
from lookalike.core.rng import Rng
from lookalike.data.corpus import Corpus
from lookalike.techniques.selection import without

_MOST_BYTES = 16 << 20


@final
class ToxicityWords(Method):
    """Drops texts that hold a listed word or phrase as a whole, in any case; reads no real data.

    A list finds words, not malice: it misses what is said politely and hits quotations. No list comes with it, since
    what may not stand in a text depends on the language and on the use.

    Source: ours.
    """

    reads_real: ClassVar[bool] = False

    words: tuple[str, ...] = Field(default=(), description="Words or phrases, for example [damn, shut up].")
    path: Path | None = Field(
        default=None, description="File with one word or phrase a line, UTF-8; # begins a comment."
    )

    @model_validator(mode="after")
    def _not_blank(self) -> Self:
        if any(not word.strip() for word in self.words):
            raise ValueError("words holds an empty word; remove it")
        return self

    def select(self, data: Corpus, real: Reference[Corpus] | None, rng: Rng) -> Selection:
        """Return the texts without a listed word; nothing is drawn and no real row is read.

        Raises:
            ConfigError: The list cannot be read.
        """
        del real, rng
        listed = {_folded(word) for word in (*self.words, *self._from_file())} - {""}
        longest = max((len(word.split()) for word in listed), default=0)
        why = {}
        for row, text in enumerate(data.texts()):
            words = _folded(text).split()
            runs = (" ".join(words[at : at + n]) for n in range(1, longest + 1) for at in range(len(words) - n + 1))
            if any(run in listed for run in runs):
                why[row] = "a listed word"
        return without(len(data), why, "toxicity_words")

    def _from_file(self) -> list[str]:
        if self.path is None:
            return []
        try:
            with self.path.open("rb") as file:
                content = file.read(_MOST_BYTES + 1)
            lines = content.decode("utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"text.toxicity_words: {self.path} cannot be read as UTF-8 text: {error}") from None
        if len(content) > _MOST_BYTES:
            raise ConfigError(f"text.toxicity_words: {self.path} is larger than {_MOST_BYTES >> 20} MB")
        return [line.split("#", 1)[0] for line in lines]


def _folded(text: str) -> str:
    return " ".join(re.findall(r"\w+(?:['’]\w+)*", text.casefold()))
