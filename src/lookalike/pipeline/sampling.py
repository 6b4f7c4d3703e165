"""The stage in the middle of a run: rows are made and filtered until the quota is met, or a stated limit is hit."""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lookalike.core.contracts import Index, Reference
from lookalike.core.errors import DataError
from lookalike.core.events import Progress
from lookalike.core.store import digest, write_json
from lookalike.data import open_dataset
from lookalike.data.gather import gather
from lookalike.data.shards import unused, write_shards
from lookalike.pipeline import constrained
from lookalike.pipeline.cells import Cells, cells_of
from lookalike.pipeline.folder import ANSWERS
from lookalike.pipeline.plan import natural, quota
from lookalike.pipeline.select import Selected, apply_filters, fill
from lookalike.pipeline.session import Session
from lookalike.pipeline.shards import Job, rows_together, shard_rows

_SHOWN_REASONS = 5
_PORTION = 0.25
"""Share of the rows that one round makes when the next one learns from it."""


def _draw(
    session: Session, model: Path, key: str, start: int, quotas: Cells, wanted: Index, shown: Path | None
) -> list[Any]:
    """Return the shards of one round, making those that are missing."""
    store, recipe = session.run.store, session.plan.recipe
    rows, count = shard_rows(session.plan.generator.method), len(wanted)
    # The cells as bytes: their names would be a text of megabytes.
    asked: list[Any] = [
        quotas.classes,
        [dict(mix) for mix in quotas.mixes],
        hashlib.sha256(np.ascontiguousarray(wanted).data).hexdigest(),
    ]
    if shown is not None:
        asked.append(shown.name)
    job = Job(
        model=model.resolve(),
        generator=session.plan.generator.name,
        options=session.plan.generator.method.model_dump(mode="json"),
        seed=recipe.seed,
        start=start,
        count=count,
        where=quotas.where(wanted),
        folder=store.path("sample", digest([key, start, count, asked, rows])).resolve(),
        rows=rows,
        alone=getattr(session.plan.generator.method, "waits", False),
        answers=(store.root / ANSWERS).resolve(),
        shown=None if shown is None else shown.resolve(),
    )

    def progress(done: int, values: Mapping[str, float]) -> None:
        session.log(Progress("sample", start + done, start + count, "rows", values))

    session.workers(job, progress)
    return [open_dataset(job.path(shard)) for shard in job.shards()]


def _shown(session: Session, parts: list[Any], delivered: Index) -> Path | None:
    """Return the folder of the rows delivered so far, which the generator learns from; None while there are none."""
    if not len(delivered):
        return None

    def build(folder: Path) -> None:
        gather(parts, folder, delivered)

    key = digest([[part.fingerprint() for part in parts], delivered.tolist()])
    return session.run.store.make("shown", key, build)


def cells(session: Session, model: Path, real: Reference[Any]) -> Cells:
    """Return what the quota of a run counts.

    Raises:
        ConfigError: It names an attribute that the generator does not know, or asks for too few rows.
    """
    plan = session.plan
    asked, per = quota(plan.recipe, real.train), plan.recipe.sample.per
    classes = () if natural(plan.recipe, real.train) else real.train.schema.classes
    return cells_of(asked, classes, per, constrained.load(plan.generator.method, model) if per else None)


def select(session: Session, model: Path, fit_key: str, real: Reference[Any]) -> Path:
    """Sample and filter until the quota is met, and return the folder with what came of it.

    Args:
        session: The run.
        model: Folder of the fitted generator.
        fit_key: What the model depends on.
        real: The real rows, for filters.

    Raises:
        DataError: No row passed the filters.
        ConfigError: The quota is impossible.
    """
    plan, store = session.plan, session.run.store
    quotas = cells(session, model, real)
    asked = quotas.asked
    sample_key = plan.generator.key(fit_key, plan.recipe.seed, *plan.generator.projected)
    real_key = [real.train.fingerprint(), real.holdout.fingerprint()] if plan.filters else []
    filters = [named.key() for named in plan.filters]
    per = [dict(mix) for mix in quotas.mixes]
    key = digest([sample_key, filters, real_key, asked.tolist(), per, plan.recipe.sample.attempts])

    learns = getattr(plan.generator.method, "learns", False)

    def build(folder: Path) -> None:
        parts: list[Any] = []

        def draw(round_: int, start: int, wanted: Index, delivered: Index) -> Any:  # noqa: ANN401
            shown = _shown(session, parts, delivered) if learns else None
            parts.extend(_draw(session, model, sample_key, start, quotas, wanted, shown))
            pool = folder / f"pool-{round_}"
            pool.mkdir()
            return gather(parts, pool)

        def progress(passed: np.ndarray, reasons: Counter[str]) -> None:
            counts = {"accepted": float(passed.sum()), "rejected": float(reasons.total())}
            session.log(Progress("filter", float(passed.sum()), float(asked.sum()), "accepted rows", counts))

        rng = session.rng.child("filter")
        limit = int(plan.recipe.sample.attempts * asked.sum())
        portion = _PORTION if learns else 1.0
        chosen = fill(
            asked,
            limit,
            draw,
            quotas.of,
            lambda pool: apply_filters(plan.filters, pool, real, rng),
            progress,
            portion,
            rows_together(plan.generator.method),
        )
        _save_selection(folder, chosen, quotas)
        for pool in folder.glob("pool-*"):
            shutil.rmtree(pool)

    with session.run.stage("sample", store.has("select", key), session.log):
        return store.make("select", key, build)


def _save_selection(folder: Path, chosen: Selected, quotas: Cells) -> None:
    asked = quotas.asked
    if len(chosen.accepted) == 0:
        found = Counter(chosen.reasons.values()).most_common(3)
        listed = "; ".join(f"{reason} ({count})" for reason, count in found) or "none"
        if len(chosen.pool.problems()) == len(chosen.pool):
            raise DataError(
                f"no usable row among the {len(chosen.pool)} that were made, and sample.attempts allows no more; most "
                f"frequent reasons: {listed}; try another model, or other settings of the generator"
            )
        raise DataError(
            f"no row passed the filters; most frequent reasons: {listed}; loosen a filter, train longer, or raise "
            "sample.attempts"
        )
    pool, rejected = chosen.pool, np.array(sorted(chosen.reasons), dtype=np.int64)
    parts = {"accepted": chosen.accepted, "unfiltered": np.arange(int(asked.sum())), "rejected": rejected}
    for name, index in parts.items():
        (folder / name).mkdir()
        gather([pool], folder / name, index)
    reasons = [chosen.reasons[int(row)] for row in rejected]
    weight, reason = unused(pool.schema, "weight"), unused(pool.schema, "reason")
    # A table is handed on in the columns of the real one; weights stand in it only where they say something.
    plain = pool.schema.modality in ("tabular", "tables") and bool((chosen.weight == 1).all())
    for name, source, extra in (
        ("synthetic", "accepted", {} if plain else {weight: chosen.weight}),
        ("refused", "rejected", {reason: reasons}),
    ):
        (folder / name).mkdir()
        write_shards(open_dataset(folder / source), folder / name, extra)
    by_class = {
        "asked": quotas.by_class(asked),
        "made": _counted(pool, chosen.cells, quotas),
        "passed": quotas.by_class(chosen.passed),
        "accepted": _counted(pool.take(chosen.accepted), chosen.cells[chosen.accepted], quotas),
        "short": quotas.by_class(chosen.short),
    }
    write_json(
        folder / "selection.json",
        {
            **{name: values.tolist() for name, values in by_class.items()},
            "rounds": chosen.rounds,
            "limit_hit": bool(chosen.short.any()),
            "cells": len(quotas.mixes),
            "shortfall": shortfall(chosen, quotas),
            "unusable": dict(Counter(pool.problems().values())),
            "dropped": chosen.dropped,
            "reasons": reasons,
        },
    )


def _counted(data: Any, cells: Index, quotas: Cells) -> Index:  # noqa: ANN401  the dataset class of the modality
    """Return the rows of each class: those asked of it, or where classes were not asked for, those that came of it."""
    if quotas.classes == ("",) and data.schema.classes:
        return np.bincount(data.labels, minlength=len(data.schema.classes)).astype(np.int64)
    return quotas.by_class(np.bincount(cells, minlength=len(quotas.asked)).astype(np.int64))


def shortfall(chosen: Selected, quotas: Cells) -> list[dict[str, Any]]:
    """Return the cells that lack rows, those that lack most first, each with why its rows were rejected, counted."""
    lost = np.array(sorted(chosen.reasons), dtype=np.int64)
    rows = []
    for cell in np.argsort(-chosen.short, kind="stable")[: int((chosen.short > 0).sum())]:
        reasons = Counter(chosen.reasons[int(row)] for row in lost[chosen.cells[lost] == cell])
        rows.append(
            {
                "cell": quotas.name(int(cell)),
                "asked": int(quotas.asked[cell]),
                "short": int(chosen.short[cell]),
                "reasons": dict(reasons.most_common(_SHOWN_REASONS)),
            }
        )
    return rows
