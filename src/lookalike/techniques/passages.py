"""Long documents in pieces that a model can be shown."""

from __future__ import annotations

import re

_SENTENCE_END = re.compile(r"(?<=[.!?。！？])\s+|\n+")


def passages_of(document: str, longest: int) -> list[str]:
    """Return a document cut between sentences or lines into pieces of at most `longest` characters.

    A single sentence that is longer is cut between words, and a single word that is longer anywhere.

    Args:
        document: The text.
        longest: Characters of one piece, at least 1.

    Example:
        >>> passages_of("One. Two is longer. Three.", 20)
        ['One. Two is longer.', 'Three.']
    """
    pieces: list[str] = []
    for sentence in _SENTENCE_END.split(document):
        for part in _short(sentence.strip(), longest):
            if pieces and len(pieces[-1]) + 1 + len(part) <= longest:
                pieces[-1] = f"{pieces[-1]} {part}"
            else:
                pieces.append(part)
    return pieces


def _short(text: str, longest: int) -> list[str]:
    parts = []
    while len(text) > longest:
        cut = text.rfind(" ", 1, longest + 1)
        cut = cut if cut > 0 else longest
        parts.append(text[:cut].rstrip())
        text = text[cut:].lstrip()
    return [*parts, text] if text else parts
