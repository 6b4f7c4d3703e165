"""Which class each row shall have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.core.errors import ConfigError


def wanted_labels(
    n: int, classes: tuple[str, ...], where: Mapping[str, object] | None, method: str
) -> npt.NDArray[np.int64]:
    """Return the class of every row that is asked for.

    Args:
        n: Number of rows, at least 0.
        classes: Names of the classes.
        where: {"label": class name} or {"label": n class names}; without it, the classes take turns.
        method: Name of the generator, for messages.

    Returns:
        Labels, [n] int64.

    Raises:
        ConfigError: A condition or a class is not known.
    """
    unknown = sorted(set(where or {}) - {"label"})
    if unknown:
        raise ConfigError(f"where: {method} cannot choose by {', '.join(unknown)}; allowed: label")
    asked = (where or {}).get("label")
    if asked is None:
        return np.arange(n, dtype=np.int64) % len(classes)
    names: list[Any] = (
        [asked] * n if isinstance(asked, str) else list(asked) if isinstance(asked, Sequence) else [asked] * n
    )
    if len(names) != n:
        raise ConfigError(f"where: {len(names)} labels for {n} rows; give one class name, or one for each row")
    place = {name: k for k, name in enumerate(classes)}
    wrong = sorted({str(name) for name in names if str(name) not in place})
    if wrong:
        raise ConfigError(f"where: the model knows no class '{wrong[0]}'; allowed: {', '.join(classes)}")
    return np.array([place[str(name)] for name in names], dtype=np.int64).reshape(n)


def wanted_values(n: int, allowed: Sequence[str], asked: object, name: str) -> list[str]:
    """Return the value of an attribute for every row.

    Args:
        n: Number of rows.
        allowed: Values there are.
        asked: One value, or n of them.
        name: Name of the attribute, for messages.

    Raises:
        ConfigError: A value is not known, or there are not n.
    """
    values = [asked] * n if isinstance(asked, str) or not isinstance(asked, Sequence) else list(asked)
    wrong = [value for value in values if value not in allowed]
    if wrong or len(values) != n:
        raise ConfigError(
            f"where: {name} needs one value, or one for each of {n} rows, of: {', '.join(allowed)}; "
            f"found {wrong[0] if wrong else len(values)}"
        )
    return [str(value) for value in values]
