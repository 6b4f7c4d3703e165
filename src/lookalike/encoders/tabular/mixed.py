"""A space in which rows of mixed columns have distances."""

from __future__ import annotations

from hashlib import sha256
from typing import final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from lookalike.core.contracts import Method
from lookalike.core.store import digest
from lookalike.data.arrays import MixedSpace, mixed_space, modelled
from lookalike.data.table import Table


@final
class Mixed(Method):
    """Numbers by their standard deviation, categories as corners, missing values apart: every column weighs the same.

    Two independent rows are about 1 apart in every column, squared: the mean of squared differences of a standardised
    number is 2 and is halved; two different categories are 1 apart. Keys and free texts are left out.

    Source: Gower 1971, doi:10.2307/2528823 (one share of the distance for each column, whatever it holds).

    Differs from the paper: squared differences and standard deviations in place of absolute ones and ranges; a missing
        value is a value.
    """

    own: int = Field(default=64, ge=1, le=4096, description="Categories of a column with a dimension of their own.")
    shared: int = Field(
        default=32, ge=1, le=512, description="Dimensions for the random directions of a column's other categories."
    )

    def prepare(self, train: Table) -> _MixedFeatures:
        """Return the extractor, with centres, scales and frequent categories of these rows.

        Raises:
            DataError: There is no row, or no column but keys and texts.
        """
        return _MixedFeatures(mixed_space(train, modelled(train.schema), self.own, self.shared))


@final
class _MixedFeatures:
    """Places of rows, [N, dimension]."""

    name = "mixed"

    def __init__(self, space: MixedSpace) -> None:
        self.space = space
        self.dimension = space.dimension
        corners = {name: sha256(table.tobytes()).hexdigest() for name, table in space.corners.items()}
        self.digest = digest([space.names, space.centres, space.scales, space.gaps, corners])

    def embed(self, data: Table) -> npt.NDArray[np.float32]:
        return self.space.array(data)

    def predict_proba(self, data: Table) -> None:
        """A space of rows has no class head."""
        del data
