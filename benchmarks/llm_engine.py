"""Rows per second, processor time, memory, lost rows and repeated requests of language-model engines on a fake server.

    python benchmarks/llm_engine.py --distilabel PYTHON --data-designer PYTHON      2,000 rows, every contender
    python benchmarks/llm_engine.py --rows 200                                      only this project, in seconds

The server takes 200 ms for an answer, has room for 32 requests, refuses more with 429, and fails 5 % of them with 500.
Peers run in virtual environments of their own, named by the path of their Python; they are told the capacity, this
project has to find it. Each contender runs alone, as a process of its own: its processor time and peak memory are those
of that process and its children. Then it runs again from nothing, is killed when half of the answers are out, and runs
to the end: answers beyond the number of rows were paid twice.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
LATENCY, CAPACITY, ERRORS, MODEL = 0.2, 32, 0.05, "fake"


def ours(url: str, rows: int, folder: Path) -> list[str]:
    """A run of this project: unlabelled prompted texts, without filters and measures."""
    import lookalike

    recipe = {
        "name": "bench",
        "goal": "bootstrap",
        "generator": {
            "use": "text.prompted",
            "task": {"describe": "short notes"},
            "backend": {"use": "openai_compatible", "url": url, "name": MODEL},
        },
        "sample": {"rows": rows, "attempts": 1.0},
    }
    texts: list[str] = lookalike.run(recipe, out=folder / "run", workers=1).synthetic().texts()
    return texts


def distilabel(url: str, rows: int, folder: Path) -> list[str]:
    """A pipeline of distilabel: one text generation step, with its cache."""
    from distilabel.models import OpenAILLM
    from distilabel.pipeline import Pipeline
    from distilabel.steps import LoadDataFromDicts
    from distilabel.steps.tasks import TextGeneration

    with Pipeline(name="bench", cache_dir=folder / "cache") as pipeline:
        data = [{"instruction": f"Write short note {row}."} for row in range(rows)]
        load = LoadDataFromDicts(data=data, batch_size=CAPACITY)
        llm = OpenAILLM(model=MODEL, base_url=url, api_key="none")
        load >> TextGeneration(llm=llm, input_batch_size=CAPACITY)
    found = pipeline.run(use_cache=True)["default"]["train"]
    return [text for text in found["generation"] if text]


def data_designer(url: str, rows: int, folder: Path) -> list[str]:
    """A data set of NVIDIA's data-designer: one text column over a seed of row numbers."""
    import pandas as pd
    from data_designer import config as c
    from data_designer.interface import DataDesigner

    parameters = c.ChatCompletionInferenceParams(max_parallel_requests=CAPACITY)
    model = c.ModelConfig(alias="m", model=MODEL, provider="p", inference_parameters=parameters, skip_health_check=True)
    builder = c.DataDesignerConfigBuilder([model])
    builder.with_seed_dataset(c.DataFrameSeedSource(df=pd.DataFrame({"row": range(rows)})))
    builder.add_column(c.LLMTextColumnConfig(name="text", prompt="Write short note {{ row }}.", model_alias="m"))
    os.environ["FAKE_KEY"] = "none"
    provider = c.ModelProvider(name="p", endpoint=url, api_key="FAKE_KEY")
    designer = DataDesigner(folder, model_providers=[provider], auto_configure_logging=False)
    made = designer.create(builder, num_records=rows, dataset_name="bench", resume=c.ResumeMode.IF_POSSIBLE)
    return [str(text) for text in made.load_dataset()["text"] if text]


CONTENDERS = {"lookalike": ours, "distilabel": distilabel, "data-designer": data_designer}


def start(name: str, python: str, url: str, rows: int, folder: Path) -> subprocess.Popen[bytes]:
    """Start one contender in a process group of its own."""
    command = [python, __file__, "--alone", name, "--url", url, "--rows", str(rows), "--folder", str(folder)]
    log = (folder / "log.txt").open("ab")
    return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)


def ended(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Wait so long; kill what has not ended by then, and say whether it had."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return False
    return True


def measure(name: str, python: str, rows: int, seconds: float) -> dict[str, Any]:
    """Return the figures of one contender: a whole run, and one that is killed half-way and run again."""
    import numpy as np
    from tests.backends.fake_server import FakeServer, serving

    def answer(number: int, body: dict[str, Any]) -> Any:
        if np.random.default_rng([7, number]).random() < ERRORS:
            return 500, {"error": {"message": "oops"}}
        good.append(time.monotonic())
        return json.dumps({"text": f"answer {number}"})

    result: dict[str, Any] = {"engine": name}
    good: list[float] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        with serving(FakeServer(CAPACITY, LATENCY, answer)) as server:
            process = start(name, python, server.url, rows, folder)
            if not ended(process, seconds):
                return {**result, "ended": f"not within {seconds} s", "answers": len(good)}
            result["log"] = (folder / "log.txt").read_text(errors="replace")[-1500:]
            if process.returncode or not good:
                return result
            told = json.loads((folder / "result.json").read_text())
            span = server.ended[-1] - server.ended[0] + LATENCY
            result |= {
                "wall seconds": told["wall"],
                "rows per second": rows / told["wall"],
                "share of capacity used": len(server.ended) * LATENCY / CAPACITY / span,
                "share of capacity for good answers": len(good) * LATENCY / CAPACITY / span,
                "cpu seconds": told["cpu"],
                "peak MB": told["peak"],
                "lost": rows - len(set(told["texts"])),
                "duplicated": len(told["texts"]) - len(set(told["texts"])),
                "refused (429)": server.busy,
                "answers": len(good),
            }
    good.clear()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        with serving(FakeServer(CAPACITY, LATENCY, answer)) as server:
            process = start(name, python, server.url, rows, folder)
            while len(good) < rows // 2 and process.poll() is None:
                time.sleep(0.02)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            process = start(name, python, server.url, rows, folder)
            ended(process, seconds)
            finished = (folder / "result.json").is_file()
            result["repeated after a kill"] = len(good) - rows if finished else "did not finish"
    result.pop("log")
    return result


def alone(name: str, url: str, rows: int, folder: Path) -> None:
    """Run one contender in this process and write what it made and used."""
    started = time.monotonic()
    texts = CONTENDERS[name](url, rows, folder)
    wall = time.monotonic() - started
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    told = {
        "texts": texts,
        "wall": wall,
        "cpu": sum(one.ru_utime + one.ru_stime for one in used),
        "peak": max(one.ru_maxrss for one in used) / 1024,
    }
    (folder / "result.json").write_text(json.dumps(told))


def main() -> None:
    """Parse, run every contender, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=900, help="Longest wait for one run.")
    parser.add_argument("--distilabel", help="Python of a virtual environment with distilabel[openai]")
    parser.add_argument("--data-designer", help="Python of a virtual environment with data-designer")
    parser.add_argument("--only-peers", action="store_true")
    parser.add_argument("--alone", choices=CONTENDERS)
    parser.add_argument("--url")
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    if given.alone:
        alone(given.alone, given.url, given.rows, given.folder)
        return
    own = None if given.only_peers else sys.executable
    pythons = {"lookalike": own, "distilabel": given.distilabel, "data-designer": given.data_designer}
    for name, python in pythons.items():
        if python:
            print(json.dumps(measure(name, python, given.rows, given.seconds), indent=1), flush=True)


if __name__ == "__main__":
    main()
