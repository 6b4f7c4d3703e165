"""Looks at a path and says which reader fits, what is there and what is wrong with it, without decoding it."""

from __future__ import annotations

import csv
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np

from lookalike.core.contracts import Method
from lookalike.core.errors import DataError
from lookalike.core.registry import find
from lookalike.data.classes import check_classes
from lookalike.data.columns import label_columns_of, text_columns_of
from lookalike.data.databases import DATABASES, only_table
from lookalike.data.detect_tables import TableDescription, describe_table, holds_texts
from lookalike.data.detect_texts import FORMATS, TextDescription, describe_texts, guess_texts
from lookalike.data.pixels import SUFFIXES, array_shape, read_header, shown
from lookalike.data.reading import Encoded, ImageReader, ImageSettings, Item, Listing, Size, mixed_sizes
from lookalike.data.tables import TableReader
from lookalike.data.tabular import TabularSettings

_LOOKED_AT = 200
_BUILTIN = ("digits",)
_FILE_COLUMNS = ("file", "filename", "file_name", "path", "image", "name")
_LABEL_COLUMNS = ("label", "labels", "class", "category", "target")
_ROWS_OF_A_TABLE = 100


@dataclass(frozen=True)
class Description:
    """What images lie at a path.

    Attributes:
        reader: Name of the reader that fits, for `data.read`.
        options: Its settings, for the rest of `data`.
        rows: Number of rows; images that cannot be read are only found when they are read.
        counts: Rows of each class, by name, in order.
        looked_at: Images whose headers were read; sizes, modes and problems speak of these.
        sizes: (height, width) in pixels -> images.
        modes: Pillow mode, or dtype of an array -> images.
        channels: 1 = becomes grey, 3 = becomes RGB.
        notes: What would be skipped, in sentences.
        problems: What would stop a run, each a sentence that says how to fix it.
    """

    reader: str
    options: Mapping[str, object]
    rows: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    looked_at: int = 0
    sizes: Mapping[Size, int] = field(default_factory=dict)
    modes: Mapping[str, int] = field(default_factory=dict)
    channels: int = 1
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in order."""
        return tuple(self.counts)


def describe(path: str | Path) -> Description | TextDescription | TableDescription:
    """Say which reader fits a path, and what it would find.

    Args:
        path: A folder or file, or the word `digits`.

    Returns:
        Reader, settings, rows and notes; of images sizes, modes and problems, of texts lengths, of tables columns.

    Raises:
        DataError: Nothing is there, nothing that any reader knows, or texts of which none can be used.
    """
    name, options = guess(path)
    reader: Method = find("readers", name)(**options)
    if isinstance(reader, TableReader):
        try:
            features = reader.opened().features
        except DataError as error:
            return Description(name, options, problems=(str(error),))
        images = [column for column, kind in features.items() if kind.get("_type") == "Image"]
        if not images:
            return describe_texts(name, options) if holds_texts(name, options) else describe_table(name, options)
        if len(images) == 1 and text_columns_of(features):
            # Said in the recipe, because a table with texts beside its images could be read as either.
            options["image"] = images[0]
        if not label_columns_of(features):
            options["label"] = ""
        reader = find("readers", name)(**options)
    table = isinstance(reader, TabularSettings) and not isinstance(reader, TableReader)
    if table and (name == "sql" or not _texts(name, options)):
        return describe_table(name, options)
    if not isinstance(reader, ImageReader | TableReader):
        return describe_texts(name, options)
    try:
        listing = reader.listing()
    except DataError as error:
        return Description(name, options, problems=(str(error),))
    return _look(name, options, reader, listing)


def _texts(name: str, options: Mapping[str, object]) -> bool:
    try:
        return holds_texts(name, options)
    except DataError:
        # What is wrong is told by what reads the whole file, which also knows other encodings.
        return True


def _look(name: str, options: Mapping[str, object], reader: ImageSettings, listing: Listing) -> Description:
    numbers = np.bincount(listing.labels, minlength=len(listing.classes))
    counts = {str(label): int(count) for label, count in zip(listing.classes, numbers, strict=True)}
    sizes, modes, colour, problems = Counter[Size](), Counter[str](), False, []
    if isinstance(listing, Encoded):
        for item in _some(listing):
            try:
                if item.fault:
                    raise DataError(item.fault)
                head = read_header(item.source, item.name, reader.limits)
            except DataError as error:
                problems.append(str(error))
                continue
            sizes[(head.height, head.width)] += 1
            modes[head.mode] += 1
            colour |= head.colour
    else:
        try:
            height, width, channels = array_shape(listing.shape, listing.dtype, listing.where)
            sizes[(height, width)] = modes[str(listing.dtype)] = listing.shape[0]
            colour = channels >= 3
        except DataError as error:
            problems.append(str(error))
    problems += [message] if (message := mixed_sizes(sizes, listing.where)) else []
    notes = list(listing.notes)
    try:
        notes += check_classes(listing.labels, listing.classes, listing.where)[2]
    except DataError as error:
        problems.append(str(error))
    return Description(
        reader=name,
        options=options,
        rows=len(listing.labels),
        counts=counts,
        looked_at=sum(sizes.values()),
        sizes=dict(sizes.most_common()),
        modes=dict(modes.most_common()),
        channels=3 if colour else 1,
        notes=tuple(notes),
        problems=tuple(problems),
    )


def _some(listing: Encoded) -> Iterator[Item]:
    first = next(listing.items(), None)
    # Files can be picked from everywhere at no cost; what lies in a table has to be read up to there.
    spread = first is not None and isinstance(first.source, Path)
    step = max(1, len(listing.labels) // _LOOKED_AT) if spread else 1
    return islice(listing.items(), 0, _LOOKED_AT * step, step)


def guess(path: str | Path) -> tuple[str, dict[str, object]]:
    """Return the reader that fits a path, and its settings.

    Raises:
        DataError: Nothing is there, or nothing that any reader knows.
    """
    place = Path(path).expanduser()
    if str(path) in _BUILTIN and not place.exists():
        return "builtin", {"name": str(path)}
    if not place.exists():
        raise DataError(
            f"nothing is at {shown(path)}; give a folder or file of images or of texts, or the word {_BUILTIN[0]}"
        )
    if place.is_dir():
        return _guess_folder(place)
    suffix = place.suffix.lower()
    if suffix == ".npz":
        return "npz", {"path": str(path), **_first_split(place)}
    if suffix == ".parquet":
        return "parquet", {"path": str(path)}
    if suffix == ".csv" and (table := _table(place)):
        return "folder", {"path": str(place.parent), **table}
    if suffix in DATABASES or suffix in FORMATS:
        table = {"table": only_table(place)} if suffix in DATABASES else {}
        return FORMATS.get(suffix, "sql"), {"path": str(path), **table}
    if suffix in SUFFIXES:
        raise DataError(f"{shown(path)} is one image; give the folder that holds the class sub-folders")
    raise DataError(
        f"no reader knows {shown(path)}; allowed: a folder of images, .npz, .parquet, a .csv of values, labels or "
        f"texts, .jsonl, .txt, a folder of IDX, Parquet or text files, a Hugging Face folder, or the word {_BUILTIN[0]}"
    )


def _guess_folder(place: Path) -> tuple[str, dict[str, object]]:
    names = sorted(path.name for path in place.iterdir() if not path.name.startswith("."))
    options: dict[str, object] = {"path": str(place)}
    if any("images-idx3-ubyte" in name or "images.idx3-ubyte" in name for name in names):
        has_train = any(name.split("-images")[0].endswith("train") for name in names if "idx3-ubyte" in name)
        return "idx", options if has_train else {**options, "split": "test"}
    saved = bool({"state.json", "dataset_dict.json"} & set(names))
    if saved or any(name.endswith(".parquet") for name in names) or next(place.glob("*/*.parquet"), None):
        return "hf" if saved else "parquet", options
    archives = [name for name in names if name.lower().endswith(".npz")]
    if len(archives) == 1:
        return "npz", {"path": str(place / archives[0]), **_first_split(place / archives[0])}
    tables = [name for name in names if name.lower().endswith(".csv")]
    if len(tables) == 1 and (found := _table(place / tables[0])):
        return "folder", {**options, **found}
    if texts := guess_texts(place):
        return texts
    train = place / "train"
    if "train" in names and train.is_dir() and any(path.is_dir() for path in train.iterdir()):
        options["path"] = str(train)
    return "folder", options


def _first_split(path: Path) -> dict[str, object]:
    """Return the setting that picks a part that is there, when `train` is not."""
    try:
        with zipfile.ZipFile(path) as archive:
            found = [part for part in ("train", "val", "test") if f"{part}_images.npy" in archive.namelist()]
    except (zipfile.BadZipFile, OSError):
        return {}
    return {"split": found[0]} if found and found[0] != "train" else {}


def _table(path: Path) -> dict[str, object]:
    """Return the settings for a CSV of labels, or nothing when its columns or cells do not look like one."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file)
            columns = next(rows, [])
            cells = list(islice(rows, _ROWS_OF_A_TABLE))
    except (UnicodeDecodeError, csv.Error):
        return {}
    files = [name for name in _FILE_COLUMNS if name in columns]
    labels = [name for name in _LABEL_COLUMNS if name in columns]
    if not files or not labels:
        return {}
    named = [row[columns.index(files[0])] for row in cells if len(row) == len(columns)]
    if named and not any(Path(name).suffix.lower() in SUFFIXES for name in named):
        return {}
    options: dict[str, object] = {"label": path.name}
    if files[0] != _FILE_COLUMNS[0]:
        options["file_column"] = files[0]
    if labels[0] != _LABEL_COLUMNS[0]:
        options["label_column"] = labels[0]
    return options
