"""Verdicts: the rules of `reports.rules` applied to one run, and the sentence that they amount to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

from lookalike.reports import wording
from lookalike.reports.evidence import Evidence
from lookalike.reports.figures import Figure, Missing
from lookalike.reports.rules import ORDER, RULES, Rule, Word, rules_for

_WORST_FIRST: tuple[Word, ...] = ("FAIL", "NOT ESTIMATED", "CAUTION", "GOOD")


@final
@dataclass(frozen=True)
class Part:
    """One rule applied to one run."""

    rule: Rule
    word: Word
    found: Figure | Missing
    sentence: str


@final
@dataclass(frozen=True)
class Verdict:
    """A word and everything that stands beside it.

    Attributes:
        name: `utility`, `fidelity`, `diversity`, `privacy` or `validity`.
        word: GOOD, CAUTION, FAIL or NOT ESTIMATED.
        sentence: One plain sentence.
        number: The figure of these rows, in its unit.
        interval: Its 95 % interval; empty when there is none.
        real: The same figure for real rows.
        real_label: What those real rows are.
        parts: Every rule that was applied, the deciding one first.
        short: The verdict as a clause of the headline.
    """

    name: str
    word: Word
    sentence: str
    number: str
    interval: str
    real: str
    real_label: str
    parts: tuple[Part, ...]
    short: str

    @property
    def title(self) -> str:
        """Name with a capital."""
        return self.name.capitalize()


def _apply(rule: Rule, evidence: Evidence) -> Part | None:
    found = rule.measure(evidence)
    if found is None:
        if rule.if_absent is None:
            return None
        found = Missing(f"nothing in this run measures it ({rule.figure})")
    if isinstance(found, Missing):
        return Part(rule, "NOT ESTIMATED", found, f"Not estimated: {found.reason}.")
    word = rule.word(found)
    return Part(rule, word, found, rule.sentences[word].format(**_texts(found)))


def _texts(figure: Figure) -> dict[str, str]:
    value = wording.percent(min(max(figure.value, 0.0), 9.99))
    return {"value": value, "number": figure.number, "real": figure.real, **figure.texts}


def _worst(parts: Sequence[Part]) -> Word:
    """Return the worst word of the parts; a part without a figure only caps what the others say."""
    known = [part.word for part in parts if isinstance(part.found, Figure)]
    if not known:
        return "NOT ESTIMATED"
    caps = [part.rule.if_absent for part in parts if isinstance(part.found, Missing)]
    return min([*known, *(cap for cap in caps if cap)], key=_WORST_FIRST.index)


def _decide(name: str, evidence: Evidence) -> Verdict:
    applied = [part for rule in rules_for(name, evidence.goal) if (part := _apply(rule, evidence)) is not None]
    word = _worst(applied)
    parts = sorted(applied, key=lambda part: (isinstance(part.found, Missing), _WORST_FIRST.index(part.word)))
    first = parts[0]
    if isinstance(first.found, Missing):
        return Verdict(name, word, first.sentence, "", "", "", "", tuple(parts), f"{name} not estimated")
    absent = [part for part in parts if isinstance(part.found, Missing)]
    sentence = first.sentence
    if absent and first.word == "GOOD" and word != "GOOD":
        sentence += f" But {absent[0].found.reason}."  # type: ignore[union-attr]
    short = first.rule.short[first.word].format(**_texts(first.found))
    figure = first.found
    return Verdict(
        name, word, sentence, figure.number, figure.interval, figure.real, figure.real_label, tuple(parts), short
    )


def verdicts(scores: Sequence[Mapping[str, Any]], manifest: Mapping[str, Any]) -> list[Verdict]:
    """Return the five verdicts of a run, in the order that its goal asks for.

    Args:
        scores: Content of `scores.json`.
        manifest: Content of `manifest.json`.
    """
    evidence = Evidence(scores, manifest)
    return [_decide(name, evidence) for name in ORDER.get(evidence.goal, ORDER["augment"])]


def headline(found: Sequence[Verdict], manifest: Mapping[str, Any]) -> str:
    """Return the one or two sentences that the verdicts amount to: the first of them, any FAIL, and privacy.

    Args:
        found: As `verdicts` returns them.
        manifest: Content of `manifest.json`; says whether there is a formal guarantee.
    """
    said = [verdict.short for verdict in found[:1] if verdict.name != "privacy"]
    said += [verdict.short for verdict in found[1:] if verdict.word == "FAIL" and verdict.name != "privacy"]
    privacy = next(verdict for verdict in found if verdict.name == "privacy")
    said.insert(0 if found and found[0].name == "privacy" else len(said), _privacy(privacy, manifest))
    if found and found[0].name == "privacy":
        said += [verdict.short for verdict in found[1:] if verdict.name == "utility" and verdict.word != "FAIL"]
    return " ".join(f"{text[:1].upper()}{text[1:]}." for text in said)


def _privacy(verdict: Verdict, manifest: Mapping[str, Any]) -> str:
    spent = Evidence((), manifest).part("privacy", "spent")
    if isinstance(spent, Mapping) and spent.get("epsilon") is not None:
        guarantee = f"formal guarantee with ε = {wording.figure(spent['epsilon'])}"
        return (
            f"{guarantee}, yet {verdict.short[:1].lower()}{verdict.short[1:]}" if verdict.word == "FAIL" else guarantee
        )
    if verdict.word == "FAIL":
        return f"not private: {verdict.short[:1].lower()}{verdict.short[1:]}"
    return "not shown to be private: no formal guarantee"


def rules_markdown() -> str:
    """Return the table of rules as Markdown, for the docs."""
    lines = ["| verdict | figure | GOOD | CAUTION | else |", "|---|---|---|---|---|"]
    for rule in RULES:
        name = rule.verdict + (f", goal {' or '.join(rule.goals)}" if rule.goals else "")
        caution = rule.caution.text if rule.caution else "–"
        lines.append(f"| {name} | {rule.figure} | {rule.good.text} | {caution} | FAIL |")
    lines += [
        "",
        "Where a verdict has several rows, the worst word counts. A figure without a real-against-real value gives "
        "NOT ESTIMATED with the reason, and so does a learner whose interval on real rows reaches chance; for privacy, "
        "a test that was not made allows CAUTION at best.",
        "",
        "| goal | order of the verdicts |",
        "|---|---|",
        *(f"| {goal} | {', '.join(order)} |" for goal, order in ORDER.items()),
    ]
    return "\n".join(lines) + "\n"
