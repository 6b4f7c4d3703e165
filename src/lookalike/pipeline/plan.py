"""From a recipe to checked methods and keys: everything that can be refused is refused before work starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from lookalike import __version__
from lookalike.core.contracts import Dataset, Method, Projects
from lookalike.core.errors import ConfigError
from lookalike.core.registry import find, names, origin
from lookalike.core.schema import Modality, Schema
from lookalike.core.store import digest
from lookalike.pipeline.recipe import Recipe, Source, Use, configure

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Named:
    """A configured method, the name it was found by, and the outside package it comes from, if any."""

    name: str
    method: Any
    origin: str = ""

    @property
    def reads_model(self) -> bool:
        """Whether its score questions the fitted generator."""
        return bool(getattr(self.method, "reads_model", False))

    @property
    def projected(self) -> list[str]:
        """Hash of the one real row that rows are made around; empty when there is none."""
        found = self.method.projected() if isinstance(self.method, Projects) else None
        return [] if found is None else [found]

    def key(self, *inputs: object, exclude: frozenset[str] = frozenset()) -> str:
        """Return the hash of version, method, settings and inputs."""
        settings = self.method.model_dump(mode="json", exclude=set(exclude))
        return digest([__version__, self.name, self.origin, settings, list(inputs)])


@dataclass(frozen=True)
class Plan:
    """A recipe whose methods all exist and accept their settings."""

    recipe: Recipe
    reader: Named | None
    holdout_reader: Named | None
    generator: Named
    filters: tuple[Named, ...]
    writers: tuple[Named, ...]
    metrics: tuple[Named, ...]
    audits: tuple[Named, ...]


def _reader(source: Source, where: str, base: Path) -> Named:
    cls = find("readers", source.read)
    options = _placed(source.options, source.read, base)
    if isinstance(tables := options.get("tables"), dict):
        options["tables"] = {
            name: _placed(one, one.get("read"), base) if isinstance(one, dict) else one for name, one in tables.items()
        }
    return Named(source.read, configure(cls, options, where), origin("readers", source.read))


def _placed(options: Mapping[str, Any], reader: object, base: Path) -> dict[str, Any]:
    """Return settings of a reader whose path starts from a folder."""
    path = options.get("path")
    if not isinstance(path, str) or "://" in path:
        return dict(options)
    candidate = base / Path(path).expanduser()
    return {**options, "path": str(candidate)} if candidate.exists() or reader != "hf" else dict(options)


def _uses(kind: str, uses: Sequence[Use], where: str) -> tuple[Named, ...]:
    found = []
    for place, use in enumerate(uses):
        cls: type[Method] = find(kind, use.use)
        method = configure(cls, use.options, f"{where}.{place}.{use.use}")
        found.append(Named(use.use, method, origin(kind, use.use)))
    return tuple(found)


def generator_of(use: Use, sampling: Mapping[str, object], base: Path) -> Named:
    """Return the configured generator; `sampling` settings go to its field of that name.

    Args:
        use: Name and settings; a `model` that lies at a relative path, and an image to project, are looked for from
            `base`.
        sampling: Sampling settings.
        base: Folder that relative paths start from.

    Raises:
        ConfigError: The generator does not exist or refuses a setting.
    """
    cls: type[Method] = find("generators", use.use)
    options: dict[str, object] = use.options
    model = options.get("model")
    if isinstance(model, str) and (base / Path(model).expanduser()).exists():
        options["model"] = str(base / Path(model).expanduser())
    if sampling:
        field = cls.model_fields.get("sampling")
        if field is None:
            raise ConfigError(f"sample: unknown keys {', '.join(sampling)}; {use.use} has no sampling settings")
        given = options.get("sampling", {})
        options["sampling"] = {**(given if isinstance(given, dict) else {}), **sampling}
    drawn = options.get("sampling")
    if isinstance(drawn, dict) and isinstance(drawn.get("project"), str):
        options["sampling"] = {**drawn, "project": str(base / Path(drawn["project"]).expanduser())}
    return Named(use.use, configure(cls, options, f"generator.{use.use}"), origin("generators", use.use))


def make_plan(recipe: Recipe, base: Path) -> Plan:
    """Find and configure every method of a recipe.

    Args:
        recipe: What to do.
        base: Folder that relative paths start from: where the recipe lies.

    Raises:
        ConfigError: A method does not exist, refuses a setting, cannot question this generator, or cannot write its
            rows.
    """
    data = recipe.data
    holdout = _reader(data.holdout, "data.holdout", base) if data and isinstance(data.holdout, Source) else None
    if data and data.read == "tables" and holdout is not None:
        raise ConfigError(
            "data.holdout: of several tables a share of the rows of the root is held out, with what belongs to them; "
            "give a number such as 0.2"
        )
    generator = generator_of(recipe.generator, recipe.sample.options, base)
    if data is None and not hasattr(generator.method, "data_schema"):
        raise ConfigError(f"recipe.data is missing: {generator.name} learns from real rows; name a reader and a path")
    metrics, audits = _uses("metrics", recipe.measure, "measure"), _uses("audits", recipe.audits, "audits")
    for named in (*metrics, *audits):
        if named.reads_model and hasattr(named.method, "check"):
            named.method.check(generator.name, generator.method)
    return Plan(
        recipe=recipe,
        reader=_reader(data, "data", base) if data else None,
        holdout_reader=holdout,
        generator=generator,
        filters=_uses("filters", recipe.filters, "filters"),
        writers=writers_of(recipe.write, generator),
        metrics=metrics,
        audits=audits,
    )


def check_modality(plan: Plan, modality: str) -> None:
    """Refuse methods that are made for another kind of data than the rows.

    Args:
        plan: What to do.
        modality: Kind of the rows: image, text, ...

    Raises:
        ConfigError: A generator, filter, metric or audit is named after another kind.
    """
    for named in (plan.generator, *plan.filters, *plan.metrics, *plan.audits):
        kind = named.name.partition(".")[0]
        if kind != modality and kind in get_args(Modality):
            raise ConfigError(
                f"{named.name} works on {kind} data, but the rows are "
                f"{modality} data; allowed: methods whose names start with '{modality}.' (lookalike methods)"
            )
    check_writers(plan.writers, modality)


def writers_of(uses: Sequence[Use], generator: Named) -> tuple[Named, ...]:
    """Find and configure writers for the rows of a generator.

    Args:
        uses: Names and settings.
        generator: What makes the rows; where its name tells their kind, writers of other kinds are refused.

    Raises:
        ConfigError: A writer does not exist, refuses a setting, or cannot write such rows.
    """
    writers = _uses("writers", uses, "write")
    modality = generator.name.partition(".")[0]
    check_writers(writers, modality if modality in get_args(Modality) else None)
    return writers


def check_writers(writers: Sequence[Named], modality: str | None) -> None:
    """Refuse writers that a run cannot repeat, and those of other kinds of data than the rows.

    Args:
        writers: Of a recipe.
        modality: Kind of the rows; None = not known yet.

    Raises:
        ConfigError: With what to use instead.
    """
    for named in writers:
        if getattr(named.method, "elsewhere", False):
            raise ConfigError(
                f"write: {named.name} writes outside of the run's folder, where a repeated run would write a second "
                f"time; remove it, and write the rows of the finished run from Python: "
                f"lookalike.find('writers', '{named.name}')().write(run.synthetic(), run.folder)"
            )
        able = getattr(named.method, "modalities", ())
        if modality is not None and able and modality not in able:
            fit = [name for name in names("writers") if _fits(find("writers", name), modality)]
            raise ConfigError(
                f"write: {named.name} writes {' or '.join(able)} data, but the rows are {modality} data; "
                f"allowed: {', '.join(fit) or 'none'}; name one of these, or remove it"
            )


def _fits(writer: type[Method], modality: str) -> bool:
    return modality in getattr(writer, "modalities", (modality,)) and not getattr(writer, "elsewhere", False)


def check_classes(plan: Plan, schema: Schema) -> None:
    """Refuse methods that tell classes apart where the rows have none, or one.

    Args:
        plan: What to do.
        schema: Of the rows.

    Raises:
        ConfigError: Filters, metrics or audits need classes, or look through features that do.
    """
    if len(schema.classes) > 1:
        return
    used = (*plan.filters, *plan.metrics, *plan.audits)
    remove = [named.name for named in used if _needs_classes(named.method)]
    blind = [named.name for named in used if named.name not in remove and _needs_classes(_encoder(named.method))]
    if not remove and not blind:
        return
    others = [name for name in names("encoders") if name.startswith(f"{schema.modality}.")]
    allowed = ", ".join(name for name in others if not _needs_classes(find("encoders", name)))
    found = f"one class, '{schema.classes[0]}'" if schema.classes else "no classes"
    told = [f"remove {', '.join(remove)}"] if remove else []
    told += [f"give {', '.join(blind)} another encoder (allowed: {allowed})"] if blind else []
    raise ConfigError(f"the rows have {found}, and some methods need two or more: {'; '.join(told)}")


def _needs_classes(method: object) -> bool:
    return bool(getattr(method, "needs_classes", False))


def _encoder(method: object) -> object:
    """Return the encoder that a method looks through; None when it names none."""
    name = getattr(method, "encoder", None)
    return find("encoders", name) if isinstance(name, str) else None


def check_projection(generator: Named, schema: Schema, classes: Sequence[str]) -> None:
    """Refuse a given row that cannot be projected, before any work starts.

    Args:
        generator: What makes the rows.
        schema: Of the rows.
        classes: Names of the classes that rows are asked of.

    Raises:
        LookalikeError: With what to use instead.
    """
    if isinstance(generator.method, Projects):
        generator.method.check_projection(schema, classes)


def natural(recipe: Recipe, train: Dataset) -> bool:
    """Say whether rows are asked of the generator as it makes them, and not by class."""
    balance = recipe.sample.balance
    return balance == "natural" or (balance is None and train.schema.modality in ("tabular", "tables"))


def quota(recipe: Recipe, train: Dataset) -> Counts:
    """Return the number of accepted rows asked of each class, [K]; one number where classes are not asked for.

    Raises:
        ConfigError: `balance` names an unknown class, or its numbers do not add up to `rows`.
    """
    classes = train.schema.classes or ("",)
    balance, rows = recipe.sample.balance, recipe.sample.rows
    if natural(recipe, train):
        return np.array([rows], dtype=np.int64)
    if isinstance(balance, dict):
        unknown = sorted(set(balance) - set(classes))
        if unknown or sum(balance.values()) != rows or min(balance.values(), default=-1) < 0:
            raise ConfigError(
                f"sample.balance must give numbers for known classes that add up to rows={rows}, found a sum of "
                f"{sum(balance.values())}"
                + (f" and unknown {', '.join(unknown)}" if unknown else "")
                + f"; classes: {', '.join(classes)}"
            )
        return np.array([balance.get(name, 0) for name in classes], dtype=np.int64)
    real = np.bincount(train.labels, minlength=len(classes)).astype(np.float64)
    share = real / real.sum() if balance == "real" and len(train) else np.full(len(classes), 1 / len(classes))
    return spread(share, rows)


def spread(share: npt.NDArray[np.float64], rows: int) -> Counts:
    """Return whole numbers that add up to `rows` and lie nearest to the shares, [K].

    Example:
        >>> spread(np.array([0.5, 0.25, 0.25]), 3).tolist()
        [1, 1, 1]
    """
    exact = share * rows
    counts: Counts = np.floor(exact).astype(np.int64)
    largest = np.argsort(-(exact - counts), kind="stable")[: rows - int(counts.sum())]
    counts[largest] += 1
    return counts
