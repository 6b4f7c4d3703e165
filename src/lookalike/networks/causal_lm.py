"""A causal language model with its tokenizer: texts to tokens, batches, log-probabilities, and continuing a prompt.

Shape suffixes: B rows, T positions, V tokens of the vocabulary.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lookalike.core.errors import ConfigError
from lookalike.networks.pretrained import Base, quiet
from lookalike.techniques.autoregression import nucleus, token_log_probs
from lookalike.techniques.hardware import Precision

_LARGEST_LOGITS = 1 << 27
"""Numbers in the logits of one batch whose likelihood is asked: 512 MB."""


@final
@dataclass(frozen=True)
class Row:
    """One row of tokens.

    Attributes:
        ids: Tokens, [T] int32.
        given: How many of the first ones are given and not learnt, at least 1.
    """

    ids: npt.NDArray[np.int32]
    given: int


@final
class CausalLm:
    """Weights and tokenizer, ready to be trained or asked; nothing in it draws random numbers.

    Attributes:
        network: The transformers model, without dropout.
        end: Token that ends a text.
        start: Token that a row begins with.
        positions: Most tokens of a row.
    """

    def __init__(self, network: Any, tokenizer: Any, device: torch.device) -> None:  # noqa: ANN401  an optional package
        """Read what the tokenizer says of its special tokens."""
        if tokenizer.eos_token_id is None:
            raise ConfigError("model: its tokenizer has no end token (eos_token); set one in tokenizer_config.json")
        self.network, self.device, self._tokenizer = network.to(device).eval(), device, tokenizer
        self.end = int(tokenizer.eos_token_id)
        self.start = int(tokenizer.bos_token_id if tokenizer.bos_token_id is not None else self.end)
        self.positions = int(getattr(network.config.get_text_config(), "max_position_embeddings", None) or 1 << 30)
        taken = inspect.signature(network.forward).parameters
        self._cache = "cache" if "cache" in taken else "past_key_values"
        self._last = {"logits_to_keep": 1} if "logits_to_keep" in taken else {}
        self._forbidden = torch.tensor(
            sorted({*tokenizer.all_special_ids} - {self.end}), dtype=torch.int64, device=device
        )
        self._known = len(tokenizer)

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the tokens of each text; what looks like a special token in a text is read as plain letters."""
        if not texts:
            return []
        plain = [text.encode("utf-8", "replace").decode() for text in texts]
        read = self._tokenizer(plain, add_special_tokens=False, split_special_tokens=True, verbose=False)
        return [list(map(int, row)) for row in read["input_ids"]]

    def text(self, tokens: Sequence[int]) -> str:
        """Return the text of tokens."""
        return str(self._tokenizer.decode(list(tokens), skip_special_tokens=True, clean_up_tokenization_spaces=False))

    def sequence(self, prompt: Sequence[int], text: Sequence[int], most: int) -> Row:
        """Return start, prompt, text and end as one row; a text of more than `most` tokens is cut and has no end."""
        rest = [*text, self.end] if len(text) <= most else list(text)[:most]
        return Row(np.array([self.start, *prompt, *rest], dtype=np.int32), 1 + len(prompt))

    def log_probs(self, rows: Sequence[Row]) -> tuple[Tensor, Tensor]:
        """Return the log-probability of every token that is not given, and the row it belongs to."""
        longest = max(len(row.ids) for row in rows)
        ids_BT = torch.zeros((len(rows), longest), dtype=torch.int64)
        mask_BT, counted_BT = torch.zeros_like(ids_BT), torch.zeros(ids_BT.shape, dtype=torch.bool)
        for place, row in enumerate(rows):
            ids_BT[place, : len(row.ids)] = torch.from_numpy(row.ids)
            mask_BT[place, : len(row.ids)] = 1
            counted_BT[place, row.given : len(row.ids)] = True
        ids_BT, mask_BT, counted_BT = (part.to(self.device) for part in (ids_BT, mask_BT, counted_BT))
        logits_BTV = self.network(input_ids=ids_BT, attention_mask=mask_BT, use_cache=False).logits
        return token_log_probs(logits_BTV, ids_BT, counted_BT)

    @torch.inference_mode()
    def log_likelihood(self, rows: Sequence[Row], batch: int) -> npt.NDArray[np.float64]:
        """Return the log-likelihood of each row's tokens that are not given, in nats, [N].

        Args:
            rows: What is asked.
            batch: Most rows computed together; fewer where the vocabulary is large.
        """
        result = np.zeros(len(rows))
        # Rows of one length share a batch: little is padded.
        order = sorted(range(len(rows)), key=lambda place: len(rows[place].ids))
        vocabulary = int(self.network.get_output_embeddings().weight.shape[0])
        longest = max((len(row.ids) for row in rows), default=1)
        size = max(1, min(batch, _LARGEST_LOGITS // (vocabulary * longest)))
        for start in range(0, len(order), size):
            places = order[start : start + size]
            values_M, row_M = self.log_probs([rows[place] for place in places])
            result[places] = np.bincount(row_M.cpu().numpy(), values_M.cpu().numpy(), len(places))
        return result

    @torch.inference_mode()
    def continued(
        self, prompts: Sequence[Sequence[int]], uniform_BT: Tensor, temperature: float, top_p: float
    ) -> list[tuple[list[int], bool]]:
        """Continue each prompt until its end token, or until its random numbers are used up.

        Prompts are padded on the left. A row's random numbers are its own; its neighbours can change the last digit
        of a probability, because matrix products of other shapes add in another order.

        Args:
            prompts: Tokens after the start token, B of them.
            uniform_BT: Numbers in [0, 1) that choose the tokens, float64; T is one more than the most tokens.
            temperature: Divides the logits, above 0.
            top_p: Share of the probability that tokens are drawn from, in (0, 1].

        Returns:
            For each row its tokens without the end token, at most T - 1, and whether it came to an end.
        """
        made: list[list[int]] = [[] for _ in prompts]
        ended, live = [False] * len(prompts), list(range(len(prompts)))
        ids_BT, mask_BT = self._left_padded(prompts)
        cache: Any = None
        for step in range(uniform_BT.shape[1]):
            places = (mask_BT.cumsum(1) - 1).clamp(min=0)[:, -ids_BT.shape[1] :]
            given = {} if cache is None else {self._cache: cache}
            told = self.network(
                input_ids=ids_BT, attention_mask=mask_BT, position_ids=places, use_cache=True, **given, **self._last
            )
            cache = told[self._cache]
            token_B = nucleus(
                self._allowed(told.logits[:, -1]), uniform_BT[live, step].to(self.device), temperature, top_p
            )
            for row, token in zip(live, token_B.tolist(), strict=True):
                ended[row] = ended[row] or token == self.end
                if not ended[row]:
                    made[row].append(token)
            ids_BT, mask_BT = token_B.unsqueeze(1), torch.cat([mask_BT, torch.ones_like(token_B).unsqueeze(1)], 1)
            open_rows = [place for place, row in enumerate(live) if not ended[row]]
            if not open_rows:
                break
            # Rows that are done still cost time; a smaller batch costs a copy of the cache.
            if len(open_rows) <= len(live) // 2:
                kept = torch.tensor(open_rows, device=self.device)
                cache.batch_select_indices(kept)
                ids_BT, mask_BT, live = ids_BT[kept], mask_BT[kept], [live[place] for place in open_rows]
        most = uniform_BT.shape[1] - 1
        return [(tokens[:most], done) for tokens, done in zip(made, ended, strict=True)]

    def _left_padded(self, prompts: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        longest = 1 + max(len(prompt) for prompt in prompts)
        ids_BT = torch.zeros((len(prompts), longest), dtype=torch.int64)
        mask_BT = torch.zeros_like(ids_BT)
        for place, prompt in enumerate(prompts):
            ids_BT[place, longest - 1 - len(prompt) :] = torch.tensor([self.start, *prompt])
            mask_BT[place, longest - 1 - len(prompt) :] = 1
        return ids_BT.to(self.device), mask_BT.to(self.device)

    def _allowed(self, logits_BV: Tensor) -> Tensor:
        """Forbid special tokens, and numbers of the vocabulary that stand for nothing."""
        logits_BV = logits_BV.float()
        logits_BV[:, self._forbidden] = -torch.inf
        logits_BV[:, self._known :] = -torch.inf
        return logits_BV


def read_causal_lm(base: Base, device: torch.device, precision: Precision) -> CausalLm:
    """Read a pretrained model; no code of its folder is run.

    Args:
        base: Its files.
        device: Where it goes.
        precision: Number format of its weights.

    Raises:
        ConfigError: A package is missing, or the files are no causal language model.
    """
    with quiet():
        try:
            from transformers import AutoModelForCausalLM, AutoTokenizer

            given = {"local_files_only": True, "trust_remote_code": False}
            tokenizer = AutoTokenizer.from_pretrained(str(base.folder), **given)
            # Weights that are missing would be drawn anew, from the global generator.
            with torch.random.fork_rng(devices=[]):
                network, found = AutoModelForCausalLM.from_pretrained(
                    str(base.folder), use_safetensors=True, output_loading_info=True, **given
                )
        except ImportError as error:
            reason = " ".join(str(error).split())[:200]
            raise ConfigError(f"model: {base.name} needs a package that is not installed: {reason}") from None
        except Exception as error:  # damaged or unknown files make their readers raise almost anything
            reason = " ".join(str(error).split())[:200]
            raise ConfigError(f"model: {base.folder} cannot be read as a causal language model: {reason}") from None
    if found["missing_keys"]:
        lacks = ", ".join(sorted(map(str, found["missing_keys"]))[:3])
        raise ConfigError(
            f"model: {base.folder} is no complete causal language model, it lacks {lacks}; give one that writes text"
        )
    return CausalLm(network.to(torch.bfloat16 if precision == "bfloat16" else torch.float32), tokenizer, device)
