"""A language model that is small enough to train in a test: two layers, letters as tokens, random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import torch

_TOKENS = {"vocab_size": 258, "bos_token_id": 256, "eos_token_id": 257}


def write_tiny_model(folder: Path, kind: Literal["llama", "gpt2"] = "llama", seed: int = 0) -> Path:
    """Fill an existing folder as transformers saves a model.

    Args:
        folder: Existing, empty.
        kind: Architecture.
        seed: Of the weights.
    """
    tokenizer(folder)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        network(kind).save_pretrained(folder)
    return folder


def tokenizer(folder: Path) -> None:
    """Write a tokenizer whose tokens are the 256 bytes, a start and an end."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    found = Tokenizer(models.BPE(vocab={one: k for k, one in enumerate([*letters, "<start>", "<end>"])}, merges=[]))
    found.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    found.decoder = decoders.ByteLevel()
    PreTrainedTokenizerFast(tokenizer_object=found, bos_token="<start>", eos_token="<end>").save_pretrained(folder)


def network(kind: str) -> Any:
    """Return a network with large random weights: its frozen last layer must be able to say something."""
    from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    if kind == "gpt2":
        small = {"n_embd": 48, "n_layer": 2, "n_head": 4, "n_positions": 256}
        return GPT2LMHeadModel(GPT2Config(**small, initializer_range=0.3, **_TOKENS))
    return LlamaForCausalLM(
        LlamaConfig(
            hidden_size=48,
            intermediate_size=96,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=256,
            initializer_range=0.3,
            **_TOKENS,
        )
    )
