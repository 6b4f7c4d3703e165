"""The first recipe for texts: it runs as it is, says what it found and why, and fits the data."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from tests.cli.calling import call, refused

from lookalike.cli import starter_texts
from lookalike.cli.app import main
from lookalike.cli.starter import starter
from lookalike.data.corpus import Corpus
from lookalike.pipeline.plan import make_plan
from lookalike.pipeline.recipe import load, parse

WORDS = "the a film plot actor scene was really good bad slow fast bright dark music story end camera".split()
RUN = ("--out", "run", "--workers", "1")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["lookalike"])


@pytest.fixture
def without_extras(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No optional package is installed."""
    monkeypatch.setattr(starter_texts, "_installed", lambda extra: False)
    yield


def texts(count: int, words: int = 12) -> list[str]:
    draw = np.random.default_rng(0)
    return [" ".join(draw.choice(WORDS, draw.integers(max(1, words // 2), words * 2))) + f" {i}." for i in range(count)]


def table(name: str, count: int = 60, labels: Sequence[Any] = ("good", "bad"), words: int = 12) -> str:
    rows = [{"id": i, "review": text, "stars": labels[i % len(labels)]} for i, text in enumerate(texts(count, words))]
    path = Path(name)
    if path.suffix == ".jsonl":
        path.write_text("\n".join(map(json.dumps, rows)))
    else:
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    return name


def recipe_of(name: str, goal: str = "augment") -> tuple[str, dict[str, Any]]:
    text, _ = starter(name, goal, Path.cwd())
    return text, yaml.safe_load(text)


def rows_of(folder: Path) -> Corpus:
    store = json.loads((folder / "manifest.json").read_text())["stores"]["select"]
    return Corpus.open(folder / ".store" / store / "accepted")


@pytest.mark.usefixtures("without_extras")
@pytest.mark.parametrize("name", ["reviews.csv", "reviews.jsonl"])
def test_init_then_run_works_as_it_is(capsys: pytest.CaptureFixture[str], name: str) -> None:
    code, error = call(capsys, "init", table(name, labels=(1, 2, 5)))
    assert code == 0, error
    code, error = call(capsys, "run", "recipe.yaml", "--set", "generator.backend.use=echo", *RUN)
    assert code == 0, error
    made = rows_of(Path("run"))
    assert made.classes == ("1", "2", "5")
    assert made.counts().tolist() == [20, 20, 20]
    assert Path("run/report.html").is_file()


@pytest.mark.usefixtures("without_extras")
def test_texts_come_back_in_the_format_they_came_in(capsys: pytest.CaptureFixture[str]) -> None:
    assert recipe_of(table("reviews.jsonl"))[1]["write"] == ["jsonl"]
    Path("notes.txt").write_text("\n".join(texts(30)))
    text, tree = recipe_of("notes.txt")
    assert "write" not in tree
    assert text.splitlines()[-1] == "# write: [jsonl]  # the texts as JSON lines too, beside Parquet"
    rows = pd.read_csv(table("reviews.csv")).rename(columns={"text": "review", "rating": "stars"})
    rows[["review", "stars"]].to_csv("opinions.csv", sep=";", index=False)
    assert recipe_of("opinions.csv")[1]["write"] == [
        {"use": "csv", "delimiter": ";", "text": "review", "label": "stars"}
    ]
    assert call(capsys, "init", "opinions.csv")[0] == 0
    assert call(capsys, "run", "recipe.yaml", "--set", "generator.backend={use: echo}", *RUN)[0] == 0
    written = Path("run/written/csv/texts.csv").read_text().splitlines()
    assert written[0].split(";")[:2] == ["review", "stars"]


def test_what_a_run_made_can_be_started_from_again(capsys: pytest.CaptureFixture[str]) -> None:
    call(capsys, "init", table("reviews.csv"))
    call(capsys, "run", "recipe.yaml", "--set", "generator.backend={use: echo}", *RUN)
    code, error = call(capsys, "init", "run/synthetic", "--out", "again.yaml")
    assert code == 0, error
    tree = load(Path("again.yaml"))
    assert tree.data is not None
    assert (tree.data.read, tree.data.options["text"], tree.data.options["label"]) == ("parquet", "text", "label")
    code, error = call(capsys, "run", "again.yaml", "--set", "generator.backend={use: echo}", "--out", "again")
    assert code == 0, error


@pytest.mark.usefixtures("without_extras")
def test_unlabelled_lines_run_too(capsys: pytest.CaptureFixture[str]) -> None:
    Path("notes.txt").write_text("\n".join(texts(30)))
    assert call(capsys, "init", "notes.txt")[0] == 0
    code, error = call(capsys, "run", "recipe.yaml", "--set", "generator.backend={use: echo}", *RUN)
    assert code == 0, error
    assert len(rows_of(Path("run"))) == 20


def test_what_was_found_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    sys.argv = ["lookalike", "init", table("reviews.csv", 61)]
    with pytest.raises(SystemExit):
        main()
    told = capsys.readouterr().out
    assert "reader csv: 61 texts; columns: id (numbers), review (texts of 17 words), stars (2 values)" in told
    assert "text: column review, by its name; median " in told
    assert "label: column stars, by its name; bad 30, good 31" in told
    assert "marked FILL IN: they decide the quality" in told


@pytest.mark.parametrize("goal", ["augment", "share", "bootstrap", "simulate"])
def test_every_goal_makes_a_plan_and_the_places_to_fill_in_are_marked(goal: str) -> None:
    text, tree = recipe_of(table("reviews.csv"), goal)
    plan = make_plan(parse(tree), Path.cwd())
    assert plan.recipe.goal == goal
    assert tree["generator"]["backend"] == {"use": "local"}
    assert tree["generator"]["task"]["labels"] == {
        "bad": "a text with the label bad",
        "good": "a text with the label good",
    }
    assert text.count("FILL IN") == 3
    assert "decides how good the texts are" in text
    assert ("with 0 the model sees no real text" in text) == (goal == "share")


def test_labels_that_yaml_would_misread_are_quoted() -> None:
    _, tree = recipe_of(table("reviews.csv", labels=("yes", "no", "1", "null", "a: b", "# x", "ü\u2028")))
    found = parse(tree).generator.options["task"]["labels"]
    assert sorted(found) == sorted(["yes", "no", "1", "null", "a: b", "# x", "ü"])
    make_plan(parse(tree), Path.cwd())


def test_missing_packages_are_comments_and_installed_ones_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    table("reviews.csv")
    monkeypatch.setattr(starter_texts, "_installed", lambda extra: False)
    text, tree = recipe_of("reviews.csv")
    assert "# - text.self_bleu  # repetition; pip install 'lookalike[text]'" in text
    assert "pip install 'lookalike[local-llm]', which is NOT INSTALLED here" in text
    assert "text.self_bleu" not in tree["measure"]
    assert "text.semantic_similarity" in tree["measure"]
    monkeypatch.setattr(starter_texts, "_installed", lambda extra: True)
    text, tree = recipe_of("reviews.csv")
    assert "NOT INSTALLED" not in text
    assert "text.self_bleu" in tree["measure"]
    assert {"use": "text.semantic_similarity", "encoder": "text.minilm"} in tree["measure"]


def test_an_unsure_choice_names_the_alternatives() -> None:
    rows = [{"said": text, "more": text[::-1], "shop": i % 3, "kind": "ab"[i % 2]} for i, text in enumerate(texts(40))]
    Path("a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    text, tree = recipe_of("a.jsonl")
    assert "  # it holds the longest texts; not sure? it could also be: " in text
    assert {tree["data"]["text"]} < {"said", "more"}
    assert "label: kind  # its 2 values repeat; not sure? it could also be: shop; if they are no labels, write" in text


@pytest.mark.parametrize(
    ("count", "holdout", "used"),
    [
        (8, 0.5, set()),
        (60, 0.5, {"text.semantic_similarity"}),
        (80, 0.65, {"text.semantic_similarity"}),
        (500, 0.5, {"text.semantic_similarity", "text.mauve"}),
        (3000, 0.3, {"text.semantic_similarity", "text.mauve"}),
    ],
)
@pytest.mark.usefixtures("without_extras")
def test_holdout_and_measures_fit_the_number_of_rows(count: int, holdout: float, used: set[str]) -> None:
    _, tree = recipe_of(table("reviews.csv", count))
    assert tree["data"]["holdout"] == holdout
    assert {"text.semantic_similarity", "text.mauve"} & set(tree["measure"]) == used
    judged = any(isinstance(one, dict) and one["use"] == "text.label_agreement" for one in tree["filters"])
    assert judged == (count >= 500)


def test_very_many_rows_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starter_texts, "_MANY", 100)
    monkeypatch.setattr(starter_texts, "_LIMIT", 60)
    text, tree = recipe_of(table("reviews.csv", 200))
    assert tree["data"]["limit"] == 60
    assert "# of 200: enough to learn from" in text
    _, tree = recipe_of(table("reviews.csv", 200, labels=["good"] * 9 + ["bad"]))
    assert "limit" not in tree["data"]


def test_the_test_part_becomes_the_holdout() -> None:
    Path("d").mkdir()
    table("d/train.csv")
    table("d/test.csv", 20)
    _, tree = recipe_of("d")
    assert tree["data"]["path"] == "d/train.csv"
    assert tree["data"]["holdout"] == {"read": "csv", "path": "d/test.csv", "text": "review", "label": "stars"}


@pytest.mark.parametrize(
    ("words", "extra", "examples", "backend", "left_out"),
    [
        (12, 0, 6, {"use": "local"}, 0),
        (100, 0, 4, {"use": "local", "context": 2048, "slots": 4}, 0),
        (100, 1, 3, {"use": "local", "context": 8192, "slots": 1}, 1),
        (9000, 0, 0, {"use": "local", "context": 8192, "slots": 1}, 0),
    ],
)
def test_requests_fit_the_packaged_model(
    words: int, extra: int, examples: int, backend: dict[str, Any], left_out: int
) -> None:
    table("reviews.csv", 40, words=words)
    with Path("reviews.csv").open("a") as file:
        file.write(f'99,"{"word " * 50_000}",good\n' * extra)
    text, tree = recipe_of("reviews.csv")
    generator, data = tree["generator"], tree["data"]
    assert (generator["examples"], generator["backend"]) == (examples, backend)
    assert (data.get("on_error") == "skip") == ("max_characters" in data) == bool(left_out)
    assert ("1 longer text left out" in text) == bool(left_out)
    longest = max(len(one.encode()) for one in texts(40, words)) / 3 if examples else 0
    room = backend.get("context", 1024)
    assert examples * longest + generator["max_tokens"] + 200 <= room


def test_faults_are_left_out_and_counted() -> None:
    table("reviews.csv")
    with Path("reviews.csv").open("a") as file:
        file.write("7,,good\n")
    text, tree = recipe_of("reviews.csv")
    assert tree["data"]["on_error"] == "skip"
    assert "on_error: skip  # skipped 1 rows: reviews.csv line 62 has an empty text" in text


def test_a_name_with_a_line_break_stays_in_its_comment() -> None:
    name = "a\nname: evil.csv"
    table("reviews.csv")
    Path("reviews.csv").rename(name)
    _, tree = recipe_of(name)
    assert tree["name"] == "a-name-evil"
    assert tree["data"]["path"] == name


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", "text,label\n", "a.csv holds no texts that can be found"),
        (
            "a.csv",
            "text,label\none two,a\nthree four,a\nfive six,a\nseven eight,b\n",
            "classes have one text only: 'b'",
        ),
        ("a.jsonl", "{\n", "a.jsonl line 1 holds no JSON object"),
        ("a.txt", " \n", "a.txt holds no text that can be used"),
        ("a.parquet", "junk", "a.parquet is damaged or no Parquet file"),
        ("a.docx", "junk", "no reader knows a.docx; allowed: a folder of images, .npz, .parquet, a .csv"),
    ],
)
def test_nothing_usable_is_one_line(capsys: pytest.CaptureFixture[str], name: str, content: str, words: str) -> None:
    Path(name).write_text(content)
    assert words in refused(capsys, "init", name)
    assert not Path("recipe.yaml").exists()
