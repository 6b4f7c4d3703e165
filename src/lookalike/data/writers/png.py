"""PNG files, one sub-folder per class."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, final
from urllib.parse import quote

from pydantic import Field

from lookalike.core.contracts import Method
from lookalike.core.errors import DataError
from lookalike.core.schema import Modality
from lookalike.core.store import disk_errors
from lookalike.data.images import Images
from lookalike.data.shards import encode_png

_MOST_NAME_BYTES = 255
_UNSAFE = frozenset('%/\\:*?"<>|')


def _folder_name(name: str) -> str:
    """Return a class name that is safe as a folder name: unsafe characters become %XX, as in web addresses."""
    safe = "".join(quote(c, safe="") if c in _UNSAFE or not c.isprintable() else c for c in name)
    safe = "%2E" + safe[1:] if safe.startswith(".") else safe
    if not safe or len(safe.encode("utf-8", "surrogatepass")) > _MOST_NAME_BYTES:
        raise DataError(
            f"class name '{name[:40]}' cannot be the name of a folder; use 1 to 255 bytes, or another writer"
        )
    return safe


@final
class Png(Method):
    """Writes `class/00000000.png`; the number is the row's position, so the order is kept."""

    modalities: ClassVar[tuple[Modality, ...]] = ("image",)

    digits: int = Field(default=8, ge=4, le=12, description="Digits of the row number in the file name.")

    def write(self, data: Images, folder: Path) -> list[Path]:
        """Write all rows into an existing folder and return the files written, in order.

        Raises:
            DataError: A class name cannot be the name of a folder.
            BudgetError: The disk is full.
        """
        folders = [folder / _folder_name(name) for name in data.classes]
        paths = []
        with disk_errors(folder):
            for path in folders:
                path.mkdir(exist_ok=True)
            for row, label in enumerate(data.labels):
                paths.append(folders[label] / f"{row:0{self.digits}d}.png")
                paths[-1].write_bytes(encode_png(data.pixels[row]))
        return paths
