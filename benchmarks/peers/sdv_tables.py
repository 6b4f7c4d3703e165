"""What the synthesizers of SDV share: metadata found by looking, no keys, defaults for the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
from sdv.metadata import Metadata


def fitted(synthesizer: Any, train: pd.DataFrame) -> Callable[[int], pd.DataFrame]:
    """Fit one of SDV's classes and return a function that draws rows."""
    metadata = Metadata.detect_from_dataframes({"table": train}, infer_keys=None)
    model = synthesizer(metadata)
    model.fit({"table": train})
    return lambda rows: model.sample(num_rows=rows)["table"]
