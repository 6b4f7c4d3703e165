"""What could make a good verdict meaningless: checks that run on every report, each with its sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final
from urllib.parse import urlsplit

from lookalike.reports import wording
from lookalike.reports.evidence import Evidence, Record, detail, features, reason, score_row, short

FEW_ROWS = 1000
FEW_HOLDOUT = 200
LARGE_EPSILON = 8.0
WEAK_LEARNER = 0.5
_HERE = {"localhost", "127.0.0.1", "::1"}
_EXTRACTORS: Mapping[str, str] = {
    "mixed": "the columns themselves, brought to one scale",
    "task_cnn": "trained on the same training rows",
    "pixels": "not trained: plain pixels",
    "random": "not trained: random weights",
    "efficientnet_lite0": "trained on other pictures (ImageNet)",
    "inception": "trained on other pictures (ImageNet)",
    "hashing": "not trained: words and pairs of words, hashed",
    "minilm": "trained on other texts (sentence pairs from the web)",
}


@final
@dataclass(frozen=True)
class Caveat:
    """One thing to know before believing a verdict.

    Attributes:
        name: Two or three words.
        text: One or two plain sentences.
        applies: True = it weakens this run; False = checked and in order.
    """

    name: str
    text: str
    applies: bool


Check = Callable[[Evidence], Caveat | None]


def _weak(name: str, *sentences: str) -> Caveat:
    return Caveat(name, " ".join(sentences), True)


def _fine(name: str, *sentences: str) -> Caveat:
    return Caveat(name, " ".join(sentences), False)


def _holdout(run: Evidence) -> Caveat | None:
    rows = run.total("data", "holdout")
    if rows is None:
        return None
    if rows == 0:
        return _weak(
            "No held-out rows",
            "No real row was kept aside, so nothing could be tested on rows that the generator never saw.",
            "Set data.holdout above 0.",
        )
    kept = f"{wording.count(rows)} real rows were kept"
    if rows < FEW_HOLDOUT:
        return _weak("Few held-out rows", f"Only {kept} aside: every interval below is wide.")
    return _fine("Held-out rows", f"{kept} away from everything that learns.")


def _shared(run: Evidence) -> Caveat | None:
    rows = run.total("data", "shared_rows")
    if rows is None:
        return None
    if not rows:
        return _fine("Duplicates across the split", "No held-out row is also a training row.")
    holdout = run.total("data", "holdout") or 0
    share = f" ({wording.percent(rows / holdout)} of them)" if holdout else ""
    are = "row is also a training row" if rows == 1 else "rows are also training rows"
    return _weak(
        "Duplicates across the split",
        f"{wording.count(rows)} held-out {are}{share}.",
        "Scores look better, and copies more innocent, than they are.",
    )


def _kept(run: Evidence) -> Caveat | None:
    kept = run.part("data", "kept")
    if not isinstance(kept, list) or not kept:
        return None
    return _weak(
        "Tables of real rows",
        f"{wording.words([str(name) for name in kept])} hold real rows, given out as they are because keep: true says "
        "that they are public. No figure of privacy speaks of them.",
    )


def _shared_tables(run: Evidence) -> Caveat | None:
    shared = run.part("data", "shared")
    if not isinstance(shared, list) or not shared:
        return None
    return _weak(
        "Shared tables",
        f"{wording.words([str(name) for name in shared])} are made anew from all of their rows. None is held out, so "
        "no figure of fidelity or privacy speaks of them alone; a row is referred to about as often as the real one "
        "that it stands for, and where such rows refer to each other in a circle, they do as the real ones.",
    )


def _size(run: Evidence) -> Caveat | None:
    sized = [score for score in run.scores if isinstance(score.get("n_synthetic"), int | float)]
    if not sized:
        return None
    least = min(min(score["n_synthetic"], score.get("n_real") or score["n_synthetic"]) for score in sized)
    wide = sorted({name for score in sized if (name := _too_wide(score))})
    if least >= FEW_ROWS and not wide:
        return _fine("Number of rows", f"Every score used at least {wording.count(least)} rows on each side.")
    text = [f"The smallest comparison used {wording.count(least)} rows."]
    if least < FEW_ROWS:
        text.append(f"Below {wording.count(FEW_ROWS)}, scores move by chance: read the intervals, not the digits.")
    if wide:
        text.append(f"{wording.words(wide)} had no more rows than features, which inflates the distance.")
    return _weak("Few rows", *text)


def _too_wide(score: Record) -> str:
    dimension = detail(score).get("dimension")
    known = isinstance(dimension, int | float) and short(score) == "frechet"
    return str(score["method"]) if known and min(score["n_synthetic"], score["n_real"]) <= dimension else ""


def _learner(run: Evidence) -> Caveat | None:
    score = run.score("train_on_synthetic")
    row = score_row(score, "real")
    real = row["accuracy"] if row else score.get("floor") if score else None
    chance = score.get("ceiling") if score else None
    if not isinstance(real, int | float) or not isinstance(chance, int | float) or chance >= 1:
        return None
    text = (
        f"The classifier that judges usefulness reaches {wording.percent(real)} when it learns from real rows; "
        f"chance alone gives {wording.percent(chance)}."
    )
    if (real - chance) / (1 - chance) < WEAK_LEARNER or (score and detail(score).get("learner_weak")):
        return _weak(
            "Weak classifier", text, "One that learns little from real rows cannot tell good rows from bad ones."
        )
    return _fine("Classifier", text)


def _seen_through(score: Record) -> bool:
    """Say whether a score sees rows as features; for an audit of copies pixels are the images themselves."""
    name = features(score)[0]
    return bool(name) and not (name == "pixels" and score.get("kind") == "audit")


def _extractor(run: Evidence) -> Caveat | None:
    used = sorted({features(score)[0] for score in run.scores if _seen_through(score)})
    if not used:
        return None
    told = [f"{name} ({_EXTRACTORS.get(name, 'origin not known')})" for name in used]
    return _weak(
        "Seen through features",
        f"Closeness and variety are measured through {wording.words(told)}.",
        "It sees what tells the classes apart and may miss everything else."
        if used == ["task_cnn"]
        else "Differences that such features do not see are not counted.",
    )


def _seeds(run: Evidence) -> Caveat | None:
    if not run.scores:
        return None
    seeds = max((int(count) for score in run.scores if (count := detail(score).get("generator_seeds"))), default=1)
    if seeds > 1:
        return _fine("Seeds", f"The generator was trained with {seeds} seeds; intervals cover them.")
    return _weak(
        "One seed",
        "The generator was trained once.",
        "Another seed gives somewhat other figures, and the intervals do not cover that.",
    )


def _guarantee(run: Evidence) -> Caveat | None:
    spent = run.part("privacy", "spent")
    epsilon = spent.get("epsilon") if isinstance(spent, Mapping) else None
    if not isinstance(epsilon, int | float):
        return _weak(
            "No formal guarantee",
            "No differential privacy was used, so no ε bounds what a row can reveal.",
            "Tests can find leaks; they cannot prove that there are none.",
        )
    text = f"Differential privacy with ε = {wording.figure(epsilon)}"
    if epsilon > LARGE_EPSILON:
        return _weak("Large ε", f"{text}; above {wording.figure(LARGE_EPSILON)} it promises little.")
    return _fine("Formal guarantee", f"{text}.")


def _sent(run: Evidence) -> Caveat | None:
    config = run.part("generator", "config")
    rows = run.total("data", "train")
    if not rows or not isinstance(config, Mapping) or config.get("examples") == 0:
        return None
    backends = [one for key in ("backend", "fallback") if isinstance(one := config.get(key), Mapping)]
    if not backends:
        return None
    hosts = {host for one in backends if (host := urlsplit(str(one.get("url") or "")).hostname)} - _HERE
    if not hosts:
        return _fine("Real rows as examples", "The language model ran on this machine: no real row was sent elsewhere.")
    return _weak(
        "Real rows were sent",
        f"Requests to {wording.words(sorted(hosts))} held real training rows, and model/ holds them too.",
        "Whoever runs that server, or gets that folder, can read them.",
    )


def _projected(run: Evidence) -> Caveat | None:
    if run.part("projected") is not True:
        return None
    return _weak(
        "A given image was projected",
        "Rows were made around the style that best reproduces a given image.",
        "Inversion can bring training images to light, and such rows follow the image:",
        "share them, the styles and the model with as much care as the images themselves.",
    )


def _filters(run: Evidence) -> Caveat | None:
    used = run.part("filters")
    if not isinstance(used, list) or not used:
        return None
    reading = [str(one.get("use")) for one in used if isinstance(one, Mapping) and one.get("reads_real")]
    if not reading:
        return _fine("Filters", "No filter looked at real rows.")
    return _weak(
        "Filters that read real rows",
        f"{wording.words(reading)} chose rows with the help of real ones.",
        "What was kept therefore tells something about the real rows too.",
    )


def _shortfall(run: Evidence) -> Caveat | None:
    asked, accepted = run.total("sample", "asked"), run.total("sample", "accepted")
    if asked is None or accepted is None:
        return None
    if accepted >= asked:
        return _fine("Rows delivered", f"All {wording.count(asked)} rows that were asked for.")
    return _weak(
        "Rows are missing",
        f"{wording.count(asked - accepted)} of {wording.count(asked)} asked rows could not be delivered:",
        "the filters refused too many before the limit on attempts.",
    )


def _where(run: Evidence) -> Caveat | None:
    found = run.part("sample", "where")
    if not isinstance(found, Mapping) or not found:
        return None
    listed = [f"{name} {'missing' if value is None else f'= {value}'}" for name, value in found.items()]
    return _weak(
        "Rows asked for",
        f"Every synthetic row was asked to have {wording.words(listed)}.",
        "Figures that compare them with all real rows see that they differ.",
    )


def _unestimated(run: Evidence) -> Caveat | None:
    missing = [f"{score.get('method')}: {told}" for score in run.scores if (told := reason(score))]
    return _weak("Not estimated", ". ".join(dict.fromkeys(missing)) + ".") if missing else None


CHECKS: tuple[Check, ...] = (
    _holdout,
    _shared,
    _kept,
    _shared_tables,
    _where,
    _shortfall,
    _size,
    _learner,
    _unestimated,
    _extractor,
    _sent,
    _projected,
    _filters,
    _seeds,
    _guarantee,
)
"""Every check, the gravest first."""


def caveats(scores: Sequence[Mapping[str, Any]], manifest: Mapping[str, Any]) -> list[Caveat]:
    """Return what was checked: first what weakens this run, then what is in order.

    Args:
        scores: Content of `scores.json`.
        manifest: Content of `manifest.json`.
    """
    run = Evidence(scores, manifest)
    found = [caveat for check in CHECKS if (caveat := check(run)) is not None]
    return sorted(found, key=lambda caveat: not caveat.applies)
