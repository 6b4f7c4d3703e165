"""The command line: parse, call, show events."""

from __future__ import annotations

import errno
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from lookalike import __version__
from lookalike.core.errors import LookalikeError

app = typer.Typer(
    name="lookalike",
    help="Synthetic data people can trust: generate it, filter it, and prove what it is good for.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Out = Annotated[Path | None, typer.Option("--out", help="Run folder; default runs/<name>.")]
Set = Annotated[list[str] | None, typer.Option("--set", help="path.to.key=value, replaces a value of the recipe.")]
Workers = Annotated[int | None, typer.Option("--workers", help="Processes for sampling; default one per core.")]
Json = Annotated[bool, typer.Option("--json", help="Print events and results as JSON lines.")]
Strict = Annotated[bool, typer.Option("--strict", help="Exit with 1 when a verdict is FAIL.")]
# The base class of a wrong command line; it comes from click or from typer's own copy of it.
_UsageError: type[typer.BadParameter] = typer.BadParameter.__mro__[1]
RunDir = Annotated[Path, typer.Argument(help="Run folder.")]


def _emit(as_json: bool, text: str, **fields: object) -> None:
    typer.echo(json.dumps(fields, ensure_ascii=False) if as_json else text)


def _paths(written: Mapping[str, Path]) -> dict[str, str]:
    return {name: str(path) for name, path in written.items()}


def _finish(folder: Path, as_json: bool, strict: bool) -> None:
    """Print the verdicts and where the report is; leave with 1 when `strict` and one is FAIL."""
    from lookalike.pipeline.folder import RunFolder
    from lookalike.pipeline.writing import WRITTEN, places
    from lookalike.reports.verdicts import headline, verdicts

    run = RunFolder(folder)
    manifest = run.manifest()
    found = verdicts(run.scores(), manifest)
    written = places(folder / WRITTEN)
    if as_json:
        rows = [{"verdict": item.name, "word": item.word, "sentence": item.sentence} for item in found]
        files = {"report": str(folder / "report.html"), "written": _paths(written)}
        _emit(True, "", folder=str(folder), **files, verdicts=rows)
    else:
        typer.echo("")
        typer.echo(headline(found, manifest))
        for item in found:
            typer.echo(f"  {item.name:<10} {item.word:<14} {item.sentence}")
        shown = {"report": folder / "report.html", "rows": folder / "synthetic", **written}
        typer.echo("\n" + "\n".join(f"{f'{name}:':<7} {path}" for name, path in shown.items()))
    if strict and any(item.word == "FAIL" for item in found):
        raise typer.Exit(1)


@app.command()
def run(
    recipe: Annotated[Path, typer.Argument(help="Recipe, a YAML file.")],
    out: Out = None,
    settings: Set = None,
    workers: Workers = None,
    as_json: Json = False,
    strict: Strict = False,
) -> None:
    """Run a recipe: read, fit, sample, filter, measure, report. The same command continues after an interruption."""
    from lookalike.cli.progress import shown
    from lookalike.pipeline.recipe import load
    from lookalike.runners.local import run as run_recipe

    folder = out or Path("runs") / load(recipe, settings or ()).name
    with shown(as_json) as watch:
        run_recipe(recipe, folder, settings or (), workers, watch)
    _finish(folder, as_json, strict)


@app.command()
def preview(
    recipe: Annotated[Path, typer.Argument(help="Recipe, a YAML file.")],
    rows: Annotated[int, typer.Option("--rows", help="How many.")] = 5,
    out: Out = None,
    settings: Set = None,
    as_json: Json = False,
) -> None:
    """Show the first few rows that a recipe asks a language model for, before any long job; a run reuses them."""
    from lookalike.cli.progress import shown
    from lookalike.runners.local import preview as first_rows

    with shown(as_json) as watch:
        made = first_rows(recipe, rows, out, settings or (), watch)
    names = [name for name in made.table.column_names if name not in ("text", "label")]
    for place, row in enumerate(made.table.to_pylist()):
        further = {name: row[name] for name in names if row[name] not in (None, "") and row[name] == row[name]}
        label = made.classes[row["label"]] if made.classes else ""
        told = "; ".join(
            [
                *([label] if label else []),
                *(f"{name}: {value:.3g}" if isinstance(value, float) else f"{name}: {value}"
                  for name, value in further.items()),
            ]
        )  # fmt: skip
        line = {"text": row["text"], "label": label, **further}
        typer.echo(json.dumps(line, ensure_ascii=False) if as_json else f"\n{place + 1}. [{told}]\n{row['text']}")


@app.command()
def demo(
    out: Out = None, settings: Set = None, workers: Workers = None, as_json: Json = False, strict: Strict = False
) -> None:
    """Make synthetic digits from scikit-learn's 1,797 real ones and measure them; a few minutes on a laptop."""
    from lookalike.cli.progress import shown
    from lookalike.runners.local import run as run_recipe

    folder = out or Path("runs/demo")
    with shown(as_json) as watch:
        run_recipe(Path(__file__).with_name("demo.yaml"), folder, settings or (), workers, watch)
    _finish(folder, as_json, strict)


@app.command()
def init(
    data: Annotated[str, typer.Argument(help="A folder, a file, or the word digits.")],
    goal: Annotated[
        str | None,
        typer.Option("--goal", help="augment, share, bootstrap or simulate; default: share for tables, else augment."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Where the recipe goes.")] = Path("recipe.yaml"),
) -> None:
    """Look at the data and write a commented recipe for it."""
    from lookalike.cli.opening import quoted
    from lookalike.cli.starter import starter

    if out.exists():
        raise LookalikeError(f"{out} exists already; give another name with --out, or remove it")
    if not out.resolve().parent.is_dir():
        raise LookalikeError(f"no folder {out.parent} to write {out.name} into; make it first")
    text, found = starter(data, goal, out.resolve().parent, str(out))
    from lookalike.core.store import write_file

    write_file(out, text)
    for line in found:
        typer.echo(line)
    typer.echo(f"wrote {out}; next: lookalike run {quoted(str(out))}")


@app.command()
def schema(
    data: Annotated[
        str, typer.Argument(help="A table (csv, Parquet, ...), a folder or database of several, or a recipe.")
    ],
    as_json: Json = False,
) -> None:
    """Show what each column is taken for and why, how a recipe would change it, likely constraints, links of tables."""
    from lookalike.cli.schemas import described
    from lookalike.cli.starter_tables import declared, discovered, likely_keys, schema_lines

    seen = described(data)
    if not as_json and seen.told:
        typer.echo("\n".join([*seen.told, ""]))
    for link in seen.links if as_json else ():
        _emit(True, "", **link)
    for name, found in seen.tables.items():
        rules, told = discovered(found)
        if not as_json:
            typer.echo("\n".join(schema_lines(name, found, rules, told, seen.together)))
            continue
        table = {"table": name} if name else {}
        for one in found.columns:
            _emit(True, "", **table, column=one.column.name, **declared(one), missing=one.facts.missing, why=one.reason)
        for rule in rules:
            _emit(True, "", **table, constraint=rule.rule.model_dump(exclude_defaults=True), evidence=rule.evidence)
        if name:
            _emit(True, "", **table, likely_keys=likely_keys(found))


@app.command()
def sample(
    folder: RunDir,
    rows: Annotated[int, typer.Option("--rows", help="How many.")],
    label: Annotated[str | None, typer.Option("--label", help="Only this class.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="Another seed gives other rows.")] = 1,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for the Parquet shards.")] = None,
    where: Annotated[
        list[str] | None, typer.Option("--where", help="COLUMN=VALUE that every row of a table has; may be repeated.")
    ] = None,
    write: Annotated[
        list[str] | None,
        typer.Option("--write", help="Writer of a further format, e.g. csv; may be repeated; default as the recipe."),
    ] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", help="key=value, e.g. guidance=2.")] = None,
    workers: Workers = None,
    as_json: Json = False,
) -> None:
    """Draw more rows from the model of a finished run. No filter is applied to them."""
    from lookalike.cli.progress import shown
    from lookalike.pipeline.recipe import override
    from lookalike.pipeline.wanted import given
    from lookalike.pipeline.writing import BESIDE, places
    from lookalike.runners.local import sample as draw

    named = override({}, settings or ())
    if where and "where" in named:
        raise LookalikeError("--where and --set where=... say the same; give one of them")
    wanted = given(where) if where else named.pop("where", None)
    with shown(as_json) as watch:
        target = draw(folder, rows, label, seed, out, workers, watch, wanted, write or None, **named)
    written = places(target / BESIDE)
    text = "\n".join([f"{rows} rows, not filtered: {target}", *(f"{name}: {path}" for name, path in written.items())])
    _emit(as_json, text, rows=rows, folder=str(target), written=_paths(written))


@app.command()
def measure(
    folder: RunDir,
    method: Annotated[list[str] | None, typer.Option("--add", help="A metric or audit to add, by name.")] = None,
    as_json: Json = False,
    strict: Strict = False,
) -> None:
    """Score a finished run again and renew its report; figures that are there are not computed twice."""
    from lookalike.cli.progress import shown
    from lookalike.pipeline import api

    with shown(as_json) as watch:
        scores = api.measure(folder, method or (), watch)
    if not as_json:
        for row in scores:
            best = "not estimated" if row["floor"] is None else f"{row['floor']:.3g}"
            value = "NOT ESTIMATED" if row["value"] is None else f"{row['value']:>9.4g}"
            typer.echo(f"  {row['method']:<28} {row['target']:<11} {value}   real data: {best}")
    _finish(folder, as_json, strict)


@app.command()
def report(folder: RunDir, as_json: Json = False, strict: Strict = False) -> None:
    """Write the report of a finished run again."""
    from lookalike.pipeline import api

    api.report(folder)
    _finish(folder, as_json, strict)


@app.command()
def verify(folder: RunDir, as_json: Json = False) -> None:
    """Compare every file of a run with its manifest."""
    from lookalike.pipeline.folder import RunFolder
    from lookalike.pipeline.folder import verify as compare

    problems = compare(folder)
    if problems:
        more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise LookalikeError(
            f"{folder} is not as it was written: {'; '.join(problems[:3])}{more}; "
            "run the recipe again to restore the files from the run's store"
        )
    count = len(RunFolder(folder).manifest()["files"])
    _emit(as_json, f"{count} files are as they were written", files=count, problems=[])


@app.command()
def methods(
    kind: Annotated[str | None, typer.Argument(help="generators, filters, metrics, ...; default all.")] = None,
    as_json: Json = False,
) -> None:
    """List the methods that can stand in a recipe."""
    from lookalike.core.registry import catalogue, kinds

    for each in [kind] if kind else kinds():
        for entry in catalogue(each):
            line = f"{each:<11} {entry.name:<28} {entry.summary}"
            _emit(as_json, line, kind=each, name=entry.name, about=entry.summary)


@app.command()
def cite(recipe: Annotated[Path, typer.Argument(help="Recipe, a YAML file.")]) -> None:
    """Print the sources of every method that a recipe uses."""
    from lookalike.core.registry import catalogue
    from lookalike.pipeline.recipe import load

    tree = load(recipe)
    used = {
        "generators": [tree.generator.use],
        "filters": [use.use for use in tree.filters],
        "metrics": [use.use for use in tree.measure],
        "audits": [use.use for use in tree.audits],
    }
    typer.echo(f"lookalike {__version__}: synthetic data with the proof on the same page.")
    for kind, wanted in used.items():
        for entry in catalogue(kind):
            if entry.name in wanted:
                typer.echo(f"{entry.name}: {entry.source or 'no source given'}")


def _version(value: bool) -> None:
    if value:
        typer.echo(f"lookalike {__version__}")
        raise typer.Exit


_VERSION = typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[bool, _VERSION] = False,
) -> None:
    del version
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def _fail(message: str, code: int) -> NoReturn:
    typer.echo(f"lookalike: {' '.join(message.split())}", err=True)
    sys.exit(code)


def main() -> None:
    """Run the command line; a user's error is one line, never a traceback."""
    try:
        sys.exit(app(standalone_mode=False) or 0)
    except LookalikeError as error:
        _fail(str(error), error.exit_code)
    except _UsageError as error:
        command = error.ctx.command_path if error.ctx else "lookalike"
        _fail(f"{error.format_message().rstrip('.')}; see {command} --help", 2)
    except (typer.Abort, KeyboardInterrupt):
        _fail("interrupted; finished work is kept: the same command continues", 130)
    except BrokenPipeError:
        sys.exit(0)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            _fail("the disk is full; what was finished is kept: free some space and run the same command again", 2)
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            _fail(f"no permission: {error.filename}; give another folder with --out", 2)
        if error.errno == errno.EISDIR:
            _fail(f"{error.filename} is a folder, where a file is needed; correct the path", 2)
        raise


if __name__ == "__main__":
    main()
