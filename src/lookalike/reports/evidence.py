"""What a run left behind, asked in one place: scores by method or verdict, and the manifest's figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

Record = Mapping[str, Any]


@final
@dataclass(frozen=True)
class Evidence:
    """Scores and manifest of one run, as plain JSON values; anything may be missing."""

    scores: Sequence[Record]
    manifest: Record

    @property
    def goal(self) -> str:
        """Goal of the recipe; `augment` when nothing is said."""
        return str(self.manifest.get("goal") or "augment")

    def part(self, *keys: str) -> Any:  # noqa: ANN401  JSON
        """Return a value deep in the manifest, or None."""
        value: Any = self.manifest
        for key in keys:
            value = value.get(key) if isinstance(value, Mapping) else None
        return value

    def number(self, *keys: str) -> float | None:
        """Return a number deep in the manifest, or None."""
        value = self.part(*keys)
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

    def total(self, *keys: str) -> int | None:
        """Return the sum of a list of counts, or the count itself, or None."""
        value = self.part(*keys)
        if isinstance(value, list | tuple):
            return int(sum(value))
        return int(value) if isinstance(value, int | float) else None

    def score(self, method: str, target: str = "accepted") -> Record | None:
        """Return the first score of a method, by its name without the modality: `frechet`."""
        for score in self.scores:
            if short(score) == method and score.get("target", "accepted") == target:
                return score
        return None

    def chosen(
        self, verdict: str, prefer: Sequence[str], kind: str | None = None, besides: Sequence[str] = ()
    ) -> Record | None:
        """Return the score that speaks for a verdict: a preferred one, else the first that `besides` does not name."""
        found = [
            score
            for score in self.scores
            if verdict_of(score) == verdict
            and score.get("target", "accepted") == "accepted"
            and (kind is None or score.get("kind") == kind)
            and short(score) not in besides
        ]
        for name in prefer:
            for score in found:
                if short(score) == name:
                    return score
        return found[0] if found else None


def short(score: Record) -> str:
    """Return a score's method without its modality; of one that asks another method, that other one."""
    return str(detail(score).get("measure") or score.get("method", "")).rpartition(".")[2]


def detail(score: Record) -> Record:
    """Return a score's further figures."""
    value = score.get("detail")
    return value if isinstance(value, Mapping) else {}


def verdict_of(score: Record) -> str:
    """Return the row of the verdict table that a score speaks for."""
    return str(detail(score).get("verdict", ""))


def pair(value: object) -> tuple[float, float] | None:
    """Return an interval as two floats, or None."""
    if isinstance(value, list | tuple) and len(value) == 2 and all(isinstance(item, int | float) for item in value):
        return float(value[0]), float(value[1])
    return None


def reason(score: Record) -> str:
    """Return why something about a score was not estimated, or an empty text."""
    told = detail(score).get("not_estimated")
    if isinstance(told, Mapping):
        return "; ".join(str(value) for value in told.values())
    if isinstance(told, list | tuple):
        return "; ".join(str(value) for value in told)
    return str(told or "").removeprefix("floor: ")


def unit(score: Record) -> str:
    """Return the unit of a score; `share` means that it is written in per cent."""
    given = detail(score).get("unit")
    if given is not None:
        return "share" if given in ("share", "%", "percent") else str(given)
    numbers = [number for key in ("value", "floor", "ceiling") if isinstance(number := score.get(key), int | float)]
    shares = bool(numbers) and all(-1 <= number <= 1 for number in numbers)
    return "share" if shares and verdict_of(score) in ("utility", "diversity", "validity", "privacy") else ""


def further(score: Record) -> dict[str, Record]:
    """Return the further figures that a score brings with their own value, floor and ceiling, without its main one."""
    main = (score.get("value"), score.get("floor"), score.get("ceiling"))
    return {
        str(name): given
        for name, given in detail(score).items()
        if isinstance(given, Mapping)
        and {"value", "floor", "ceiling"} <= given.keys()
        and (given["value"], given["floor"], given["ceiling"]) != main
    }


def features(score: Record) -> tuple[str, str]:
    """Return name and digest of the feature extractor behind a score; empty when it used none."""
    found = detail(score)
    given = found.get("features", found.get("extractor", ""))
    if isinstance(given, Mapping):
        return str(given.get("name", "")), str(given.get("digest", ""))
    return str(given or ""), str(found.get("features_digest", found.get("digest", "")) or "")


def score_row(score: Record | None, name: str) -> Record | None:
    """Return one row of a train-on-synthetic score: `real`, `synthetic`, ... or None.

    Its `accuracy` is the figure that the score is about, which a row that measures another one gives as `value`.
    """
    rows = detail(score).get("rows") if score else None
    row = rows.get(name) if isinstance(rows, Mapping) else None
    if isinstance(row, Mapping) and isinstance(row.get("value"), int | float):
        return {**row, "accuracy": row["value"]}
    return row if isinstance(row, Mapping) and isinstance(row.get("accuracy"), int | float) else None


def trained(score: Record | None) -> tuple[str, str]:
    """Return what a train-on-synthetic score measures, and what kind of model it trains."""
    measured = str(detail(score).get("figure") or "accuracy") if score else "accuracy"
    return measured, "regression" if measured == "R2" else "classifier"
