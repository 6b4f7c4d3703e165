"""Each stage alone: read data, open a finished run, draw more rows, score again, write the report again."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lookalike.core.contracts import Dataset, Fitted, Reference
from lookalike.core.errors import ConfigError, DataError
from lookalike.core.events import SILENT, Watch
from lookalike.core.registry import find, names
from lookalike.core.store import assemble, digest, write_json
from lookalike.data import open_dataset
from lookalike.pipeline import constrained
from lookalike.pipeline.folder import RunFolder
from lookalike.pipeline.further import write_further
from lookalike.pipeline.plan import (
    Named,
    Plan,
    check_classes,
    check_projection,
    generator_of,
    make_plan,
    natural,
    quota,
    writers_of,
)
from lookalike.pipeline.recipe import Recipe, Sample, Use, configure
from lookalike.pipeline.recipe import load as load_recipe
from lookalike.pipeline.run import finish, warn_of_projection, write_gallery
from lookalike.pipeline.run import measure as measure_stage
from lookalike.pipeline.session import Session
from lookalike.pipeline.shards import Job, Workers, shard_rows
from lookalike.pipeline.wanted import check_where
from lookalike.pipeline.writing import BESIDE, written


def read(name: str, /, **options: object) -> Any:  # noqa: ANN401  the dataset class of the reader's modality
    """Read real data.

    Args:
        name: Name of the reader: builtin, folder, npz, idx, csv, jsonl, txt, parquet, hf, sql.
        **options: Its settings, for example `path`.

    Returns:
        The rows, memory-mapped from a temporary folder that is removed when Python ends.

    Raises:
        LookalikeError: The data cannot be read.
    """
    reader = configure(find("readers", name), options, f"read.{name}")
    folder = Path(tempfile.mkdtemp(prefix="lookalike-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return reader.read(folder)


def _opened(folder: Path) -> tuple[RunFolder, dict[str, Any], Plan]:
    run = RunFolder(folder)
    manifest = run.manifest()
    missing = [name for name in manifest["stores"].values() if not (run.store.root / name).is_dir()]
    if missing:
        raise DataError(f"{folder}/.store lacks {', '.join(missing)}; run the recipe again to make it")
    return run, manifest, make_plan(load_recipe(folder / "recipe.yaml"), folder)


def _real(run: RunFolder, manifest: Mapping[str, Any]) -> Reference[Any]:
    split = run.store.root / manifest["stores"]["split"]
    return Reference(open_dataset(split / "train"), open_dataset(split / "holdout"))


def load(folder: str | Path, **sampling: object) -> Fitted[Any]:
    """Load the fitted generator of a run.

    Args:
        folder: Run folder.
        **sampling: Sampling settings, for example `guidance`.

    Returns:
        What can sample.

    Raises:
        LookalikeError: No finished run there, or a setting is refused.
    """
    path = Path(folder)
    RunFolder(path).manifest()
    recipe = load_recipe(path / "recipe.yaml")
    generator = generator_of(recipe.generator, {**recipe.sample.options, **_from_here(sampling)}, path)
    return constrained.load(generator.method, path / "model")


def sample(
    folder: str | Path,
    rows: int,
    workers: Workers,
    label: str | None = None,
    seed: int = 1,
    out: str | Path | None = None,
    sampling: Mapping[str, object] | None = None,
    watch: Watch = SILENT,
    where: Mapping[str, Any] | None = None,
    write: Sequence[str] | None = None,
) -> Path:
    """Draw more rows, as `runners.local.sample` says; `workers` makes the shards."""
    if rows < 1:
        raise ConfigError(f"--rows must be at least 1, found {rows}")
    path = Path(folder)
    run, manifest, plan = _opened(path)
    real = _real(run, manifest)
    classes = real.train.schema.classes
    if label is not None and label not in classes:
        raise ConfigError(f"no class is called '{label}'; allowed: {', '.join(classes)}")
    recipe = plan.recipe
    generator = generator_of(recipe.generator, {**recipe.sample.options, **_from_here(sampling or {})}, path)
    labels = (label,) * rows if label else _labels(recipe, rows, real.train)
    asked = {"label": labels} if classes and labels else {}
    every = _with_sample(recipe, {"where": {**recipe.sample.where, **(where or {})}}).sample.where
    check_where(every, generator, real.train, bool(labels))
    check_projection(generator, real.train.schema, sorted(set(labels)))
    writers = plan.writers if write is None else _writers(recipe, generator, write)
    if generator.projected:
        with run.lock(), run.log(watch) as log:
            warn_of_projection(run, generator, log)
            finish(run, {**manifest, "projected": True}, log)
    per_shard = shard_rows(generator.method)
    made = generator.key(manifest["stores"]["fit"], *generator.projected)
    key = digest([made, rows, labels, seed, per_shard, *([sorted(every.items())] if every else [])])
    job = Job(
        model=(path / "model").resolve(),
        generator=generator.name,
        options=generator.method.model_dump(mode="json"),
        seed=seed,
        purpose="more",
        start=0,
        count=rows,
        where=asked,
        every=every,
        folder=run.store.path("more", key).resolve(),
        rows=per_shard,
        alone=getattr(generator.method, "waits", False),
        answers=(run.store.root / "answers").resolve(),
    )
    target = Path(out) if out is not None else path / "-".join(("samples", str(rows), str(seed), key[:8]))
    attempts = recipe.sample.attempts
    drawn = run.store.make(
        "usable", digest([key, attempts]), lambda to: write_further(job, workers, attempts, to, watch)
    )
    more = written(run.store, writers, open_dataset(drawn / "pool")) if writers else {}
    assemble({".": drawn / "shards", **{f"{BESIDE}/{name}": folder for name, folder in more.items()}}, target)
    return target


def _writers(recipe: Recipe, generator: Named, wanted: Sequence[str]) -> tuple[Named, ...]:
    """Return writers by name, with the settings that the recipe has for them."""
    known = {use.use: use for use in reversed(recipe.write)}
    each = [wanted] if isinstance(wanted, str) else wanted
    return writers_of([known.get(name, Use(use=name)) for name in each], generator)


def _from_here(sampling: Mapping[str, object]) -> dict[str, object]:
    """Return sampling settings whose image to project lies at an absolute path, not at one in the run folder."""
    path = sampling.get("project")
    return {**sampling, "project": str(Path(path).expanduser().resolve())} if isinstance(path, str) else dict(sampling)


def _labels(recipe: Recipe, rows: int, train: Dataset) -> tuple[str, ...]:
    """Return the class of each row, by the balance of the recipe; none where classes are not asked for."""
    balance = "uniform" if isinstance(recipe.sample.balance, dict) else recipe.sample.balance
    recipe = _with_sample(recipe, {"rows": rows, "balance": balance})
    if natural(recipe, train):
        return ()
    return tuple(np.repeat(train.schema.classes or ("",), quota(recipe, train)).tolist())


def _with_sample(recipe: Recipe, changes: Mapping[str, object]) -> Recipe:
    sample = configure(Sample, {**dict(recipe.sample), **recipe.sample.options, **changes}, "sample")
    return recipe.model_copy(update={"sample": sample})


def measure(folder: str | Path, methods: Sequence[str] = (), watch: Watch = SILENT) -> list[dict[str, Any]]:
    """Score a finished run again, with its own metrics and audits or with others, and renew its report.

    Args:
        folder: Run folder.
        methods: Names of metrics and audits to add to those of the recipe.
        watch: Receives events.

    Returns:
        The rows of `scores.json`.

    Raises:
        LookalikeError: No finished run there, or no method of that name.
    """
    run, manifest, plan = _opened(Path(folder))
    recipe = plan.recipe
    for name in methods:
        section = "audits" if name in names("audits") else "measure"
        known = {use.use for use in getattr(recipe, section)}
        if name not in known:
            recipe = recipe.model_copy(update={section: (*getattr(recipe, section), Use(use=name))})
    plan = make_plan(recipe, Path(folder))
    with run.lock(), run.log(watch) as log:
        session = Session(plan, run, log, _no_workers)
        real = _real(run, manifest)
        check_classes(plan, real.train.schema)
        selection = run.store.root / manifest["stores"]["select"]
        scores = measure_stage(session, selection, real, run.store.root / manifest["stores"]["fit"])
        write_json(run.path / "scores.json", scores)
        write_gallery(session, real, selection, scores)
        finish(run, {**manifest, "stages": list(run.costs.values())}, log)
    return scores


def _no_workers(job: Job, progress: object) -> None:
    raise AssertionError("scoring draws no rows")


def report(folder: str | Path) -> Path:
    """Write the report of a finished run again, from its files.

    Args:
        folder: Run folder.

    Returns:
        The HTML file.

    Raises:
        LookalikeError: No finished run there.
    """
    run = RunFolder(Path(folder))
    finish(run, run.manifest(), SILENT)
    return run.path / "report.html"
