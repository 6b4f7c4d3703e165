"""Generators of tables side by side: same rows, same split, same metrics, in processor seconds.

    python benchmarks/tabular.py adult.csv --label income --seeds 3
    python benchmarks/tabular.py wages.csv --label realrinc --only tabular.trees tabular.mixture

Keeps a fifth of the rows away (key 0), fits each generator in a process of its own, draws as many rows as it was fitted
on, and measures against the held-out rows. Prints processor seconds to fit and for 10,000 rows drawn, the peak of
memory, and: how well boosted trees tell the rows from real ones (.5 is best), what boosted trees that learn from them
are worth on real rows beside real training rows, differences of columns and pairs, rows closer to training rows than
expected, and exact copies. Figures are means over the seeds of the drawing.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

METHODS = (
    "trees",
    "autoregressive",
    "diffusion",
    "mixture",
    "ctgan",
    "tvae",
    "copula",
    "smote",
    "marginals",
    "bootstrap",
)
HEADINGS = (
    "generator",
    "fit, CPU s",
    "10,000 rows, CPU s",
    "peak, MB",
    "two-sample AUC",
    "utility",
    "column shape",
    "pair distance",
    "closer to training",
    "copies",
)


def make(job: dict[str, Any]) -> None:
    """Fit one generator and draw from it; print what it took."""
    from lookalike import Rng, find
    from lookalike.core.events import SILENT
    from lookalike.data.table import Table

    train = Table.open(Path(job["train"]))
    started = time.process_time()
    fitted = find("generators", job["method"])().fit(train, Rng(0), SILENT)
    fit, started = time.process_time() - started, time.process_time()
    for seed in range(job["seeds"]):
        folder = Path(job["out"]) / str(seed)
        folder.mkdir(parents=True)
        fitted.sample(len(train), Rng(1 + seed)).save(folder)
    sample = (time.process_time() - started) / job["seeds"] / len(train) * 10_000
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps({"fit": fit, "sample": sample, "peak": peak}))


def judged(real: Any, synthetic: Any) -> dict[str, float]:
    """Return the figures of one drawing, and those of real rows."""
    from lookalike import Rng, find

    def score(kind: str, name: str, **settings: Any) -> Any:
        return find(kind, name)(**settings).score(real, synthetic, Rng(0))

    told, shape = score("metrics", "tabular.two_sample"), score("metrics", "tabular.column_shape")
    utility = score("metrics", "tabular.train_on_synthetic", learners=("tabular.boosting",))
    pairs, closest = score("metrics", "tabular.pair_distance"), score("audits", "tabular.closest_record")
    return {
        "told": told.value,
        "utility": utility.value,
        "real": utility.floor,
        "shape": shape.value,
        "pairs": pairs.value,
        "closest": closest.value,
        "expected": closest.detail["expected"],
        "copies": closest.detail["exact_copies"]["value"],
    }


def main() -> None:
    """Run every generator and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("csv", type=Path)
    parser.add_argument("--label", required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="+", default=[f"tabular.{name}" for name in METHODS])
    parser.add_argument("--job", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.job:
        make(json.loads(asked.job))
        return

    from lookalike import Reference, Rng, find
    from lookalike.data.split import split
    from lookalike.data.table import Table

    root = Path(tempfile.mkdtemp())
    for name in ("read", "train"):
        (root / name).mkdir()
    data = find("readers", "csv")(path=str(asked.csv.resolve()), label=asked.label, table=True).read(root / "read")
    rows, held = split(data, 0.2, Rng(0).child("split"))
    real = Reference(data.take(rows), data.take(held))
    real.train.save(root / "train")
    print(f"{len(rows)} training rows, {len(held)} held out, {len(data.schema.columns)} columns")
    print(" | ".join(HEADINGS), flush=True)
    for method in asked.only:
        out = root / method
        job = {"method": method, "train": str(root / "train"), "out": str(out), "seeds": asked.seeds}
        command = [sys.executable, __file__, str(asked.csv), "--label", asked.label, "--job", json.dumps(job)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"{method} | failed: {done.stderr.strip().splitlines()[-1]}", flush=True)
            continue
        cost = json.loads(done.stdout)
        each = [judged(real, Table.open(out / str(seed))) for seed in range(asked.seeds)]
        mean = {name: float(np.mean([one[name] for one in each])) for name in each[0]}
        print(
            f"{method} | {cost['fit']:.1f} | {cost['sample']:.2f} | {cost['peak']:.0f} | {mean['told']:.3f} | "
            f"{mean['utility']:.4f} of {mean['real']:.4f} | {mean['shape']:.3f} | {mean['pairs']:.4f} | "
            f"{mean['closest']:.3f} of {mean['expected']:.3f} | {mean['copies']:.2%}",
            flush=True,
        )


if __name__ == "__main__":
    main()
