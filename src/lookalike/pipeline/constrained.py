"""Generators of tables that keep constraints and times of day by construction: whole rows from reduced ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from pydantic import ValidationError

from lookalike.core.contracts import Budget, Fitted
from lookalike.core.errors import ConfigError, DataError
from lookalike.core.events import Note, Watch
from lookalike.core.rng import Rng
from lookalike.core.store import write_file
from lookalike.data import Table
from lookalike.data.reduced import Reduction, reduction_of

_FILE = "constraints.json"


@final
@dataclass(frozen=True)
class _Whole:
    """A fitted generator of reduced rows, and the way back."""

    model: Fitted[Table]
    way: Reduction

    @property
    def spent(self) -> Budget | None:
        """What the generator spent; the way back holds bounds and tuples of the rows beside it."""
        return self.model.spent

    def sample(self, n: int, rng: Rng, where: Mapping[str, object] | None = None) -> Table:
        """Return n whole rows.

        Raises:
            ConfigError: A column is asked for that a constraint determines.
        """
        wrong = sorted(set(where or {}) & self.way.replaced)
        if wrong:
            raise ConfigError(
                f"where: column {wrong[0]} follows from others by a constraint and cannot be chosen; choose those, or "
                "remove the constraint"
            )
        return self.way.restore(self.model.sample(n, rng, self.way.asked(n, where, "this model")))

    def impute(self, data: Table, rng: Rng) -> Table:
        """Return whole rows with a drawn value in place of every missing one.

        Raises:
            ConfigError: The generator cannot.
        """
        return self.way.restore(self._able("impute")(self.way.reduce(data), rng))

    def log_likelihood(self, data: Table) -> Any:  # noqa: ANN401  an array, as the generator gives it
        """Return how likely rows are without what follows from others, [N].

        Raises:
            ConfigError: The generator cannot tell.
        """
        return self._able("log_likelihood")(self.way.reduce(data))

    def _able(self, name: str) -> Any:  # noqa: ANN401  a method
        if not hasattr(self.model, name):
            raise ConfigError(f"this generator has no {name}; take one that has, such as tabular.autoregressive")
        return getattr(self.model, name)

    def save(self, folder: Path) -> None:
        """Write the generator, and the way back beside it."""
        self.model.save(folder)
        write_file(folder / _FILE, self.way.model_dump_json())


def fit(method: Any, data: Any, rng: Rng, watch: Watch) -> Fitted[Any]:  # noqa: ANN401  a generator and its dataset
    """Fit a generator; of a table to what its constraints and few times of day leave to be learnt.

    Args:
        method: The generator.
        data: Training rows.
        rng: Key.
        watch: Receives events.
    """
    way = reduction_of(data) if isinstance(data, Table) else None
    if way is None or not (way.steps or data.schema.constraints):
        fitted: Fitted[Any] = method.fit(data, rng, watch)
        return fitted
    every = [rule.title for rule in data.schema.constraints]
    rejected = [title for title in every if title not in way.kept]
    told = [f"{'; '.join(titles)}: {how}" for titles, how in ((way.kept, "kept by construction"),
            (rejected, "kept by rejecting rows")) if titles]  # fmt: skip
    for line in told:
        watch(Note("fit", f"constraints {line}"))
    return _Whole(method.fit(way.reduce(data), rng, watch), way)


def load(method: Any, folder: Path) -> Fitted[Any]:  # noqa: ANN401  a generator
    """Load what `fit` gave and `save` wrote.

    Raises:
        DataError: The folder does not hold a complete model.
    """
    fitted: Fitted[Any] = method.load(folder)
    if not (folder / _FILE).is_file():
        return fitted
    try:
        way = Reduction.model_validate_json((folder / _FILE).read_text(encoding="utf-8"))
    except (ValidationError, UnicodeDecodeError):
        raise DataError(f"{folder / _FILE} is damaged; fit the model again") from None
    return _Whole(fitted, way)
