"""The contracts every method meets; code above this layer knows nothing else about a method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Generic, Literal, Protocol, Self, TypeVar, runtime_checkable

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from lookalike.core.events import Watch
from lookalike.core.rng import Rng
from lookalike.core.schema import Schema

Index = npt.NDArray[np.int64]
Better = Literal["lower", "higher", "target"]


class Method(BaseModel):
    """Base of every method: a frozen config in which unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@runtime_checkable
class Dataset(Protocol):
    """Rows of one modality."""

    @property
    def schema(self) -> Schema:
        """What the rows hold."""
        ...

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """Class numbers into `schema.classes`, [N]; all zero when there is no label."""
        ...

    def __len__(self) -> int:
        """Number of rows."""
        ...

    def problems(self) -> Mapping[int, str]:
        """Return why a generated row is not usable at all, by position; empty when every row is."""
        ...

    def take(self, index: Index) -> Self:
        """Return rows by position; repeats are allowed."""
        ...

    def fingerprint(self) -> str:
        """Return a hash of schema and content."""
        ...


D = TypeVar("D", bound=Dataset)
D_co = TypeVar("D_co", bound=Dataset, covariant=True)
D_contra = TypeVar("D_contra", bound=Dataset, contravariant=True)


@dataclass(frozen=True)
class Budget:
    """A differential-privacy guarantee that was spent."""

    epsilon: float
    delta: float
    relation: str
    unit: str


class Fitted(Protocol[D_co]):
    """A generator that has seen its data; only this can sample."""

    @property
    def spent(self) -> Budget | None:
        """The privacy budget spent in fitting; None = no guarantee."""
        ...

    def sample(self, n: int, rng: Rng, where: Mapping[str, object] | None = None) -> D_co:
        """Return exactly n new rows; row i depends on (rng, i) alone."""
        ...

    def save(self, folder: Path) -> None:
        """Write safetensors and json into an existing, empty folder."""
        ...


@runtime_checkable
class TellsLikelihood(Protocol[D_contra]):
    """A fitted generator that can say how probable rows are; most cannot."""

    def log_likelihood(self, data: D_contra) -> npt.NDArray[np.float64]:
        """Return the natural logarithm of the probability of each row, given its label, [N]."""
        ...


@dataclass(frozen=True)
class Sheet(Generic[D]):
    """Rows laid out in lines and columns, to be looked at.

    Attributes:
        name: Short name, letters, digits and dashes.
        title: Heading.
        caption: What to see in it, in plain words.
        data: The rows that are shown.
        grid: Position in `data` of each place, line by line; None = an empty place.
        lines: What stands before each line; as many as the grid has.
        columns: What stands above each column; as many as a line has.
        sources: The first line and the first column are what the other places are made of.
    """

    name: str
    title: str
    caption: str
    data: D
    grid: tuple[tuple[int | None, ...], ...]
    lines: tuple[str, ...]
    columns: tuple[str, ...]
    sources: bool = False


@runtime_checkable
class ShowsControls(Protocol[D]):
    """A generator that can show what its controls do, such as truncation or a way from one row to another."""

    def controls(self, model: Fitted[D], rng: Rng) -> Sequence[Sheet[D]]:
        """Return a few sheets of a model that it fitted or loaded; equal keys give equal rows."""
        ...


@runtime_checkable
class Projects(Protocol):
    """A generator whose sampling settings may name one real row that new rows are then made around."""

    def projected(self) -> str | None:
        """Return a hash of the row's file; None when the settings name none that is there."""
        ...

    def check_projection(self, schema: Schema, classes: Sequence[str]) -> None:
        """Refuse a row that does not fit, before any work starts.

        Args:
            schema: Of the rows that the generator makes.
            classes: Names of the classes that rows are asked of.

        Raises:
            LookalikeError: With what to use instead.
        """
        ...


class Generator(Protocol[D]):
    """A frozen config that can be fitted, or loaded from a folder that `Fitted.save` wrote.

    One that reads files of its own, such as pretrained weights, has a method `state()` that returns a cheap hash of
    them; what was fitted is then not used again after they changed. One whose rows belong together has an attribute
    `rows_together`: so many that follow each other are asked of one class and stay in one shard.
    """

    def fit(self, data: D, rng: Rng, watch: Watch) -> Fitted[D]:
        """Learn from rows."""
        ...

    def load(self, folder: Path) -> Fitted[D]:
        """Read what `Fitted.save` wrote; settings for sampling come from this config."""
        ...


@dataclass(frozen=True)
class Reference(Generic[D]):
    """The real rows: those the generator saw, and those that nothing saw."""

    train: D
    holdout: D


@dataclass(frozen=True)
class Score:
    """One figure with what is needed to judge it.

    Attributes:
        value: The figure for the synthetic rows.
        interval: 95 % interval (low, high) of the figure; None = not estimated, with a reason in `detail`.
        n_real: Real rows used.
        n_synthetic: Synthetic rows used.
        floor: The same figure for real against real at the same size: the best that can be expected.
        ceiling: The same figure for a shuffled or constant baseline.
        better: Which way is better; "target" = nearest to the floor.
        detail: Further figures that JSON can hold; `not_estimated` holds the reason for anything missing.
    """

    value: float
    interval: tuple[float, float] | None
    n_real: int
    n_synthetic: int
    floor: float | None
    ceiling: float | None
    better: Better
    detail: Mapping[str, Any] = field(default_factory=dict)


class Metric(Protocol[D]):
    """Measures synthetic rows against real ones; an audit meets the same protocol.

    A metric, audit, filter or encoder that means nothing without at least two classes says `needs_classes = True`; a
    run of rows without classes then refuses it.

    `verdict` names the row of the report's verdict table that the figure speaks for. `targets` lists what it is run
    on: "accepted" rows, and "unfiltered" for those as generated. One that also needs the fitted generator says
    `reads_model = True` and is a `ModelMetric`.
    """

    verdict: ClassVar[str]
    targets: ClassVar[tuple[str, ...]]

    def score(self, real: Reference[D], synthetic: D, rng: Rng) -> Score:
        """Return the figure with its floor, ceiling and interval."""
        ...


class ModelMetric(Protocol[D]):
    """A metric or audit that questions the fitted generator, not only its rows; the rest is as for `Metric`."""

    verdict: ClassVar[str]
    targets: ClassVar[tuple[str, ...]]
    reads_model: ClassVar[bool]

    def check(self, name: str, generator: Method) -> None:
        """Refuse a generator that cannot be questioned so, before any work starts.

        Raises:
            ConfigError: With what to use or to set instead.
        """
        ...

    def score(self, real: Reference[D], synthetic: D, rng: Rng, model: Fitted[D] | None = None) -> Score:
        """Return the figure; without a model, or one that cannot answer, say so in `not_estimated`."""
        ...


@dataclass(frozen=True)
class Selection:
    """What a filter keeps; every lost row has a reason.

    Attributes:
        index: Kept positions, sorted, [K] int64.
        weight: Weight of each kept row, [K] float64.
        dropped: Count of lost rows by reason.
        reasons: Reason for each lost position.
    """

    index: Index
    weight: npt.NDArray[np.float64]
    dropped: Mapping[str, int]
    reasons: Mapping[int, str] = field(default_factory=dict)


class Filter(Protocol[D]):
    """Says which rows to keep; one that reads real data says so, for the privacy ledger."""

    reads_real: ClassVar[bool]

    def select(self, data: D, real: Reference[D] | None, rng: Rng) -> Selection:
        """Return what to keep and why the rest goes."""
        ...


class Predictor(Protocol[D_contra]):
    """A fitted downstream model."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of the columns of `predict_proba`."""
        ...

    def predict_proba(self, data: D_contra) -> npt.NDArray[np.float64]:
        """Return class probabilities, [N, K], rows sum to 1."""
        ...

    def predict(self, data: D_contra) -> npt.NDArray[np.int64]:
        """Return the number of the most probable class, [N]."""
        ...


@runtime_checkable
class PredictsValues(Protocol[D_contra]):
    """A fitted downstream model of a label that is a number: `schema.label` is set and has no classes."""

    def predict_values(self, data: D_contra) -> npt.NDArray[np.float64]:
        """Return the expected label of each row, [N]."""
        ...


class Learner(Protocol[D_contra]):
    """A downstream model that uses the data; what it fits to a label that is a number also is `PredictsValues`."""

    def fit(
        self, data: D_contra, weight: npt.NDArray[np.float64] | None, unlabelled_target: D_contra | None, rng: Rng
    ) -> Predictor[D_contra]:
        """Train on labelled rows."""
        ...


class Features(Protocol[D_contra]):
    """A frozen feature extractor."""

    @property
    def name(self) -> str:
        """Short name that stands beside every figure made with it."""
        ...

    @property
    def digest(self) -> str:
        """Hash of the weights, to be printed with the figures."""
        ...

    @property
    def dimension(self) -> int:
        """Length of one feature vector."""
        ...

    def embed(self, data: D_contra) -> npt.NDArray[np.float32]:
        """Return features, [N, dimension]; memory for pixels stays flat in N."""
        ...

    def predict_proba(self, data: D_contra) -> npt.NDArray[np.float64] | None:
        """Return class probabilities, [N, K], or None when the extractor has no class head."""
        ...


class Reader(Protocol[D_co]):
    """A config that reads one format."""

    def state(self) -> str:
        """Return a cheap hash of what lies at the source: names, sizes, times; used to notice a change."""
        ...

    def read(self, folder: Path) -> D_co:
        """Read everything.

        Args:
            folder: Existing, empty folder for memory maps that outlive the call.
        """
        ...


class Writer(Protocol[D_contra]):
    """A config that writes one format.

    `modalities` names the kinds of rows that it can write. One that writes into something else than the folder, as a
    database, says `elsewhere = True`; a recipe then refuses it, since a run may be repeated.
    """

    modalities: ClassVar[tuple[str, ...]]

    def write(self, data: D_contra, folder: Path) -> list[Path]:
        """Write all rows into an existing folder and return the files written, in order."""
        ...


class Encoder(Protocol[D_contra]):
    """A config that makes a frozen feature extractor; one that needs training uses real training rows only."""

    def prepare(self, train: D_contra) -> Features[D_contra]:
        """Return the extractor; equal inputs give the same weights."""
        ...
