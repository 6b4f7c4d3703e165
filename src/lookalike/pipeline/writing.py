"""Delivered rows in further formats: each writer fills a folder of its own, once for the same rows."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lookalike.core.store import Store, assemble
from lookalike.data import open_dataset
from lookalike.pipeline.plan import Named
from lookalike.pipeline.session import Session

WRITTEN = "written"
"""Folder of a run with a folder for each writer."""
BESIDE = "_written"
"""The same beside Parquet shards: what reads a folder of these as one table passes over names that begin so."""


def folders(writers: Sequence[Named]) -> dict[str, Named]:
    """Return each writer by the name of its folder: its own name, with a number where that is taken.

    Example:
        >>> list(folders([Named("csv", None), Named("jsonl", None), Named("csv", None)]))
        ['csv', 'jsonl', 'csv-2']
    """
    found: dict[str, Named] = {}
    for named in writers:
        same = sum(other.name == named.name for other in found.values())
        found[f"{named.name}-{same + 1}" if same else named.name] = named
    return found


def _key(named: Named, data: Any) -> str:  # noqa: ANN401  the dataset class of the rows' modality
    return named.key(data.fingerprint())


def written(store: Store, writers: Sequence[Named], data: Any) -> dict[str, Path]:  # noqa: ANN401
    """Write rows with every writer that has not written them yet.

    Args:
        store: Where results are kept.
        writers: What writes.
        data: The rows; those that lie memory-mapped in a file are written without all of them in memory.

    Returns:
        The folder that each writer filled, by the name it shall have.
    """

    def made(named: Named) -> Path:
        return store.make("write", _key(named, data), lambda folder: named.method.write(data, folder))

    return {name: made(named) for name, named in folders(writers).items()}


def write(session: Session, selection: Path) -> None:
    """Write the delivered rows of a run in the formats that its recipe names, and nothing else, into `written/`.

    Args:
        session: The run.
        selection: Folder with the accepted rows.

    Raises:
        LookalikeError: A writer cannot write these rows, or the disk is full.
    """
    run, writers = session.run, session.plan.writers
    if not writers:
        shutil.rmtree(run.path / WRITTEN, ignore_errors=True)
        return
    data = open_dataset(selection / "accepted")
    done = all(run.store.has("write", _key(named, data)) for named in writers)
    with run.stage("write", done, session.log):
        assemble(written(run.store, writers, data), run.path / WRITTEN)


def places(folder: Path) -> dict[str, Path]:
    """Return what stands in a folder that was written: the file of each writer, or its folder where there are more."""
    found = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        inside = list(path.iterdir()) if path.is_dir() else []
        found[path.name] = inside[0] if len(inside) == 1 and inside[0].is_file() else path
    return found
