"""What the README and the docs show is true: code runs, recipes are valid, commands exist, links lead somewhere."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from lookalike.cli.app import app
from lookalike.cli.starter import starter
from lookalike.pipeline.plan import make_plan
from lookalike.pipeline.recipe import load, parse

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
RECIPES = [*sorted((ROOT / "examples").glob("*.yaml")), ROOT / "src" / "lookalike" / "cli" / "demo.yaml"]
_BLOCK = re.compile(r"(?:<!-- ([^\n]*) -->\n)?^```(\w+)\n(.*?)^```$", flags=re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_COMMENT = re.compile(r"<!--.*?-->", flags=re.DOTALL)
WHOLE: dict[str, Any] = {
    "name": "whole",
    "data": {"read": "folder", "path": "photos"},
    "generator": {"use": "image.ddpm", "minutes": 1},
    "sample": {"rows": 10},
}


@dataclass(frozen=True)
class Block:
    """A fenced block: its page and line, the comment before it, its language and its text."""

    page: Path
    line: int
    mark: str
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(*languages: str) -> Iterator[Block]:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for found in _BLOCK.finditer(text):
            if found[2] in languages:
                line = text.count("\n", 0, found.start(3))
                yield Block(page, line, found[1] or "", found[2], found[3])


RUNNABLE = {page: [block for block in blocks("python") if block.page == page and block.mark == "run"] for page in PAGES}


# diffusers' own schedulers hand tensors to numpy in the old way.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.usefixtures("at_work")
@pytest.mark.parametrize("page", [page for page in PAGES if RUNNABLE[page]], ids=lambda page: page.name)
def test_the_code_of_a_page_runs(page: Path) -> None:
    names: dict[str, Any] = {"__name__": "example"}
    for block in RUNNABLE[page]:
        exec(compile("\n" * block.line + block.text, str(page), "exec"), names)


@pytest.mark.parametrize("block", list(blocks("python")), ids=str)
def test_code_that_is_not_run_is_at_least_python(block: Block) -> None:
    compile(block.text, str(block), "exec")


@pytest.mark.parametrize("block", list(blocks("yaml")), ids=str)
def test_a_recipe_on_a_page_is_valid(block: Block) -> None:
    tree = yaml.safe_load(block.text)
    recipe = parse({**WHOLE, **tree})
    if block.mark != "needs the plug-in":
        make_plan(recipe, block.page.parent)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.name)
def test_a_recipe_file_makes_a_plan(path: Path) -> None:
    make_plan(load(path), path.parent)
    assert path.read_text(encoding="utf-8").startswith("# "), "a recipe says in its first line what it is"


def command_lines() -> Iterator[tuple[str, str]]:
    """Yield place and text of every `lookalike ...` line in blocks and in running text."""
    for block in blocks("sh", "text", "console"):
        for line in block.text.splitlines():
            if line.strip().removeprefix("$ ").startswith("lookalike "):
                yield str(block), line.strip().removeprefix("$ ")
    for page in PAGES:
        for found in re.findall(r"`(lookalike [^`\n]+)`", page.read_text(encoding="utf-8")):
            yield str(page.relative_to(ROOT)), found


@pytest.mark.parametrize(("place", "line"), sorted(set(command_lines())))
def test_a_command_line_exists(place: str, line: str) -> None:
    root: Any = typer.main.get_command(app)
    name, *words = shlex.split(line, comments=True)[1:]
    if name.startswith("--"):
        assert name in {option for param in root.params for option in param.opts} | {"--help"}
        return
    assert name in root.commands, f"{place}: no command {name}"
    options = {option for param in root.commands[name].params for option in param.opts} | {"--help"}
    unknown = [word for word in words if word.startswith("-") and word.partition("=")[0] not in options]
    assert not unknown, f"{place}: {name} has no option {unknown}"


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub and mkdocs make them."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", heading.lower()).strip()) for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_inside_the_project_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    for target in _LINK.findall(_COMMENT.sub("", text)):
        if "://" in target or target.startswith("mailto:"):
            continue
        file, _, anchor = target.partition("#")
        goal = (page.parent / file).resolve() if file else page
        assert goal.exists(), f"{page.name}: {target}"
        if anchor and goal.suffix == ".md":
            assert anchor in anchors(goal), f"{page.name}: {target}"


def test_init_writes_a_recipe_that_makes_a_plan(at_work: Path) -> None:
    text, found = starter("photos/", "augment", at_work)
    (at_work / "started.yaml").write_text(text, encoding="utf-8")
    recipe = load(at_work / "started.yaml")
    plan = make_plan(recipe, at_work)
    assert Path(plan.reader.method.path) == at_work / "photos"
    assert recipe.name == "photos"
    assert found


def test_the_pages_name_no_place_of_a_builders_machine() -> None:
    for page in PAGES:
        assert not re.search(r"/(root|home|work|tmp)/", page.read_text(encoding="utf-8")), page.name
