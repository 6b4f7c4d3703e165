"""Hugging Face datasets: a local folder, or a name on the hub."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from inspect import signature
from pathlib import Path
from typing import Any, final

import pyarrow as pa
from pydantic import Field

from lookalike.core.errors import DataError
from lookalike.core.store import digest
from lookalike.data.classes import one_class
from lookalike.data.columns import Columns, Features, class_numbers
from lookalike.data.pixels import shown
from lookalike.data.reading import Encoded, Item, file_state
from lookalike.data.tables import Opened, TableReader, names_of, rows_of, table_rows
from lookalike.data.tabular import Rows
from lookalike.data.texts import Record, TextColumns

_ROWS = 64
_TEXT_ROWS = 256
_TABLE_ROWS = 50_000


def _library() -> Any:  # noqa: ANN401  an optional module
    try:
        import datasets
    except ImportError:
        raise DataError(
            "reader hf needs the package datasets, which is not installed; pip install 'lookalike[hf]'"
        ) from None
    return datasets


@final
class Hf(TableReader):
    """Reads images, texts or tables that `datasets` opens, in a folder or on the hub; no code of theirs is run.

    Image files that the table only points at are read when they lie in the local folder or in the library's cache.
    """

    path: str = Field(description="A local folder, or a name on the hub such as ylecun/mnist.")
    name: str | None = Field(default=None, description="Configuration of the data set; None = its default.")
    split: str = Field(default="train", description="Which split.")
    revision: str | None = Field(
        default=None, description="Commit or tag on the hub; None = the newest, and then changes are not noticed."
    )

    def state(self) -> str:
        """Return a hash of the local files' names, sizes and times, or of the name on the hub."""
        root = Path(self.path).expanduser()
        if root.is_dir():
            return file_state(sorted(path for path in root.rglob("*") if path.is_file()), root)
        return digest([self.path, self.name, self.split, self.revision])

    def _load(self) -> Any:  # noqa: ANN401  a datasets.Dataset
        library = _library()
        root = Path(self.path).expanduser()
        # Releases before 4 can run a script that lies in the data set; later ones cannot and know no such setting.
        safe = {"trust_remote_code": False} if "trust_remote_code" in signature(library.load_dataset).parameters else {}
        try:
            if (root / "state.json").is_file() or (root / "dataset_dict.json").is_file():
                data = library.load_from_disk(str(root))
            else:
                source = str(root.resolve()) if root.is_dir() else self.path
                data = library.load_dataset(source, self.name, split=self.split, revision=self.revision, **safe)
        except Exception as error:  # the library raises its own, the hub's and the network's errors
            raise DataError(
                f"datasets cannot open {shown(self.path)}, split {shown(self.split)}: {shown(error)}; "
                "check path, name and split, and the network for a name on the hub"
            ) from None
        if isinstance(data, library.DatasetDict):
            if self.split not in data:
                found = ", ".join(map(shown, data))
                raise DataError(f"{shown(self.path)} has no split '{shown(self.split)}'; found {found}; set split")
            data = data[self.split]
        return data

    def opened(self) -> Opened:
        """Open the data set."""
        data = self._load()
        stored: dict[str, Any] = data.features.to_dict()
        features = {name: kind if isinstance(kind, dict) else {} for name, kind in stored.items()}
        rows = partial(self._rows, data, features)
        return Opened(self.path, features, partial(self._images, data), partial(self._texts, data), rows)

    def _rows(self, data: Any, features: Features) -> Rows:  # noqa: ANN401  a datasets.Dataset
        arrow = data.with_format("arrow")
        return table_rows(self.path, features, data.features.arrow_schema, lambda: arrow.iter(batch_size=_TABLE_ROWS))

    def _images(self, data: Any, columns: Columns) -> Encoded:  # noqa: ANN401  a datasets.Dataset
        """Read the label column."""
        library = _library()
        missing: list[int] = []
        if columns.label is None:
            labels, classes = one_class(len(data))
        else:
            table = data.select_columns([columns.label]).with_format("arrow")[:]
            labels, classes, missing = class_numbers(table.column(columns.label), columns, self.path)
        images = data.select_columns([columns.image]).cast_column(columns.image, library.Image(decode=False))
        roots = [Path(library.config.HF_CACHE_HOME).resolve()]
        if Path(self.path).expanduser().is_dir():
            roots.append(Path(self.path).expanduser().resolve())
        unlabelled = frozenset(missing)
        return Encoded(self.path, labels, classes, lambda: _items(images, columns, unlabelled, roots))

    def _texts(self, data: Any, columns: TextColumns, further: Sequence[str]) -> Iterator[Record]:  # noqa: ANN401
        """Yield the rows, named by their place."""
        rows, place = data.select_columns(names_of(columns, further)), 0
        try:
            for batch in rows.with_format("arrow").iter(batch_size=_TEXT_ROWS):
                for row in rows_of(batch, columns, self.path):
                    yield f"row {place}", row
                    place += 1
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"{shown(self.path)} is damaged: {shown(error)}; fetch it again") from None


def _items(images: Any, columns: Columns, unlabelled: frozenset[int], roots: list[Path]) -> Iterator[Item]:  # noqa: ANN401
    row = 0
    for batch in images.iter(batch_size=_ROWS):
        for cell in batch[columns.image]:
            yield _item(cell or {}, f"row {row}", columns, row in unlabelled, roots)
            row += 1


def _item(cell: dict[str, Any], name: str, columns: Columns, unlabelled: bool, roots: list[Path]) -> Item:
    if unlabelled:
        return Item(name, b"", f"{name} has no label; fill column '{shown(columns.label)}', or set on_error: skip")
    if cell.get("bytes"):
        return Item(name, cell["bytes"])
    if not cell.get("path"):
        return Item(name, b"", f"{name} has no image; remove it, or set on_error: skip")
    path = Path(cell["path"]).resolve()
    if not any(path.is_relative_to(root) for root in roots) or not path.is_file():
        return Item(
            name, b"", f"{name} points at {shown(path)}, outside the data set; copy it there, or set on_error: skip"
        )
    return Item(f"{name} ({path.name})", path)
