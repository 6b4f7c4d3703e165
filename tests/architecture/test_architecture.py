"""The design holds itself up: one public final class per method file, a mirrored test, one row in the docs."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import lookalike
from lookalike.core import registry
from lookalike.core.registry import PATHS, catalogue, find, kinds, public_classes

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "lookalike"
METHODS = [(kind, name) for kind in kinds() for name in registry._built_in(kind)]


def file_of(kind: str, name: str) -> Path:
    return (SOURCE / PATHS[kind] / Path(*name.split("."))).with_suffix(".py")


@pytest.mark.parametrize(("kind", "name"), METHODS, ids=lambda value: value)
def test_a_method_file_holds_one_public_final_class(kind: str, name: str) -> None:
    module = sys.modules[find(kind, name).__module__]
    classes = public_classes(module)
    assert len(classes) == 1
    assert getattr(classes[0], "__final__", False), f"{classes[0].__name__} is not @final"


@pytest.mark.parametrize(("kind", "name"), METHODS, ids=lambda value: value)
def test_a_method_file_has_a_mirrored_test(kind: str, name: str) -> None:
    source = file_of(kind, name).relative_to(SOURCE)
    test = ROOT / "tests" / source.parent / f"test_{source.name}"
    assert test.is_file(), f"no {test.relative_to(ROOT)}"


def test_the_docs_list_exactly_the_registered_methods() -> None:
    text = (ROOT / "docs" / "methods.md").read_text()
    listed = set(re.findall(r"^\| (\w+) \| `([\w.]+)` \|", text, flags=re.MULTILINE))
    assert listed == set(METHODS)


@pytest.mark.parametrize("kind", kinds())
def test_every_method_says_what_it_is(kind: str) -> None:
    for entry in catalogue(kind):
        assert entry.summary.endswith("."), f"{kind} {entry.name}: {entry.summary!r}"


def test_no_method_imports_another_method() -> None:
    modules = {f"lookalike.{PATHS[kind].replace('/', '.')}.{name}" for kind, name in METHODS}
    for kind, name in METHODS:
        tree = ast.parse(file_of(kind, name).read_text())
        imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        imported |= {a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names}
        assert not imported & modules, f"{kind} {name}"


def test_files_and_functions_stay_small() -> None:
    for path in SOURCE.rglob("*.py"):
        text = path.read_text()
        assert len(text.splitlines()) <= 400, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                assert (node.end_lineno or 0) - node.lineno < 60, f"{path}: {node.name}"


def test_there_is_no_drawer_for_odds_and_ends() -> None:
    assert not [path for path in SOURCE.rglob("*.py") if path.stem in {"utils", "common", "helpers", "misc"}]


def test_the_public_api_is_sorted_and_importable() -> None:
    assert lookalike.__all__ == sorted(lookalike.__all__)
    for name in lookalike.__all__:
        assert getattr(lookalike, name) is not None
    with pytest.raises(AttributeError):
        lookalike.nothing_of_that_name  # noqa: B018


def test_importing_the_package_or_the_core_loads_nothing_heavy() -> None:
    code = (
        "import sys, lookalike, lookalike.cli.app, lookalike.pipeline.recipe, lookalike.core.registry as r;"
        "[r.names(kind) for kind in r.kinds()]; [r.catalogue(kind) for kind in r.kinds()];"
        "heavy = {'torch', 'pandas', 'sklearn', 'diffusers', 'PIL', 'scipy', 'pyarrow'} & set(sys.modules);"
        "sys.exit(', '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
