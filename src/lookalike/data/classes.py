"""Class names and numbers: how they are ordered, and how few images a class may have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from lookalike.core.errors import DataError
from lookalike.data.pixels import shown

Labels = npt.NDArray[np.int64]
MIN_CLASSES = 2
MIN_PER_CLASS = 2
ALL = "all"
"""The one class of images without classes."""
_LISTED = 5


def ordered(names: Iterable[str]) -> tuple[str, ...]:
    """Return class names in order: by number when all are whole numbers, else by code point.

    Example:
        >>> ordered({"10", "9"}), ordered({"10", "cat"})
        (('9', '10'), ('10', 'cat'))
    """
    found = set(names)
    if all(name.isascii() and name.lstrip("-").isdigit() for name in found):
        return tuple(sorted(found, key=lambda name: (int(name), name)))
    return tuple(sorted(found))


def number(names: Sequence[str]) -> tuple[Labels, tuple[str, ...]]:
    """Return the class number of each name, [N], and the class names in order."""
    classes = ordered(names)
    place = {name: k for k, name in enumerate(classes)}
    return np.array([place[name] for name in names], dtype=np.int64), classes


def one_class(rows: int) -> tuple[Labels, tuple[str, ...]]:
    """Return the class number of each of so many images without classes, [N], and the name of their one class."""
    return np.zeros(rows, dtype=np.int64), (ALL,)


def name_numbers(
    values: npt.NDArray[np.integer], names: Sequence[str] | None, where: str
) -> tuple[Labels, tuple[str, ...]]:
    """Return class numbers and names for labels that the source stores as numbers.

    Args:
        values: Numbers as stored, [N].
        names: Name of class 0, 1, ...; None names each class by its number.
        where: What messages call the source.

    Returns:
        Numbers into the names, [N], and the names.

    Raises:
        DataError: A number has no name, or names repeat.
    """
    if names is None:
        found, labels = np.unique(values, return_inverse=True)
        return labels.reshape(-1).astype(np.int64), tuple(str(int(value)) for value in found)
    if len(set(names)) != len(names):
        raise DataError(f"{shown(where)}: class names must differ, found {len(names) - len(set(names))} repeated")
    low, high = (int(values.min()), int(values.max())) if len(values) else (0, 0)
    if low < 0 or high >= len(names):
        wrong = low if low < 0 else high
        raise DataError(
            f"{shown(where)}: label {wrong} has no name; allowed: 0 to {len(names) - 1} for the {len(names)} class "
            "names; correct the labels, or give a name for every class"
        )
    return values.astype(np.int64), tuple(names)


def check_classes(
    labels: Labels, classes: Sequence[str], where: str, unit: str = "image", least: int = 1
) -> tuple[Labels, tuple[str, ...], list[str]]:
    """Return labels and classes that a model can learn; every reader ends with this.

    Args:
        labels: Numbers into `classes`, [N].
        classes: Class names.
        where: What messages call the source.
        unit: What messages call one row.
        least: Classes that are needed; images may have one, which is the same as none.

    Returns:
        Labels, classes and notes, without the classes that have no image.

    Raises:
        DataError: No image, fewer classes than needed, or a class with one image.
    """
    counts = np.bincount(labels, minlength=len(classes))
    present = [k for k, count in enumerate(counts) if count]
    if not present:
        wanted = f"{least} classes of {MIN_PER_CLASS}" if least > 1 else f"{MIN_PER_CLASS}"
        raise DataError(f"{shown(where)} holds no {unit}; at least {wanted} are needed")
    if len(present) < least:
        raise DataError(
            f"{shown(where)} holds one class only, '{shown(classes[present[0]])}' with {counts[present[0]]} {unit}s; "
            f"at least {least} classes are needed; add {unit}s of another class, or choose another label"
        )
    few = [k for k in present if counts[k] < MIN_PER_CLASS]
    if few:
        listed = ", ".join(f"'{shown(classes[k])}'" for k in few[:_LISTED]) + (", ..." if len(few) > _LISTED else "")
        raise DataError(
            f"{shown(where)}: {len(few)} of {len(present)} classes have one {unit} only: {listed}; at least "
            f"{MIN_PER_CLASS} are needed, one to learn from and one to test on; add {unit}s or remove the class"
        )
    absent = [str(classes[k]) for k in range(len(classes)) if not counts[k]]
    if not absent:
        return labels, tuple(classes), []
    place = np.full(len(classes), -1, dtype=np.int64)
    place[present] = np.arange(len(present))
    listed = ", ".join(shown(name) for name in absent[:_LISTED]) + (", ..." if len(absent) > _LISTED else "")
    note = f"left out {len(absent)} classes without {unit}s: {listed}"
    return place[labels], tuple(classes[k] for k in present), [note]
