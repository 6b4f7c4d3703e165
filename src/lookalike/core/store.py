"""A content-addressed store of folders: written under a temporary name, then renamed; a final name means complete."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import final
from uuid import uuid4

from lookalike.core.errors import BudgetError

_CHUNK = 1 << 20


def digest(value: object) -> str:
    """Return the SHA-256 of a JSON-able value, independent of the order of keys.

    Example:
        >>> digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
        True
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file, read in pieces of 1 MiB."""
    total = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            total.update(chunk)
    return total.hexdigest()


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn a full disk into a `BudgetError` that says where and what to do."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise BudgetError(
            f"the disk that holds {path} is full; what was finished is kept: "
            "free some space and run the same command again"
        ) from error


def write_file(path: Path, content: bytes | str) -> None:
    """Write a file under a temporary name, flush it to disk and rename it, so that a reader sees all or nothing."""
    temporary = path.with_name(f".{path.name}.{uuid4().hex[:8]}.tmp")
    data = content.encode() if isinstance(content, str) else content
    try:
        with disk_errors(path), temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, value: object) -> None:
    """Write readable JSON with `write_file`."""
    write_file(path, json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


@final
class Store:
    """Folders by key; a folder that exists is complete.

    Args:
        root: Folder that holds the store; made when first needed.
    """

    def __init__(self, root: Path) -> None:
        """Open a store; nothing is read or written yet."""
        self.root = root

    def path(self, stage: str, key: str) -> Path:
        """Return where the folder of that key is, or would be."""
        return self.root / f"{stage}-{key[:16]}"

    def has(self, stage: str, key: str) -> bool:
        """Say whether the folder is complete."""
        return self.path(stage, key).is_dir()

    def make(self, stage: str, key: str, build: Callable[[Path], None]) -> Path:
        """Return the folder of that key, building it first when it is missing.

        Args:
            stage: Readable prefix of the folder's name.
            key: Hash of everything the content depends on.
            build: Fills the empty folder that it is given.

        Returns:
            The complete folder.

        Raises:
            BudgetError: The disk is full.
        """
        final_path = self.path(stage, key)
        if final_path.is_dir():
            return final_path
        self.root.mkdir(parents=True, exist_ok=True)
        temporary = self.root / f".{final_path.name}.{uuid4().hex[:8]}.tmp"
        temporary.mkdir()
        try:
            with disk_errors(final_path):
                build(temporary)
            commit(temporary, final_path)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        return final_path

    def sweep(self) -> None:
        """Remove temporary folders that a killed run left behind."""
        sweep(self.root)


def sweep(folder: Path) -> None:
    """Remove temporary files and folders that a killed program left in a folder."""
    for path in folder.glob(".*.tmp") if folder.is_dir() else ():
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


def commit(temporary: Path, final_path: Path) -> None:
    """Rename a finished folder to its final name; if another process was first, its content stands."""
    try:
        temporary.rename(final_path)
    except OSError:
        if not final_path.is_dir():
            raise


def publish(source: Path, target: Path) -> None:
    """Copy a finished folder to where users look for it, replacing what was there.

    A copy and not a link: whoever edits the visible files must not change what a resumed run builds on.
    """
    assemble({".": source}, target)


def assemble(parts: Mapping[str, Path], target: Path) -> None:
    """Copy finished folders into one where users look for it, all at once, replacing what was there.

    Args:
        parts: Each source by its place in the target; `.` = the target itself.
        target: The folder to make.
    """
    temporary = target.with_name(f".{target.name}.{uuid4().hex[:8]}.tmp")
    old = target.with_name(f".{target.name}.{uuid4().hex[:8]}.tmp")
    with disk_errors(target):
        for place, source in parts.items():
            shutil.copytree(source, temporary / place, dirs_exist_ok=True)
    if target.exists():
        target.rename(old)
    temporary.rename(target)
    shutil.rmtree(old, ignore_errors=True)
