"""Finds methods by path: the name `image.ddpm` of kind `generators` is the file `generators/image/ddpm.py`.

Nothing is registered by hand. Outside packages join through entry points: group `lookalike.generators`, name
`image.mine`, value `package.module:Class`.
"""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lookalike.core.errors import ConfigError

PACKAGE = "lookalike"
PATHS = {
    "generators": "generators",
    "filters": "filters",
    "learners": "learners",
    "metrics": "metrics",
    "audits": "audits",
    "encoders": "encoders",
    "backends": "backends",
    "readers": "data/readers",
    "writers": "data/writers",
}
"""Kind of method -> folder below the package."""


def kinds() -> tuple[str, ...]:
    """Return the kinds of method, in the order data flows through them."""
    return tuple(PATHS)


def _root(kind: str) -> Path:
    if kind not in PATHS:
        raise ConfigError(f"unknown kind of method '{kind}'; allowed: {', '.join(PATHS)}")
    return Path(__file__).resolve().parent.parent / PATHS[kind]


@cache
def _built_in(kind: str) -> tuple[str, ...]:
    root = _root(kind)
    files = [path.relative_to(root) for path in root.rglob("*.py") if not path.name.startswith("_")]
    nested = kind not in ("readers", "writers", "backends")
    return tuple(
        sorted(".".join(file.with_suffix("").parts) for file in files if len(file.parts) == (2 if nested else 1))
    )


def _plugins(kind: str) -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=f"{PACKAGE}.{kind}")}


def names(kind: str) -> tuple[str, ...]:
    """Return the names of all methods of a kind, sorted, importing none of them.

    Example:
        >>> "digits" in names("readers")
        False
    """
    return tuple(sorted({*_built_in(kind), *_plugins(kind)}))


def find(kind: str, name: str) -> Any:  # noqa: ANN401  the class is only known by its path
    """Import one method file and return its single public class.

    Args:
        kind: One of `kinds()`.
        name: Path of the file below the kind's folder, with dots: `image.ddpm`.

    Returns:
        The class.

    Raises:
        ConfigError: No such method, or an optional package that it needs is missing.
    """
    if name in _built_in(kind):
        return _import(kind, name)
    plugins = _plugins(kind)
    if name in plugins:
        return plugins[name].load()
    close = get_close_matches(name, names(kind), n=1, cutoff=0.4)
    hint = f"; did you mean '{close[0]}'?" if close else ""
    raise ConfigError(f"no {kind[:-1]} is called '{name}'; allowed: {', '.join(names(kind)) or 'none'}{hint}")


def origin(kind: str, name: str) -> str:
    """Return name and version of the outside package that a method comes from; empty for a built-in one.

    Results are kept under a key that holds this, so an updated plug-in computes anew.
    """
    point = None if name in _built_in(kind) else _plugins(kind).get(name)
    return "" if point is None or point.dist is None else f"{point.dist.name} {point.dist.version}"


def _import(kind: str, name: str) -> Any:  # noqa: ANN401
    module_name = f"{PACKAGE}.{PATHS[kind].replace('/', '.')}.{name}"
    module = importlib.import_module(module_name)
    classes = public_classes(module)
    if len(classes) != 1:
        raise ConfigError(f"{module_name} must hold one public class, found {[c.__name__ for c in classes]}")
    return classes[0]


def configured(kind: str, name: str, settings: Mapping[str, Any], place: str) -> Any:  # noqa: ANN401  found by name
    """Return a method that another method names in its settings, configured.

    Args:
        kind: Kind of method, for example "learners".
        name: Its name.
        settings: Its settings.
        place: Where the settings stand, for messages.

    Raises:
        ValueError: There is no such method, or it refuses a setting; one line.
    """
    try:
        return find(kind, name)(**settings)
    except ConfigError as error:
        raise ValueError(str(error)) from None
    except ValidationError as error:
        found = error.errors(include_url=False)[0]
        where = ".".join([place, *map(str, found["loc"])])
        raise ValueError(f"{where} of {name}: {found['msg'].removeprefix('Value error, ')}") from None


def public_classes(module: Any) -> list[type]:  # noqa: ANN401
    """Return the public classes that a module defines itself, in source order."""
    return [
        value
        for key, value in vars(module).items()
        if inspect.isclass(value) and not key.startswith("_") and value.__module__ == module.__name__
    ]


@dataclass(frozen=True)
class Entry:
    """What a method says of itself.

    Attributes:
        name: As it stands in a recipe.
        summary: First sentence of its docstring.
        source: The paper behind it; empty when its docstring names none.
    """

    name: str
    summary: str
    source: str


def _docstring(kind: str, name: str) -> str:
    """Return the docstring of a method's class; a built-in file is parsed, not imported."""
    if name not in _built_in(kind):
        return inspect.getdoc(find(kind, name)) or ""
    tree = ast.parse((_root(kind) / Path(*name.split("."))).with_suffix(".py").read_text(encoding="utf-8"))
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")]
    return (ast.get_docstring(classes[0]) if classes else "") or ""


def _source(text: str) -> str:
    """Return the `Source:` section of a docstring as one line."""
    _, found, rest = text.partition("Source:")
    lines = rest.lstrip().split("\n") if found else []
    kept: list[str] = []
    for line in lines:
        if not line.strip() or (kept and not line.startswith(" ") and line.rstrip().endswith(":")):
            break
        kept.append(line.strip())
    return " ".join(kept)


def catalogue(kind: str) -> tuple[Entry, ...]:
    """Return what every method of a kind says of itself, sorted by name.

    Raises:
        ConfigError: The kind is unknown.
    """
    entries = []
    for name in names(kind):
        text = _docstring(kind, name)
        entries.append(Entry(name, " ".join(text.split("\n\n")[0].split()), _source(text)))
    return tuple(entries)
