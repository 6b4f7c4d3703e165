"""Fits a package that is not ours to a CSV file and draws from it; `benchmarks/tabular.py` starts it.

    PEER/bin/python benchmarks/peers/run.py '{"peer": "arf", "train": "train.csv", "label": "income", "out": "rows",
    "seed": 0, "draws": 3, "refit": 180, "minutes": 25}'

Each peer is a file beside this one with `PACKAGE`, `LICENCE`, `NOTE` and `fit(train, label, seed)`, which returns a
function that draws n rows. A peer runs with its own defaults and sees the training rows as pandas reads them. One
draws once where fitting takes less than `refit` seconds, since others are fitted then; else `draws` times.
"""

from __future__ import annotations

import importlib
import json
import random  # noqa: TID251  peers draw from it
import resource
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from cost import cpu_seconds, peak_mb


def main() -> None:
    """Do one job and print what it took."""
    job = json.loads(sys.argv[1])
    limit = round(job["minutes"] * 60)
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 60))
    peer = importlib.import_module(job["peer"])
    train = pd.read_csv(job["train"], keep_default_na=False, na_values=[""])
    _seed(job["seed"])
    started = cpu_seconds()
    draw = peer.fit(train, job["label"], job["seed"])
    fit, started = cpu_seconds() - started, cpu_seconds()
    draws = 1 if fit < job["refit"] else job["draws"]
    for number in range(draws):
        folder = Path(job["out"]) / str(job["seed"] + number)
        folder.mkdir(parents=True, exist_ok=True)
        draw(len(train)).to_csv(folder / "rows.csv", index=False)
    cost = {
        "fit": fit,
        "sample": (cpu_seconds() - started) / draws / len(train) * 10_000,
        "peak": peak_mb(),
        "draws": draws,
        "package": f"{peer.PACKAGE} {version(peer.PACKAGE)}",
        "licence": peer.LICENCE,
        "note": peer.NOTE,
    }
    sys.stdout.write("\n" + json.dumps(cost))


def _seed(seed: int) -> None:
    """Seed the global generators, which are all that some peers offer."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002, TID251
    if torch := sys.modules.get("torch"):
        torch.manual_seed(seed)
        torch.set_num_threads(1)


if __name__ == "__main__":
    main()
