"""Instructions with responses, evolved from real ones."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar, Literal, final

from pydantic import Field

from lookalike.backends.client.client import Ask
from lookalike.backends.client.seeded import Fault, Row, Seeded
from lookalike.core.rng import Rng
from lookalike.techniques.overlap import rouge_l, words_of

Operator = Literal["constrain", "deepen", "concretise", "reason", "broaden", "new"]
_OPERATORS: dict[str, str] = {
    "constrain": "Rewrite it with one more constraint or requirement.",
    "deepen": "Rewrite it so that it asks for more depth and breadth.",
    "concretise": "Rewrite it with general notions replaced by more specific ones.",
    "reason": "Rewrite it so that it explicitly needs several steps of reasoning.",
    "broaden": "Write a brand-new instruction of the same domain that is rarer, of similar length and difficulty.",
    "new": "Write one brand-new instruction of another kind than those, as useful and as natural.",
}
_SYSTEM = (
    "You write instructions that people give to an assistant. The instruction must be reasonable, understandable, "
    "answerable in words alone, and at most 20 words longer than the one it comes from."
)
_ANSWERS = "You are a helpful assistant. Answer the instruction well and briefly."
_LEAKED = ("given instruction", "rewritten instruction", "given prompt", "rewritten prompt", "new instruction")
_REFUSALS = re.compile(r"\b(sorry|cannot assist|can't assist|as an ai|unable to help)\b", re.IGNORECASE)
_SHORT_REFUSAL = 80
_SHOWN = 6


@final
class Evolved(Seeded):
    """Takes real instructions through operators that make them harder, rarer or new, and lets the model respond.

    Rows are eliminated when the instruction is too close to the one it came from or to those shown, when it repeats
    words of the request, or when the response is a refusal or says nothing. The instruction is the text of the row.

    Source: Xu et al. 2023, arXiv:2304.12244 (Evol-Instruct); Wang et al. 2022, arXiv:2212.10560 (Self-Instruct).
    Differs from the papers: closeness is ROUGE-L of at least `similar` in place of a question to the model; a row takes
        a keyed chain of operators, and an eliminated row is made anew from the next seed.
    """

    strings: ClassVar[tuple[str, ...]] = ("response", "seed", "operators")

    depth: int = Field(default=2, ge=1, le=6, description="Operators that a row goes through, one after the other.")
    operators: tuple[Operator, ...] = Field(
        default=("constrain", "deepen", "concretise", "reason", "broaden", "new"),
        min_length=1,
        description="Which operators are drawn from; new shows several real instructions (Self-Instruct).",
    )
    similar: float = Field(default=0.7, gt=0, le=1, description="ROUGE-L from which two instructions count as one.")
    respond: bool = Field(default=True, description="Let the model respond to the evolved instruction.")

    async def row(self, seed: str, others: Sequence[str], rng: Rng, ask: Ask) -> Row:
        """Make one row."""
        draw, text, used = rng.child("operators").numpy(), seed, []
        for step in range(self.depth):
            operator = self.operators[int(draw.integers(len(self.operators)))]
            key = rng.child("step", step)
            shown = [text]
            if operator == "new":
                places = key.child("shown").numpy().permutation(len(others))[:_SHOWN]
                shown = list(dict.fromkeys([text, *(others[place] for place in places)]))
            listed = "\n".join(f"Instruction: {one}" for one in shown)
            found = await self.told(_SYSTEM, f"{listed}\n\n{_OPERATORS[operator]}", ("instruction",), key, ask)
            self._eliminate(found["instruction"], shown)
            text = found["instruction"]
            used.append(operator)
        response = await self.plain(_ANSWERS, text, rng.child("respond"), ask) if self.respond else ""
        if self.respond:
            _eliminate_response(response)
        return Row(text, {"response": response, "seed": seed, "operators": " ".join(used)})

    def _eliminate(self, text: str, shown: Sequence[str]) -> None:
        if not words_of(text):
            raise Fault("an empty instruction")
        if any(words in text.casefold() for words in _LEAKED):
            raise Fault("the instruction repeats words of the request")
        if max(rouge_l(text, one) for one in shown) >= self.similar:
            raise Fault("the instruction is the one it came from")


def _eliminate_response(response: str) -> None:
    words = words_of(response)
    if not words:
        raise Fault("the response says nothing")
    if len(words) < _SHORT_REFUSAL and _REFUSALS.search(response):
        raise Fault("the response is a refusal")
