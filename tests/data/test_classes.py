"""Class names, numbers and least counts."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.core.errors import DataError
from lookalike.data.classes import check_classes, name_numbers, number, ordered


def test_names_are_ordered_by_number_when_all_are_numbers() -> None:
    assert ordered(["10", "9", "-1"]) == ("-1", "9", "10")
    assert ordered(["b", "10", "9"]) == ("10", "9", "b")
    labels, classes = number(["b", "a", "b"])
    assert (labels.tolist(), classes) == ([1, 0, 1], ("a", "b"))


def test_numbers_get_their_names() -> None:
    labels, classes = name_numbers(np.array([7, 3, 7]), None, "x")
    assert (labels.tolist(), classes) == ([1, 0, 1], ("3", "7"))
    assert name_numbers(np.array([1, 0]), ["a", "b", "c"], "x")[1] == ("a", "b", "c")
    with pytest.raises(DataError, match="label 3 has no name; allowed: 0 to 2"):
        name_numbers(np.array([3]), ["a", "b", "c"], "x")
    with pytest.raises(DataError, match="must differ"):
        name_numbers(np.array([0]), ["a", "a"], "x")


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([], "no image; at least 2 classes of 2"),
        ([1, 1, 1], "one class only, 'b' with 3 images; at least 2 classes"),
        ([0, 0, 1], "one image only: 'b'"),
    ],
)
def test_too_few_is_an_error(labels: list[int], message: str) -> None:
    with pytest.raises(DataError, match=message):
        check_classes(np.array(labels, dtype=np.int64), ["a", "b"], "x", least=2)


def test_one_class_is_enough_where_none_is_needed() -> None:
    labels, classes, notes = check_classes(np.array([1, 1, 1]), ["a", "b"], "x")
    assert (labels.tolist(), classes) == ([0, 0, 0], ("b",))
    assert notes == ["left out 1 classes without images: a"]
    for found, message in (([], "no image; at least 2 are needed"), ([0], "1 of 1 classes have one image only")):
        with pytest.raises(DataError, match=message):
            check_classes(np.array(found, dtype=np.int64), ["a"], "x")


def test_classes_without_images_are_left_out_with_a_note() -> None:
    labels, classes, notes = check_classes(np.array([0, 2, 2, 0]), ["a", "b", "c"], "x")
    assert (labels.tolist(), classes) == ([0, 1, 1, 0], ("a", "c"))
    assert notes == ["left out 1 classes without images: b"]
