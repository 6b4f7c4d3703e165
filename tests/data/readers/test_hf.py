"""What datasets itself writes to disk, read back; nothing here touches the network."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest

from lookalike.core.errors import DataError
from lookalike.data.images import Images
from lookalike.data.readers.hf import Hf
from lookalike.data.shards import encode_png

Read = Callable[..., Images]
PIXELS = np.arange(6 * 2 * 3, dtype=np.uint8).reshape(6, 2, 3, 1)


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets.disable_progress_bars()
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(datasets.config, "HF_CACHE_HOME", tmp_path / "cache")


def table(**columns: Any) -> Any:
    cells = [{"bytes": encode_png(image), "path": None} for image in PIXELS]
    features = datasets.Features(image=datasets.Image(), label=datasets.ClassLabel(names=["cat", "dog"]))
    return datasets.Dataset.from_dict({"image": cells, "label": [0, 1] * 3, **columns}, features=features)


def test_load_from_disk(tmp_path: Path, read: Read) -> None:
    table().save_to_disk(tmp_path / "d")
    data = read("hf", path=str(tmp_path / "d"))
    assert (data.pixels == PIXELS).all()
    assert data.labels.tolist() == [0, 1] * 3
    assert data.classes == ("cat", "dog")


def test_images_without_classes(tmp_path: Path, read: Read) -> None:
    table().remove_columns("label").save_to_disk(tmp_path / "plain")
    data = read("hf", path=str(tmp_path / "plain"))
    assert (data.pixels == PIXELS).all()
    assert (data.classes, data.labels.tolist()) == (("all",), [0] * 6)
    table().save_to_disk(tmp_path / "labelled")
    assert read("hf", path=str(tmp_path / "labelled"), label="").classes == ("all",)


def test_a_dictionary_of_splits(tmp_path: Path, read: Read) -> None:
    datasets.DatasetDict(train=table(), test=table().select([5, 4, 3, 2])).save_to_disk(tmp_path / "d")
    assert len(read("hf", path=str(tmp_path / "d"))) == 6
    assert (read("hf", path=str(tmp_path / "d"), split="test").pixels == PIXELS[[5, 4, 3, 2]]).all()
    with pytest.raises(DataError, match="no split 'dev'; found train, test"):
        Hf(path=str(tmp_path / "d"), split="dev").listing()


def test_a_folder_of_image_files(tmp_path: Path, photos: Path, read: Read) -> None:
    data = read("hf", path=str(photos))
    assert data.classes == ("cat", "dog")
    assert sorted(data.pixels[:, 0, 0, 0].tolist()) == [0, 1, 2, 100, 101, 102]
    assert Hf(path=str(photos)).state() == Hf(path=str(photos)).state()


def test_a_stranger_s_path_is_not_followed(tmp_path: Path, save: Any) -> None:
    from lookalike.data.columns import Columns
    from lookalike.data.readers.hf import _item

    inside = save(tmp_path / "d" / "a.png", PIXELS[0, :, :, 0])
    outside = save(tmp_path / "secret.png", PIXELS[0, :, :, 0])
    columns, roots = Columns("image", "label", None), [tmp_path / "d"]
    assert _item({"bytes": None, "path": str(inside)}, "row 0", columns, False, roots).source == inside
    assert "outside the data set" in _item({"path": str(outside)}, "row 0", columns, False, roots).fault
    (tmp_path / "d" / "b.png").symlink_to(outside)
    assert "outside" in _item({"path": str(tmp_path / "d" / "b.png")}, "row 0", columns, False, roots).fault


def test_without_the_package_one_line_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(DataError, match=r"pip install 'lookalike\[hf\]'"):
        Hf(path=str(tmp_path)).listing()


def test_what_cannot_be_opened_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    for path in (str(tmp_path / "nothing"), "no-such/name"):
        with pytest.raises(DataError, match="datasets cannot open") as caught:
            Hf(path=path).listing()
        assert "\n" not in str(caught.value)
