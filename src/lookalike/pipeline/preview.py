"""The first rows of a recipe before any long job."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lookalike.core.errors import ConfigError
from lookalike.core.events import Watch
from lookalike.core.rng import Rng
from lookalike.pipeline.folder import ANSWERS, RunFolder
from lookalike.pipeline.plan import make_plan
from lookalike.pipeline.recipe import Recipe, rebased
from lookalike.pipeline.run import fitted
from lookalike.pipeline.sampling import cells
from lookalike.pipeline.select import in_turn
from lookalike.pipeline.session import Session
from lookalike.pipeline.shards import Job, Tell, load_fitted


def first_rows(recipe: Recipe, base: Path, out: Path, rows: int, watch: Watch) -> Any:  # noqa: ANN401
    """Return the first rows that a run of this recipe would make, before any filter.

    Answers are kept in the run folder, so that a run of the same recipe there does not pay for them again.

    Args:
        recipe: What to do.
        base: Folder that relative paths of the recipe start from.
        out: Run folder.
        rows: How many, at least 1.
        watch: Receives events.

    Raises:
        ConfigError: The generator has to be trained before it can make a row.
    """
    if rows < 1:
        raise ConfigError(f"--rows must be at least 1, found {rows}")
    plan = make_plan(recipe, base)
    if not getattr(plan.generator.method, "waits", False):
        raise ConfigError(
            f"{plan.generator.name} has to be trained before it makes a row; preview is for generators that ask a "
            "model. For a first look run the recipe with little: --set generator.minutes=1 --set sample.rows=20"
        )
    run = RunFolder(out)
    with run.lock():
        run.claim(rebased(recipe, base, out))
        run.sweep()
        with run.log(watch) as log:
            session = Session(plan, run, log, _no_workers)
            _, _, real, model, _ = fitted(session)
            quotas = cells(session, model, real)
            job = Job(
                model=model.resolve(),
                generator=plan.generator.name,
                options=plan.generator.method.model_dump(mode="json"),
                seed=recipe.seed,
                start=0,
                count=min(rows, int(quotas.asked.sum())),
                where=quotas.where(in_turn(quotas.asked)[:rows]),
                folder=run.store.root / "preview",
                rows=rows,
                alone=True,
                answers=(run.store.root / ANSWERS).resolve(),
            )
            with run.stage("preview", False, log):
                model_ = load_fitted(job)
                where = {name: list(values) for name, values in job.where.items()}
                return model_.sample(job.count, Rng(recipe.seed).child(job.purpose).child("shard", 0), where)


def _no_workers(job: Job, progress: Tell) -> None:
    raise AssertionError("a preview makes its rows itself")
