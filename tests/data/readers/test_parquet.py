"""Parquet files as Hugging Face datasets stores them, and as others might."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lookalike.core.errors import DataError
from lookalike.data.images import Images
from lookalike.data.readers.parquet import Parquet
from lookalike.data.reading import read_notes
from lookalike.data.shards import encode_png

Read = Callable[..., Images]
PIXELS = np.arange(6 * 2 * 3, dtype=np.uint8).reshape(6, 2, 3, 1)
CELLS = [{"bytes": encode_png(image), "path": None} for image in PIXELS]
FEATURES = {"image": {"_type": "Image"}, "label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}


def put(path: Path, features: Any = None, **columns: Any) -> str:
    table = pa.table({"image": CELLS, "label": [0, 1] * 3, **columns})
    table = table.select([name for name in table.column_names if table.column(name).type != pa.null()])
    if features is not None:
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    path.parent.mkdir(exist_ok=True)
    pq.write_table(table, path)
    return str(path)


def test_class_names_come_from_the_metadata(tmp_path: Path, read: Read) -> None:
    data = read("parquet", path=put(tmp_path / "a.parquet", FEATURES))
    assert (data.pixels == PIXELS).all()
    assert data.labels.tolist() == [0, 1] * 3
    assert data.classes == ("cat", "dog")
    assert read("parquet", path=put(tmp_path / "b.parquet")).classes == ("0", "1")


@pytest.mark.parametrize(
    ("columns", "classes"),
    [
        ({"label": ["y", "x"] * 3}, ("x", "y")),
        ({"label": pa.array(["y", "x"] * 3).dictionary_encode()}, ("x", "y")),
        ({"label": [True, False] * 3}, ("0", "1")),
        ({"label": [7, -1] * 3}, ("-1", "7")),
        ({"image": [cell["bytes"] for cell in CELLS]}, ("0", "1")),
        ({"image": pa.array([cell["bytes"] for cell in CELLS], pa.large_binary())}, ("0", "1")),
    ],
)
def test_other_columns_are_understood(tmp_path: Path, read: Read, columns: Any, classes: tuple[str, ...]) -> None:
    data = read("parquet", path=put(tmp_path / "a.parquet", **columns))
    assert data.classes == classes
    assert (data.pixels == PIXELS).all()


def test_a_folder_and_a_pattern(tmp_path: Path, read: Read) -> None:
    for name in ("train-0", "train-1", "other"):
        put(tmp_path / "d" / f"{name}.parquet", FEATURES)
    put(tmp_path / "d" / ".hidden.parquet", FEATURES)
    assert len(read("parquet", path=str(tmp_path / "d"))) == 18
    data = read("parquet", path=str(tmp_path / "d" / "train-*.parquet"))
    assert (data.pixels == np.concatenate([PIXELS, PIXELS])).all()
    assert Parquet(path=str(tmp_path / "d")).state() != Parquet(path=str(tmp_path / "d" / "train-*.parquet")).state()


def test_columns_can_be_chosen(tmp_path: Path, read: Read) -> None:
    features = {**FEATURES, "coarse": {"names": ["a", "b"], "_type": "ClassLabel"}, "mask": {"_type": "Image"}}
    path = put(tmp_path / "a.parquet", features, mask=CELLS[::-1], coarse=[0, 0, 0, 1, 1, 1])
    with pytest.raises(DataError, match=r"2 image columns \(image, mask\)"):
        Parquet(path=path).listing()
    with pytest.raises(DataError, match=r"2 label columns \(label, coarse\)"):
        Parquet(path=path, image="mask").listing()
    data = read("parquet", path=path, image="mask", label="coarse")
    assert (data.pixels == PIXELS[::-1]).all()
    assert data.classes == ("a", "b")


@pytest.mark.parametrize(("columns", "options"), [({"label": pa.nulls(6)}, {}), ({}, {"label": ""})])
def test_images_without_classes(tmp_path: Path, read: Read, columns: Any, options: Any) -> None:
    data = read("parquet", path=put(tmp_path / "a.parquet", **columns), **options)
    assert (data.pixels == PIXELS).all()
    assert (data.classes, data.labels.tolist()) == (("all",), [0] * 6)


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        ({"image": [1] * 6}, {"table": False}, "no image column; columns: image, label; set image: COLUMN"),
        ({"image": pa.nulls(6)}, {"table": False}, "no image column; columns: label"),
        (
            {"label": pa.nulls(6), "place": ["a", "b"] * 3},
            {},
            "no label column; columns: image, place; set label: COLUMN, or label: '' to read images without classes",
        ),
        ({}, {"label": "klass"}, "no column 'klass'; found image, label; set label"),
        ({}, {"image": "label"}, "column 'label' of .* holds no images"),
        ({"label": [0.5] * 6}, {}, "has type double"),
        ({"label": [0, 1, 0, 1, 0, None]}, {}, "row 5 has no label"),
        ({"label": pa.nulls(6, pa.int64())}, {}, "no label in any of its 6 rows"),
        ({"image": [*CELLS[:5], None]}, {}, "row 5 has no image bytes"),
        ({"image": [*CELLS[:5], {"bytes": None, "path": "/etc/passwd"}]}, {}, "row 5 has no image bytes"),
        ({"image": [*CELLS[:5], {"bytes": b"junk", "path": None}]}, {}, r"cannot read a\.parquet row 5"),
    ],
)
def test_tables_that_do_not_fit(tmp_path: Path, columns: Any, options: Any, message: str) -> None:
    path = put(tmp_path / "a.parquet", **columns)
    (tmp_path / "out").mkdir()
    with pytest.raises(DataError, match=message) as caught:
        Parquet(path=path, **options).read(tmp_path / "out")
    assert "\n" not in str(caught.value)


def test_faults_can_be_skipped_and_are_counted(tmp_path: Path) -> None:
    images = [*CELLS[:5], {"bytes": b"junk", "path": None}]
    path = put(tmp_path / "a.parquet", FEATURES, image=images, label=[-1, 1, 0, 1, 0, 1])
    (tmp_path / "out").mkdir()
    data = Parquet(path=path, on_error="skip").read(tmp_path / "out")
    assert (data.pixels == PIXELS[1:5]).all()
    assert data.labels.tolist() == [1, 0, 1, 0]
    assert read_notes(tmp_path / "out")[0].startswith("skipped 2 unreadable images: a.parquet row 0 has no label")


def test_a_label_without_a_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="label 2 has no name; allowed: 0 to 1"):
        Parquet(path=put(tmp_path / "a.parquet", FEATURES, label=[0, 1, 2] * 2)).listing()


@pytest.mark.parametrize("stored", ["junk", "[]", '{"info": null}', '{"info": {"features": {"label": 3}}}'])
def test_odd_metadata_are_ignored(tmp_path: Path, read: Read, stored: str) -> None:
    table = pq.read_table(put(tmp_path / "a.parquet")).replace_schema_metadata({"huggingface": stored})
    pq.write_table(table, tmp_path / "b.parquet")
    assert len(read("parquet", path=str(tmp_path / "b.parquet"))) == 6


def test_damaged_missing_and_different_files(tmp_path: Path) -> None:
    path = Path(put(tmp_path / "d" / "a.parquet", FEATURES))
    put(tmp_path / "d" / "b.parquet")
    with pytest.raises(DataError, match=r"b\.parquet differs from a\.parquet"):
        Parquet(path=str(tmp_path / "d")).listing()
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(DataError, match="damaged or no Parquet"):
        Parquet(path=str(path)).listing()
    (tmp_path / "empty").mkdir()
    for wrong, message in (
        ("no", "no Parquet file"),
        ("*.nothing", "no .parquet files"),
        ("empty", "no .parquet files"),
    ):
        with pytest.raises(DataError, match=message):
            Parquet(path=str(tmp_path / wrong)).state()


def test_links_that_leave_are_refused(tmp_path: Path) -> None:
    path = put(tmp_path / "secret.parquet", FEATURES)
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a.parquet").symlink_to(path)
    with pytest.raises(DataError, match="link that leaves"):
        Parquet(path=str(tmp_path / "d")).listing()
