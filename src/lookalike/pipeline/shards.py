"""Sampling in shards keyed by row range: one worker and eight write the same bytes, and a killed run goes on."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field

from lookalike.core.contracts import Fitted
from lookalike.core.registry import find
from lookalike.core.rng import Rng
from lookalike.core.store import commit, disk_errors
from lookalike.data import open_dataset
from lookalike.pipeline import constrained
from lookalike.pipeline.recipe import configure

ROWS = 256
"""Rows of one shard, unless the generator says otherwise; part of every key, so that sizes never mix."""


def shard_rows(generator: object) -> int:
    """Return how many rows of one shard a generator wants: its `rows_per_shard`, or the usual number.

    Rows that belong together stay in one shard.
    """
    rows, together = int(getattr(generator, "rows_per_shard", ROWS)), rows_together(generator)
    return max(together, rows - rows % together)


def rows_together(generator: object) -> int:
    """Return how many rows that follow each other belong together: the generator's `rows_together`, or 1."""
    return int(getattr(generator, "rows_together", 1))


Tell = Callable[[int, Mapping[str, float]], None]
"""Receives how many rows there are, and figures by name: rows rejected, tokens, cost."""


class Job(BaseModel):
    """Everything a worker needs to make the shards of one range of rows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: Path = Field(description="Folder that `Fitted.save` wrote.")
    generator: str = Field(description="Name of the generator.")
    options: dict[str, Any] = Field(description="The generator's settings.")
    seed: int = Field(description="Root of the random numbers.")
    purpose: str = Field(default="sample", description="Name of the stream of random numbers.")
    start: int = Field(ge=0, description="Number of the first row.")
    count: int = Field(ge=0, description="How many rows.")
    where: dict[str, tuple[str, ...]] = Field(
        default={}, description="What is asked of each row, in order: its label, and further attributes."
    )
    folder: Path = Field(description="Where the shards go.")
    rows: int = Field(default=ROWS, ge=1, description="Rows of one shard.")
    alone: bool = Field(default=False, description="One process is enough: the work is done by a server.")
    answers: Path | None = Field(default=None, description="Where answers of a server are kept between runs.")
    shown: Path | None = Field(default=None, description="Accepted rows that a generator which learns is shown.")

    def shards(self) -> list[int]:
        """Return the numbers of the shards."""
        return list(range(-(-self.count // self.rows)))

    def path(self, shard: int) -> Path:
        """Return the folder of a shard."""
        return self.folder / f"shard-{shard:05d}"

    def missing(self) -> list[int]:
        """Return the shards that are not there yet."""
        return [shard for shard in self.shards() if not self.path(shard).is_dir()]


class Workers(Protocol):
    """Makes the missing shards of a job, by whatever processes there are."""

    def __call__(self, job: Job, progress: Tell) -> None:
        """Return when no shard is missing; `progress` receives the number of rows that are there, and figures."""
        ...


def load_fitted(job: Job, progress: Tell | None = None) -> Fitted[Any]:
    """Load the fitted generator of a job; one that asks a server tells of each row, not only of each shard."""
    cls = find("generators", job.generator)
    fitted = constrained.load(configure(cls, job.options, f"generator.{job.generator}"), job.model)
    learn = getattr(fitted, "learn", None)
    if learn is not None and job.shown is not None:
        learn(open_dataset(job.shown))
    remember = getattr(fitted, "remember", None)
    if remember is not None and job.answers is not None:
        job.answers.mkdir(parents=True, exist_ok=True)
        there = rows_there(job)
        remember(job.answers, None if progress is None else lambda done, figures: progress(there + done, figures))
    return fitted


def make_shards(job: Job, shards: Sequence[int], fitted: Fitted[Any], done: Callable[[int], None]) -> None:
    """Make some shards of a job in this process.

    Args:
        job: What to make.
        shards: Which shards.
        fitted: The generator.
        done: Called with a shard's number when it is complete.
    """
    rng = Rng(job.seed).child(job.purpose)
    job.folder.mkdir(parents=True, exist_ok=True)
    for shard in shards:
        if not job.path(shard).is_dir():
            first, last = shard * job.rows, min(job.count, (shard + 1) * job.rows)
            where = {name: list(values[first:last]) for name, values in job.where.items()}
            data = fitted.sample(last - first, rng.child("shard", job.start + first), where)
            temporary = job.folder / f".shard-{shard:05d}.{uuid4().hex[:8]}.tmp"
            try:
                with disk_errors(job.folder):
                    temporary.mkdir()
                    data.save(temporary)
                commit(temporary, job.path(shard))
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
        done(shard)


def rows_there(job: Job) -> int:
    """Return how many rows of a job are complete."""
    missing = job.missing()
    last = job.count - (len(job.shards()) - 1) * job.rows if job.count else 0
    return job.count - sum(last if shard == len(job.shards()) - 1 else job.rows for shard in missing)
