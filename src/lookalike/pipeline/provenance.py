"""What a manifest says: where the rows came from, how they were made, with what, and at what cost."""

from __future__ import annotations

import json
import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from lookalike import __version__
from lookalike.core.contracts import Dataset, Reference
from lookalike.pipeline.folder import ANSWERS, STATEMENT, RunFolder, read_json
from lookalike.pipeline.plan import Plan

_SELECTION = ("asked", "made", "passed", "accepted", "short", "rounds", "limit_hit", "unusable", "cells", "shortfall")
_NO_GUARANTEE = "no formal guarantee: the generator was not trained with differential privacy"
_OF_THE_ROWS = frozenset({"schema", "ways", "links", "examples"})
"""What a model keeps of the real rows to make new ones: categories, bounds, tuples, examples. None of it leaves it."""
_PACKAGES = ("numpy", "torch", "diffusers", "transformers", "peft", "scikit-learn", "pyarrow", "pillow", "pydantic")


def facts_of(model: Path) -> dict[str, Any]:
    """Return what a saved model says of itself, without what it holds of the rows; empty when it says nothing."""
    path = model / "lookalike.json"
    found = read_json(path, "fit again") if path.is_file() else {}
    return {name: value for name, value in found.items() if name not in _OF_THE_ROWS}


def versions() -> dict[str, str]:
    """Return the versions of this package, Python and what the figures depend on."""
    found = {"lookalike": __version__, "python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def environment() -> dict[str, Any]:
    """Return what machine this is, in so far as figures depend on it."""
    # A run that never needed torch does not load it to be described.
    torch: Any = sys.modules.get("torch")
    return {
        "system": platform.system(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads() if torch else None,
        "gpu": torch.cuda.get_device_name(0) if torch and torch.cuda.is_available() else None,
    }


def _counts(data: Dataset) -> list[int]:
    classes = max(1, len(data.schema.classes))
    counts = [0] * classes
    for label in data.labels:
        counts[int(label)] += 1
    return counts


def _answers(plan: Plan, store: Path) -> dict[str, float] | None:
    """Return what a server was paid for; None when nothing was asked."""
    cost_of = getattr(plan.generator.method, "cost_of", None)
    folder = store / ANSWERS
    return dict(cost_of(folder)) if cost_of is not None and folder.is_dir() else None


def _whole(real: Reference[Any]) -> dict[str, list[str]]:
    """Return the tables that are given out as they are, and those made anew from all of their rows."""
    tables = real.train.schema.tables
    return {"kept": [one.name for one in tables if one.keep], "shared": [one.name for one in tables if one.shared]}


def _statement(kept: list[str], written: bool) -> str:
    """Return what the content of a run is; tables of real rows are named."""
    told = STATEMENT.replace("synthetic/ and", "synthetic/, written/ and") if written else STATEMENT
    if not kept:
        return told
    return f"{told} Not so the tables kept as they are, which are real rows: {', '.join(kept)}."


def _sample(plan: Plan, selection: dict[str, Any]) -> dict[str, Any]:
    """Return what was asked, made and accepted."""
    where = plan.recipe.sample.where
    return {
        **{key: selection[key] for key in _SELECTION if key in selection},
        **({"where": dict(where)} if where else {}),
    }


def make_manifest(
    plan: Plan, run: RunFolder, real: Reference[Any], stores: dict[str, str], facts: dict[str, Any], shared: int
) -> dict[str, Any]:
    """Return the manifest of a finished run, without its list of files.

    Args:
        plan: What was done.
        run: Where.
        real: The real rows.
        stores: Name of the store's folder for each stage.
        facts: What the model says of itself.
        shared: Rows that stand in both train and holdout.
    """
    recipe, store = plan.recipe, run.store.root
    selection = read_json(store / stores["select"] / "selection.json", "run the recipe again")
    notes = store / stores["read"] / "notes.json"
    return {
        "statement": _statement(_whole(real)["kept"], bool(plan.writers)),
        "name": recipe.name,
        "goal": recipe.goal,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "lookalike": __version__,
        "recipe": recipe.model_dump(mode="json", exclude_none=True),
        "data": {
            "rows": len(real.train) + len(real.holdout),
            "train": len(real.train),
            "holdout": len(real.holdout),
            "modality": real.train.schema.modality,
            "classes": list(real.train.schema.classes),
            "shape": list(real.train.schema.columns[0].shape),
            "counts": {"train": _counts(real.train), "holdout": _counts(real.holdout)},
            "fingerprints": {"train": real.train.fingerprint(), "holdout": real.holdout.fingerprint()},
            "notes": json.loads(notes.read_text()) if notes.is_file() else [],
            "shared_rows": shared,
            **_whole(real),
        },
        "generator": {
            "use": plan.generator.name,
            "config": plan.generator.method.model_dump(mode="json", exclude_none=True),
            "facts": facts,
        },
        "sample": _sample(plan, selection),
        "filters": [
            {
                "use": named.name,
                "reads_real": type(named.method).reads_real,
                "config": named.method.model_dump(mode="json"),
                "dropped": dropped,
            }
            for named, dropped in zip(plan.filters, selection["dropped"], strict=True)
        ],
        "answers": _answers(plan, store),
        "projected": run.projected,
        "privacy": {"spent": None, "notes": [_NO_GUARANTEE]},
        "stages": list(run.costs.values()),
        "seeds": {"root": recipe.seed},
        "versions": versions(),
        "environment": environment(),
        "stores": stores,
    }
