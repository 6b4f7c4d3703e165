"""How every first recipe begins, and the words that its comments share."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import yaml

from lookalike.data.pixels import shown
from lookalike.pipeline.recipe import Goal

_ADVICE = {
    "augment": "more training rows: usefulness comes first in the report",
    "share": "rows to give away in place of real ones: privacy comes first in the report",
    "bootstrap": "a first data set: usefulness and diversity come first in the report",
    "simulate": "rare cases for testing: validity comes first in the report",
}


@dataclass(frozen=True)
class Opening:
    """What a recipe is for.

    Attributes:
        data: What the user gave: a path, or the word digits.
        goal: augment, share, bootstrap or simulate.
        base: Folder that the recipe will lie in.
        file: Its name.
    """

    data: str
    goal: str
    base: Path
    file: str

    @property
    def where(self) -> str:
        """Name of the data in comments."""
        return Path(self.data).name or self.data

    def head(self) -> str:
        """Return the first keys: name, goal and seed."""
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(self.data).stem)[:64].strip("-._") or "mine"
        others = ", ".join(each for each in get_args(Goal) if each != self.goal)
        return (
            f"name: {name}\n"
            f"goal: {self.goal}  # {_ADVICE[self.goal]}; or: {others}\n"
            "seed: 0  # the same seed gives the same rows"
        )

    def placed(self, options: Mapping[str, object]) -> dict[str, object]:
        """Return the settings of a reader with its path counted from the recipe's folder."""
        if "path" not in options:
            return dict(options)
        return {**options, "path": os.path.relpath(Path(str(options["path"])).expanduser(), self.base)}


def plural(count: int, word: str) -> str:
    """Return a number with its noun.

    Example:
        >>> plural(1, "row"), plural(2000, "row")
        ('1 row', '2,000 rows')
    """
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def quoted(path: str) -> str:
    """Return a path as a shell takes it, on one line.

    Example:
        >>> quoted("my shop"), quoted("shop")
        ("'my shop'", 'shop')
    """
    return shlex.quote(path if path.isprintable() else shown(path))


def flow(value: object) -> str:
    """Return a value as YAML on one line.

    Example:
        >>> flow({"use": "local"}), flow("5")
        ('{use: local}', "'5'")
    """
    text: str = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10_000, sort_keys=False)
    return text.removesuffix("\n").removesuffix("\n...")
