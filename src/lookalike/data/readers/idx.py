"""IDX files, the format of MNIST and Fashion-MNIST."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Literal, cast, final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from lookalike.core.errors import DataError
from lookalike.data.classes import name_numbers
from lookalike.data.pixelfile import chunk_rows
from lookalike.data.pixels import shown
from lookalike.data.reading import Blocks, ImageReader, existing, file_state

_IMAGES, _LABELS = 0x00000803, 0x00000801
_PREFIX = {"train": ("train",), "test": ("t10k", "test")}
_MOST_DEFLATE = 1032
"""DEFLATE cannot shrink by more than this factor, so a larger promise in a header is a lie."""
_ENDS = {"images": ("images-idx3-ubyte", "images.idx3-ubyte"), "labels": ("labels-idx1-ubyte", "labels.idx1-ubyte")}


@contextmanager
def _stream(path: Path) -> Iterator[BinaryIO]:
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            yield cast(BinaryIO, file)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{shown(path.name)} is damaged: {shown(error)}; fetch it again") from None


def _header(file: BinaryIO, path: Path, magic: int, dimensions: int) -> tuple[int, ...]:
    """Return the sizes that a big-endian header states, after checking them against the file's length."""
    raw = file.read(4 + 4 * dimensions)
    found = int.from_bytes(raw[:4], "big")
    if len(raw) < 4 + 4 * dimensions or found != magic:
        hint = "; its bytes are in little-endian order" if int.from_bytes(raw[:4], "little") == magic else ""
        raise DataError(
            f"{shown(path.name)} starts with 0x{found:08x}{hint}; an IDX file of bytes with {dimensions} dimensions "
            f"starts with 0x{magic:08x}; fetch it again, or check that it is not renamed"
        )
    sizes = tuple(int(value) for value in np.frombuffer(raw[4:], dtype=">u4"))
    promised, held = len(raw) + int(np.prod([int(size) for size in sizes], dtype=object)), path.stat().st_size
    short = promised > held * _MOST_DEFLATE if path.suffix == ".gz" else promised != held
    if short:
        raise DataError(
            f"{shown(path.name)} promises {' x '.join(map(str, sizes))} bytes, but the file has {held:,} bytes; "
            "it is cut short or damaged: fetch it again"
        )
    return sizes


def _at_end(file: BinaryIO, path: Path) -> None:
    if file.read(1):
        raise DataError(f"{shown(path.name)} goes on after the images that its header promises; fetch it again")


@final
class Idx(ImageReader):
    """Reads a folder that holds images and labels as IDX files, plain or .gz.

    The files are found by the ends of their names, `train-images-idx3-ubyte` or `t10k-images-idx3-ubyte` and so on.

    Source: LeCun, Cortes, Burges, The MNIST database, "THE IDX FILE FORMAT".
    """

    path: str = Field(description="Folder that holds the files.")
    split: Literal["train", "test"] = Field(default="train", description="Which pair of files: train, or test (t10k).")
    classes: tuple[str, ...] | None = Field(
        default=None, description="Names of class 0, 1, ...; None names each class by its number."
    )

    def _files(self) -> tuple[Path, Path]:
        root = existing(self.path, "folder")
        if not root.is_dir():
            raise DataError(f"{shown(self.path)} is a file; idx reads the folder that holds the files: set path to it")
        files = sorted(path for path in root.iterdir() if path.is_file() and not path.name.startswith("."))
        found = []
        for part, ends in _ENDS.items():
            names = {prefix + "-" + end + gz for prefix in _PREFIX[self.split] for end in ends for gz in ("", ".gz")}
            # EMNIST puts its own name in front.
            match = [path for path in files if path.name in names or any(path.name.endswith("-" + n) for n in names)]
            plain = [path for path in match if path.suffix != ".gz"]
            match = plain if len(plain) == 1 else match
            if len(match) != 1:
                listed = ", ".join(shown(path.name) for path in (match or files)[:6]) or "nothing"
                raise DataError(
                    f"{shown(self.path)} needs one file of {self.split} {part}, for example "
                    f"{_PREFIX[self.split][0]}-{ends[0]}, plain or .gz; found {listed}; add it, or set split"
                )
            found.append(match[0].resolve())
            if not found[-1].is_relative_to(root):
                raise DataError(f"{shown(match[0].name)} is a link that leaves {shown(self.path)}; copy the file there")
        return found[0], found[1]

    def state(self) -> str:
        """Return a hash of the two files' names, sizes and times."""
        files = self._files()
        return file_state(files, files[0].parent)

    def listing(self) -> Blocks:
        """Read the headers and the labels."""
        image_path, label_path = self._files()
        with _stream(image_path) as file:
            count, height, width = _header(file, image_path, _IMAGES, 3)
        with _stream(label_path) as file:
            (label_count,) = _header(file, label_path, _LABELS, 1)
            if label_count != count:
                raise DataError(
                    f"{shown(image_path.name)} holds {count} images but {shown(label_path.name)} {label_count} labels; "
                    "the two files must belong together"
                )
            raw = file.read(label_count)
            _at_end(file, label_path)
        if len(raw) != label_count:
            raise DataError(f"{shown(label_path.name)} ends after {len(raw)} of {label_count} labels; fetch it again")
        labels, classes = name_numbers(np.frombuffer(raw, dtype=np.uint8), self.classes, label_path.name)

        def blocks() -> Iterator[npt.NDArray[Any]]:
            rows = chunk_rows(height * width)
            with _stream(image_path) as file:
                _header(file, image_path, _IMAGES, 3)
                for start in range(0, count, rows):
                    wanted = min(rows, count - start)
                    raw = file.read(wanted * height * width)
                    if len(raw) != wanted * height * width:
                        raise DataError(f"{shown(image_path.name)} ends before its {count} images; fetch it again")
                    yield np.frombuffer(raw, dtype=np.uint8).reshape(wanted, height, width)
                _at_end(file, image_path)

        return Blocks(image_path.name, labels, classes, (count, height, width), np.dtype(np.uint8), blocks)
