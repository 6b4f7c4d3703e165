"""Synthetic data that looks like yours without being yours, with the proof on the same page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lookalike.core.contracts import Reference, Score, Selection
    from lookalike.core.errors import BackendError, BudgetError, ConfigError, DataError, LookalikeError
    from lookalike.core.registry import find, names
    from lookalike.core.rng import Rng
    from lookalike.data.images import Images
    from lookalike.pipeline.api import load, measure, read, report
    from lookalike.pipeline.folder import verify
    from lookalike.pipeline.recipe import Recipe
    from lookalike.pipeline.run import Run
    from lookalike.runners.local import run, sample

__version__ = "0.1.0"

_HOME = {
    "BackendError": "core.errors",
    "BudgetError": "core.errors",
    "ConfigError": "core.errors",
    "DataError": "core.errors",
    "Images": "data.images",
    "LookalikeError": "core.errors",
    "Recipe": "pipeline.recipe",
    "Reference": "core.contracts",
    "Rng": "core.rng",
    "Run": "pipeline.run",
    "Score": "core.contracts",
    "Selection": "core.contracts",
    "find": "core.registry",
    "load": "pipeline.api",
    "measure": "pipeline.api",
    "names": "core.registry",
    "preview": "runners.local",
    "read": "pipeline.api",
    "report": "pipeline.api",
    "run": "runners.local",
    "sample": "runners.local",
    "verify": "pipeline.folder",
}

__all__ = [
    "BackendError",
    "BudgetError",
    "ConfigError",
    "DataError",
    "Images",
    "LookalikeError",
    "Recipe",
    "Reference",
    "Rng",
    "Run",
    "Score",
    "Selection",
    "find",
    "load",
    "measure",
    "names",
    "preview",
    "read",
    "report",
    "run",
    "sample",
    "verify",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """Import a public name when it is first used, so that `import lookalike` costs nothing."""
    if name not in _HOME:
        raise AttributeError(f"module 'lookalike' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(f"lookalike.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    """List the public names."""
    return [*__all__, "__version__"]
