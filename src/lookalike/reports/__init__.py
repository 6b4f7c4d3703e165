"""From scores to verdicts to one page."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any


def gallery_of(modality: str) -> Callable[..., None]:
    """Return the function that makes a modality's pictures, `reports.<modality>.gallery.build`.

    A modality without one gives a function that writes nothing: the report then says that there is no gallery.
    """
    name = f"lookalike.reports.{modality}"
    if find_spec(name) is None or find_spec(f"{name}.gallery") is None:
        return _nothing
    build: Callable[..., None] = import_module(f"{name}.gallery").build
    return build


def _nothing(*_: Any) -> None:  # noqa: ANN401  stands in for any gallery
    """Write nothing."""
