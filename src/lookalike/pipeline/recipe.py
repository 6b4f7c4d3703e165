"""The recipe: one frozen tree, read from YAML, that says everything a run does."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, Self, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from lookalike.core.constraints import Constraint
from lookalike.core.errors import ConfigError

Goal = Literal["augment", "share", "bootstrap", "simulate"]
_MAX_BYTES = 1 << 20
_MAX_ERRORS = 3
M = TypeVar("M", bound=BaseModel)


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Open(BaseModel):
    """A section that also holds the settings of the method it names; the method's own config checks them."""

    model_config = ConfigDict(frozen=True, extra="allow")

    @property
    def options(self) -> dict[str, Any]:
        """Settings that belong to the method."""
        return dict(self.model_extra or {})


class Use(_Open):
    """A method by name, with its settings; the bare name is shorthand for no settings."""

    use: str = Field(description="Name of the method, for example image.ddpm.")

    @model_validator(mode="before")
    @classmethod
    def _shorthand(cls, value: object) -> object:
        return {"use": value} if isinstance(value, str) else value


class Source(_Open):
    """Where rows come from: a reader by name, with its settings."""

    read: str = Field(
        description="Name of the reader: builtin, folder, npz, idx, csv, jsonl, txt, parquet, hf, sql, tables."
    )


class Data(Source):
    """The real rows, and how many of them are kept away from everything that learns."""

    limit: int | None = Field(
        default=None, ge=2, description="Use a keyed random choice of this many rows; None = all."
    )
    holdout: float | Source = Field(
        default=0.2,
        description="Share of rows held out for testing, 0 to 0.9; or a reader of its own for a given test set. "
        "0 means that every score that needs it prints 'not estimated'.",
    )
    constraints: tuple[Constraint, ...] = Field(
        default=(), description="Of a table: what must hold in every row, real and synthetic."
    )

    @model_validator(mode="after")
    def _share(self) -> Self:
        if isinstance(self.holdout, float) and not 0 <= self.holdout <= 0.9:
            raise ValueError(f"holdout is a share of the rows between 0 and 0.9, found {self.holdout}")
        return self


class Sample(_Open):
    """How many rows to make; further keys are sampling settings of the generator, for example guidance."""

    rows: int = Field(ge=1, description="Accepted rows to deliver.")
    balance: Literal["natural", "uniform", "real"] | dict[str, int] | None = Field(
        default=None,
        description="Rows per class: as the generator makes them, the same number, the shares of the real rows, or a "
        "number for each class. None = natural for tables, uniform for images and texts.",
    )
    per: tuple[str, ...] = Field(
        default=(),
        description="Attributes of the generator that the rows of each class are spread over evenly, to the row.",
    )
    where: dict[str, str | bool | int | float | None] = Field(
        default={},
        description="Of a table: the value that every row has, by column, as the column writes it; null = missing. Of "
        "several tables, columns of the root.",
    )
    attempts: float = Field(
        default=5.0,
        ge=1,
        description="Stop refilling after this many rows were made per row asked, and say what is short.",
    )

    @field_validator("where", mode="before")
    @classmethod
    def _dates(cls, value: object) -> object:
        # YAML reads 2020-01-31 as a date.
        if not isinstance(value, Mapping):
            return value
        return {key: one.isoformat() if isinstance(one, date) else one for key, one in value.items()}

    @model_validator(mode="after")
    def _alone(self) -> Self:
        if self.where and self.per:
            raise ValueError("where is for tables and per for texts; they cannot be combined: leave one out")
        return self


class Recipe(_Section):
    """Everything a run does."""

    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", description="Letters, digits, dot, dash, underscore."
    )
    goal: Goal = Field(default="augment", description="Picks the verdicts on the report's first screen.")
    seed: int = Field(default=0, ge=0, description="Root of every random number of the run.")
    data: Data | None = Field(
        default=None, description="The real rows; left out for a generator that needs none, such as text.prompted."
    )
    generator: Use = Field(description="What makes the rows.")
    sample: Sample = Field(description="How many rows.")
    filters: tuple[Use, ...] = Field(default=(), description="Rules that reject rows, in order.")
    write: tuple[Use, ...] = Field(
        default=(), description="Writers: further formats that the delivered rows are written in, beside Parquet."
    )
    measure: tuple[Use, ...] = Field(default=(), description="Metrics.")
    audits: tuple[Use, ...] = Field(default=(), description="Attacks on the privacy of the real rows.")


def _keys(cls: type[BaseModel], path: Sequence[object]) -> list[str]:
    """Return the keys that are allowed where a path of keys leads."""
    rules = {get_args(each.model_fields["rule"].annotation)[0]: each for each in get_args(get_args(Constraint)[0])}
    for key in path:
        if key in rules:
            return sorted(rules[str(key)].model_fields)
        field = cls.model_fields.get(str(key))
        inner = field.annotation if field else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            continue
        cls = inner
    return sorted(cls.model_fields)


def explain(error: ValidationError, where: str, cls: type[BaseModel]) -> str:
    """Return one line for a failed validation: where, what was found, what is allowed.

    Args:
        error: What pydantic raised.
        where: Name to start every place with, for example `recipe`.
        cls: What was validated, for suggestions.
    """
    parts = []
    for item in error.errors(include_url=False)[:_MAX_ERRORS]:
        place = ".".join(str(part) for part in (where, *item["loc"]))
        found = repr(item.get("input"))[:60]
        if item["type"] == "extra_forbidden":
            key = str(item["loc"][-1])
            allowed = _keys(cls, item["loc"][:-1])
            close = get_close_matches(key, allowed, n=1)
            hint = f"did you mean '{close[0]}'?" if close else f"allowed: {', '.join(allowed)}"
            parts.append(f"{place}: unknown key; {hint}")
        elif item["type"] == "missing":
            parts.append(f"{place}: is missing and has no default")
        elif item["type"] == "tuple_type" and isinstance(item.get("input"), str):
            parts.append(f"{place}: takes a list, found {found}; write [{item['input']}]")
        elif item["type"] == "value_error" and isinstance(item.get("input"), Mapping | BaseModel):
            # A rule about a whole section says itself what it found; all settings would say nothing more.
            parts.append(f"{place}: {item['msg'].removeprefix('Value error, ')}")
        else:
            parts.append(f"{place}: {item['msg'].removeprefix('Value error, ')}, found {found}")
    more = error.error_count() - len(parts)
    return "; ".join(parts) + (f"; and {more} more" if more > 0 else "")


def configure(cls: type[M], options: Mapping[str, object], where: str) -> M:
    """Make a method's config from settings, with errors in words.

    Args:
        cls: The method's class.
        options: Its settings.
        where: Place in the recipe, for messages.

    Raises:
        ConfigError: A setting is unknown, missing or out of range.
    """
    try:
        return cls.model_validate(dict(options))
    except ValidationError as error:
        raise ConfigError(explain(error, where, cls)) from None


def parse(tree: object, where: str = "recipe") -> Recipe:
    """Check a tree of plain values and return the recipe.

    Raises:
        ConfigError: A key is unknown, missing or out of range.
    """
    if not isinstance(tree, dict):
        raise ConfigError(f"{where}: a recipe is a mapping of keys to values, found {type(tree).__name__}")
    try:
        return Recipe.model_validate(tree)
    except ValidationError as error:
        raise ConfigError(explain(error, where, Recipe)) from None


def read_tree(path: Path) -> dict[str, Any]:
    """Read a YAML file as plain values.

    Raises:
        ConfigError: The file is missing, too large or not YAML.
    """
    if not path.is_file():
        raise ConfigError(f"no recipe at {path}; make one with: lookalike init DATA")
    if path.stat().st_size > _MAX_BYTES:
        raise ConfigError(f"{path} is larger than 1 MiB, which is no recipe")
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not readable YAML: {' '.join(str(error).split())[:200]}") from None
    if not isinstance(tree, dict):
        raise ConfigError(f"{path}: a recipe is a mapping of keys to values, found {type(tree).__name__}")
    return tree


def override(tree: dict[str, Any], settings: Sequence[str]) -> dict[str, Any]:
    """Return the tree with `path.to.key=value` settings applied; values are read as YAML.

    Example:
        >>> override({"sample": {"rows": 10}}, ["sample.rows=20"])
        {'sample': {'rows': 20}}

    Raises:
        ConfigError: A setting is not of that form, or its path runs through a plain value.
    """
    result = dict(tree)
    for setting in settings:
        path, equals, text = setting.partition("=")
        keys = path.split(".")
        if not equals or not all(keys):
            raise ConfigError(f"--set takes path.to.key=value, found '{setting}'")
        node: Any = result
        for key in keys[:-1]:
            child = node.get(key, {})
            if isinstance(child, str):
                child = {"use": child}
            if not isinstance(child, dict):
                raise ConfigError(f"--set {path}: '{key}' holds {type(child).__name__}, not a section with keys")
            node[key] = dict(child)
            node = node[key]
        try:
            node[keys[-1]] = yaml.safe_load(text)
        except yaml.YAMLError:
            raise ConfigError(f"--set {path}: '{text}' is not a YAML value") from None
    return result


def load(path: Path, settings: Sequence[str] = ()) -> Recipe:
    """Read a recipe file and apply settings.

    Raises:
        ConfigError: The file or a setting is not usable.
    """
    return parse(override(read_tree(path), settings), path.name)


def dump(recipe: Recipe) -> str:
    """Return the recipe as YAML; `load` reads it back to an equal recipe."""
    tree = recipe.model_dump(mode="json", exclude_none=True)
    for key in ("filters", "write", "measure", "audits"):
        tree[key] = [use["use"] if set(use) == {"use"} else use for use in tree[key]]
    return yaml.safe_dump(tree, sort_keys=False, allow_unicode=True)


def _moved(tree: dict[str, Any], key: str, base: Path, folder: Path) -> None:
    """Count the relative path under a key from another folder, if something lies there."""
    path = tree.get(key)
    if isinstance(path, str) and not Path(path).expanduser().is_absolute() and (base / path).exists():
        tree[key] = os.path.relpath((base / path).resolve(), folder.resolve())


def _rebased(source: Source, base: Path, folder: Path) -> dict[str, Any]:
    tree = source.model_dump(exclude_none=True)
    _moved(tree, "path", base, folder)
    if isinstance(tables := tree.get("tables"), dict):
        tree["tables"] = {name: dict(one) if isinstance(one, dict) else one for name, one in tables.items()}
        for one in tree["tables"].values():
            _moved(one, "path", base, folder) if isinstance(one, dict) else None
    if isinstance(getattr(source, "holdout", None), Source):
        tree["holdout"] = _rebased(source.holdout, base, folder)  # type: ignore[attr-defined]
    return tree


def rebased(recipe: Recipe, base: Path, folder: Path) -> Recipe:
    """Return the recipe with its relative paths counted from another folder.

    Args:
        recipe: What to do.
        base: Folder that its paths start from now.
        folder: Folder that they shall start from, where the recipe will lie.
    """
    generator = recipe.generator.model_dump(exclude_none=True)
    _moved(generator, "model", base, folder)
    sample = recipe.sample.model_dump(exclude_none=True)
    for drawn in (sample, generator.get("sampling")):
        if isinstance(drawn, dict):
            _moved(drawn, "project", base, folder)
    update: dict[str, Any] = {"generator": Use.model_validate(generator), "sample": Sample.model_validate(sample)}
    if recipe.data is not None:
        update["data"] = Data.model_validate(_rebased(recipe.data, base, folder))
    return recipe.model_copy(update=update)
