"""Every generator of images with the same minutes on the same data: the table in `docs/choosing.md`.

    python benchmarks/choosing.py --minutes 20 --out runs/choosing
    python benchmarks/choosing.py --minutes 20 --only image.stylegan2 image.ddpm --steps image.ddpm=9000

Runs `examples/fashion-gan.yaml` once for each generator, one after the other, in folders of their own: a run that was
stopped goes on where it was, and learners of real rows are trained once for all. `--steps` takes the place of minutes,
for a machine that is busy with something else: give what the minutes come to when it is idle (the run says so).
Prints one row for each: accuracy on the real test images, distance, variety, and speed.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import yaml

METHODS = ("image.stylegan2", "image.r3gan", "image.stylegan", "image.stylegan3", "image.dcgan", "image.ddpm")
RECIPE = Path(__file__).parent.parent / "examples" / "fashion-gan.yaml"
HEADINGS = (
    "generator",
    "weights, million",
    "images seen, thousand",
    "accuracy",
    "Frechet distance",
    "precision",
    "recall",
    "coverage",
    "recall before filters",
    "made for one row",
    "sampling, images/s",
)


def recipe_of(method: str) -> dict[str, Any]:
    """Return the recipe with another generator."""
    tree: dict[str, Any] = yaml.safe_load(RECIPE.read_text(encoding="utf-8"))
    if method != tree["generator"]["use"]:
        tree["generator"] = {"use": method, "minutes": tree["generator"]["minutes"]}
    return tree


def row(folder: Path) -> list[str]:
    """Return the figures of a finished run."""
    scores = json.loads((folder / "scores.json").read_text(encoding="utf-8"))
    about = json.loads((folder / "model" / "lookalike.json").read_text(encoding="utf-8"))
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    method, counts = manifest["generator"]["use"], manifest["sample"]
    found: dict[tuple[str, str], Any] = {(score["method"], score["target"]): score for score in scores}
    overlap = found["image.precision_recall", "accepted"]["detail"]
    before = found.get(("image.precision_recall", "unfiltered"))
    utility, distance = found["image.train_on_synthetic", "accepted"], found["image.frechet", "accepted"]
    low, high = utility["interval"]
    return [
        method,
        f"{about['parameters'] / 1e6:.2f}",
        f"{about['images_seen'] / 1e3:.0f}",
        f"{utility['value']:.3f} ({low:.3f} to {high:.3f}) of {utility['floor']:.3f}",
        f"{distance['value']:.2f} (real {distance['floor']:.2f})",
        *(f"{overlap[name]['value']:.2f}" for name in ("precision", "recall", "coverage")),
        f"{before['detail']['recall']['value']:.2f}" if before else "",
        f"{sum(counts['made']) / max(1, sum(counts['accepted'])):.2f}",
        f"{speed(method, folder / 'model'):.0f}",
    ]


def speed(method: str, folder: Path, images: int = 200) -> float:
    """Return how many images a saved model draws in a second."""
    from lookalike import Rng, find

    model = find("generators", method)().load(folder)
    model.sample(images, Rng(0))
    started = time.perf_counter()
    model.sample(images, Rng(1))
    return images / (time.perf_counter() - started)


def main() -> None:
    """Run what was asked for and print the table."""
    import lookalike

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--only", nargs="+", default=METHODS, choices=METHODS)
    parser.add_argument("--steps", nargs="*", default=[], metavar="METHOD=STEPS")
    parser.add_argument("--out", type=Path, default=Path("runs/choosing"))
    parser.add_argument("--fit-only", action="store_true", help="Stop before measuring.")
    asked = parser.parse_args()
    steps = dict(pair.split("=") for pair in asked.steps)
    for method in asked.only:
        budget = f"steps={steps[method]}" if method in steps else f"minutes={asked.minutes}"
        settings = [f"name=fashion-{method.partition('.')[2]}", f"generator.{budget}"]
        if method in steps:
            settings.append("generator.minutes=null")
        if asked.fit_only:
            settings += ["measure=[]", "audits=[]"]
        lookalike.run(recipe_of(method), asked.out / method, settings)
    if not asked.fit_only:
        print(" | ".join(HEADINGS))
        for method in asked.only:
            print(" | ".join(row(asked.out / method)))


if __name__ == "__main__":
    main()
