"""The plug-in of docs/extending.md works as it stands there: found by its entry point, tested, and used in a run."""

from __future__ import annotations

import importlib
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import lookalike
from lookalike.core.registry import catalogue, find, names, origin
from lookalike.pipeline.plan import Named

PAGE = Path(__file__).parents[2] / "docs" / "extending.md"
_FILE = re.compile(r"<!-- file: ([\w./-]+) -->\n```\w+\n(.*?)^```$", flags=re.DOTALL | re.MULTILINE)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Write the page's files, and the metadata that pip would write from its pyproject.toml."""
    for name, text in _FILE.findall(PAGE.read_text(encoding="utf-8")):
        (tmp_path / name).write_text(text, encoding="utf-8")
    project = tomllib.loads((tmp_path / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    info = tmp_path / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    lines = [
        line
        for group, points in project["entry-points"].items()
        for line in (f"[{group}]", *(f"{name} = {value}" for name, value in points.items()))
    ]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in ("lookalike_contrast", "test_lookalike_contrast"):
        sys.modules.pop(name, None)


@pytest.mark.usefixtures("installed")
def test_the_plug_in_is_found_by_name() -> None:
    assert "image.contrast" in names("filters")
    assert find("filters", "image.contrast").__name__ == "Contrast"
    about = {entry.name: entry for entry in catalogue("filters")}["image.contrast"]
    assert about.summary == "Refuses images whose grey levels hardly differ."
    assert about.source == "none, a rule of thumb."


def test_a_new_version_of_the_plug_in_computes_anew(installed: Path) -> None:
    assert origin("filters", "image.duplicate") == ""
    filter_ = find("filters", "image.contrast")()
    first = origin("filters", "image.contrast")
    assert first.startswith("lookalike-contrast ")
    (info,) = installed.glob("*.dist-info")
    text = (info / "METADATA").read_text()
    (info / "METADATA").write_text(text.replace(first.split()[1], "99.0"))
    assert origin("filters", "image.contrast") == "lookalike-contrast 99.0"
    keys = {Named("image.contrast", filter_, came).key("rows") for came in (first, "lookalike-contrast 99.0")}
    assert len(keys) == 2


@pytest.mark.usefixtures("installed")
def test_its_own_test_passes() -> None:
    module = importlib.import_module("test_lookalike_contrast")
    module.test_flat_images_are_refused()


def test_a_run_uses_it(installed: Path, workplace: Path) -> None:
    tree = yaml.safe_load((workplace / "recipe.yaml").read_text(encoding="utf-8"))
    tree["data"]["path"] = str(workplace / "photos")
    tree["filters"] = [{"use": "image.contrast", "least": 1}]
    run = lookalike.run(tree, installed / "run", workers=1)
    assert [used["use"] for used in run.manifest["filters"]] == ["image.contrast"]
    assert run.manifest["filters"][0]["reads_real"] is False


def test_without_it_the_name_is_unknown() -> None:
    with pytest.raises(lookalike.ConfigError, match=r"no filter is called 'image\.contrast'"):
        find("filters", "image.contrast")
