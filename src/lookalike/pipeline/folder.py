"""The run folder: who may use it, its log, its costs, its manifest."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TextIO, final

from lookalike.core.errors import ConfigError, DataError
from lookalike.core.events import Event, StageDone, StageStarted, Watch
from lookalike.core.store import Store, disk_errors, file_digest, sweep, write_file, write_json
from lookalike.pipeline.recipe import Recipe, dump, load

try:
    import fcntl
    import resource
except ImportError:  # Windows has neither: no lock against two runs in one folder, and no figures of memory
    fcntl = resource = None  # type: ignore[assignment]

STATEMENT = (
    "The rows in synthetic/ and rejected/ are synthetic: a computer made them after the pattern of real rows. "
    "They may resemble real rows; the privacy figures say how closely."
)
_ADVICE = "run the recipe to its end first: lookalike run RECIPE"
_UNLISTED = {"manifest.json", "events.jsonl"}
_PROJECTED = "projected"
ANSWERS = "answers"
"""Folder in the store for the answers of servers."""
_PUBLISHED = ("model", "synthetic", "written", "rejected", "gallery", "controls")


def record(event: Event) -> dict[str, Any]:
    """Return an event as a JSON-able mapping with its type under `event`."""
    return {"event": type(event).__name__, **asdict(event)}


def _usage() -> tuple[float, float]:
    if resource is None:
        return time.process_time(), 0.0
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
    per_mb = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return seconds, max(own.ru_maxrss, children.ru_maxrss) / per_mb


@dataclass
class Log:
    """A watch that appends every event to `events.jsonl` and passes it on."""

    file: TextIO
    outer: Watch
    folder: Path | None = None
    answers: Path | None = None

    def __call__(self, event: Event) -> None:
        """Write one line, then pass the event on."""
        line = {"time": round(time.time(), 3), **record(event)}
        with disk_errors(Path(self.file.name)):
            self.file.write(json.dumps(line, ensure_ascii=False) + "\n")
            self.file.flush()
        self.outer(event)

    def at(self, folder: Path | None, answers: Path | None = None) -> Log:
        """Return the same log with a folder for checkpoints, and one for the answers of servers."""
        return Log(self.file, self.outer, folder, answers)


@final
@dataclass
class RunFolder:
    """A folder that one run at a time may use."""

    path: Path
    costs: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def store(self) -> Store:
        """Stage outputs by key."""
        return Store(self.path / ".store")

    def claim(self, recipe: Recipe) -> None:
        """Check that the folder belongs to this recipe, and keep the recipe in it.

        Raises:
            ConfigError: The folder holds a run of another name or of other data, or something else altogether.
        """
        known = self.path / "recipe.yaml"
        if known.exists():
            earlier = load(known)
            if earlier.name != recipe.name or earlier.data != recipe.data:
                raise ConfigError(
                    f"{self.path} holds the run '{earlier.name}' of other data or another name than '{recipe.name}'; "
                    "give another folder with --out, or remove that one"
                )
        elif any(path.name != ".lock" for path in self.path.iterdir()):
            raise ConfigError(f"{self.path} is not empty and holds no run; give another folder with --out")
        write_file(known, dump(recipe))

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the folder for this process.

        Raises:
            ConfigError: Another run holds it.
        """
        with disk_errors(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / ".lock").open("w") as file:
            if fcntl is not None:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    raise ConfigError(f"another run is using {self.path}; wait for it, or give another --out") from None
            yield

    @contextmanager
    def log(self, watch: Watch) -> Iterator[Log]:
        """Open `events.jsonl` for appending."""
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / "events.jsonl").open("a", encoding="utf-8") as file:
            yield Log(file, watch)

    @contextmanager
    def stage(self, name: str, done: bool, log: Log) -> Iterator[None]:
        """Time a stage; one that was `done` before keeps the cost it had then."""
        costs = self.path / ".store" / "costs.json"
        if not self.costs and costs.exists():
            self.costs = json.loads(costs.read_text())
        log(StageStarted(name))
        wall, (cpu, _) = time.perf_counter(), _usage()
        yield
        seconds = time.perf_counter() - wall
        cpu_after, peak = _usage()
        if done and name in self.costs:
            self.costs[name]["reused"] = True
        else:
            self.costs[name] = {
                "stage": name,
                "wall_seconds": round(seconds, 2),
                "cpu_seconds": round(cpu_after - cpu, 2),
                "peak_mb": round(peak, 1),
                "reused": False,
            }
            costs.parent.mkdir(parents=True, exist_ok=True)
            write_json(costs, self.costs)
        log(StageDone(name, round(seconds, 3), round(cpu_after - cpu, 3), round(peak, 1), done))

    def sweep(self) -> None:
        """Remove what a killed run left half made, in the folder and in its store."""
        sweep(self.path)
        self.store.sweep()

    @property
    def projected(self) -> bool:
        """Whether rows were ever made around one given real row with the model of this run."""
        return (self.store.root / _PROJECTED).is_file()

    def mark_projected(self) -> None:
        """Remember that rows are made around one given real row."""
        self.store.root.mkdir(parents=True, exist_ok=True)
        write_file(self.store.root / _PROJECTED, "")

    def files(self) -> list[dict[str, Any]]:
        """Return path, SHA-256 and size of every file a user sees, sorted by path."""
        paths = [path for path in self.path.iterdir() if path.is_file() and path.name not in _UNLISTED]
        for folder in _PUBLISHED:
            paths += [path for path in (self.path / folder).rglob("*") if path.is_file()]
        visible = [path for path in paths if not path.name.startswith(".")]
        return [
            {
                "path": path.relative_to(self.path).as_posix(),
                "sha256": file_digest(path),
                "bytes": path.stat().st_size,
            }
            for path in sorted(visible)
        ]

    def manifest(self) -> dict[str, Any]:
        """Read the manifest.

        Raises:
            DataError: The folder holds no finished run.
        """
        manifest: dict[str, Any] = read_json(self.path / "manifest.json", _ADVICE)
        return manifest

    def scores(self) -> list[dict[str, Any]]:
        """Read the scores.

        Raises:
            DataError: The folder holds no scores.
        """
        scores: list[dict[str, Any]] = read_json(self.path / "scores.json", _ADVICE)
        return scores

    def write_manifest(self, manifest: dict[str, Any]) -> None:
        """Write the manifest with a fresh list of files."""
        write_json(self.path / "manifest.json", {**manifest, "files": self.files()})


def read_json(path: Path, advice: str) -> Any:  # noqa: ANN401  the file says what it is
    """Read a JSON file of a run.

    Raises:
        DataError: It is missing or broken.
    """
    if not path.is_file():
        raise DataError(f"no {path.name} in {path.parent}; {advice}")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise DataError(f"{path} is damaged and cannot be read; {advice}") from None


def verify(folder: Path) -> list[str]:
    """Compare every file of a run with the manifest.

    Args:
        folder: A run folder.

    Returns:
        One line for each file that is changed, missing or was added; empty when all is as written.

    Raises:
        DataError: The folder holds no finished run.
    """
    run = RunFolder(folder)
    listed = {item["path"]: item["sha256"] for item in run.manifest()["files"]}
    found = {item["path"]: item["sha256"] for item in run.files()}
    problems = [f"{path}: missing" for path in sorted(listed.keys() - found.keys())]
    problems += [f"{path}: not in the manifest" for path in sorted(found.keys() - listed.keys())]
    changed = (path for path in sorted(listed.keys() & found.keys()) if listed[path] != found[path])
    return problems + [f"{path}: changed, its SHA-256 is not the one in the manifest" for path in changed]
