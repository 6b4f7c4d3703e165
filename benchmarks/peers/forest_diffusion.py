"""ForestDiffusion: flow matching with gradient-boosted trees."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from ForestDiffusion import ForestDiffusionModel

PACKAGE, LICENCE = "ForestDiffusion", "MIT"
NOTE = "fills missing numbers; a missing word is a word of its own"


def fit(train: pd.DataFrame, label: str, seed: int) -> Callable[[int], pd.DataFrame]:
    """Fit with the defaults; words as numbers and a label of classes by itself, as the documentation says."""
    words = {}
    coded = train.copy()
    for name in train.columns:
        if not pd.api.types.is_numeric_dtype(train[name]):
            coded[name], words[name] = pd.factorize(train[name], use_na_sentinel=False)
    names = [name for name in train.columns if name != label] + ([] if label in words else [label])
    two = [name in words and len(words[name]) <= 2 for name in names]
    many = [name in words and len(words[name]) > 2 for name in names]
    whole = [name not in words and pd.api.types.is_integer_dtype(train[name]) for name in names]
    model = ForestDiffusionModel(
        coded[names].to_numpy(dtype=float),
        label_y=coded[label].to_numpy() if label in words else None,
        bin_indexes=np.flatnonzero(two).tolist(),
        cat_indexes=np.flatnonzero(many).tolist(),
        int_indexes=np.flatnonzero(whole).tolist(),
        n_jobs=1,
        seed=seed,
    )

    def draw(rows: int) -> pd.DataFrame:
        made = pd.DataFrame(model.generate(batch_size=rows), columns=[*names, label] if label in words else names)
        for name, levels in words.items():
            made[name] = np.asarray(levels, dtype=object)[made[name].round().astype(int)]
        return made[train.columns]

    return draw
