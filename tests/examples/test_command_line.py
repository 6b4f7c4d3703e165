"""The command line is a contract: commands, arguments and options change on purpose, here and in the changelog."""

from __future__ import annotations

from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from lookalike.cli.app import app

CONTRACT: dict[str, tuple[list[str], list[str]]] = {
    "cite": (["recipe"], []),
    "demo": ([], ["--json", "--out", "--set", "--strict", "--workers"]),
    "init": (["data"], ["--goal", "--out"]),
    "measure": (["folder"], ["--add", "--json", "--strict"]),
    "methods": (["kind"], ["--json"]),
    "preview": (["recipe"], ["--json", "--out", "--rows", "--set"]),
    "report": (["folder"], ["--json", "--strict"]),
    "run": (["recipe"], ["--json", "--out", "--set", "--strict", "--workers"]),
    "sample": (
        ["folder"],
        ["--json", "--label", "--out", "--rows", "--seed", "--set", "--where", "--workers", "--write"],
    ),
    "schema": (["data"], ["--json"]),
    "verify": (["folder"], ["--json"]),
}


def commands() -> dict[str, Any]:
    root: Any = typer.main.get_command(app)
    return dict(root.commands)


def test_the_commands_are_these() -> None:
    assert sorted(commands()) == sorted(CONTRACT)


@pytest.mark.parametrize("name", CONTRACT)
def test_a_command_takes_these_arguments_and_options(name: str) -> None:
    params = commands()[name].params
    arguments = [param.name for param in params if param.param_type_name == "argument"]
    options = sorted(option for param in params if param.param_type_name == "option" for option in param.opts)
    assert (arguments, options) == CONTRACT[name]


@pytest.mark.parametrize("name", CONTRACT)
def test_every_command_and_option_says_what_it_does(name: str) -> None:
    command = commands()[name]
    assert (command.help or "").rstrip().endswith(".")
    for param in command.params:
        assert getattr(param, "help", None), f"{name} {param.name}"


@pytest.mark.usefixtures("at_work")
@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("report runs/photos", "report: runs/photos/report.html"),
        ("measure runs/photos", "image.frechet"),
        ("sample runs/photos --rows 4 --label boot --seed 7 --set guidance=2", "4 rows, not filtered"),
        ("sample runs/photos --rows 4 --out more --write png", "4 rows, not filtered: more\npng: more/_written/png"),
        ("verify runs/photos", "files are as they were written"),
        ("cite recipe.yaml", "image.frechet: Heusel et al. 2017"),
        ("methods filters", "image.near_copy"),
    ],
)
def test_what_the_tutorial_does_with_a_finished_run(line: str, shown: str) -> None:
    result = CliRunner().invoke(app, line.split())
    assert result.exit_code == 0, result.output
    assert shown in result.output
