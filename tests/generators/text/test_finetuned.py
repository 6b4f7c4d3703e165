"""The whole generator at toy size: it learns the words of each label, resumes, saves, and admits what fails."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from tests.networks.tiny_model import write_tiny_model

from lookalike.core.errors import ConfigError, DataError
from lookalike.core.events import SILENT, CheckpointSaved, Event, Note
from lookalike.core.rng import Rng
from lookalike.data.corpus import Corpus, text_schema
from lookalike.generators.text import finetuned
from lookalike.generators.text.finetuned import Finetuned
from lookalike.techniques import training
from lookalike.techniques.canaries import sentence

WORDS = {"up": ("rise", "climb"), "down": ("fall", "sink")}
FAST: dict[str, Any] = {"learning_rate": 0.01, "rank": 8, "max_tokens": 40}


def _texts(n: int, seed: int = 0, labelled: bool = True) -> Corpus:
    """Four words of each text's label, drawn with equal chances: 4 bits a text."""
    draw = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    texts = [" ".join(draw.choice(WORDS[["up", "down"][label]], 4)) for label in labels]
    schema = text_schema(["up", "down"]) if labelled else text_schema([])
    return Corpus.of(texts, labels if labelled else np.zeros(n, dtype=np.int64), schema)


class _Watch:
    def __init__(self, folder: Path | None = None, stop_at: int | None = None) -> None:
        self.folder, self.stop_at, self.events = folder, stop_at, list[Event]()

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, CheckpointSaved) and event.step == self.stop_at:
            raise KeyboardInterrupt

    def notes(self) -> str:
        return "\n".join(event.message for event in self.events if isinstance(event, Note))


def _config(model: Path, **more: Any) -> Finetuned:
    return Finetuned(model=str(model), **{**FAST, "steps": 2, **more})


@pytest.fixture(scope="module")
def learnt(tiny_model: Path) -> Any:
    return _config(tiny_model, steps=120, batch_size=16, sampling={"temperature": 0.6}).fit(_texts(64), Rng(0), SILENT)


@pytest.fixture(scope="module")
def quick(tiny_model: Path) -> Any:
    return _config(tiny_model).fit(_texts(12), Rng(0), SILENT)


def test_the_loss_falls_and_each_label_gets_its_words(learnt: Any) -> None:
    curve = [loss for _, loss in learnt.about["curve"]]
    assert curve[0] > 5
    assert curve[-1] < 0.3
    made = learnt.sample(40, Rng(1))
    assert not made.problems()
    for text, label in zip(made.texts(), made.labels, strict=True):
        assert set(text.split()) <= set(WORDS[made.classes[label]])
    assert len(set(made.texts())) > 15


def test_likelihoods_come_near_the_entropy_of_the_texts(learnt: Any) -> None:
    told = learnt.log_likelihood(_texts(64, seed=9)).mean()
    assert told == pytest.approx(-4 * np.log(2), abs=1.0)
    data = _texts(8)
    swapped = Corpus.of(data.texts(), 1 - data.labels, data.schema)
    assert (learnt.log_likelihood(swapped) < learnt.log_likelihood(data) - 10).all()


def test_texts_without_labels(tiny_model: Path) -> None:
    fitted = _config(tiny_model, steps=100, batch_size=16).fit(_texts(64, labelled=False), Rng(0), SILENT)
    made = fitted.sample(12, Rng(1))
    assert (made.classes, made.labels.tolist()) == ((), [0] * 12)
    known = {word for words in WORDS.values() for word in words}
    assert sum(set(text.split()) <= known for text in made.texts()) > 6


def test_only_the_text_and_its_end_are_learnt(tiny_model: Path) -> None:
    fitted = _config(tiny_model, template="{label}? ").fit(_texts(4), Rng(0), SILENT)
    model, row = fitted._writer.model, fitted._writer.rows(_texts(1))[0]
    assert model.text(row.ids[1 : row.given].tolist()) == "up? "
    assert model.text(row.ids[row.given :].tolist()) == _texts(1).texts()[0]
    values_M, _ = model.log_probs([row])
    assert len(values_M) == len(row.ids) - row.given
    assert row.ids[-1] == model.end


@pytest.mark.parametrize("n", [0, 1, 5])
def test_exactly_as_many_rows_as_asked(quick: Any, n: int) -> None:
    made = quick.sample(n, Rng(1))
    assert len(made) == n
    assert made.labels.tolist() == (np.arange(n) % 2).tolist()


def test_a_row_depends_on_its_own_numbers(learnt: Any) -> None:
    few, many = learnt.sample(4, Rng(1)).texts(), learnt.sample(40, Rng(1)).texts()
    assert few == many[:4]
    assert learnt.sample(4, Rng(2)).texts() != few


def test_global_randomness_is_left_alone(tiny_model: Path, global_state: None) -> None:
    _config(tiny_model, canaries=2, max_tokens=60).fit(_texts(8), Rng(0), SILENT).sample(2, Rng(0))


def test_a_text_without_an_end_is_delivered_with_the_reason(quick: Any) -> None:
    made = quick.sample(6, Rng(1))
    told = made.problems()
    assert "no end within max_tokens=40" in told.values()
    assert all(reason in ("no end within max_tokens=40", "holds half a letter") for reason in told.values())
    assert all(made.texts()[row] for row in told)


def test_long_texts_are_cut_and_counted(tiny_model: Path) -> None:
    watch = _Watch()
    fitted = _config(tiny_model, max_tokens=20).fit(_texts(10), Rng(0), watch)
    long = sum(len(text) > 20 for text in _texts(10).texts())
    assert 0 < long < 10
    assert f"{long} of 10 texts are cut at max_tokens=20" in watch.notes()
    assert fitted.about["texts_cut"] == long


def test_save_and_load_write_the_same(learnt: Any, tiny_model: Path, tmp_path: Path) -> None:
    learnt.save(tmp_path)
    files = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert files == ["adapter/adapter_config.json", "adapter/adapter_model.safetensors", "lookalike.json"]
    # What belongs to the model comes from the folder; where the base lies, and how texts are drawn, from the config.
    loaded = Finetuned(rank=3, max_tokens=7, sampling={"batch": 5, "temperature": 0.6}).load(tmp_path)
    assert loaded.sample(12, Rng(3)).texts() == learnt.sample(12, Rng(3)).texts()
    again = tmp_path / "again"
    again.mkdir()
    loaded.save(again)
    assert all((again / name).read_bytes() == (tmp_path / name).read_bytes() for name in files)
    cold = Finetuned(sampling={"temperature": 0.01}).load(tmp_path).sample(8, Rng(3), {"label": "up"})
    assert len(set(cold.texts())) == 1


def test_noted_facts(quick: Any) -> None:
    about = quick.about
    assert (about["steps"], about["texts_seen"], about["precision"], about["device"]) == (2, 16, "float32", "cpu")
    assert len(about["curve"]) == 2
    assert about["parameters"] == 2 * 2 * (4 * 48 * 8 + 3 * (48 + 96) * 4)
    assert not {"sampling", "model"} & set(about["config"])


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")
def test_the_adapter_opens_in_plain_peft(learnt: Any, tiny_model: Path, tmp_path: Path) -> None:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    learnt.save(tmp_path)
    assert json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())["peft_type"] == "LORA"
    base = AutoModelForCausalLM.from_pretrained(tiny_model)
    rows = learnt._writer.rows(_texts(3))
    before, plain = [], PeftModel.from_pretrained(base, tmp_path / "adapter").eval()
    with torch.no_grad():
        for row in rows:
            ids = torch.from_numpy(row.ids).long()
            logp = plain(input_ids=ids.unsqueeze(0)).logits[0].log_softmax(-1)
            before.append(float(sum(logp[k - 1, ids[k]] for k in range(row.given, len(ids)))))
    assert learnt.log_likelihood(_texts(3)).tolist() == pytest.approx(before, abs=1e-3)


@pytest.mark.parametrize("stop_at", [1, 3])
def test_interrupted_and_resumed_gives_the_same_files(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop_at: int
) -> None:
    config = _config(tiny_model, steps=4, batch_size=4, canaries=2, max_tokens=60)
    whole = config.fit(_texts(10), Rng(0), SILENT)
    # A checkpoint after every step, so that any of them can be the last before the crash.
    monkeypatch.setattr(finetuned, "Plan", lambda *args, **named: training.Plan(*args, **named, checkpoint_seconds=0.0))
    with pytest.raises(KeyboardInterrupt):
        config.fit(_texts(10), Rng(0), _Watch(tmp_path / "work", stop_at))
    resumed = config.fit(_texts(10), Rng(0), _Watch(tmp_path / "work"))
    for name, fitted in (("whole", whole), ("resumed", resumed)):
        (tmp_path / name).mkdir()
        fitted.save(tmp_path / name)
    files = [path.relative_to(tmp_path / "whole") for path in (tmp_path / "whole").rglob("*") if path.is_file()]
    assert len(files) == 4
    for file in files:
        assert (tmp_path / "whole" / file).read_bytes() == (tmp_path / "resumed" / file).read_bytes(), file


_RUN = """
import sys
from pathlib import Path
from tests.generators.text.test_finetuned import _Watch, _config, _texts
from lookalike.core.rng import Rng
from lookalike.generators.text import finetuned
from lookalike.techniques import training
finetuned.Plan = lambda *args, **named: training.Plan(*args, **named, checkpoint_seconds=0.0)
model, work, out = map(Path, sys.argv[1:])
out.mkdir()
_config(model, steps=300, batch_size=4).fit(_texts(10), Rng(0), _Watch(work)).save(out)
"""


@pytest.mark.slow
def test_killed_and_started_again_gives_the_same_files(tiny_model: Path, tmp_path: Path) -> None:
    def start(name: str, work: str) -> subprocess.Popen[bytes]:
        place = [str(tiny_model), str(tmp_path / work), str(tmp_path / name)]
        return subprocess.Popen([sys.executable, "-c", _RUN, *place])

    assert start("whole", "work-whole").wait() == 0
    killed, checkpoint = start("killed", "work"), tmp_path / "work" / training.CHECKPOINT_FILE
    while not checkpoint.is_file():
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    assert start("resumed", "work").wait() == 0
    for file in ("lookalike.json", "adapter/adapter_model.safetensors", "adapter/adapter_config.json"):
        assert (tmp_path / "whole" / file).read_bytes() == (tmp_path / "resumed" / file).read_bytes(), file


def test_another_base_is_one_line(tiny_model: Path, tmp_path: Path) -> None:
    base, model = shutil.copytree(tiny_model, tmp_path / "base"), tmp_path / "model"
    model.mkdir()
    fitted = _config(base).fit(_texts(6), Rng(0), SILENT)
    fitted.save(model)
    shutil.rmtree(base)
    with pytest.raises(ConfigError, match="is no folder"):
        Finetuned().load(model)
    # The base has moved: the config says where to.
    assert _config(tiny_model).load(model).sample(2, Rng(0)).texts() == fitted.sample(2, Rng(0)).texts()
    base.mkdir()
    write_tiny_model(base, seed=1)
    with pytest.raises(DataError, match=r"trained on other weights of base than those at .*base; put the old") as error:
        Finetuned().load(model)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("lost", ["lookalike.json", "adapter/adapter_model.safetensors"])
def test_an_incomplete_folder_is_one_line(quick: Any, tmp_path: Path, lost: str) -> None:
    quick.save(tmp_path)
    (tmp_path / lost).unlink()
    with pytest.raises(DataError, match=r"complete .*fit it again") as error:
        Finetuned().load(tmp_path)
    assert "\n" not in str(error.value)


def test_no_texts_is_one_line(tiny_model: Path) -> None:
    with pytest.raises(DataError, match="found none"):
        _config(tiny_model).fit(_texts(0), Rng(0), SILENT)


def test_a_missing_package_names_the_extra(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(ConfigError, match=r"needs the package peft.*lookalike\[finetune\]"):
        _config(tiny_model).fit(_texts(4), Rng(0), SILENT)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"template": "no place"}, r"template: the texts have labels, found 'no place'; \{label\}"),
        ({"max_tokens": 250}, r"max_tokens: 250 .* the model has 256; allowed: at most 2\d\d$"),
        ({"canaries": 1}, "max_tokens: 40 is too short for canaries"),
    ],
)
def test_settings_that_do_not_fit_are_one_line(tiny_model: Path, more: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        _config(tiny_model, **more).fit(_texts(4), Rng(0), SILENT)


def test_a_template_for_labels_needs_labels(tiny_model: Path) -> None:
    with pytest.raises(ConfigError, match="have no labels"):
        _config(tiny_model, template="{label}: ").fit(_texts(4, labelled=False), Rng(0), SILENT)


@pytest.mark.parametrize(
    "wrong", [{"steps": 1, "epochs": 1}, {"epochs": 0}, {"rank": 0}, {"sampling": {"top_p": 0}}, {"colour": "red"}]
)
def test_wrong_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Finetuned(**wrong)


def test_three_epochs_unless_something_else_is_said(tiny_model: Path) -> None:
    assert _config(tiny_model, steps=None, batch_size=8).fit(_texts(12), Rng(0), SILENT).about["steps"] == 5
    assert _config(tiny_model, steps=None, epochs=0.5).fit(_texts(12), Rng(0), SILENT).about["steps"] == 1


def test_minutes_become_steps(tiny_model: Path) -> None:
    watch = _Watch()
    fitted = _config(tiny_model, steps=None, minutes=0.02).fit(_texts(12), Rng(0), watch)
    assert fitted.about["steps"] > 1
    assert f"{fitted.about['steps']} steps of 8 texts" in watch.notes()


def test_canaries_are_planted_kept_and_never_delivered(tiny_model: Path, tmp_path: Path) -> None:
    watch = _Watch()
    config = _config(tiny_model, steps=60, canaries=2, canary_repeats=40, max_tokens=60)
    data = Corpus.of(_texts(9).texts(), [0, 1, 1] * 3, text_schema(["up", "down"]))
    fitted = config.fit(data, Rng(0), watch)
    planted = fitted.canaries
    assert "80 planted sentences among 9 texts; so many change what is learnt" in watch.notes()
    assert (planted.label, planted.repeats, len(planted.inserted)) == (1, 40, 2)
    made = fitted.sample(20, Rng(0), {"label": "down"})
    told = made.problems()
    # The label's three texts are far fewer than the forty copies, so that nearly all that is written is planted.
    assert sum(reason == "canary: a planted sentence" for reason in told.values()) > 10
    delivered = [text for row, text in enumerate(made.texts()) if row not in told]
    assert not [text for text in delivered if "spare locker" in text]
    fitted.save(tmp_path)
    assert config.load(tmp_path).canaries == planted
    assert config.fit(data, Rng(1), watch).canaries != planted
    several = Corpus.of([sentence(one) for one in (*planted.inserted, *planted.controls)], [1] * 4, data.schema)
    likely = fitted.log_likelihood(several)
    assert likely[:2].min() > likely[2:].max()
