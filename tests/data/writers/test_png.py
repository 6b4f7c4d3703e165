"""PNG files in class folders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lookalike.core.errors import DataError
from lookalike.data.images import Images, image_schema
from lookalike.data.writers.png import Png


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(shape=st.tuples(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3])), seed=st.integers(0, 9))
def test_any_size_reads_back_equal(
    tmp_path_factory: pytest.TempPathFactory, read: Callable[..., Images], shape: tuple[int, int, int], seed: int
) -> None:
    folder = tmp_path_factory.mktemp("png")
    pixels = np.random.default_rng(seed).integers(0, 256, (4, *shape), dtype=np.uint8)
    data = Images(pixels, np.array([1, 0, 0, 1]), image_schema(*shape, ["cat", "dog"]))
    paths = Png().write(data, folder)
    assert [str(path.relative_to(folder)) for path in paths][:2] == ["dog/00000000.png", "cat/00000001.png"]
    # The reader goes class by class.
    assert read("folder", path=str(folder)).fingerprint() == data.take(np.array([1, 2, 0, 3])).fingerprint()


def test_class_names_stay_inside_the_folder(tmp_path: Path) -> None:
    names = ["../up", ".hidden", "a/b", "100%", "line\nbreak", "ü"]
    data = Images(np.zeros((6, 1, 1, 1), np.uint8), np.arange(6), image_schema(1, 1, 1, names))
    paths = Png().write(data, tmp_path)
    assert [path.parent.name for path in paths] == ["%2E.%2Fup", "%2Ehidden", "a%2Fb", "100%25", "line%0Abreak", "ü"]
    assert {path.parent.parent for path in paths} == {tmp_path}


@pytest.mark.parametrize("name", ["", "x" * 300])
def test_a_name_that_no_folder_can_have(tmp_path: Path, name: str) -> None:
    data = Images(np.zeros((1, 1, 1, 1), np.uint8), np.zeros(1, np.int64), image_schema(1, 1, 1, [name]))
    with pytest.raises(DataError, match="cannot be the name of a folder"):
        Png().write(data, tmp_path)
