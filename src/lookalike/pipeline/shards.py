"""Sampling in shards keyed by row range: one worker and eight write the same bytes, and a killed run goes on."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field

from lookalike.core.contracts import Fitted
from lookalike.core.registry import find
from lookalike.core.rng import Rng
from lookalike.core.store import commit, disk_errors
from lookalike.pipeline.recipe import configure

ROWS = 256
"""Rows of one shard, unless the generator says otherwise; part of every key, so that sizes never mix."""


def shard_rows(generator: object) -> int:
    """Return how many rows of one shard a generator wants: its `rows_per_shard`, or the usual number."""
    return int(getattr(generator, "rows_per_shard", ROWS))


class Job(BaseModel):
    """Everything a worker needs to make the shards of one range of rows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: Path = Field(description="Folder that `Fitted.save` wrote.")
    generator: str = Field(description="Name of the generator.")
    options: dict[str, Any] = Field(description="The generator's settings.")
    seed: int = Field(description="Root of the random numbers.")
    purpose: str = Field(default="sample", description="Name of the stream of random numbers.")
    start: int = Field(ge=0, description="Number of the first row.")
    labels: tuple[str, ...] = Field(description="Class asked for each row, in order.")
    folder: Path = Field(description="Where the shards go.")
    rows: int = Field(default=ROWS, ge=1, description="Rows of one shard.")
    alone: bool = Field(default=False, description="One process is enough: the work is done by a server.")
    answers: Path | None = Field(default=None, description="Where answers of a server are kept between runs.")

    def shards(self) -> list[int]:
        """Return the numbers of the shards."""
        return list(range(-(-len(self.labels) // self.rows)))

    def path(self, shard: int) -> Path:
        """Return the folder of a shard."""
        return self.folder / f"shard-{shard:05d}"

    def missing(self) -> list[int]:
        """Return the shards that are not there yet."""
        return [shard for shard in self.shards() if not self.path(shard).is_dir()]


class Workers(Protocol):
    """Makes the missing shards of a job, by whatever processes there are."""

    def __call__(self, job: Job, progress: Callable[[int], None]) -> None:
        """Return when no shard is missing; `progress` receives the number of rows that are there."""
        ...


def load_fitted(job: Job) -> Fitted[Any]:
    """Load the fitted generator of a job."""
    cls = find("generators", job.generator)
    fitted: Fitted[Any] = configure(cls, job.options, f"generator.{job.generator}").load(job.model)
    remember = getattr(fitted, "remember", None)
    if remember is not None and job.answers is not None:
        job.answers.mkdir(parents=True, exist_ok=True)
        remember(job.answers)
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
            labels = job.labels[shard * job.rows : (shard + 1) * job.rows]
            where = {"label": list(labels)} if any(labels) else {}
            data = fitted.sample(len(labels), rng.child("shard", job.start + shard * job.rows), where)
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
    last = len(job.labels) - (len(job.shards()) - 1) * job.rows if job.labels else 0
    return len(job.labels) - sum(last if shard == len(job.shards()) - 1 else job.rows for shard in missing)
