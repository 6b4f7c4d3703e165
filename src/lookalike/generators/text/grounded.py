"""Questions and answers from documents, each with the words that support it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, final

import numpy as np
from pydantic import Field

from lookalike.backends.client.client import Ask
from lookalike.backends.client.seeded import Fault, Row, Seeded
from lookalike.core.rng import Rng
from lookalike.data.corpus import Corpus
from lookalike.techniques.overlap import place_of
from lookalike.techniques.passages import passages_of

_MOST_PASSAGES = 50_000
_LEAST = 40
_ASKS = (
    "You write question-answer pairs that test reading. The question must be answered by the passage alone and make "
    "sense to somebody who does not see it. support repeats, word for word, the part of the passage that proves the "
    "answer."
)
_CHECKS = (
    "You check answers. Use only the given words. verdict is yes when they fully support the answer to the question, "
    "else no."
)


@final
class Grounded(Seeded):
    """Lets an instruct model write a question, an answer and the supporting words for a passage of a document.

    A row is rejected when its supporting words do not stand in the passage, or when the model, shown only those words,
    does not find that they support the answer. The question is the text of the row.

    Source: Lewis et al. 2021, arXiv:2102.07033 (PAQ); Alberti et al. 2019, arXiv:1906.05416 (roundtrip consistency).
    Differs from the papers: one model writes and checks; what is checked is support by the quoted words, not an equal
        answer.
    """

    strings: ClassVar[tuple[str, ...]] = ("answer", "support", "passage")
    numbers: ClassVar[tuple[str, ...]] = ("start", "end")

    passage: int = Field(default=1500, ge=100, le=20_000, description="Most characters of a passage that is shown.")
    wanted: str = Field(default="", max_length=2000, description="What the questions shall be like, in words.")
    check: bool = Field(default=True, description="Let the model check each answer by its supporting words alone.")

    def seeds(self, data: Corpus, rng: Rng) -> tuple[list[str], list[int]]:
        """Return passages of the documents, at most 50,000, and the class of each."""
        found = [
            (part, label)
            for text, label in zip(data.texts(), data.labels.tolist(), strict=True)
            for part in passages_of(text, self.passage)
            if len(part) >= _LEAST
        ]
        chosen = np.sort(rng.child("passages").numpy().permutation(len(found))[:_MOST_PASSAGES])
        return [found[place][0] for place in chosen], [found[place][1] for place in chosen]

    async def row(self, seed: str, others: Sequence[str], rng: Rng, ask: Ask) -> Row:
        """Make one row."""
        del others
        wish = f"\n\nThe question: {self.wanted}" if self.wanted else ""
        keys = ("question", "answer", "support")
        found = await self.told(_ASKS, f"Passage:\n{seed}{wish}", keys, rng.child("write"), ask)
        empty = [key for key in keys if not found[key]]
        if empty:
            raise Fault(f"an empty {empty[0]}")
        place = place_of(found["support"], seed)
        if place is None:
            raise Fault("the supporting words do not stand in the passage")
        support = seed[place[0] : place[1]]
        if self.check:
            words = f"Words: {support}\nQuestion: {found['question']}\nAnswer: {found['answer']}"
            verdict = await self.told(_CHECKS, words, ("verdict",), rng.child("check"), ask)
            if not verdict["verdict"].casefold().startswith("yes"):
                raise Fault("the supporting words do not support the answer")
        span = {"start": float(place[0]), "end": float(place[1])}
        return Row(found["question"], {"answer": found["answer"], "support": support, "passage": seed, **span})
