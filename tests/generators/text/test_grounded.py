"""Every kept answer stands on words of its passage; what the model or the passage does not support is rejected."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from tests.backends.fake_server import FakeServer, serving

import lookalike

FACTS = [f"Station {n} opened in {1900 + n}. It has {n} platforms and lies at the river." for n in range(1, 31)]


def _answer(number: int, body: dict[str, Any]) -> str:
    asked = body["messages"][-1]["content"]
    if asked.startswith("Words:"):
        return json.dumps({"verdict": "No" if "Answer: 7" in asked else "Yes"})
    n = int(asked.split("Station ")[1].split()[0])
    support = f"IT HAS  {n} platforms" if n % 3 else "it has many platforms"
    return json.dumps({"question": f"How many platforms has station {n}?", "answer": n, "support": support})


def test_only_supported_answers_are_kept(tmp_path: Path) -> None:
    (tmp_path / "facts.txt").write_text("\n".join(FACTS), encoding="utf-8")
    with serving(FakeServer(answer=_answer)) as server:
        recipe = {
            "name": "t",
            "goal": "bootstrap",
            "data": {"read": "txt", "path": str(tmp_path / "facts.txt")},
            "generator": {
                "use": "text.grounded",
                "backend": {"use": "openai_compatible", "url": server.url, "name": "m"},
            },
            "sample": {"rows": 10, "attempts": 10},
        }
        run = lookalike.run(recipe, tmp_path / "r")
    made = run.synthetic()
    assert len(made) == 10
    for row in range(len(made)):
        start, end = (int(made.numbers(name)[row]) for name in ("start", "end"))
        passage, support = made.column("passage")[row], made.column("support")[row]
        assert passage[start:end] == support
        assert made.column("answer")[row] in support
        assert int(made.column("answer")[row]) % 3
        assert made.column("answer")[row] != "7"
    lost = Counter(run.manifest["sample"]["unusable"])
    assert lost["answer: the supporting words do not stand in the passage"] > 0
    assert set(lost) <= {
        "answer: the supporting words do not stand in the passage",
        "answer: the supporting words do not support the answer",
    }
