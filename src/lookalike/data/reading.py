"""What the image readers share: settings, two passes over the source, faults that stop or are counted."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from lookalike.core.contracts import Method
from lookalike.core.errors import DataError
from lookalike.core.store import digest, write_json
from lookalike.data.classes import Labels, check_classes
from lookalike.data.images import Images, image_schema
from lookalike.data.pixelfile import PixelFile, chunk_rows
from lookalike.data.pixels import Limits, array_shape, convert_block, decode, read_header, shown

Channels = Literal["auto", "grey", "rgb"]
Side = Annotated[int, Field(ge=1, le=4096)]
Size = tuple[int, int]
_LISTED = 3


@dataclass(frozen=True)
class Item:
    """One encoded image: its name in messages, and a file or its content; or why there is none."""

    name: str
    source: Path | bytes
    fault: str = ""


@dataclass(frozen=True)
class Encoded:
    """A source of image files.

    Attributes:
        where: What messages call the source.
        labels: Class numbers, [N].
        classes: Class names.
        items: Yields the N images in the order of `labels`; called once per pass.
        notes: What was skipped while listing, in sentences.
    """

    where: str
    labels: Labels
    classes: tuple[str, ...]
    items: Callable[[], Iterator[Item]]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Blocks:
    """A source of arrays.

    Attributes:
        where: What messages call the source.
        labels: Class numbers, [N].
        classes: Class names.
        shape: Shape of all images together, [N, H, W] or [N, H, W, C].
        dtype: Their dtype.
        blocks: Yields the images in order, some at a time.
        notes: What was skipped while listing, in sentences.
    """

    where: str
    labels: Labels
    classes: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    blocks: Callable[[], Iterator[npt.NDArray[Any]]]
    notes: tuple[str, ...] = ()


Listing = Encoded | Blocks


@final
class Faults:
    """Stops at the first fault, or counts them, as the reader's `on_error` says."""

    def __init__(self, stop: bool) -> None:
        """Start with no faults."""
        self.stop = stop
        self._messages: dict[str, list[str]] = {}

    def add(self, message: str, kind: str = "unreadable images") -> None:
        """Raise, or count.

        Raises:
            DataError: Faults stop.
        """
        if self.stop:
            raise DataError(message)
        self._messages.setdefault(kind, []).append(message.split("; ", maxsplit=1)[0])

    def notes(self) -> tuple[str, ...]:
        """Return one sentence per kind of fault, with its count."""
        return tuple(
            f"skipped {len(found)} {kind}: {' | '.join(found[:_LISTED])}{' | ...' if len(found) > _LISTED else ''}"
            for kind, found in self._messages.items()
        )


class ImageSettings(Method):
    """Abstract: the settings of everything that reads images."""

    channels: Channels = Field(
        default="auto", description="auto: RGB when any image is coloured, else grey; grey; or rgb."
    )
    size: tuple[Side, Side] | None = Field(
        default=None, description="Resize to [height, width] in pixels, 1 to 4096 each; None: all must have one size."
    )
    on_error: Literal["stop", "skip"] = Field(
        default="stop", description="stop at the first image that cannot be read, or skip such images and count them."
    )
    max_megapixels: float = Field(
        default=64, gt=0, le=178, description="Most pixels of one image, in millions, up to 178."
    )
    max_file_mb: float = Field(default=256, gt=0, description="Most bytes of one image file, in millions.")

    @property
    def limits(self) -> Limits:
        """What a single image may cost."""
        return Limits(int(self.max_megapixels * 1_000_000), int(self.max_file_mb * 1_000_000))

    @abstractmethod
    def state(self) -> str:
        """Return a cheap hash of what lies at the source."""


class ImageReader(ImageSettings):
    """Abstract: what reads images and nothing else."""

    @abstractmethod
    def listing(self) -> Listing:
        """Return labels and classes, and how to get at the images, without reading pixels."""

    def read(self, folder: Path) -> Images:
        """Read everything into `folder`: `pixels.npy`, `labels.npy`, `schema.json` and `notes.json`.

        Args:
            folder: Existing, empty.

        Returns:
            Images whose pixels are memory-mapped from the folder.

        Raises:
            DataError: The source is not usable; the message says what was found and how to fix it.
            BudgetError: The disk is full.
        """
        return read_images(self.listing(), self, folder)


def read_images(listing: Listing, settings: ImageSettings, folder: Path) -> Images:
    """Read what is listed into a folder, as `ImageReader.read` says."""
    if isinstance(listing, Encoded):
        images, notes = _read_encoded(listing, settings, folder)
    else:
        images, notes = _read_blocks(listing, settings, folder)
    images.save(folder)
    write_json(folder / "notes.json", [*listing.notes, *notes])
    return images


def read_notes(folder: Path) -> list[str]:
    """Return what a reader skipped or left out, in sentences; empty when nothing was."""
    path = folder / "notes.json"
    return list(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else []


def file_state(paths: Iterable[Path], root: Path) -> str:
    """Return a hash of the names below `root`, sizes and modification times of files."""
    entries = []
    for path in paths:
        stat = path.stat()
        name = path.relative_to(root) if path.is_relative_to(root) else path
        entries.append([str(name), stat.st_size, stat.st_mtime_ns])
    return digest(entries)


def existing(path: str, what: str) -> Path:
    """Return a path that exists, without its links.

    Raises:
        DataError: Nothing is there.
    """
    found = Path(path).expanduser()
    if "\0" in path or not found.exists():
        raise DataError(f"no {what} at {shown(path)}; check data.path (relative paths start at the recipe's folder)")
    return found.resolve()


def _wanted(channels: Channels, colour: bool) -> int:
    return {"auto": 3 if colour else 1, "grey": 1, "rgb": 3}[channels]


def mixed_sizes(sizes: Counter[Size], where: str) -> str:
    """Return the sentence for images of several sizes, or nothing when there is one."""
    if len(sizes) < 2:
        return ""
    common = sizes.most_common(_LISTED)
    listed = ", ".join(f"{height}x{width} ({count} images)" for (height, width), count in common)
    (height, width), _ = common[0]
    return (
        f"{shown(where)} holds images of {len(sizes)} sizes (height x width), commonest: {listed}; one size is needed: "
        f"set size: [{height}, {width}] to resize them all"
    )


def _read_encoded(listing: Encoded, settings: ImageSettings, folder: Path) -> tuple[Images, list[str]]:
    faults = Faults(settings.on_error == "stop")
    check_classes(listing.labels, listing.classes, listing.where)
    keep, sizes, colour = np.zeros(len(listing.labels), dtype=bool), Counter[Size](), False
    for row, item in enumerate(listing.items()):
        try:
            if item.fault:
                raise DataError(item.fault)
            head = read_header(item.source, item.name, settings.limits)
        except DataError as error:
            faults.add(str(error))
            continue
        keep[row] = True
        sizes[(head.height, head.width)] += 1
        colour |= head.colour
    check_classes(listing.labels[keep], listing.classes, listing.where)
    if settings.size is None and (message := mixed_sizes(sizes, listing.where)):
        raise DataError(message)
    height, width = settings.size or next(iter(sizes))
    shape = (height, width, _wanted(settings.channels, colour))
    with PixelFile(folder / "pixels.npy", shape) as file:
        _fill(file, listing, settings, keep, faults)
    labels, classes, notes = check_classes(listing.labels[keep], listing.classes, listing.where)
    return Images(file.open(), labels, image_schema(*shape, classes)), [*faults.notes(), *notes]


def _fill(
    file: PixelFile, listing: Encoded, settings: ImageSettings, keep: npt.NDArray[np.bool_], faults: Faults
) -> None:
    """Decode the rows in `keep` into the file; rows that fail are taken out of `keep`."""
    chunk = np.empty((chunk_rows(int(np.prod(file.shape))), *file.shape), dtype=np.uint8)
    filled = 0
    for row, item in enumerate(listing.items()):
        if not keep[row]:
            continue
        try:
            pixels = decode(item.source, item.name, settings.limits, file.shape[2], settings.size)
            if pixels.shape != file.shape:
                raise DataError(f"{shown(item.name)} changed while it was read; keep the source still and read again")
        except DataError as error:
            faults.add(str(error))
            keep[row] = False
            continue
        chunk[filled] = pixels
        filled += 1
        if filled == len(chunk):
            file.append(chunk)
            filled = 0
    file.append(chunk[:filled])


def _read_blocks(listing: Blocks, settings: ImageSettings, folder: Path) -> tuple[Images, list[str]]:
    height, width, channels = array_shape(listing.shape, listing.dtype, listing.where)
    if height * width > settings.limits.pixels:
        raise DataError(
            f"{shown(listing.where)} holds images of {height}x{width} pixels, more than the limit of "
            f"{settings.limits.pixels:,}; raise max_megapixels"
        )
    if listing.shape[0] != len(listing.labels):
        raise DataError(
            f"{shown(listing.where)} holds {listing.shape[0]} images but {len(listing.labels)} labels; "
            "one label per image is needed"
        )
    labels, classes, notes = check_classes(listing.labels, listing.classes, listing.where)
    height, width = settings.size or (height, width)
    shape = (height, width, _wanted(settings.channels, channels >= 3))
    with PixelFile(folder / "pixels.npy", shape) as file:
        for block in listing.blocks():
            file.append(convert_block(block, shape[2], settings.size, listing.where))
    if file.rows != len(labels):
        raise DataError(f"{shown(listing.where)} ends after {file.rows} of {len(labels)} images; fetch it again")
    return Images(file.open(), labels, image_schema(*shape, classes)), notes
