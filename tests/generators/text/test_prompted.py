"""Prompted texts: exact labels, attributes in turn, faults as reasons, nothing paid twice, and no real rows needed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from tests.backends.fake_server import FakeServer, serving

import lookalike
from lookalike.core.errors import ConfigError, DataError
from lookalike.core.events import SILENT
from lookalike.core.rng import Rng
from lookalike.data.corpus import PROBLEM, Corpus, text_schema
from lookalike.generators.text.prompted import Prompted

LABELS = {"good": "the writer likes it", "bad": "the writer does not"}
TASK: dict[str, Any] = {
    "describe": "reviews",
    "labels": LABELS,
    "attributes": {"tone": ["calm", "angry"], "size": ["s"]},
}
ECHO: dict[str, Any] = {"use": "echo"}
LOCAL: dict[str, Any] = {"use": "local"}


def _real() -> Corpus:
    texts = [f"{word} number {number}" for number in range(50) for word in ("fine", "poor")]
    return Corpus.of(texts, np.arange(100) % 2, text_schema(["good", "bad"]))


def _fit(data: Corpus | None = None, **options: Any) -> Any:
    config = Prompted(**{"task": TASK, "backend": ECHO, **options})
    return config.fit(_real() if data is None else data, Rng(0), SILENT)


def _recipe(backend: dict[str, Any], rows: int = 30, **changes: Any) -> dict[str, Any]:
    generator = {"use": "text.prompted", "task": TASK, "backend": backend, "limits": {"pause": 0.01}}
    return {
        "name": "t",
        "goal": "bootstrap",
        "generator": generator,
        "sample": {"rows": rows, "attempts": 20},
        **changes,
    }


def test_labels_are_exact_and_attributes_take_turns() -> None:
    made = _fit().sample(40, Rng(1), {"label": ["good", "bad"] * 20})
    assert made.labels.tolist() == [0, 1] * 20
    mixes = Counter(zip(made.labels.tolist(), made.column("tone"), strict=True))
    assert set(mixes.values()) == {10}
    assert set(made.column("size")) == {"s"}
    assert not made.problems()


def test_requests_hold_the_definition_and_examples_of_every_label() -> None:
    fitted = _fit(examples=6)
    seen = [fitted._request(row, 1, {"tone": "calm"}, Rng(1)).messages[1].content for row in range(30)]
    assert all("bad (the writer does not)" in text and "tone: calm" in text for text in seen)
    assert all(text.count('"label": "bad"') == 4 and text.count('"label": "good"') == 2 for text in seen)
    assert len(set(seen)) == 30


def test_examples_are_unlike_each_other() -> None:
    texts = ["same words here"] * 60 + ["one", "two", "three", "four"]
    data = Corpus.of(texts, np.arange(64) % 2, text_schema(["good", "bad"]))
    fitted = _fit(data)
    assert {"one", "two", "three", "four"} <= {text for _, text in fitted.examples}


def test_a_base_model_sees_its_own_label_and_requests_begin_alike() -> None:
    fitted = _fit(style="continue", examples=6)
    prompts = [fitted._request(row, row % 2, {}, Rng(1)).prompt for row in range(64)]
    assert len(set(prompts)) == 4
    assert all(("poor" in prompt) != ("fine" in prompt) for prompt in prompts)
    assert all(prompt.count("bad: poor") == 6 for prompt in prompts[1::2])


def test_a_base_model_continues_a_text() -> None:
    fitted = _fit(style="continue", backend={"use": "echo", "answers": [" a fine one {key}\n### good: more"]})
    made = fitted.sample(4, Rng(0), {"label": "good"})
    assert all(text.startswith("a fine one") and "#" not in text for text in made.texts())


def test_a_cut_off_answer_is_a_failure_and_never_parsed() -> None:
    with serving(FakeServer(answer=lambda n, _: ['{"text": "whole"}', "length"])) as server:
        fitted = _fit(backend={"use": "openai_compatible", "url": server.url, "name": "m"})
        made = fitted.sample(2, Rng(0))
    assert made.texts() == ["", ""]
    assert set(made.column(PROBLEM)) == {"answer: no end within max_tokens=200"}
    assert server.received == 4


def test_the_second_request_names_the_fault() -> None:
    asked: list[Any] = []

    def answer(number: int, body: dict[str, Any]) -> str:
        asked.append(body["messages"])
        return "no object" if len(body["messages"]) == 2 else '{"text": "a } b"}'

    with serving(FakeServer(answer=answer)) as server:
        made = _fit(backend={"use": "openai_compatible", "url": server.url, "name": "m"}).sample(1, Rng(0))
    assert made.texts() == ["a } b"]
    assert asked[1][2] == {"role": "assistant", "content": "no object"}
    assert "has no JSON object" in asked[1][3]["content"]


def test_with_garbage_in_every_third_answer_the_quota_is_reached(tmp_path: Path) -> None:
    def answer(number: int, body: dict[str, Any]) -> Any:
        draw = np.random.default_rng(number).random()
        if draw < 0.35:
            return ["{ not what was asked", '{"text": 5}', "\0", ""][number % 4]
        return json.dumps({"text": f"text {number}"})

    with serving(FakeServer(answer=answer)) as server:
        backend = {"use": "openai_compatible", "url": server.url, "name": "m"}
        run = lookalike.run(_recipe(backend, filters=["text.exact_duplicate"]), out=tmp_path / "run", workers=2)
    assert run.manifest["sample"]["accepted"] == [15, 15]
    assert run.synthetic().counts().tolist() == [15, 15]
    assert all(text.startswith("text ") for text in run.synthetic().texts())
    page = run.report.read_text()
    assert "What was thrown away" in page
    assert "answer: " in page


def test_a_killed_run_goes_on_and_pays_nothing_twice(tmp_path: Path) -> None:
    def answer(number: int, body: dict[str, Any]) -> str:
        return json.dumps({"text": f"about {body['seed']}"})

    code = "import json,sys,lookalike; lookalike.run(json.loads(sys.argv[1]), out=sys.argv[2], workers=1)"
    with serving(FakeServer(answer=answer, latency=0.05)) as server:
        backend = {"use": "openai_compatible", "url": server.url, "name": "m"}
        tree = _recipe(backend, rows=150)
        tree["generator"]["limits"]["at_once"] = 4
        command = [sys.executable, "-c", code, json.dumps(tree), str(tmp_path / "killed")]
        process = subprocess.Popen(command)
        while server.received < 60:
            time.sleep(0.02)
            assert process.poll() is None
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        killed = lookalike.run(tree, out=tmp_path / "killed", workers=1)
        repeated = sum(count - 1 for count in server.seen.values())
        assert repeated <= 4  # those in flight at the kill
        before = server.received
        lookalike.run({**tree, "filters": ["text.exact_duplicate"]}, out=tmp_path / "killed", workers=1)
        assert server.received == before
        whole = lookalike.run(tree, out=tmp_path / "whole", workers=1)
    assert killed.synthetic().fingerprint() == whole.synthetic().fingerprint()


def test_certainties_are_kept_and_calibrated_by_real_rows(tmp_path: Path) -> None:
    judge = {"votes": 4, "stated": True, "gold": 60}

    def answer(number: int, body: dict[str, Any]) -> str:
        asked, system = body["messages"][-1]["content"], body["messages"][0]["content"]
        if "You write" in system:
            return json.dumps({"text": f"a fine text {body['seed']}"})
        label = "good" if "fine" in asked.split("Text: ")[-1] else "bad"
        other = "bad" if label == "good" else "good"
        # Always quite sure, and right about three times out of four.
        sure = (body["seed"] + len(asked)) % 4
        return json.dumps({"label": other if sure == 0 else label, "confidence": 99}) if "JSON" in system else label

    with serving(FakeServer(answer=answer)) as server:
        backend = {"use": "openai_compatible", "url": server.url, "name": "m"}
        fitted = _fit(backend=backend, judge=judge)
        before = server.received
        made = fitted.sample(8, Rng(0))
        fitted.save(tmp_path)
    assert before == 60 * 5
    assert made.schema.column("votes").kind == "number"
    # All texts are fine: those that should be bad are seen to be wrong.
    assert made.numbers("votes").tolist() == [1.0, 0.0] * 4
    assert made.numbers("confidence").round(2).tolist() == [1.0, 0.0] * 4
    told = fitted.calibration["stated"]
    assert told["before"]["error"] > told["after"]["error"]
    again = Prompted(task=TASK, backend=backend, judge=judge).load(tmp_path)
    assert again.calibration == fitted.calibration


def test_unreadable_certainties_are_no_numbers_and_the_filter_counts_them(tmp_path: Path) -> None:
    tree = _recipe(ECHO, rows=4, filters=[{"use": "text.confidence", "minimum": 0}])
    tree["generator"]["judge"] = {"votes": 2}
    with pytest.raises(DataError, match=r"no confidence could be read"):
        lookalike.run(tree, out=tmp_path / "run", workers=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"judge": {"label_probability": True}}, "does not give; use votes"),
        ({"judge": {"label_probability": True}, "backend": LOCAL, "fallback": ECHO, "style": "continue"}, "use votes"),
        ({"backend": LOCAL, "fallback": ECHO}, "set style: continue"),
        ({"fallback": {"use": "echo", "answer": "x"}}, r"fallback\.answer of echo: Extra inputs"),
        ({"judge": {"stated": True}, "style": "continue"}, "a model that follows instructions"),
        ({"judge": {"votes": 1}, "task": {"describe": "x"}}, "judge needs labels"),
    ],
)
def test_what_a_model_cannot_be_asked_is_refused_at_once(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Prompted(**{"task": TASK, "backend": ECHO, **options})


def test_real_rows_are_not_needed_and_classes_come_from_the_task(tmp_path: Path) -> None:
    run = lookalike.run(_recipe(ECHO, rows=10), out=tmp_path / "run", workers=1)
    assert run.manifest["data"]["rows"] == 0
    assert run.synthetic().classes == ("good", "bad")
    assert "Texts drawn at random" in run.report.read_text()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"backend": {"use": "nobody"}}, "nobody"),
        ({"backend": {"use": "echo", "answer": "x"}}, r"backend\.answer of echo: Extra inputs"),
        ({"backend": {"use": "openai_compatible", "url": "x", "name": "m"}}, "url needs the form"),
        ({"task": {"describe": "x", "labels": {"a": "", "b": "c"}}}, "label 'a' has no definition"),
    ],
)
def test_wrong_settings_are_refused_before_anything_is_asked(options: dict[str, Any], message: str) -> None:
    with pytest.raises((ValidationError, ConfigError), match=message):
        Prompted(**{"task": TASK, "backend": ECHO, **options})


def test_labels_of_task_and_data_must_agree() -> None:
    other = Corpus.of(["a", "b"], [0, 1], text_schema(["good", "ugly"]))
    with pytest.raises(DataError, match=r"task.labels gives bad, good, but the data have good, ugly"):
        _fit(other)


def test_a_text_generator_refuses_images(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"text\.prompted works on text data, but the rows are image data"):
        lookalike.run(_recipe(ECHO, data={"read": "builtin"}), out=tmp_path / "run", workers=1)


def test_a_generator_that_learns_needs_data(tmp_path: Path) -> None:
    tree = _recipe(ECHO, generator={"use": "image.ddpm", "steps": 1})
    with pytest.raises(ConfigError, match=r"recipe\.data is missing: image\.ddpm learns from real rows"):
        lookalike.run(tree, out=tmp_path / "run")


def test_a_damaged_model_is_named(tmp_path: Path) -> None:
    (tmp_path / "lookalike.json").write_text("{}")
    with pytest.raises(DataError, match=r"holds no model of text\.prompted"):
        Prompted(task=TASK, backend=ECHO).load(tmp_path)


def _several(number: int, body: dict[str, Any]) -> str:
    """Return what was asked for: values, or several texts, of which every fifth answer lacks one."""
    asked = body["messages"][-1]["content"]
    if "Propose" in asked:
        return json.dumps({"values": ["short", "long"]})
    count = 3 if number % 5 else 2
    one = {"reason": "it says so", "probability": 0.2}
    return json.dumps({"texts": [{**one, "text": f"text {number} {place}"} for place in range(count)]})


def test_one_answer_serves_several_rows_and_proposed_attributes_fill_the_quota(tmp_path: Path) -> None:
    task = {**TASK, "attributes": {"tone": ["calm", "angry"], "size": 2}}
    with serving(FakeServer(answer=_several)) as server:
        recipe = _recipe({"use": "openai_compatible", "url": server.url, "name": "m"}, rows=24)
        recipe["generator"] |= {"task": task, "several": 3, "reason": True}
        recipe["sample"]["per"] = ["tone", "size"]
        run = lookalike.run(recipe, tmp_path / "r")
    made = run.synthetic()
    cells = Counter(zip(made.labels.tolist(), made.column("tone"), made.column("size"), strict=True))
    assert len(cells) == 8
    assert set(cells.values()) == {3}
    assert set(made.column("rationale")) == {"it says so"}
    assert set(made.numbers("probability").tolist()) == {0.2}
    assert server.received <= 8 + 8 + 1 + 5
    assert run.manifest["sample"]["cells"] == 4
    shape = json.loads(next(iter(server.seen)))["response_format"]["json_schema"]["schema"]
    assert "values" in shape["properties"]


def test_what_is_short_is_told_by_cell_with_reasons(tmp_path: Path) -> None:
    def answer(number: int, body: dict[str, Any]) -> str:
        asked = "".join(message["content"] for message in body["messages"])
        return "no" if "tone: angry" in asked else json.dumps({"text": f"text {number}"})

    with serving(FakeServer(answer=answer)) as server:
        recipe = _recipe({"use": "openai_compatible", "url": server.url, "name": "m"}, rows=8)
        recipe["sample"] |= {"per": ["tone"], "attempts": 3}
        run = lookalike.run(recipe, tmp_path / "r")
    sample = run.manifest["sample"]
    assert sum(sample["accepted"]) == 4
    assert [(row["cell"], row["asked"], row["short"]) for row in sample["shortfall"]] == [
        ("good, tone angry", 2, 2),
        ("bad, tone angry", 2, 2),
    ]
    assert all(set(row["reasons"]) == {"answer: no JSON object"} for row in sample["shortfall"])
    assert "tone angry" in run.report.read_text(encoding="utf-8")


def test_a_model_that_proposes_nothing_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no usable values of 'size'"):
        _fit(task={**TASK, "attributes": {"size": 5}})


def test_conditions_are_checked() -> None:
    fitted = _fit()
    assert fitted.sample(3, Rng(0), {"tone": "calm"}).column("tone") == ["calm"] * 3
    with pytest.raises(ConfigError, match=r"tone needs one value, .* calm, angry; found loud"):
        fitted.sample(3, Rng(0), {"tone": "loud"})


@pytest.mark.parametrize("style", ["chat", "continue"])
def test_a_template_is_what_the_model_is_asked(style: str) -> None:
    template = "Write {label} ({definition}), {attributes} for {task}.\n{examples}"
    request = _fit(style=style, template=template, examples=2)._request(0, 1, {"tone": "calm"}, Rng(1))
    asked = request.messages[1].content if style == "chat" else request.prompt
    assert asked.startswith("Write bad (the writer does not), tone: calm")
    assert asked.count("number") == 2
    assert "Write one new text" not in asked


def test_a_wrong_template_is_refused_before_anything_is_asked() -> None:
    with pytest.raises(ValidationError, match=r"template holds '{lable}', which is no field; allowed: {task}, {label}"):
        Prompted(task=TASK, backend=ECHO, template="{lable}")


def test_accepted_rows_become_examples_in_later_portions(tmp_path: Path) -> None:
    prompts: list[str] = []

    def answer(number: int, body: dict[str, Any]) -> str:
        prompts.append(body["messages"][1]["content"])
        return json.dumps({"text": f"about {body['seed']}" if body["seed"] % 3 else "a copy"})

    with serving(FakeServer(answer=answer)) as server:
        tree = _recipe({"use": "openai_compatible", "url": server.url, "name": "m"}, rows=80)
        tree["filters"] = ["text.exact_duplicate"]
        tree["generator"] |= {"accepted": True, "limits": {"pause": 0.01, "at_once": 1}}
        made = lookalike.run(tree, out=tmp_path / "run", workers=1).synthetic()
        before = server.received
        again = lookalike.run(tree, out=tmp_path / "run", workers=1).synthetic()
        assert server.received == before
    assert made.counts().tolist() == [40, 40]
    assert again.texts() == made.texts()
    shown = ["Examples" in prompt for prompt in prompts]
    assert not any(shown[:20])
    assert all(shown[25:])
    seen = set(made.texts())
    lines = [line for prompt in prompts[25:] for line in prompt.splitlines() if line.startswith("- {")]
    assert {json.loads(line[2:])["text"] for line in lines} <= seen | {"a copy"}
