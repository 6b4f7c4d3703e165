"""NumPy archives in the layout of MedMNIST."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Literal, final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from lookalike.core.errors import DataError
from lookalike.data.classes import Labels, name_numbers, number, one_class
from lookalike.data.pixelfile import chunk_rows
from lookalike.data.pixels import shown
from lookalike.data.reading import Blocks, ImageReader, existing, file_state

_SPLITS = ("train", "val", "test")
_LABEL_BYTES = 1 << 30


@contextmanager
def _archive(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise DataError(f"{shown(path.name)} is damaged or no npz archive: {shown(error)}; fetch it again") from None


def _header(file: IO[bytes], name: str, stored: int) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Return shape and dtype of a member, after checking them against its length; objects are never loaded."""
    try:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(file)
    except ValueError as error:
        raise DataError(f"{shown(name)} is no NumPy array: {shown(error)}; save it with numpy.savez") from None
    if dtype.hasobject:
        raise DataError(
            f"{shown(name)} holds Python objects, which can run code when loaded and are refused; "
            "save it as an array of numbers of one shape"
        )
    if fortran and len(shape) > 1:
        raise DataError(f"{shown(name)} is stored in Fortran order; save numpy.ascontiguousarray of it")
    promised = int(np.prod([int(size) for size in shape], dtype=object)) * dtype.itemsize
    # The header is less than 64 KiB.
    if min(shape, default=0) < 0 or not promised <= stored <= promised + (1 << 16):
        raise DataError(
            f"{shown(name)} promises {promised:,} bytes as {dtype} {shape}, but holds {stored:,}; fetch it again"
        )
    return shape, dtype


@final
class Npz(ImageReader):
    """Reads `train_images` and `train_labels`, or `val_` or `test_`, as MedMNIST stores them.

    In a file without any array of labels, the images have no classes; their one class is called "all".

    Images are [N, H, W] or [N, H, W, 1 to 4] of uint8, uint16 or bool; labels [N] or [N, 1] whole numbers or strings.
    An array `classes` of strings, as this project's npz writer adds, names the classes.

    Source: Yang et al., MedMNIST v2, 2023, doi:10.1038/s41597-022-01721-8.
    """

    path: str = Field(description="The .npz file.")
    split: Literal["train", "val", "test", "all"] = Field(
        default="train", description="Which part: train, val, test, or all that are there."
    )
    classes: tuple[str, ...] | None = Field(
        default=None, description="Names of class 0, 1, ...; None takes them from the file, or names them by number."
    )

    def _path(self) -> Path:
        path = existing(self.path, "npz file")
        if not path.is_file():
            raise DataError(f"{shown(self.path)} is a folder; npz reads one file: set path to it")
        return path

    def state(self) -> str:
        """Return a hash of the file's name, size and time."""
        path = self._path()
        return file_state([path], path.parent)

    def listing(self) -> Blocks:
        """Read the headers and the labels."""
        path = self._path()
        with _archive(path) as archive:
            parts = [part for part in _SPLITS if f"{part}_images.npy" in archive.namelist()]
            parts = parts if self.split == "all" else [part for part in parts if part == self.split]
            if not parts:
                found = ", ".join(shown(name.removesuffix(".npy")) for name in archive.namelist()[:8]) or "nothing"
                raise DataError(
                    f"{shown(path.name)} has no images of split '{self.split}'; needed: train_images and train_labels, "
                    f"or val_ or test_; found {found}; rename the arrays, or set split"
                )
            heads = []
            for part in parts:
                member = f"{part}_images.npy"
                with archive.open(member) as file:
                    heads.append(_header(file, f"{path.name}/{part}_images", archive.getinfo(member).file_size))
            if len({(shape[1:], dtype) for shape, dtype in heads}) > 1:
                raise DataError(f"{shown(path.name)}: the splits differ in size or dtype; set split to one of them")
            shape = (sum(head[0][0] for head in heads), *heads[0][0][1:])
            if not any("label" in name for name in archive.namelist()):
                return Blocks(path.name, *one_class(shape[0]), shape, heads[0][1], lambda: _blocks(path, parts))
            values = [_labels(archive, path, part, heads[place][0][0]) for place, part in enumerate(parts)]
            stored = _names(archive, path)
        labels, classes = _classes(np.concatenate(values), self.classes or stored, path.name)
        return Blocks(path.name, labels, classes, shape, heads[0][1], lambda: _blocks(path, parts))


def _member(archive: zipfile.ZipFile, path: Path, name: str) -> npt.NDArray[Any]:
    info = archive.getinfo(f"{name}.npy")
    if info.file_size > _LABEL_BYTES:
        raise DataError(f"{shown(path.name)}/{name} has {info.file_size:,} bytes; at most {_LABEL_BYTES:,} are allowed")
    with archive.open(info) as file:
        shape, dtype = _header(file, f"{path.name}/{name}", info.file_size)
        raw = file.read()
    expected = int(np.prod(shape)) * dtype.itemsize
    if len(raw) != expected:
        raise DataError(f"{shown(path.name)}/{name} holds {len(raw)} bytes of {expected}; fetch it again")
    return np.frombuffer(raw, dtype=dtype).reshape(shape)


def _labels(archive: zipfile.ZipFile, path: Path, part: str, rows: int) -> npt.NDArray[Any]:
    if f"{part}_labels.npy" not in archive.namelist():
        raise DataError(f"{shown(path.name)} has {part}_images but no {part}_labels; add the labels")
    values = _member(archive, path, f"{part}_labels")
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.shape != (rows,) or values.dtype.kind not in "iubU":
        raise DataError(
            f"{shown(path.name)}/{part}_labels is {values.dtype} {values.shape}; needed: one whole number or string "
            f"for each of the {rows} images, [{rows}] or [{rows}, 1]; several labels per image are not supported"
        )
    return values


def _names(archive: zipfile.ZipFile, path: Path) -> tuple[str, ...] | None:
    if "classes.npy" not in archive.namelist():
        return None
    names = _member(archive, path, "classes")
    return tuple(str(name) for name in names) if names.ndim == 1 and names.dtype.kind == "U" else None


def _classes(values: npt.NDArray[Any], names: tuple[str, ...] | None, where: str) -> tuple[Labels, tuple[str, ...]]:
    if values.dtype.kind == "U":
        return number([str(value) for value in values])
    return name_numbers(values.astype(np.int64), names, where)


def _blocks(path: Path, parts: list[str]) -> Iterator[npt.NDArray[Any]]:
    with _archive(path) as archive:
        for part in parts:
            member = f"{part}_images.npy"
            with archive.open(member) as file:
                shape, dtype = _header(file, f"{path.name}/{part}_images", archive.getinfo(member).file_size)
                row_bytes = int(np.prod(shape[1:])) * dtype.itemsize
                rows = chunk_rows(row_bytes)
                for start in range(0, shape[0], rows):
                    wanted = min(rows, shape[0] - start)
                    raw = file.read(wanted * row_bytes)
                    if len(raw) != wanted * row_bytes:
                        raise DataError(f"{shown(path.name)}/{part}_images ends too early; fetch it again")
                    yield np.frombuffer(raw, dtype=dtype).reshape(wanted, *shape[1:])
