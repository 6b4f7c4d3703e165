"""arfpy: adversarial random forests."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
from arfpy.arf import arf

PACKAGE, LICENCE = "arfpy", "MIT"
NOTE = "says nothing of missing values: a missing word is a word of its own, rows with a missing number are left out"
_GONE = "missing"


def fit(train: pd.DataFrame, label: str, seed: int) -> Callable[[int], pd.DataFrame]:
    """Fit with the defaults."""
    words = [name for name in train.columns if not pd.api.types.is_numeric_dtype(train[name])]
    whole = train.fillna(dict.fromkeys(words, _GONE)).dropna().reset_index(drop=True)
    # Numbers and objects are the two types of column that its documentation knows.
    model = arf(x=whole.astype(dict.fromkeys(words, object)), random_state=seed, verbose=False)
    model.forde()
    return lambda rows: model.forge(n=rows).replace({word: {_GONE: None} for word in words})
