"""One shard: same rows same bytes, whole or not at all, and open to others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lookalike.core.errors import DataError
from lookalike.data.corpus import Corpus, text_schema
from lookalike.data.images import Images, image_schema
from lookalike.data.shards import read_columns, read_shard, shard_name, write_shard

ANY_SIZE = st.tuples(st.integers(1, 6), st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3]))


def test_a_shard_reads_back_equal(tmp_path: Path, some: Any) -> None:
    data, weight = some(9, 3, 5, 3), np.linspace(0, 1, 9)
    path = tmp_path / shard_name(0)
    write_shard(path, data, {"weight": weight, "reason": ["no"] * 9}, first_row=70)
    again = read_shard(path)
    assert again.fingerprint() == data.fingerprint()
    assert again.schema == data.schema
    found = read_columns(path, ["weight", "reason"])
    assert (found["weight"] == weight).all()
    assert found["reason"].tolist() == ["no"] * 9
    assert pq.read_table(path).column("image")[2].as_py()["path"] == "00000072.png"
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(shape=ANY_SIZE, seed=st.integers(0, 9))
def test_any_size_reads_back_equal(tmp_path: Path, shape: tuple[int, ...], seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    data = Images(pixels, np.arange(len(pixels)) % 2, image_schema(*shape[1:], ["a b", "ü/☃"]))
    write_shard(tmp_path / "x.parquet", data)
    assert read_shard(tmp_path / "x.parquet").fingerprint() == data.fingerprint()


def test_equal_rows_give_equal_bytes(tmp_path: Path, some: Any) -> None:
    data = some(2000, 2, 2)
    data.save(tmp_path)
    for name, rows in (("a", data), ("b", Images.open(tmp_path))):
        write_shard(tmp_path / name, rows, {"weight": np.ones(2000)})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    write_shard(tmp_path / "c", data, {"weight": np.zeros(2000)})
    assert (tmp_path / "a").read_bytes() != (tmp_path / "c").read_bytes()


def test_no_rows_are_a_shard_too(tmp_path: Path, some: Any) -> None:
    data = some(4).take(np.empty(0, np.int64))
    write_shard(tmp_path / "x.parquet", data)
    assert read_shard(tmp_path / "x.parquet").fingerprint() == data.fingerprint()


@pytest.mark.parametrize("channels", [1, 3])
def test_datasets_opens_images_and_class_names(tmp_path: Path, some: Any, channels: int) -> None:
    data = some(5, 3, 4, channels)
    for number, start in enumerate((0, 3)):
        part = data.take(np.arange(start, min(start + 3, 5)))
        write_shard(tmp_path / shard_name(number), part, {"weight": np.ones(len(part)), "n": np.arange(len(part))})
    opened = datasets.load_dataset(
        "parquet", data_files=str(tmp_path / "part-*.parquet"), split="train", cache_dir=str(tmp_path / "cache")
    )
    assert opened.features["label"].names == ["cat", "dog"]
    assert isinstance(opened.features["image"], datasets.Image)
    assert str(opened.features["weight"].dtype) == "float64"
    assert len(opened) == 5
    for row, image, label in zip(opened, data.pixels, data.labels, strict=True):
        assert (np.asarray(row["image"]).reshape(image.shape) == image).all()
        assert row["label"] == label


@pytest.mark.parametrize("extra", [{"weight": np.ones(3)}, {"label": np.ones(4)}, {"image": np.ones(4)}])
def test_extra_columns_that_do_not_fit(tmp_path: Path, some: Any, extra: Any) -> None:
    with pytest.raises(DataError, match="extra column"):
        write_shard(tmp_path / "x.parquet", some(4), extra)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_nothing(tmp_path: Path, some: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: Any) -> bytes:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lookalike.data.shards.encode_png", full)
    with pytest.raises(Exception, match="is full"):
        write_shard(tmp_path / "x.parquet", some(4))
    assert list(tmp_path.iterdir()) == []


def test_missing_damaged_and_foreign_files(tmp_path: Path, some: Any) -> None:
    path = tmp_path / "x.parquet"
    with pytest.raises(DataError, match="missing or damaged"):
        read_shard(path)
    write_shard(path, some(40))
    content = bytearray(path.read_bytes())
    with pytest.raises(DataError, match="no column nothing; found image, label"):
        read_columns(path, ["nothing"])
    for place in range(4, len(content) // 2, 97):
        changed = bytes(content[:place]) + bytes([content[place] ^ 0xFF]) + bytes(content[place + 1 :])
        path.write_bytes(changed)
        try:
            read_shard(path)
        except DataError as error:
            assert "\n" not in str(error)
    path.write_bytes(content[:100])
    with pytest.raises(DataError, match="missing or damaged"):
        read_shard(path)
    pq.write_table(pq.read_table(_written(path, some)).replace_schema_metadata(None), path)
    with pytest.raises(DataError, match="not written by lookalike"):
        read_shard(path)


def _written(path: Path, some: Any) -> Path:
    write_shard(path, some(4))
    return path


@pytest.mark.parametrize("classes", [["no", "yes"], []])
def test_texts_read_back_equal_and_open_in_datasets(tmp_path: Path, classes: list[str]) -> None:
    texts = ["früh 🙂", "a\nb", 'c "quoted"', ""]
    labels = [1, 0, 1, 0] if classes else [0] * 4
    corpus = Corpus.of(texts, labels, text_schema(classes, ["tone"]), {"tone": list("abcd")})
    path = tmp_path / shard_name(0)
    write_shard(path, corpus, {"weight": np.array([1.0, 0.5, 0.25, 0.0])})
    assert read_shard(path).fingerprint() == corpus.fingerprint()
    opened = datasets.load_dataset("parquet", data_files=str(path), split="train", cache_dir=str(tmp_path / "cache"))
    assert opened["text"][:] == texts
    assert opened["tone"][:] == list("abcd")
    if classes:
        assert opened.features["label"].names == classes
        assert opened["label"][:] == labels
    write_shard(tmp_path / "none", corpus.take(np.empty(0, np.int64)))
    assert len(read_shard(tmp_path / "none")) == 0
    with pytest.raises(DataError, match="a name other than text"):
        write_shard(tmp_path / "x", corpus, {"tone": list("abcd")})
