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
    return _build(modality, "gallery")


def controls_of(modality: str) -> Callable[..., None]:
    """Return the function that writes a modality's sheets of controls, `reports.<modality>.controls.build`.

    A modality without one gives a function that writes nothing.
    """
    return _build(modality, "controls")


def _build(modality: str, part: str) -> Callable[..., None]:
    name = f"lookalike.reports.{modality}"
    if find_spec(name) is None or find_spec(f"{name}.{part}") is None:
        return _nothing
    build: Callable[..., None] = import_module(f"{name}.{part}").build
    return build


def _nothing(*_: Any) -> None:  # noqa: ANN401  stands in for any gallery
    """Write nothing."""
