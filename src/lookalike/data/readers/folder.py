"""A folder of image files: with a sub-folder per class, a CSV of labels, or no classes at all."""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import final

from pydantic import Field

from lookalike.core.errors import DataError
from lookalike.data.classes import ALL, number
from lookalike.data.pixels import SUFFIXES, shown
from lookalike.data.reading import Encoded, Faults, ImageReader, Item, existing, file_state

_FROM_FOLDER, _NONE = "from_folder", "none"
_SPLITS = frozenset(("train", "training", "test", "testing", "val", "valid", "validation", "dev"))
_LISTED = 3


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


@final
class Folder(ImageReader):
    """Reads image files; the class is the first sub-folder's name, or a column of a CSV file.

    Images that lie in the folder itself have no classes; their one class is called "all".

    Hidden files and files of other types are skipped and counted. Links that leave the folder are refused; links to
    folders inside it are skipped, because what they show is read where it lies.
    """

    path: str = Field(description="The folder.")
    label: str = Field(
        default=_FROM_FOLDER,
        description="from_folder: the name of the sub-folder is the class, without sub-folders there are no classes; "
        "none: there are no classes, whatever the folders; or a CSV file inside the folder, in UTF-8, with commas and "
        "a header line.",
    )
    file_column: str = Field(default="file", description="Column of the CSV with file names relative to the folder.")
    label_column: str = Field(default="label", description="Column of the CSV with class names.")

    def _root(self) -> Path:
        root = existing(self.path, "folder")
        if not root.is_dir():
            raise DataError(f"{shown(self.path)} is a file; folder reads a folder of images: set path to its folder")
        return root

    def _table(self, root: Path) -> Path | None:
        return None if self.label in (_FROM_FOLDER, _NONE) else root / self.label

    def state(self) -> str:
        """Return a hash of the names, sizes and times of all files that would be read."""
        root = self._root()
        table = self._table(root)
        paths = _walk(root, Counter(), Faults(stop=False), table)
        if table is not None and table.is_file():
            paths.append(table)
        return file_state(paths, root)

    def listing(self) -> Encoded:
        """List the files and their classes."""
        root = self._root()
        faults, skipped = Faults(self.on_error == "stop"), Counter[str]()
        paths = _walk(root, skipped, faults, self._table(root))
        if not paths:
            found = ", ".join(f"{count} {kind}" for kind, count in skipped.items()) or "nothing"
            raise DataError(
                f"{shown(self.path)} holds no image files; found {found}; "
                f"allowed: {' '.join(sorted(SUFFIXES))}; put them into the folder, or into one sub-folder per class"
            )
        if self.label == _NONE:
            pairs = [(path, ALL) for path in paths]
        elif self.label == _FROM_FOLDER:
            pairs = self._from_folders(root, paths, faults)
        else:
            pairs = self._from_csv(root, paths, faults)
        labels, classes = number([name for _, name in pairs])
        notes = [f"skipped {count} {kind}" for kind, count in skipped.items()]

        def items() -> Iterator[Item]:
            for path, _ in pairs:
                yield Item(str(path.relative_to(root)), path)

        return Encoded(self.path, labels, classes, items, (*notes, *faults.notes()))

    def _from_folders(self, root: Path, paths: list[Path], faults: Faults) -> list[tuple[Path, str]]:
        parts = [path.relative_to(root).parts for path in paths]
        inside = {part[0] for part in parts if len(part) > 1}
        if not inside:
            return [(path, ALL) for path in paths]
        splits = sorted(name for name in inside if name.lower() in _SPLITS)
        if len(splits) == len(inside) and any(len(part) > 2 for part in parts):
            raise DataError(
                f"the sub-folders of {shown(self.path)} are splits ({', '.join(splits)}), not classes; "
                f"set path: {shown(os.path.join(self.path, splits[-1] if 'train' not in splits else 'train'))}"
            )
        pairs = []
        for path, part in zip(paths, parts, strict=True):
            if len(part) > 1:
                pairs.append((path, part[0]))
            else:
                faults.add(
                    f"{shown(part[0])} lies outside the class sub-folders and has no label; move it into one, remove "
                    f"it, set label: {_NONE} if the folders are no classes, or set on_error: skip",
                    "images without a label",
                )
        return pairs

    def _from_csv(self, root: Path, paths: list[Path], faults: Faults) -> list[tuple[Path, str]]:
        known, pairs = set(paths), {}
        for line, name, label in self._rows(root):
            path = Path(os.path.normpath(root / name))
            problem = ""
            if path in pairs:
                problem = f"names {shown(name)} a second time; keep one line per file"
            elif path not in known:
                problem = f"names {shown(name)}, {_why_missing(root, path)}"
            elif not label:
                problem = f"gives no label for {shown(name)}; fill column '{shown(self.label_column)}'"
            if problem:
                faults.add(f"{shown(self.label)} line {line} {problem}, or set on_error: skip", "lines of the CSV")
            else:
                pairs[path] = label
        missing = [path for path in paths if path not in pairs]
        for path in missing:
            listed = ", ".join(shown(path.relative_to(root)) for path in missing[:_LISTED])
            message = (
                f"{shown(path.relative_to(root))} has no label"
                if not faults.stop
                else f"{shown(self.label)} has no label for {len(missing)} of {len(paths)} image files: {listed}"
            )
            faults.add(f"{message}; add lines for them, remove them, or set on_error: skip", "images without a label")
        return [(path, pairs[path]) for path in paths if path in pairs]

    def _rows(self, root: Path) -> Iterator[tuple[int, str, str]]:
        path = root / self.label
        if not path.is_file():
            raise DataError(
                f"no file {shown(self.label)} in {shown(self.path)}; label is {_FROM_FOLDER}, {_NONE}, or a CSV in the "
                "folder"
            )
        if not path.resolve().is_relative_to(root):
            raise DataError(f"{shown(self.label)} leaves {shown(self.path)}; copy the CSV into the folder")
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                table = csv.DictReader(file, strict=True)
                found = list(table.fieldnames or [])
                absent = [name for name in (self.file_column, self.label_column) if name not in found]
                if absent:
                    raise DataError(
                        f"{shown(self.label)} has no column {' and '.join(map(repr, absent))}; found "
                        f"{', '.join(map(shown, found)) or 'nothing'}; rename it, or set file_column and label_column"
                    )
                for row in table:
                    yield table.line_num, (row[self.file_column] or "").strip(), (row[self.label_column] or "").strip()
        except (UnicodeDecodeError, csv.Error) as error:
            raise DataError(f"{shown(self.label)} is not a CSV in UTF-8: {shown(error)}; save it as UTF-8") from None


def _why_missing(root: Path, path: Path) -> str:
    if not path.is_relative_to(root):
        return "which leaves the folder; use names relative to it"
    if not path.exists():
        return "which does not exist; correct the name or remove the line"
    if path.suffix.lower() not in SUFFIXES:
        return f"which is no image file (allowed: {' '.join(sorted(SUFFIXES))}); remove the line"
    return "which is hidden or not readable; rename it or remove the line"


def _walk(root: Path, skipped: Counter[str], faults: Faults, table: Path | None) -> list[Path]:
    """Return the image files below a folder, sorted by name at every level; the rest is counted."""
    found: list[Path] = []
    pending = [root]
    while pending:
        folders = []
        with os.scandir(pending.pop()) as scan:
            entries = sorted(scan, key=lambda entry: os.fsencode(entry.name))
        for entry in entries:
            path = Path(entry.path)
            if entry.name.startswith("."):
                skipped["hidden files"] += 1
            elif entry.is_symlink() and not path.resolve().is_relative_to(root):
                faults.add(
                    f"{shown(path.relative_to(root))} is a link that leaves the folder; copy the file there, remove "
                    "the link, or set on_error: skip",
                    "links that leave the folder",
                )
            elif entry.is_dir(follow_symlinks=False):
                folders.append(path)
            elif entry.is_dir():
                skipped["links to folders"] += 1
            elif path == table:
                continue
            elif not entry.is_file() or path.suffix.lower() not in SUFFIXES:
                skipped["files of other types"] += 1
            elif not _is_utf8(str(path.relative_to(root))):
                faults.add(
                    f"the name of {shown(path.relative_to(root))} is not UTF-8; rename the file or its folder, or set "
                    "on_error: skip",
                    "files whose names are not UTF-8",
                )
            else:
                found.append(path)
        pending.extend(reversed(folders))
    return found
