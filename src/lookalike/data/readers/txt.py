"""Plain text files: one text per line, or one per file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, final

from pydantic import Field

from lookalike.core.errors import DataError
from lookalike.data.pixels import shown
from lookalike.data.reading import existing, file_state
from lookalike.data.texts import Record, TextReader


@final
class Txt(TextReader):
    """Reads .txt files: in a folder with sub-folders, the sub-folder is the label; one file has no labels."""

    path: str = Field(description="A .txt file, or a folder of them, in class sub-folders or not.")
    per: Literal["line", "file"] = Field(default="line", description="What one text is: a line, or a whole file.")
    encoding: str = Field(default="utf-8-sig", description="Character encoding, for example utf-8-sig or cp1252.")

    def _files(self) -> tuple[Path, list[Path]]:
        root = existing(self.path, "text file or folder")
        found = [root] if root.is_file() else sorted(root.glob("*.txt")) + sorted(root.glob("*/*.txt"))
        kept = [path for path in found if path.is_file() and path.resolve().is_relative_to(root)]
        if not kept:
            raise DataError(f"no .txt files at {shown(self.path)}; give a file, or a folder of them")
        return (root.parent if root.is_file() else root), kept

    def state(self) -> str:
        """Return a hash of the files' names, sizes and times."""
        root, files = self._files()
        return file_state(files, root)

    def records(self) -> Iterator[Record]:
        """Yield the texts, named by file and line."""
        root, files = self._files()
        below = [path for path in files if path.parent != root]
        if below and len(below) < len(files):
            raise DataError(f"{shown(self.path)} holds texts beside its class sub-folders; move them into one")
        for path in files:
            label = {"label": path.parent.name} if below else {}
            try:
                if self.per == "file":
                    if path.stat().st_size > 4 * self.max_characters:
                        text: object = DataError(f"is larger than max_characters={self.max_characters:,} allows")
                    else:
                        text = path.read_text(encoding=self.encoding)
                    yield path.name, {"text": text, **label}
                    continue
                with path.open(encoding=self.encoding) as file:
                    for number, line in enumerate(file, start=1):
                        if line.strip():
                            yield f"{path.name} line {number}", {"text": line.rstrip("\n"), **label}
            except (UnicodeDecodeError, LookupError, OSError) as error:
                raise DataError(
                    f"{shown(path.name)} is not {shown(self.encoding)} text: {shown(error)}; set encoding"
                ) from None
