"""Bad input of text runs: one line with what was found and how to fix it, and answers that came are kept."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.backends.fake_server import FakeServer, serving
from tests.cli.calling import call, refused

LABELS = {"good": "the writer likes it", "bad": "the writer does not"}
ECHO = {"use": "echo"}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["lookalike"])
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def write(backend: Any = None, task: Any = None, sample: Any = None, data: Any = None, **generator: Any) -> str:
    """Write a recipe and return its path."""
    tree: dict[str, Any] = {
        "name": "bad",
        "generator": {
            "use": "text.prompted",
            "backend": ECHO if backend is None else backend,
            "task": {"describe": "reviews", "labels": LABELS, **(task or {})},
            "limits": {"pause": 0.001, "at_once": 2},
            **generator,
        },
        "sample": {"rows": 12, **(sample or {})},
    }
    tree |= {"data": data} if data else {}
    Path("recipe.yaml").write_text(yaml.safe_dump(tree, sort_keys=False), encoding="utf-8")
    return "recipe.yaml"


def backend(server: FakeServer) -> dict[str, Any]:
    return {"use": "openai_compatible", "url": server.url, "name": "m"}


def text(number: int) -> str:
    return json.dumps({"text": f"text {number}"})


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def test_a_server_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    url = f"http://127.0.0.1:{free_port()}/v1"
    line = refused(capsys, "run", write({"use": "openai_compatible", "url": url, "name": "m"}), code=3)
    assert f"{url}/chat/completions cannot be reached" in line
    assert "attempts failed" in line
    assert "check the server, then run the same command again" in line


def test_a_host_that_is_unknown(capsys: pytest.CaptureFixture[str]) -> None:
    url = "https://no-such-host.invalid/v1"
    line = refused(capsys, "run", write({"use": "openai_compatible", "url": url, "name": "m"}), code=3)
    assert f"{url}/chat/completions cannot be reached" in line


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (
            401,
            {"error": {"message": "bad key"}},
            "refused the key (401: bad key); put a valid key into the environment",
        ),
        (402, {"error": {"message": "pay"}}, "says the quota is used up (402: pay); add credit, then run again"),
        (
            429,
            {"error": {"code": "insufficient_quota", "message": "pay"}},
            "the quota is used up (429: pay); add credit",
        ),
        (
            404,
            {"error": {"message": "no model m"}},
            "refused the request (404: no model m); check url, name and settings",
        ),
    ],
)
def test_what_the_server_refuses_and_answers_that_came_are_kept(
    capsys: pytest.CaptureFixture[str], status: int, body: Any, words: str
) -> None:
    broken = True
    answered: list[int] = []

    def answer(number: int, asked: dict[str, Any]) -> Any:
        if broken and len(answered) >= 5:
            return (status, body)
        answered.append(number)
        return text(number)

    with serving(FakeServer(answer=answer)) as server:
        recipe = write(backend(server))
        assert words in refused(capsys, "run", recipe, "--out", "run", code=3)
        assert server.received < 12
        broken = False
        code, error = call(capsys, "run", recipe, "--out", "run")
    assert code == 0, error
    assert len(answered) == 12


def test_a_model_that_cannot_follow_the_form_ends_at_the_stated_limit(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(FakeServer(answer=lambda number, body: f"Sure! Text {number}")) as server:
        line = refused(capsys, "run", write(backend(server), sample={"attempts": 3}), "--out", "run")
        assert server.received == 2 * 3 * 12
    assert "no usable row among the 36 that were made" in line
    assert "answer: no JSON object (36); try another model" in line


def test_a_model_that_seldom_follows_the_form_leaves_a_shortfall_with_reasons(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with serving(FakeServer(answer=lambda number, body: text(number) if number % 8 == 0 else "no")) as server:
        code, error = call(capsys, "run", write(backend(server), sample={"attempts": 2}), "--out", "run")
    assert code == 0, error
    assert "rows short of the 12 asked: sample.attempts was used up" in error
    sample = json.loads(Path("run/manifest.json").read_text())["sample"]
    assert 0 < sum(sample["accepted"]) < 12
    assert all(set(row["reasons"]) == {"answer: no JSON object"} for row in sample["shortfall"])


def test_an_answer_that_is_cut_off_says_which_setting_is_too_small(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(FakeServer(answer=lambda number, body: ['{"text": "cut', "length"])) as server:
        recipe = write(backend(server), sample={"attempts": 1, "rows": 2}, max_tokens=7)
        assert "answer: no end within max_tokens=7 (2)" in refused(capsys, "run", recipe)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"task": {"labels": {"good": None, "bad": "x"}}}, "label 'good' has no definition; say in a few words"),
        ({"task": {"labels": {"good": " ", "bad": "x"}}}, "label 'good' has no definition; say in a few words"),
        ({"task": {"labels": ["good", "bad"]}}, "labels needs a definition for each label, written as name: what it"),
        ({"task": {"describe": ""}}, "task.describe: String should have at least 1 character"),
        ({"sample": {"balance": {"good": 5, "bad": 5}}}, "add up to rows=12, found a sum of 10; classes: good, bad"),
        ({"sample": {"balance": {"good": 6, "ugly": 6}}}, "unknown ugly; classes: good, bad"),
        ({"sample": {"rows": 0}}, "sample.rows: Input should be greater than or equal to 1"),
        ({"sample": {"per": ["tone"]}}, "sample.per names tone, which the generator does not know; allowed: none"),
        (
            {
                "task": {"attributes": {"tone": ["a", "b", "c"], "size": ["s", "m", "l"]}},
                "sample": {"per": ["tone", "size"]},
            },
            "sample.per makes 9 mixes of tone, size, but a class has only 6 rows; ask for more rows, name fewer",
        ),
        ({"template": "Write {lable}"}, "template holds '{lable}', which is no field; allowed: {task}, {label}"),
        ({"template": "Write"}, "template would ask for every label in the same words; add {label}"),
        ({"backend": {"use": "openai"}}, "did you mean 'openai_compatible'"),
        ({"backend": {}}, "backend"),
        (
            {"backend": {"use": "local", "path": "no.gguf"}, "style": "chat"},
            "backend.path: no.gguf is no file; give a GGUF",
        ),
        ({"data": {"read": "csv", "path": "no.csv"}}, "no CSV file at"),
    ],
)
def test_a_recipe_that_cannot_be_met_is_refused(capsys: pytest.CaptureFixture[str], changes: Any, words: str) -> None:
    code = 3 if "no.gguf" in str(changes) else 2
    assert words in refused(capsys, "run", write(**changes), "--out", "run", code=code)
    assert not Path("run/synthetic").exists()


@pytest.fixture
def reviews() -> Iterator[dict[str, Any]]:
    rows = [f"text number {number},{label}" for number in range(10) for label in ("good", "bad", "odd")]
    Path("rows.csv").write_text("\n".join(["text,label", *rows]))
    return {"read": "csv", "path": "rows.csv"}


def test_a_label_of_the_data_without_a_definition(capsys: pytest.CaptureFixture[str], reviews: dict[str, Any]) -> None:
    line = refused(capsys, "run", write(data=reviews))
    assert (
        "task.labels gives bad, good, but the data have bad, good, odd; define exactly the labels of the data" in line
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a\0b", "rows.csv line 32 holds a NUL character; correct it, or set on_error: skip"),
        (
            "x" * 1_000_001,
            "rows.csv line 32 is 1,000,001 characters long, more than max_characters=1,000,000; raise it",
        ),
        ("", "rows.csv line 32 has an empty text; correct it, or set on_error: skip"),
    ],
    ids=["nul", "long", "empty"],
)
def test_a_text_that_cannot_be_used(
    capsys: pytest.CaptureFixture[str], reviews: dict[str, Any], text: str, words: str
) -> None:
    with Path("rows.csv").open("a") as file:
        file.write(f"\n{text},good")
    assert words in refused(capsys, "run", write(data=reviews))


def test_more_rows_than_the_attempts_allow_are_a_shortfall(capsys: pytest.CaptureFixture[str]) -> None:
    recipe = write({"use": "echo", "answers": ['{"text": "one"}', '{"text": "two"}', '{"text": "three"}']})
    code, error = call(capsys, "run", recipe, "--out", "run", "--set", "filters=[text.exact_duplicate]")
    assert code == 0, error
    assert "9 rows short of the 12 asked: sample.attempts was used up" in error
    assert list(Path("run/synthetic").iterdir())


def test_a_method_of_another_kind_of_data(capsys: pytest.CaptureFixture[str]) -> None:
    line = refused(capsys, "run", write(), "--set", "measure=[image.frechet]")
    assert "image.frechet works on image data, but the rows are text data" in line
