"""Runs a recipe on this machine, with one or several worker processes for sampling."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO, Any, final

from lookalike.core.errors import BackendError, ConfigError
from lookalike.core.events import SILENT, Watch
from lookalike.core.store import write_file
from lookalike.pipeline import api
from lookalike.pipeline.preview import first_rows
from lookalike.pipeline.recipe import Recipe, load, override, parse
from lookalike.pipeline.run import Run, execute
from lookalike.pipeline.shards import Job, Tell, load_fitted, make_shards, rows_there

_POLL_SECONDS = 0.2


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread: the order of floating-point sums must not depend on the number of workers."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@final
class Inline:
    """Makes shards in this process."""

    def __call__(self, job: Job, progress: Tell) -> None:
        """Return when no shard is missing."""
        missing = job.missing()
        if not missing:
            return
        fitted = load_fitted(job, progress)
        # What waits for a server computes nothing: torch, seconds to load, stays out of it.
        with nullcontext() if job.alone else one_thread():
            make_shards(job, missing, fitted, lambda shard: progress(rows_there(job), {}))


@final
class Processes:
    """Makes shards in worker processes that end when this process does.

    Args:
        count: How many, at least 1.
    """

    def __init__(self, count: int) -> None:
        """Keep the number; nothing starts yet."""
        self.count = count

    def __call__(self, job: Job, progress: Tell) -> None:
        """Return when no shard is missing.

        Raises:
            BackendError: A worker failed.
        """
        missing = job.missing()
        if len(missing) < 2 or job.alone:
            Inline()(job, progress)
            return
        job.folder.mkdir(parents=True, exist_ok=True)
        order = job.folder / "job.json"
        write_file(order, job.model_dump_json())
        count = min(self.count, len(missing))
        with tempfile.TemporaryFile() as errors:
            workers = [_start(order, missing[place::count], errors) for place in range(count)]
            try:
                while any(worker.poll() is None for worker in workers):
                    progress(rows_there(job), {})
                    time.sleep(_POLL_SECONDS)
                    if any(worker.poll() not in (None, 0) for worker in workers):
                        break
            finally:
                for worker in workers:
                    worker.terminate()
                    worker.wait()
                    if worker.stdin is not None:
                        worker.stdin.close()
            if job.missing():
                errors.seek(0)
                lines = errors.read().decode(errors="replace").split("\n")
                reason = next((line.strip() for line in reversed(lines) if line.strip()), "a worker was killed")
                raise BackendError(f"sampling stopped: {reason}; finished shards are kept, run the same command again")
        progress(rows_there(job), {})


def _start(order: Path, shards: Sequence[int], errors: IO[bytes]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "lookalike.runners.worker", str(order), ",".join(map(str, shards))]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    return subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stderr=errors)


def default_workers() -> int:
    """Return one worker for a GPU, else one for each core."""
    import torch

    if torch.cuda.is_available():
        return 1
    # Only Linux knows how many cores this process may use.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def workers_for(count: int | None) -> Inline | Processes:
    """Return what makes shards with that many workers; `None` chooses.

    Raises:
        ConfigError: The number is not positive.
    """
    number = default_workers() if count is None else count
    if number < 1:
        raise ConfigError(f"--workers must be at least 1, found {number}")
    return Inline() if number == 1 else Processes(number)


def run(
    recipe: Recipe | dict[str, Any] | str | Path,
    out: str | Path | None = None,
    settings: Sequence[str] = (),
    workers: int | None = None,
    watch: Watch = SILENT,
) -> Run:
    """Run a recipe to its report; an interrupted run continues where it was.

    Args:
        recipe: A recipe, a mapping, or the path of a YAML file.
        out: Run folder; default `runs/<name>`.
        settings: `path.to.key=value` overrides.
        workers: Worker processes for sampling, at least 1; they never change a byte of the result.
        watch: Receives typed events.

    Returns:
        The finished run.

    Raises:
        LookalikeError: With one line that says what is wrong and how to fix it.
    """
    base = Path()
    if isinstance(recipe, str | Path):
        base = Path(recipe).resolve().parent
        recipe = load(Path(recipe), settings)
    elif isinstance(recipe, dict):
        recipe = parse(override(recipe, settings))
    elif settings:
        raise ConfigError("settings need a recipe that is a file or a mapping; change the Recipe itself instead")
    folder = Path(out) if out is not None else Path("runs") / recipe.name
    return execute(recipe, base, folder, workers_for(workers), watch)


def preview(
    recipe: str | Path,
    rows: int = 5,
    out: str | Path | None = None,
    settings: Sequence[str] = (),
    watch: Watch = SILENT,
) -> Any:  # noqa: ANN401  the dataset class of the recipe's modality
    """Return the first rows that a recipe asks a language model for, before any filter; a run pays for them no more.

    Args:
        recipe: Path of a YAML file.
        rows: How many, at least 1.
        out: Run folder; default `runs/<name>`.
        settings: `path.to.key=value` overrides.
        watch: Receives events.

    Raises:
        LookalikeError: The recipe cannot run, or its generator has to be trained first.
    """
    tree = load(Path(recipe), settings)
    folder = Path(out) if out is not None else Path("runs") / tree.name
    return first_rows(tree, Path(recipe).resolve().parent, folder, rows, watch)


def sample(
    folder: str | Path,
    rows: int,
    label: str | None = None,
    seed: int = 1,
    out: str | Path | None = None,
    workers: int | None = None,
    watch: Watch = SILENT,
    where: Mapping[str, object] | None = None,
    write: Sequence[str] | None = None,
    **sampling: object,
) -> Path:
    """Draw more rows from the model of a finished run; no filter is applied.

    Args:
        folder: Run folder.
        rows: How many, at least 1.
        label: Only this class; None = the balance of the recipe.
        seed: Root of the random numbers; another seed gives other rows.
        out: Where the Parquet shards go; default: a folder of its own in the run folder.
        workers: Worker processes, at least 1; they never change a byte.
        watch: Receives events.
        where: Of a table: the value that every row has, by column, as the column writes it; None = missing.
        write: Names of writers, which write the rows into `_written/` beside the shards as well, with the settings that
            the recipe has for them; None = what the recipe writes.
        **sampling: Sampling settings, for example `guidance`.

    Returns:
        The folder with the shards.

    Raises:
        LookalikeError: No finished run there, or a setting is refused.
    """
    return api.sample(folder, rows, workers_for(workers), label, seed, out, sampling, watch, where, write)
