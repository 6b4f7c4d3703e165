"""Shows events: progress bars on a terminal, plain lines elsewhere, or JSON lines."""

from __future__ import annotations

import json
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, final

import typer

from lookalike.core.events import Event, Note, Progress, StageDone, StageStarted, Watch
from lookalike.pipeline.folder import record

_PLAIN_SECONDS = 10.0


@final
class Lines:
    """One plain line at the start and end of a stage and every ten seconds in between."""

    folder: Path | None = None

    def __init__(self) -> None:
        """Start with no line printed."""
        self.last = 0.0
        self.first: dict[str, tuple[float, float]] = {}

    def __call__(self, event: Event) -> None:
        """Print what deserves a line."""
        match event:
            case StageStarted(stage):
                self.last = time.monotonic()
                self.first.pop(stage, None)
                typer.echo(f"{stage} ...", err=True)
            case StageDone(stage, seconds, reused=reused):
                typer.echo(f"{stage} done{' before, reused' if reused else f' in {seconds:.1f} s'}", err=True)
            case Note(stage, message, level):
                typer.echo(f"{stage}: {'warning: ' if level == 'warning' else ''}{message}", err=True)
            case Progress():
                now = time.monotonic()
                # A stage may prepare for long before its first unit, and a resumed one does not begin at 0.
                since = self.first.setdefault(event.stage, (now, event.done))
                if now - self.last > _PLAIN_SECONDS:
                    self.last = now
                    typer.echo(f"  {_summary(event, now - since[0], event.done - since[1])}", err=True)


def _summary(event: Progress, seconds: float, made: float) -> str:
    values = "".join(f", {name} {value:.4g}" for name, value in event.values.items())
    eta = f", about {seconds * (event.total - event.done) / made:.0f} s left" if made else ""
    return f"{event.stage}: {event.done:.0f} of {event.total:.0f} {event.unit}{values}{eta}"


@final
class JsonLines:
    """Every event as one line of JSON on standard output."""

    folder: Path | None = None

    def __call__(self, event: Event) -> None:
        """Print the event."""
        typer.echo(json.dumps(record(event), ensure_ascii=False))


@final
class Bars:
    """A progress bar for each stage, with rate, time left and the figures of the last event."""

    folder: Path | None = None

    def __init__(self, progress: Any) -> None:  # noqa: ANN401  rich is imported late
        """Draw into a rich progress display."""
        self.progress = progress
        self.tasks: dict[str, Any] = {}

    def __call__(self, event: Event) -> None:
        """Update the display."""
        match event:
            case StageStarted(stage):
                self.tasks[stage] = self.progress.add_task(stage, total=None, figures="")
            case Progress(stage, done, total, unit, values):
                if stage not in self.tasks:
                    self.tasks[stage] = self.progress.add_task(stage, total=total, figures="")
                figures = "  ".join([unit, *(f"{name} {value:.4g}" for name, value in values.items())])
                self.progress.update(self.tasks[stage], completed=done, total=total, figures=figures)
            case StageDone(stage, seconds, reused=reused) if stage in self.tasks:
                text = "done before" if reused else f"{seconds:.1f} s"
                self.progress.update(self.tasks[stage], completed=1, total=1, figures=text)
                self.progress.stop_task(self.tasks[stage])
            case Note(stage, message, level):
                self.progress.console.print(f"{stage}: {message}", style="yellow" if level == "warning" else None)


@contextmanager
def _bars() -> Iterator[Watch]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Display

    columns = (
        TextColumn("{task.description:<9}"),
        BarColumn(24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[figures]}"),
    )
    with Display(*columns, console=Console(stderr=True)) as display:
        yield Bars(display)


@contextmanager
def shown(as_json: bool) -> Iterator[Watch]:
    """Give a watch that suits where the output goes; Ctrl-C says how to go on.

    Args:
        as_json: Print JSON lines.
    """
    try:
        if as_json:
            yield JsonLines()
        elif sys.stderr.isatty():
            with _bars() as watch:
                yield watch
        else:
            yield Lines()
    except KeyboardInterrupt:
        again = shlex.join(["lookalike", *sys.argv[1:]])
        typer.echo(f"lookalike: interrupted; finished work is kept. Continue with: {again}", err=True)
        raise typer.Exit(130) from None
