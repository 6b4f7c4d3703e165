"""Pages that hold tables made from the code are up to date; run this file to renew them.

.venv/bin/python tests/examples/test_generated.py
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from PIL import Image
from pydantic import BaseModel

from lookalike.cli.starter import starter
from lookalike.cli.starter_tables import schema_table, schema_yaml, table_at
from lookalike.core.registry import catalogue, find, kinds, names
from lookalike.data.declared import Declared
from lookalike.data.reading import ImageReader
from lookalike.data.tables import TableReader
from lookalike.data.tabular import TabularSettings
from lookalike.data.texts import TextReader
from lookalike.pipeline.recipe import Data, Recipe, Sample
from lookalike.reports.verdicts import rules_markdown

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
RENEW = ".venv/bin/python tests/examples/test_generated.py"
_MARK = re.compile(r"<!-- generated: ([\w.-]+) -->\n.*?<!-- end -->", flags=re.DOTALL)


def _cell(text: object) -> str:
    return " ".join(str(text).split()).replace("|", "\\|")


def _kind(field: Mapping[str, Any]) -> str:
    """Return what a value may be, in words, from its JSON schema."""
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "anyOf" in field:
        parts = [_kind(part) for part in field["anyOf"] if part.get("type") != "null"]
        return " or ".join(dict.fromkeys(parts))
    if "$ref" in field:
        return "a section"
    bounds = []
    for key, sign in (("minimum", "≥ "), ("exclusiveMinimum", "> "), ("maximum", "≤ "), ("exclusiveMaximum", "< ")):
        if key in field:
            bounds.append(f"{sign}{field[key]:g}")
    words = {"integer": "whole number", "number": "number", "string": "text", "boolean": "true or false"}
    word = words.get(str(field.get("type")), "")
    if field.get("type") == "array":
        items = field.get("items") or (field.get("prefixItems") or [{}])[0]
        word = "list of methods" if "$ref" in items else f"list of {_kind(items)}"
        word = "list of constraints" if "oneOf" in items else word
    if field.get("type") == "object":
        word = "mapping"
    return f"{word} {', '.join(bounds)}".strip()


def _default(field: Mapping[str, Any], required: bool) -> str:
    if required:
        return "required"
    if "default" not in field:
        return "–"
    value = field["default"]
    if isinstance(value, dict) or value == []:
        return "–" if value else "none"
    return "none" if value is None else f"`{json.dumps(value, ensure_ascii=False).strip(chr(34))}`"


def _rows(schema: Mapping[str, Any], skip: frozenset[str], prefix: str = "") -> Iterator[str]:
    definitions = schema.get("$defs", {})

    def walk(node: Mapping[str, Any], prefix: str) -> Iterator[str]:
        for name, field in node.get("properties", {}).items():
            if not prefix and name in skip:
                continue
            parts = [field, *field.get("anyOf", []), *field.get("allOf", [])]
            ref = next((part["$ref"] for part in parts if "$ref" in part), None)
            nested = definitions.get(ref.rpartition("/")[2], {}) if ref else {}
            if nested.get("properties") and nested.get("additionalProperties") is not True:
                yield from walk(nested, f"{prefix}{name}.")
                continue
            kind = _kind(nested if "enum" in nested else field)
            default = _default(field, name in node.get("required", ()))
            yield f"| `{prefix}{name}` | {default} | {_cell(kind)} | {_cell(field.get('description', ''))} |"

    yield from walk(schema, prefix)


def settings(model: type[BaseModel], skip: frozenset[str] = frozenset()) -> str:
    """Return the table of a config's fields, or a sentence when it has none."""
    rows = list(_rows(model.model_json_schema(), skip))
    if not rows:
        return "No settings.\n"
    return "\n".join(["| key | default | allowed | meaning |", "|---|---|---|---|", *rows]) + "\n"


def _methods_of(kind: str, skip: frozenset[str] = frozenset()) -> str:
    parts = [f"### {name}\n\n{settings(find(kind, name), skip)}" for name in names(kind) if _ours(kind, name)]
    return "\n".join(parts)


def _ours(kind: str, name: str) -> bool:
    return bool(find(kind, name).__module__.startswith("lookalike."))


def _readers() -> str:
    """Return the settings of the readers, those that all of a kind share once."""
    parts = []
    bases = {
        "Every reader of images": ImageReader,
        "Every reader of texts": TextReader,
        "Every reader of tables, of images or of texts": TableReader,
        "Every other reader of tables": TabularSettings,
    }
    told: set[str] = set()
    for heading, base in bases.items():
        some = [name for name in names("readers") if issubclass(find("readers", name), base) and name not in told]
        told.update(some)
        shared = frozenset(base.model_fields)
        parts.append(f"### {heading}\n\n{settings(base)}")
        parts += [f"### {name}\n\n{settings(find('readers', name), shared)}" for name in some if _ours("readers", name)]
    return "\n".join(parts)


def _list_of_methods() -> str:
    rows = ["| kind | name | what it does | source |", "|---|---|---|---|"]
    for kind in kinds():
        for entry in catalogue(kind):
            if _ours(kind, entry.name):
                # The report links to methods/#image.frechet.
                anchor = f'<a id="{entry.name}"></a>' if kind in ("metrics", "audits") else ""
                about = f"{anchor}{_cell(entry.summary)}"
                rows.append(f"| {kind} | `{entry.name}` | {about} | {_cell(entry.source) or '–'} |")
    return "\n".join(rows) + "\n"


def _starter() -> str:
    """Return what `lookalike init photos/` prints and writes for the folder of the tutorial."""
    with TemporaryDirectory() as name:
        base = Path(name)
        content = io.BytesIO()
        Image.new("RGB", (64, 48)).save(content, "JPEG")
        for label, count in (("boot", 420), ("sandal", 380), ("slipper", 310)):
            (base / "photos" / label).mkdir(parents=True)
            for number in range(count):
                (base / "photos" / label / f"{number:04d}.jpg").write_bytes(content.getvalue())
        recipe, found = starter(str(base / "photos"), "augment", base)
    return "```text\n" + "\n".join(found) + "\n```\n\n```yaml\n" + recipe + "```\n"


def _starter_texts() -> str:
    """Return what `lookalike init reviews.csv` prints for a small table of reviews."""
    said = ("a film that nobody needs", "I laughed for two hours and went again", "slow, but the ending is worth it")
    with TemporaryDirectory() as name:
        path = Path(name) / "reviews.csv"
        rows = [f'{place},"{said[place % 3]}, seat {place}",{(1, 5, 3)[place % 3]},web' for place in range(600)]
        path.write_text("\n".join(["id,review,stars,source", *rows]), encoding="utf-8")
        _, found = starter(str(path), "augment", Path(name))
    return "```text\n" + "\n".join(found) + "\n```\n"


def _schema() -> str:
    """Return what `lookalike schema data.csv` prints for a small table of patients."""
    with TemporaryDirectory() as name:
        path = Path(name) / "data.csv"
        rows = [
            f"p-{k},{20 + k * 7 % 60},{'' if k % 9 == 0 else 60 + k % 31 + 0.5 * (k % 2)},{('Ulm', 'Bonn')[k % 2]},"
            f"{1 + k % 28:02d}.0{1 + k % 9}.2021,{('no', 'yes')[k % 4 == 0]}"
            for k in range(400)
        ]
        path.write_text("\n".join(["patient,age,weight,town,since,ill", *rows]), encoding="utf-8")
        found = table_at(str(path)).columns
    return "```text\n" + "\n".join([*schema_table(found), "", *schema_yaml(found)]) + "\n```\n"


MAKERS: dict[str, Callable[[], str]] = {
    "rules": rules_markdown,
    "starter": _starter,
    "starter.texts": _starter_texts,
    "schema": _schema,
    "methods": _list_of_methods,
    "recipe": lambda: settings(Recipe),
    "data": lambda: settings(Data),
    "sample": lambda: settings(Sample),
    "readers": _readers,
    "columns": lambda: settings(Declared),
    "generators": lambda: _methods_of("generators"),
    "filters": lambda: _methods_of("filters"),
    "metrics": lambda: _methods_of("metrics"),
    "audits": lambda: _methods_of("audits"),
    "encoders": lambda: _methods_of("encoders"),
    "learners": lambda: _methods_of("learners"),
    "writers": lambda: _methods_of("writers"),
    "backends": lambda: _methods_of("backends"),
}


def renewed(text: str) -> str:
    """Return a page with its generated parts made again."""
    return _MARK.sub(lambda found: f"<!-- generated: {found[1]} -->\n\n{MAKERS[found[1]]()}\n<!-- end -->", text)


PAGES = [path for path in sorted(DOCS.rglob("*.md")) if _MARK.search(path.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_generated_table_is_up_to_date(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text == renewed(text), f"docs/{path.name} is behind the code; renew it with: {RENEW}"


def test_every_table_stands_on_a_page() -> None:
    used = {name for path in PAGES for name in _MARK.findall(path.read_text(encoding="utf-8"))}
    assert used == set(MAKERS)


def test_the_links_of_a_report_find_their_method() -> None:
    text = (DOCS / "methods.md").read_text(encoding="utf-8")
    for kind in ("metrics", "audits"):
        for name in names(kind):
            assert not _ours(kind, name) or f'<a id="{name}"></a>' in text


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(renewed(page.read_text(encoding="utf-8")), encoding="utf-8")
