"""One run folder in, one self-contained HTML file out: no script, no font, no picture from anywhere else."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from lookalike.core.store import write_file
from lookalike.reports import wording
from lookalike.reports.caveats import caveats
from lookalike.reports.charts import Axis, gauge
from lookalike.reports.data_card import data_card
from lookalike.reports.figures import Figure
from lookalike.reports.image.look import controls_block, look_block
from lookalike.reports.image.watched import watched_block
from lookalike.reports.making import balance_block, cost_block, discarded_block, provenance_block, training_block
from lookalike.reports.measured import privacy_block, scores_block, utility_block
from lookalike.reports.record import Record, read_record
from lookalike.reports.tabular.look import columns_block
from lookalike.reports.text.certainty import certainty_block
from lookalike.reports.text.look import texts_block
from lookalike.reports.verdicts import Part, Verdict, headline, verdicts

LIMIT = 2_000_000
"""Most bytes of a report."""
HEADINGS: tuple[tuple[str, str], ...] = (
    ("headline", "Headline"),
    ("verdicts", "Verdicts"),
    ("caveats", "What could make this meaningless"),
    ("look", "Look at it"),
    ("balance", "Class balance"),
    ("training", "Training"),
    ("scores", "Scores"),
    ("utility", "Utility in detail"),
    ("privacy", "Privacy in detail"),
    ("discarded", "What was thrown away"),
    ("cost", "Cost"),
    ("provenance", "Provenance"),
)
"""The twelve blocks in their order: anchor and heading."""
GOALS: Mapping[str, str] = {
    "augment": "to add to the real rows when training",
    "share": "to share in place of the real rows",
    "bootstrap": "to start without enough real rows",
    "simulate": "to test a system with",
}
_TEMPLATES = Path(__file__).parent / "templates"
_SLUGS = {"GOOD": "good", "CAUTION": "caution", "FAIL": "fail", "NOT ESTIMATED": "unknown"}


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        count=wording.count, percent=wording.percent, clip=wording.clipped, written=wording.written
    )
    return environment


def _date(text: object) -> str:
    try:
        day = datetime.fromisoformat(str(text))
    except ValueError:
        return ""
    return f"{day.day} {day:%B %Y}"


def _shown_verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "name": verdict.name,
        "title": verdict.title,
        "word": verdict.word,
        "slug": _SLUGS[verdict.word],
        "sentence": verdict.sentence,
        "number": verdict.number,
        "interval": verdict.interval,
        "real": verdict.real,
        "real_label": verdict.real_label,
        "label": verdict.parts[0].found.label if isinstance(verdict.parts[0].found, Figure) else "",
        "gauge": _gauge(verdict.name, verdict.parts[0]),
        "rules": [
            {
                "figure": part.rule.figure,
                "good": part.rule.good.text,
                "caution": part.rule.caution.text if part.rule.caution else "",
                "word": part.word,
                "sentence": part.sentence,
            }
            for part in verdict.parts
        ],
    }


def _gauge(verdict: str, part: Part) -> Markup | None:
    """Return the rule's scale with its thresholds and the figure on it."""
    found, rule = part.found, part.rule
    if not isinstance(found, Figure):
        return None
    factor = 100.0 if rule.unit == "points" else 1.0
    value, *ends = (None if one is None else one * factor for one in (found.value, found.low, found.high))
    numbers = [one for one in (value, *ends) if one is not None]
    low, high = 0.0, max(1.0, *(min(one, 1.2) for one in numbers))
    around = rule.unit != "share"
    if around:
        high = float(math.ceil(max(2.0, *(abs(one) for one in numbers)) * 1.15))
        low = -high
    tests = [(rule.caution, "caution"), (rule.good, "good")]
    marks = [(test.bound * factor, name) for test, name in tests if test is not None and test.bound * factor <= high]
    if len({place for place, _ in marks}) < len(marks):
        marks = [(marks[0][0], "no difference")]
    span = (ends[0], ends[1]) if ends[0] is not None and ends[1] is not None else None
    figure = wording.written(found.value, "bits" if rule.unit == "bits" else "share")
    told = f"Figure {figure}. GOOD: {rule.good.text}."
    if rule.caution:
        told += f" CAUTION: {rule.caution.text}."
    axis = Axis(rule.axis, "" if around else "share", low, high)
    return gauge(f"gauge-{verdict}", found.value * factor, span, marks, axis, told)


def _context(record: Record) -> dict[str, Any]:
    run = record.evidence
    found = verdicts(run.scores, run.manifest)
    name = str(run.part("name") or "Unnamed run")
    accepted, train = run.total("sample", "accepted"), run.total("data", "train")
    balance = balance_block(record)
    counted = "Class balance" if balance and balance["rows"] else "Rows"
    return {
        "name": name,
        "goal": run.goal,
        "goal_text": GOALS.get(run.goal, ""),
        "headline": headline(found, run.manifest) if run.scores else "This run has not been measured yet.",
        "rows": wording.count(accepted),
        "real_rows": wording.count(train),
        "method": str(run.part("generator", "use") or ""),
        "date": _date(run.part("created")),
        "headings": [(anchor, counted if anchor == "balance" else heading) for anchor, heading in HEADINGS],
        "counted": counted,
        "measured": bool(run.scores),
        "verdicts": [_shown_verdict(verdict) for verdict in found],
        "caveats": caveats(run.scores, run.manifest),
        "modality": str(run.part("data", "modality") or "image"),
        "look": look_block(record),
        "controls": controls_block(record),
        "texts": texts_block(record),
        "table": columns_block(record),
        "sprites": {key: Markup(uri) for key, uri in record.sprites.items()},
        "balance": balance,
        "training": training_block(record),
        "certainty": certainty_block(run),
        "watched": watched_block(run),
        "scores": scores_block(run),
        "utility": utility_block(run),
        "privacy": privacy_block(record),
        "discarded": discarded_block(record),
        "cost": cost_block(run),
        "provenance": provenance_block(record),
        "lookalike": str(run.part("lookalike") or ""),
        "css": Markup((_TEMPLATES / "report.css").read_text(encoding="utf-8")),
    }


def render(folder: Path) -> str:
    """Return the report of a run folder as one HTML page.

    Equal files give equal pages. Whatever is missing is said in a sentence. A page that would be larger than `LIMIT`
    leaves the pictures out and says so.

    Args:
        folder: A run folder; recipe.yaml, manifest.json, scores.json, events.jsonl, gallery/ and controls/ are read.
    """
    record = read_record(folder)
    template = _environment().get_template("report.html.j2")
    page = template.render(**_context(record))
    if len(page.encode()) <= LIMIT:
        return page
    smaller = Record(record.evidence, record.recipe, record.notes, record.checkpoints, record.resumed, None, None, {})
    return template.render(**_context(smaller))


def write(folder: Path) -> list[Path]:
    """Write report.html and data_card.md into a run folder, each all or nothing.

    Args:
        folder: A run folder.

    Returns:
        The files written.
    """
    card = data_card(read_record(folder))
    files = [folder / "report.html", folder / "data_card.md"]
    for path, content in zip(files, (render(folder), card), strict=True):
        write_file(path, content)
    return files
