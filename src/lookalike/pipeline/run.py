"""The stages of a run, in order: read, split, fit, sample and filter, write, measure, audit, report."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, final

import numpy as np

from lookalike import __version__
from lookalike.core.contracts import Fitted, Reference, Score, ShowsControls
from lookalike.core.errors import ConfigError, DataError
from lookalike.core.events import Note, Progress, Watch
from lookalike.core.schema import Schema
from lookalike.core.store import digest, publish, write_json
from lookalike.data import Table, no_rows, open_dataset
from lookalike.data.gather import gather
from lookalike.data.holding import check_rows
from lookalike.data.holding import constrained as with_constraints
from lookalike.data.reading import read_notes
from lookalike.data.split import shared_rows, split
from lookalike.pipeline import constrained
from lookalike.pipeline.folder import ANSWERS, RunFolder
from lookalike.pipeline.plan import Named, check_classes, check_modality, check_projection, make_plan, natural, quota
from lookalike.pipeline.provenance import facts_of, make_manifest
from lookalike.pipeline.recipe import Recipe, rebased
from lookalike.pipeline.sampling import select
from lookalike.pipeline.session import Session
from lookalike.pipeline.shards import Workers
from lookalike.pipeline.wanted import check_where
from lookalike.pipeline.writing import write
from lookalike.reports import controls_of, gallery_of, page
from lookalike.reports.evidence import reason

INVERSION = (
    "rows are made around the projection of a given image; inversion can bring training images to light: share these "
    "rows and the model with as much care as the images"
)
_SAMPLING = frozenset({"sampling"})


@final
@dataclass(frozen=True)
class Run:
    """A finished run; everything is read from its folder.

    Attributes:
        folder: The run folder.
    """

    folder: Path

    @property
    def scores(self) -> list[dict[str, Any]]:
        """The content of `scores.json`."""
        return RunFolder(self.folder).scores()

    @property
    def manifest(self) -> dict[str, Any]:
        """The content of `manifest.json`."""
        return RunFolder(self.folder).manifest()

    @property
    def report(self) -> Path:
        """The report, one self-contained HTML file."""
        return self.folder / "report.html"

    def synthetic(self) -> Any:  # noqa: ANN401  the dataset class of the run's modality
        """Return the delivered rows."""
        return open_dataset(RunFolder(self.folder).store.root / self.manifest["stores"]["select"] / "accepted")


def _read(session: Session, reader: Named, stage: str, limit: int | None, like: Schema | None = None) -> Path:
    """Read a source once into memory-mapped files and return their folder; `like` = more rows of a known table."""
    store, recipe = session.run.store, session.plan.recipe
    known: list[object] = [] if like is None else [like.model_dump(mode="json")]
    wanted = recipe.data.constraints if recipe.data and like is None and stage == "read" else ()
    known += [[rule.model_dump(mode="json") for rule in wanted]] if wanted else []
    key = reader.key(reader.method.state(), limit, recipe.seed if limit else None, *known)

    def build(folder: Path) -> None:
        # Never written over: the rows that are read may be mapped from the very file that would be.
        whole = folder / "whole"
        whole.mkdir()
        data = reader.method.read(whole) if like is None else reader.method.read_like(whole, like)
        if wanted:
            if not isinstance(data, Table):
                raise ConfigError(f"data.constraints: only tables have them, found {data!r}; remove them")
            data = with_constraints(data, wanted)
        for rule in like.constraints if like else ():
            check_rows(data, rule, "the rows of data.holdout")
        if limit is not None and limit < len(data):
            order = session.rng.child("limit").numpy().permutation(len(data))[:limit]
            gather([data], folder, np.sort(order))
            _note(whole, f"data.limit: {limit:,} of {len(data):,} rows, drawn at random")
        else:
            data.save(whole)
            for path in whole.iterdir():
                path.rename(folder / path.name)
        if (whole / "notes.json").is_file():
            (whole / "notes.json").rename(folder / "notes.json")
        shutil.rmtree(whole)

    with session.run.stage(stage, store.has(stage, key), session.log):
        return store.make(stage, key, build)


def _note(folder: Path, note: str) -> None:
    """Add a note to those of a reader."""
    write_json(folder / "notes.json", [*read_notes(folder), note])


def _source(session: Session) -> Path:
    """Return the folder of the real rows; without any, that of an empty set of the generator's schema."""
    data, plan = session.plan.recipe.data, session.plan
    if plan.reader is not None and data is not None:
        return _read(session, plan.reader, "read", data.limit)
    schema = plan.generator.method.data_schema()
    key = digest([__version__, schema.model_dump(mode="json")])
    return session.run.store.make("read", key, lambda folder: no_rows(schema).save(folder))


def _split(session: Session, source: Path) -> tuple[Reference[Any], Path]:
    recipe, store = session.plan.recipe, session.run.store
    data = open_dataset(source)
    given = session.plan.holdout_reader
    like = data.schema if given and hasattr(given.method, "read_like") and isinstance(data, Table) else None
    holdout_source = _read(session, given, "read holdout", None, like) if given else None
    other = open_dataset(holdout_source) if holdout_source else None
    if other is not None and other.schema != data.schema:
        raise DataError(
            f"data.holdout does not match the data: {other!r} with classes {', '.join(other.schema.classes)} against "
            f"{data!r} with classes {', '.join(data.schema.classes)}; both need one size and the same class names"
        )
    wanted = recipe.data.holdout if recipe.data else 0.0
    share = wanted if isinstance(wanted, float) and len(data) else 0.0
    key = digest([__version__, data.fingerprint(), other.fingerprint() if other else share, recipe.seed])

    def build(folder: Path) -> None:
        train, holdout = split(data, share, session.rng.child("split"))
        for name in ("train", "holdout"):
            (folder / name).mkdir()
        gather([data], folder / "train", train)
        gather([other or data], folder / "holdout", None if other else holdout)

    with session.run.stage("split", store.has("split", key), session.log):
        folder = store.make("split", key, build)
    return Reference(open_dataset(folder / "train"), open_dataset(folder / "holdout")), folder


def _fit(session: Session, train: Any) -> tuple[Path, str]:  # noqa: ANN401
    generator, store = session.plan.generator, session.run.store
    state = getattr(generator.method, "state", None)
    files = [] if state is None else [state()]
    key = generator.key(train.fingerprint(), session.plan.recipe.seed, *files, exclude=_SAMPLING)
    work = store.root / f"work-{key[:16]}"

    def build(folder: Path) -> None:
        work.mkdir(parents=True, exist_ok=True)
        watch = session.log.at(work, store.root / ANSWERS)
        fitted = constrained.fit(generator.method, train, session.rng.child("fit"), watch)
        fitted.save(folder)

    with session.run.stage("fit", store.has("fit", key), session.log):
        folder = store.make("fit", key, build)
    for left in store.root.glob("work-*"):
        shutil.rmtree(left, ignore_errors=True)
    return folder, key


@final
@dataclass(frozen=True)
class _Measured:
    """What scores are made of: the real rows, the synthetic ones, and the model for what questions it."""

    real: Reference[Any]
    data: Any
    model: Path
    loaded: Callable[[], Fitted[Any]]

    def key(self, session: Session, kind: str, named: Named) -> str:
        """Return what a score depends on; the name of the model's folder is the key of its fit."""
        prints = [part.fingerprint() for part in (self.real.train, self.real.holdout, self.data)]
        asked = [self.model.name] if named.reads_model else []
        return named.key(kind, *prints, session.plan.recipe.seed, *asked)


def _score(session: Session, kind: str, named: Named, target: str, of: _Measured) -> dict[str, Any]:
    def build(folder: Path) -> None:
        more = {"model": of.loaded()} if named.reads_model else {}
        try:
            score: Score = named.method.score(of.real, of.data, session.rng.child(kind).child(named.name), **more)
        except DataError as error:
            # Rows that cannot be measured, as two of them, are no reason to lose those that were made.
            told = {"not_estimated": str(error)}
            score = Score(np.nan, None, len(of.real.train), len(of.data), None, None, "target", told)
        row = {
            "kind": kind,
            "method": named.name,
            "target": target,
            "value": score.value if np.isfinite(score.value) else None,
            "interval": list(score.interval) if score.interval else None,
            "floor": score.floor,
            "ceiling": score.ceiling,
            "better": score.better,
            "n_real": score.n_real,
            "n_synthetic": score.n_synthetic,
            "detail": {"verdict": named.method.verdict, **score.detail},
        }
        write_json(folder / "score.json", row)

    folder = session.run.store.make("score", of.key(session, kind, named), build)
    row: dict[str, Any] = json.loads((folder / "score.json").read_text())
    if row["value"] is None and (told := reason(row)):
        session.log(
            Note("measure" if kind == "metric" else "audit", f"{named.name} is not estimated: {told}", "warning")
        )
    return {**row, "target": target}


def measure(session: Session, selection: Path, real: Reference[Any], model: Path) -> list[dict[str, Any]]:
    """Score every metric and audit on the rows it asks for; what was scored before is read back.

    Args:
        session: The run.
        selection: Folder with the accepted rows and those before filtering.
        real: The real rows.
        model: Folder of the fitted generator in the store, for metrics and audits that question it.

    Returns:
        The rows of `scores.json`.
    """
    data = {name: open_dataset(selection / name) for name in ("accepted", "unfiltered")}
    same = data["accepted"].fingerprint() == data["unfiltered"].fingerprint()
    loaded = cache(lambda: constrained.load(session.plan.generator.method, model))
    parts = {name: _Measured(real, rows, model, loaded) for name, rows in data.items()}
    rows = []
    for stage, kind, methods in (("measure", "metric", session.plan.metrics), ("audit", "audit", session.plan.audits)):
        work = [(named, target) for named in methods for target in named.method.targets]
        work = [(named, target) for named, target in work if target == "accepted" or not same]
        keys = [parts[target].key(session, kind, named) for named, target in work]
        done = all(session.run.store.has("score", key) for key in keys)
        with session.run.stage(stage, done and bool(work), session.log):
            for place, (named, target) in enumerate(work):
                session.log(Progress(stage, place, len(work), named.name))
                rows.append(_score(session, kind, named, target, parts[target]))
            session.log(Progress(stage, len(work), len(work), "scores"))
    return rows


def _publish(session: Session, model: Path, selection: Path) -> None:
    folder = session.run.path
    for source, name in ((model, "model"), (selection / "synthetic", "synthetic"), (selection / "refused", "rejected")):
        publish(source, folder / name)


def write_gallery(session: Session, real: Reference[Any], selection: Path, scores: list[dict[str, Any]]) -> None:
    """Make the pictures that the report shows."""
    accepted = open_dataset(selection / "accepted")
    reasons = json.loads((selection / "selection.json").read_text())["reasons"]
    rejected = (open_dataset(selection / "rejected"), reasons)
    store = session.run.store
    key = digest([__version__, real.train.fingerprint(), accepted.fingerprint(), digest(scores), reasons])

    def build(folder: Path) -> None:
        gallery_of(accepted.schema.modality)(folder, real, accepted, rejected, scores, session.rng.child("gallery"))

    publish(store.make("gallery", key, build), session.run.path / "gallery")


def write_controls(session: Session, model: Path, modality: str) -> None:
    """Make the pictures of what the generator's controls do, if it can show that.

    Args:
        session: The run.
        model: Folder of the fitted generator in the store.
        modality: Kind of the rows.
    """
    named, target = session.plan.generator, session.run.path / "controls"
    method = named.method
    if not isinstance(method, ShowsControls):
        shutil.rmtree(target, ignore_errors=True)
        return

    def build(folder: Path) -> None:
        sheets = method.controls(constrained.load(named.method, model), session.rng.child("controls"))
        controls_of(modality)(folder, sheets)

    publish(session.run.store.make("controls", named.key(model.name, session.plan.recipe.seed), build), target)


def execute(recipe: Recipe, base: Path, out: Path, workers: Workers, watch: Watch) -> Run:
    """Run a recipe in a folder; finished stages are reused.

    Args:
        recipe: What to do.
        base: Folder that relative paths of the recipe start from.
        out: Run folder.
        workers: Makes the shards of synthetic rows.
        watch: Receives events.

    Returns:
        The finished run.

    Raises:
        LookalikeError: With one line that says what is wrong and how to fix it.
    """
    plan = make_plan(recipe, base)
    run = RunFolder(out)
    with run.lock():
        run.claim(rebased(recipe, base, out))
        run.sweep()
        with run.log(watch) as log:
            _stages(Session(plan, run, log, workers))
    return Run(out)


def warn_of_projection(run: RunFolder, generator: Named, log: Watch) -> bool:
    """Say what projection can reveal, and remember it for the report; return whether rows are made by it at all."""
    if not generator.projected:
        return False
    run.mark_projected()
    log(Note("sample", INVERSION, "warning"))
    return True


def fitted(session: Session) -> tuple[Path, Path, Reference[Any], Path, str]:
    """Do the stages up to the fitted generator.

    Args:
        session: The run.

    Returns:
        Folders of the source and of the split, the real rows, folder of the model and what it depends on.
    """
    source = _source(session)
    schema = open_dataset(source).schema
    check_modality(session.plan, schema.modality)
    check_classes(session.plan, schema)
    real, splits = _split(session, source)
    asked = quota(session.plan.recipe, real.train)
    classes = real.train.schema.classes or ("",)
    check_projection(session.plan.generator, real.train.schema, [classes[k] for k in np.flatnonzero(asked)])
    recipe = session.plan.recipe
    check_where(recipe.sample.where, session.plan.generator, real.train, not natural(recipe, real.train))
    warn_of_projection(session.run, session.plan.generator, session.log)
    return source, splits, real, *_fit(session, real.train)


def _stages(session: Session) -> None:
    """Do every stage in order and leave the run folder complete."""
    run = session.run
    source, splits, real, model, fit_key = fitted(session)
    selection = select(session, model, fit_key, real)
    _publish(session, model, selection)
    write(session, selection)
    scores = measure(session, selection, real, model)
    write_json(run.path / "scores.json", scores)
    with run.stage("report", False, session.log):
        write_gallery(session, real, selection, scores)
        write_controls(session, model, real.train.schema.modality)
    stores = {"read": source.name, "split": splits.name, "fit": model.name, "select": selection.name}
    shared = shared_rows(real.train, real.holdout)
    finish(run, make_manifest(session.plan, run, real, stores, facts_of(model), shared), session.log)


def finish(run: RunFolder, manifest: dict[str, Any], log: Watch) -> None:
    """Write the manifest and the report, then the manifest again with the report's hash."""
    run.write_manifest(manifest)
    page.write(run.path)
    run.write_manifest(manifest)
    sample = manifest["sample"]
    if sample["limit_hit"]:
        short = sum(sample["asked"]) - sum(sample["accepted"])
        log(
            Note(
                "sample",
                f"{short} rows short of the {sum(sample['asked'])} asked: sample.attempts was used up",
                "warning",
            )
        )
