"""mostlyai-engine: TabularARGN, an autoregressive network."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
from mostlyai.engine import TabularARGN

PACKAGE, LICENCE = "mostlyai-engine", "Apache-2.0"
NOTE = "takes missing values"


def fit(train: pd.DataFrame, label: str, seed: int) -> Callable[[int], pd.DataFrame]:
    """Fit with the defaults."""
    model = TabularARGN(random_state=seed)
    model.fit(train)
    return lambda rows: model.sample(n_samples=rows)
