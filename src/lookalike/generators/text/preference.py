"""Pairs of a better and a worse answer to a prompt, for preference optimisation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, final

from pydantic import Field

from lookalike.backends.client.client import Ask
from lookalike.backends.client.seeded import Fault, Row, Seeded
from lookalike.core.rng import Rng

_ANSWERS = "You are a helpful assistant."
_JUDGES = (
    "You compare answers to a prompt and are strict. First say in a sentence why, then give the numbers of the best "
    "and of the worst answer."
)


@final
class Preference(Seeded):
    """Draws several answers to each real prompt and lets a judge name the best and the worst, with its reason.

    The judge is asked twice, the second time with the answers in reverse order; a pair that it does not confirm is
    rejected, since models prefer places. The prompt is the text of the row; the writer `jsonl` with
    `layout: preference` gives the form that DPO trainers take.

    Source: Cui et al. 2023, arXiv:2310.01377 (UltraFeedback); Zheng et al. 2023, arXiv:2306.05685 (position bias).
    Differs from the papers: one model answers at several random numbers; the judge ranks and gives no grades.
    """

    strings: ClassVar[tuple[str, ...]] = ("chosen", "rejected", "rationale")

    candidates: int = Field(default=2, ge=2, le=8, description="Answers drawn for each prompt.")
    criterion: str = Field(
        default="more helpful, correct, honest and clear", min_length=1, description="What a better answer is."
    )
    swap: bool = Field(default=True, description="Ask the judge again in reverse order, and reject what it revokes.")

    async def row(self, seed: str, others: Sequence[str], rng: Rng, ask: Ask) -> Row:
        """Make one row."""
        del others
        drawn = [
            await self.plain(_ANSWERS, seed, rng.child("answer", number), ask) for number in range(self.candidates)
        ]
        answers = list(dict.fromkeys(drawn))
        if len(answers) < 2:
            raise Fault("all answers are the same")
        best, worst, reason = await self._ranked(seed, answers, rng.child("judge"), ask)
        if self.swap:
            last = len(answers) - 1
            again = await self._ranked(seed, answers[::-1], rng.child("judge again"), ask)
            if (last - again[0], last - again[1]) != (best, worst):
                raise Fault("the judge changes its mind when the order changes")
        return Row(seed, {"chosen": answers[best], "rejected": answers[worst], "rationale": reason})

    async def _ranked(self, prompt: str, answers: Sequence[str], rng: Rng, ask: Ask) -> tuple[int, int, str]:
        """Return the positions of the best and the worst answer, and the judge's reason."""
        listed = "\n\n".join(f"Answer {number}:\n{text}" for number, text in enumerate(answers, start=1))
        user = f"Prompt:\n{prompt}\n\n{listed}\n\nBetter means: {self.criterion}."
        found = await self.told(_JUDGES, user, ("reason", "best", "worst"), rng, ask)
        places = [_number(found[key], len(answers)) for key in ("best", "worst")]
        if None in places or places[0] == places[1]:
            raise Fault("the judge names no best and worst answer")
        return int(places[0] or 0), int(places[1] or 0), found["reason"]


def _number(said: str, count: int) -> int | None:
    """Return the position that a judge names, from 0; None when there is no such answer."""
    digits = "".join(c for c in said if c.isascii() and c.isdigit())
    return int(digits) - 1 if digits and len(digits) < 4 and 1 <= int(digits) <= count else None
