"""SDV's Gaussian copula."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
from sdv.single_table import GaussianCopulaSynthesizer
from sdv_tables import fitted

PACKAGE, LICENCE = "sdv", "BUSL-1.1"
NOTE = "takes missing values"


def fit(train: pd.DataFrame, label: str, seed: int) -> Callable[[int], pd.DataFrame]:
    """Fit with the defaults; there is no setting for the seed."""
    return fitted(GaussianCopulaSynthesizer, train)
