"""Images with labels: uint8, one size, grey or RGB, in memory or memory-mapped."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Self, final

import numpy as np
import numpy.typing as npt

from lookalike.core.contracts import Index
from lookalike.core.errors import DataError
from lookalike.core.schema import Column, Schema
from lookalike.core.store import disk_errors, write_file

Pixels = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]
_HASH_ROWS = 1024
_HELD_BYTES = 1 << 28


@final
class Images:
    """Labelled images of one size.

    Args:
        pixels: [N, H, W, C] uint8, C = 1 (grey) or 3 (RGB); an array or a read-only memory map.
        labels: [N] int64, numbers into `schema.classes`.
        schema: As `image_schema` makes it.

    Raises:
        DataError: Shapes, dtype or label numbers do not fit together.
    """

    def __init__(self, pixels: Pixels, labels: Labels, schema: Schema) -> None:
        """Check that the parts fit together; nothing is copied."""
        if pixels.ndim != 4 or pixels.dtype != np.uint8 or pixels.shape[3] not in (1, 3):
            raise DataError(
                f"images must be uint8 of shape [N, height, width, 1 or 3], found {pixels.dtype} {pixels.shape}; "
                "convert them first, or use one of the readers"
            )
        if labels.shape != (len(pixels),):
            raise DataError(f"{len(pixels)} images need as many labels, found labels of shape {labels.shape}")
        if not np.issubdtype(labels.dtype, np.integer):
            raise DataError(f"labels must be whole numbers into the class names, found {labels.dtype}")
        if len(labels) and not (0 <= labels.min() and labels.max() < len(schema.classes)):
            raise DataError(
                f"label numbers must lie in 0..{len(schema.classes) - 1}, found {labels.min()} to {labels.max()}"
            )
        self.pixels = pixels
        self.labels = labels.astype(np.int64, copy=False)
        self.schema = schema

    @classmethod
    def empty(cls, schema: Schema) -> Self:
        """Return a dataset without images."""
        return cls(np.zeros((0, *schema.column("image").shape), dtype=np.uint8), np.zeros(0, dtype=np.int64), schema)

    def problems(self) -> dict[int, str]:
        """Return why a row is not usable, by position: an image always is."""
        return {}

    def __len__(self) -> int:
        """Number of images."""
        return len(self.pixels)

    def __repr__(self) -> str:
        """Show size and classes."""
        return f"Images({len(self)} of {self.height}x{self.width}x{self.channels}, {len(self.classes)} classes)"

    @property
    def height(self) -> int:
        """Height in pixels."""
        return int(self.pixels.shape[1])

    @property
    def width(self) -> int:
        """Width in pixels."""
        return int(self.pixels.shape[2])

    @property
    def channels(self) -> int:
        """1 = grey, 3 = RGB."""
        return int(self.pixels.shape[3])

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of the label numbers."""
        return self.schema.classes

    def take(self, index: Index) -> Self:
        """Return rows by position; repeats are allowed."""
        return type(self)(self.pixels[index], self.labels[index], self.schema)

    def batches(self, size: int) -> Iterator[Self]:
        """Yield the rows in order, `size` at a time, as views: memory stays flat for memory-mapped pixels."""
        for start in range(0, len(self), size):
            stop = start + size
            yield type(self)(self.pixels[start:stop], self.labels[start:stop], self.schema)

    def counts(self) -> Labels:
        """Return the number of images of each class, [K]."""
        return np.bincount(self.labels, minlength=len(self.classes)).astype(np.int64)

    @cached_property
    def _fingerprint(self) -> str:
        total = hashlib.sha256(self.schema.model_dump_json().encode())
        for part in self.batches(_HASH_ROWS):
            total.update(part.pixels.tobytes())
        total.update(self.labels.tobytes())
        return total.hexdigest()

    def save(self, folder: Path) -> None:
        """Write `pixels.npy`, `labels.npy` and `schema.json` into an existing folder.

        Pixels that are already memory-mapped from that folder's `pixels.npy` are left where they are.
        """
        target = folder / "pixels.npy"
        if not self._is_all_of(target):
            # Renamed, not overwritten: these pixels may be a part of the file that is mapped.
            temporary = folder / ".pixels.npy"
            with disk_errors(target):
                np.save(temporary, self.pixels, allow_pickle=False)
            temporary.replace(target)
        with disk_errors(target):
            np.save(folder / "labels.npy", self.labels, allow_pickle=False)
        write_file(folder / "schema.json", self.schema.model_dump_json())

    def _is_all_of(self, path: Path) -> bool:
        source = getattr(self.pixels, "filename", None)
        if source is None or not path.is_file() or Path(source).resolve() != path.resolve():
            return False
        # A slice of a memory map still names the file; only the whole of it may be left where it is.
        whole = np.load(path, mmap_mode="r", allow_pickle=False)
        return bool(whole.shape == self.pixels.shape and self.pixels.flags.c_contiguous)

    def row_hashes(self) -> Iterator[bytes]:
        """Yield a 16-byte hash of the pixels of each row, in order; the label does not count."""
        for part in self.batches(_HASH_ROWS):
            for row in part.pixels:
                yield hashlib.blake2b(row.tobytes(), digest_size=16).digest()

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open what `save` wrote; pixels are memory-mapped, read-only.

        Raises:
            DataError: A file is missing or damaged.
        """
        try:
            schema = Schema.model_validate_json((folder / "schema.json").read_text(encoding="utf-8"))
            labels = np.load(folder / "labels.npy", allow_pickle=False)
            # A memory map cannot be empty.
            pixels = np.load(folder / "pixels.npy", mmap_mode="r" if len(labels) else None, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            reason = " ".join(str(error).split())[:200]
            raise DataError(f"{folder} does not hold a complete set of images: {reason}; make it again") from None
        return cls(pixels, labels, schema)

    def fingerprint(self) -> str:
        """Return the SHA-256 of schema, pixels and labels; computed once."""
        return self._fingerprint


def image_schema(height: int, width: int, channels: int, classes: Sequence[str], label: str = "label") -> Schema:
    """Return the schema of labelled images.

    Args:
        height: In pixels.
        width: In pixels.
        channels: 1 = grey, 3 = RGB.
        classes: Class names in the order of their numbers.
        label: Name of the label column.

    Example:
        >>> image_schema(8, 8, 1, ["cat", "dog"]).classes
        ('cat', 'dog')
    """
    image = Column(name="image", kind="image", unit="intensity 0-255", low=0, high=255, shape=(height, width, channels))
    return Schema(
        modality="image",
        columns=(image, Column(name=label, kind="category", categories=tuple(classes))),
        label=label,
    )


def concatenate(parts: Sequence[Images]) -> Images:
    """Return all rows of datasets with equal schemas, one after the other.

    More than 256 MB of pixels go to an unnamed temporary file that is memory-mapped and ends with the dataset.

    Raises:
        DataError: Nothing to join, or schemas differ.
        BudgetError: The disk with the temporary files is full.
    """
    schemas = {part.schema for part in parts}
    if len(schemas) != 1:
        raise DataError(f"only datasets of one schema can be joined, found {len(schemas)} schemas")
    small = sum(part.pixels.nbytes for part in parts) <= _HELD_BYTES
    pixels = np.concatenate([part.pixels for part in parts]) if small else _mapped(parts)
    return Images(pixels, np.concatenate([part.labels for part in parts]), parts[0].schema)


def _mapped(parts: Sequence[Images]) -> Pixels:
    """Return the pixels of all parts, copied some rows at a time into a file that is no longer listed."""
    shape = (sum(map(len, parts)), *parts[0].pixels.shape[1:])
    with tempfile.TemporaryFile() as file, disk_errors(Path(tempfile.gettempdir())):
        for part in parts:
            for start in range(0, len(part), _HASH_ROWS):
                file.write(np.ascontiguousarray(part.pixels[start : start + _HASH_ROWS]).data)
        file.flush()
        return np.memmap(file, dtype=np.uint8, mode="r", shape=shape)
