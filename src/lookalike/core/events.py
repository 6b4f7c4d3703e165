"""Typed events: everything that watches a run (terminal, log file, studio) listens to the same ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, final


@dataclass(frozen=True)
class StageStarted:
    """A stage of a run begins."""

    stage: str


@dataclass(frozen=True)
class StageDone:
    """A stage of a run is complete; `reused` says that an earlier run had already done it."""

    stage: str
    seconds: float
    cpu_seconds: float = 0.0
    peak_mb: float = 0.0
    reused: bool = False


@dataclass(frozen=True)
class Progress:
    """How far a stage is: `done` of `total` in `unit`, with a few named figures such as the loss."""

    stage: str
    done: float
    total: float
    unit: str = ""
    values: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Note:
    """One sentence a user should see."""

    stage: str
    message: str
    level: Literal["info", "warning"] = "info"


@dataclass(frozen=True)
class CheckpointSaved:
    """Training can go on from here after a crash."""

    stage: str
    step: int


Event = StageStarted | StageDone | Progress | Note | CheckpointSaved


class Watch(Protocol):
    """Receives events, and lends long work a folder whose content survives a crash."""

    @property
    def folder(self) -> Path | None:
        """Where checkpoints may be kept; `None` keeps nothing."""
        ...

    def __call__(self, event: Event) -> None:
        """Receive one event."""
        ...


@final
class _Silent:
    folder: Path | None = None

    def __call__(self, event: Event) -> None:
        del event


SILENT: Watch = _Silent()
"""A watch that ignores every event and keeps no checkpoint."""
