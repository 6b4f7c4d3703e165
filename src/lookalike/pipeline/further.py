"""Further rows of a finished run: those that break a rule of their table are left out, and others made for them."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lookalike.core.contracts import Index
from lookalike.core.errors import DataError
from lookalike.core.events import Note, Progress, Watch
from lookalike.data import open_dataset
from lookalike.data.gather import gather
from lookalike.data.shards import write_shards
from lookalike.pipeline.shards import Job, Workers

_SPARE = 1.1
_WORST_RATE = 0.05


def write_further(job: Job, workers: Workers, attempts: float, folder: Path, watch: Watch) -> None:
    """Write as many usable rows as a job asks for into `folder/pool`, and as Parquet files into `folder/shards`.

    Rows that are made in the place of others stand at the end.

    Args:
        job: What to make.
        workers: Makes shards.
        attempts: Most rows to make, as a multiple of those asked for.
        folder: Existing folder.
        watch: Receives progress, and what was left out.

    Raises:
        DataError: No row is usable.
    """
    parts, names = _made(job, workers, watch), tuple(dict.fromkeys(job.where.get("label", ("",))))
    label = np.zeros(job.count, dtype=np.int64)
    if len(names) > 1:
        place = {name: number for number, name in enumerate(names)}
        label = np.fromiter((place[name] for name in job.where["label"]), np.int64, job.count)
    pool, wrong = _gathered(parts, folder / "all")
    while len(lacking := chosen(wrong, label, job.count)[1]):
        rate = max(1 - len(wrong) / len(pool), _WORST_RATE)
        count = min(int(attempts * job.count) - len(pool), int(np.ceil(len(lacking) / rate * _SPARE)))
        if count < 1:
            break
        more = np.resize(label[lacking], count)
        parts += _made(_following(job, len(pool), [names[number] for number in more]), workers, watch)
        label = np.concatenate([label, more])
        pool, wrong = _gathered(parts, folder / "all")
    index, missing = chosen(wrong, label, job.count)
    _tell(wrong, len(pool), job.count, len(missing), watch)
    if len(index) < len(pool):
        (folder / "pool").mkdir()
        gather([pool], folder / "pool", index)
        shutil.rmtree(folder / "all")
    else:
        (folder / "all").rename(folder / "pool")
    (folder / "shards").mkdir()
    write_shards(open_dataset(folder / "pool"), folder / "shards", {})


def _made(job: Job, workers: Workers, watch: Watch) -> list[Any]:
    total = job.start + job.count
    workers(job, lambda done, values: watch(Progress("sample", job.start + done, total, "rows", values)))
    return [open_dataset(job.path(shard)) for shard in job.shards()]


def _gathered(parts: list[Any], folder: Path) -> tuple[Any, Mapping[int, str]]:
    """Return all rows, and why some are not usable."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    pool: Any = gather(parts, folder)
    return pool, pool.problems()


def _following(job: Job, start: int, labels: list[str]) -> Job:
    """Return the job of rows after `start` with the labels that are lacking."""
    return job.model_copy(
        update={
            "start": start,
            "count": len(labels),
            "where": {name: tuple(labels) for name in job.where},
            "folder": job.folder.with_name(f"{job.folder.name}-{start}-{len(labels)}"),
        }
    )


def chosen(wrong: Collection[int], label: Index, count: int) -> tuple[Index, Index]:
    """Return the rows to deliver, sorted, and which of those asked for have none in their place.

    Args:
        wrong: Rows that are not usable.
        label: What was asked of each row made so far, [N]; a row takes the place of one with the same.
        count: Rows asked for: the first ones.

    Example:
        >>> chosen({0, 1}, np.array([0, 1, 0, 0, 0]), 3)
        (array([2, 3]), array([1]))
    """
    good = np.ones(len(label), dtype=np.bool_)
    good[list(wrong)] = False
    gone = np.flatnonzero(~good[:count])
    found, missing = [np.flatnonzero(good[:count])], [gone[:0]]
    for number in np.unique(label[gone]):
        own = gone[label[gone] == number]
        spare = count + np.flatnonzero(good[count:] & (label[count:] == number))
        found.append(spare[: len(own)])
        missing.append(own[len(spare) :])
    return np.sort(np.concatenate(found)), np.concatenate(missing)


def _tell(wrong: Mapping[int, str], made: int, count: int, missing: int, watch: Watch) -> None:
    reasons = "; ".join(f"{reason} ({rows:,})" for reason, rows in Counter(wrong.values()).most_common(3))
    if missing == count:
        raise DataError(f"none of {made:,} rows is usable, sample.attempts allows no more; most frequent: {reasons}")
    if wrong:
        watch(Note("sample", f"{len(wrong):,} of {made:,} rows were not usable and are left out: {reasons}"))
    if missing:
        told = f"{missing:,} of {count:,} rows are missing: sample.attempts allows to make {made:,} and no more"
        watch(Note("sample", told, "warning"))
