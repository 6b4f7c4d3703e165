"""Generators of tables side by side: same rows, same split, same metrics, in processor seconds.

    python benchmarks/tabular.py adult.csv --label income --seeds 3
    python benchmarks/tabular.py wages.csv --label realrinc --only tabular.trees tabular.mixture
    python benchmarks/tabular.py adult.csv --label income --only tabular.trees --peer arf=arf/bin/python --keep results

Keeps a fifth of the rows away (key 0), fits each generator in a process of its own with one thread, draws as many rows
as it was fitted on, and measures against the held-out rows. Rows without a label are left out. Prints processor seconds
to fit and for 10,000 rows drawn, children included, the peak of memory, and: how well boosted trees tell the rows from
real ones (.5 is best), what boosted trees that learn from them are worth on real rows beside real training rows,
differences of columns and pairs, precision and recall, rows closer to training rows than expected, and exact copies.
Figures are means over the seeds: each is a fit and a drawing where a fit takes less than `--refit` seconds, else a
drawing from one fit. The last line is for real rows in the place of synthetic ones.

A peer is another package in a virtual environment of its own, named by a file of benchmarks/peers and its Python:

    python -m venv arf && arf/bin/pip install arfpy "numpy<2.4" "pandas<3"
    python -m venv sdv && sdv/bin/pip install sdv torch
    python -m venv forest && forest/bin/pip install ForestDiffusion
    python -m venv mostly && mostly/bin/pip install mostlyai-engine torch
    mostly/bin/pip uninstall torchvision torchaudio
    python benchmarks/tabular.py adult.csv --label income --only --peer arf=arf/bin/python sdv_copula=sdv/bin/python

(mostlyai-engine does not use what is uninstalled, and it may not fit torch. SDV's copula draws the same rows after
every fit: give `--refit 0`.) Rows of a peer are brought into the columns of the data; values that do not fit are
counted and shown, and so are rows without a label. With `--keep` the rows and all figures stay in a folder, and what
is there is not made again.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from peers.cost import cpu_seconds, peak_mb

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
    "fits",
    "fit, CPU s",
    "10,000 rows, CPU s",
    "peak, MB",
    "two-sample AUC",
    "utility",
    "column shape",
    "pair trend",
    "pair distance",
    "precision",
    "recall",
    "closer to training",
    "copies",
    "notes",
)
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS", "LOKY_MAX_CPU_COUNT"), "1"
)
PEERS = Path(__file__).parent / "peers" / "run.py"


def make(job: Mapping[str, Any]) -> None:
    """Fit one generator of ours, draw from it, and print what it took."""
    from lookalike import Rng, find
    from lookalike.core.events import SILENT
    from lookalike.data.table import Table

    train = Table.open(Path(job["train"]))
    generator = find("generators", job["method"])()
    started = cpu_seconds()
    fitted = generator.fit(train, Rng(job["seed"]), SILENT)
    fit, started = cpu_seconds() - started, cpu_seconds()
    draws = 1 if fit < job["refit"] else job["draws"]
    for seed in range(job["seed"], job["seed"] + draws):
        folder = Path(job["out"]) / str(seed)
        folder.mkdir(parents=True, exist_ok=True)
        fitted.sample(len(train), Rng(1 + seed)).save(folder)
    sample = (cpu_seconds() - started) / draws / len(train) * 10_000
    sys.stdout.write(json.dumps({"fit": fit, "sample": sample, "peak": peak_mb(), "draws": draws}))


def judged(real: Any, synthetic: Any) -> dict[str, float | None]:
    """Return the figures of one drawing, and after `real` those of real rows."""
    from lookalike import Rng, find

    def score(kind: str, name: str, **settings: Any) -> Any:
        return find(kind, name)(**settings).score(real, synthetic, Rng(0))

    found: dict[str, float | None] = {}

    def add(name: str, value: float, floor: float | None) -> None:
        found.update({name: value, f"real {name}": floor})

    for name, method in (("told", "two_sample"), ("shape", "column_shape"), ("trend", "pair_trend")):
        one = score("metrics", f"tabular.{method}")
        add(name, one.value, one.floor)
    one = score("metrics", "tabular.train_on_synthetic", learners=("tabular.boosting",))
    add("utility", one.value, one.floor)
    one = score("metrics", "tabular.pair_distance")
    add("pairs", one.value, one.floor)
    detail = score("metrics", "tabular.precision_recall").detail
    for name in ("precision", "recall", "density", "coverage"):
        add(name, detail[name]["value"], detail[name]["floor"])
    one = score("audits", "tabular.closest_record")
    add("closest", one.value, one.detail["expected"])
    copies = one.detail["exact_copies"]
    add("copies", copies["value"], copies.get("floor"))
    return found


def started(command: Sequence[str]) -> dict[str, Any]:
    """Run one job with one thread and return what it printed last.

    Raises:
        RuntimeError: It failed; the last line of what it said.
    """
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | ONE_THREAD)
    if done.returncode == -24:  # SIGXCPU
        raise RuntimeError("stopped: more processor minutes than --minutes allows")
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or [f"ended by signal {-done.returncode}"])[-1][:300])
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def drawn(command: Sequence[str], job: Mapping[str, Any], seeds: int) -> list[dict[str, Any]]:
    """Fit as often as it takes to have a drawing for every seed, and return what each fit cost."""
    kept = Path(job["out"]) / "cost.json"
    costs: list[dict[str, Any]] = json.loads(kept.read_text()) if kept.exists() else []
    while (seed := sum(cost["draws"] for cost in costs)) < seeds:
        costs.append(started([*command, json.dumps({**job, "seed": seed, "draws": seeds - seed})]))
        kept.write_text(json.dumps(costs))
    return costs


def figures(real: Any, folder: Path) -> dict[str, Any]:
    """Return the figures of the rows in a folder, measured once."""
    from lookalike.data.table import Table
    from tabular_cast import cast

    kept = folder / "figures.json"
    if not kept.exists():
        rows = folder / "rows.csv"
        unfit: dict[str, float] = {}
        if rows.exists():
            fitting = cast(rows, real.train)
            table = fitting.table
            unfit = {"unlabelled": fitting.unlabelled, "unknown": fitting.unknown, "beyond": fitting.beyond}
        else:
            table = Table.open(folder)
        kept.write_text(json.dumps({**judged(real, table), **unfit}))
    found: dict[str, Any] = json.loads(kept.read_text())
    return found


def row(name: str, costs: Sequence[Mapping[str, Any]], each: Sequence[Mapping[str, float]]) -> str:
    """Return a line of the table: means over the drawings."""
    mean = {key: float(np.mean([one[key] for one in each])) for key in each[0] if each[0][key] is not None}
    cost = {key: float(np.mean([one[key] for one in costs])) for key in ("fit", "sample", "peak")}
    notes = [costs[0][key] for key in ("package", "licence", "note") if key in costs[0]]
    said = {
        "unknown": "{:.2%} of cells unknown",
        "beyond": "{:.2%} of numbers beyond",
        "unlabelled": "{:.0f} rows no label",
    }
    notes += [words.format(mean[key]) for key, words in said.items() if mean.get(key)]
    cells = (
        name,
        f"{len(costs)} x {len(each) // len(costs)}",
        f"{cost['fit']:.1f}",
        f"{cost['sample']:.2f}",
        f"{cost['peak']:.0f}",
        f"{mean['told']:.3f}",
        f"{mean['utility']:.4f} of {mean['real utility']:.4f}",
        *(f"{mean[key]:.4f}" for key in ("shape", "trend", "pairs")),
        *(f"{mean[key]:.3f}" for key in ("precision", "recall")),
        f"{mean['closest']:.3f} of {mean['real closest']:.3f}",
        f"{mean['copies']:.2%}",
        ", ".join(notes),
    )
    return " | ".join(cells)


def real_row(one: Mapping[str, float]) -> str:
    """Return the line of real rows in the place of synthetic ones."""
    values = [one.get(f"real {key}") for key in ("told", "utility", "shape", "trend", "pairs", "precision", "recall")]
    shown = ["-" if value is None else f"{value:.4f}" for value in values]
    copies = one.get("real copies")
    return " | ".join(["real rows", *"----", *shown, "-", "-" if copies is None else f"{copies:.2%}", ""])


def arguments() -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("csv", type=Path)
    parser.add_argument("--label", required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=[f"tabular.{name}" for name in METHODS], help="which of ours")
    parser.add_argument("--peer", nargs="+", default=[], metavar="NAME=PYTHON", help="a file of benchmarks/peers")
    parser.add_argument("--refit", type=float, default=60, help="fit for each seed where it takes less CPU seconds")
    parser.add_argument("--minutes", type=float, default=25, help="CPU minutes at most for a peer")
    parser.add_argument("--keep", type=Path, help="folder for rows and figures; what is there is not made again")
    parser.add_argument("--job", help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    """Run every generator and print the table."""
    asked = arguments()
    if asked.job:
        make(json.loads(asked.job))
        return

    from lookalike import Reference, Rng, find
    from lookalike.data.split import split

    root = (asked.keep or Path(tempfile.mkdtemp())).resolve() / asked.csv.stem
    for name in ("read", "train"):
        (root / name).mkdir(parents=True, exist_ok=True)
    reader = find("readers", "csv")(path=str(asked.csv.resolve()), label=asked.label, table=True, on_error="skip")
    data = reader.read(root / "read")
    rows, held = split(data, 0.2, Rng(0).child("split"))
    real = Reference(data.take(rows), data.take(held))
    real.train.save(root / "train")
    find("writers", "csv")().write(real.train, root / "train")
    print(f"{len(rows)} training rows, {len(held)} held out, {len(data.schema.columns)} columns")
    print(" | ".join(HEADINGS), flush=True)
    job = {"refit": asked.refit, "minutes": asked.minutes}
    own = [sys.executable, __file__, str(asked.csv), "--label", asked.label, "--job"]
    jobs = {name: (own, {**job, "method": name, "train": str(root / "train")}) for name in asked.only}
    for peer, python in (one.split("=", 1) for one in asked.peer):
        csv = str(root / "train" / "table.csv")
        # Not resolved: the Python of a virtual environment is a link to one outside of it.
        command = [str(Path(python).absolute()), str(PEERS)]
        jobs[peer] = (command, {**job, "peer": peer, "train": csv, "label": asked.label})
    each: list[dict[str, Any]] = []
    for name, (command, one) in jobs.items():
        (root / name).mkdir(exist_ok=True)
        try:
            costs = drawn(command, {**one, "out": str(root / name)}, asked.seeds)
        except RuntimeError as error:
            print(f"{name} | failed: {error}", flush=True)
            continue
        each = [figures(real, root / name / str(seed)) for seed in range(sum(cost["draws"] for cost in costs))]
        print(row(name, costs, each), flush=True)
    if each:
        print(real_row(each[0]))


if __name__ == "__main__":
    main()
