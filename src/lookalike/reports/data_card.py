"""A short data card in Markdown: what the rows are, from what, how made, and what they are not good for."""

from __future__ import annotations

from lookalike.reports import wording
from lookalike.reports.caveats import caveats
from lookalike.reports.figures import Figure
from lookalike.reports.record import Record
from lookalike.reports.verdicts import Verdict, headline, verdicts

_SPECIAL = str.maketrans({character: f"\\{character}" for character in "\\`*_{}[]<>#|"})


def plain(text: object) -> str:
    """Return text that Markdown shows as it is, on one line."""
    return " ".join(str(text).split()).translate(_SPECIAL)


def _figure(verdict: Verdict) -> str:
    found = verdict.parts[0].found
    if not isinstance(found, Figure):
        return wording.NOTHING
    return f"{found.number}{f' ({found.interval})' if found.interval else ''} {found.label}"


def data_card(record: Record) -> str:
    """Return the data card of a run.

    Args:
        record: What the run folder holds.
    """
    run = record.evidence
    name = plain(run.part("name") or "Unnamed run")
    classes = [plain(one) for one in run.part("data", "classes") or []]
    shape = run.part("data", "shape")
    found = verdicts(run.scores, run.manifest)
    statement = plain(run.part("statement") or "The rows are synthetic: they were made by a computer.")
    lines = [
        f"# {name}: synthetic data",
        "",
        f"**{statement}**",
        "",
        plain(headline(found, run.manifest)) if run.scores else "This run has not been measured yet.",
        "",
        "## What it is",
        "",
        f"- Rows: {wording.count(run.total('sample', 'accepted'))}",
        f"- Modality: {plain(run.part('data', 'modality') or 'not known')}",
        *([f"- Shape of one row: {plain(' × '.join(map(str, shape)))}"] if isinstance(shape, list) and shape else []),
        *(
            [f"- Classes ({len(classes)}): {', '.join(classes[:50])}{' …' if len(classes) > 50 else ''}"]
            if classes
            else []
        ),
        "",
        "## From what, and how",
        "",
        f"- Real rows used for training: {wording.count(run.total('data', 'train'))}; "
        f"kept aside for testing: {wording.count(run.total('data', 'holdout'))}",
        f"- Made by: {plain(run.part('generator', 'use') or 'not known')}, "
        f"lookalike {plain(run.part('lookalike') or '?')}",
        f"- Filters: {', '.join(plain(one.get('use')) for one in run.part('filters') or []) or 'none'}",
        f"- Made on: {plain(run.part('created') or 'not known')}; seed {plain(run.part('seeds', 'root'))}",
        "",
        "## Measured",
        "",
        "| verdict | word | figure | real rows |",
        "|---|---|---|---|",
        *(
            f"| {one.title} | {one.word} | {plain(_figure(one))} | {plain(one.real or wording.NOTHING)} |"
            for one in found
        ),
        "",
        "## Limits",
        "",
        *(f"- {plain(one.name)}: {plain(one.text)}" for one in caveats(run.scores, run.manifest) if one.applies),
        "",
        "Every figure with its interval, and how it was made: `report.html` and `manifest.json`.",
    ]
    return "\n".join(lines) + "\n"
