"""Texts become tokens and come back; probabilities agree with transformers; neighbours in a batch do not count."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.networks.tiny_model import write_tiny_model

from lookalike.core.errors import ConfigError
from lookalike.networks.causal_lm import CausalLm, Row, read_causal_lm
from lookalike.networks.pretrained import find_base

CPU = torch.device("cpu")


@pytest.fixture(scope="module", params=["llama", "gpt2"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> CausalLm:
    return read_causal_lm(find_base(str(write_tiny_model(tmp_path_factory.mktemp("m"), request.param))), CPU, "float32")


@pytest.mark.parametrize("text", ["plain", "  two  spaces \n\n", "größer 日本 😀", "", "<end>", "a<start>b<end>"])
def test_any_text_comes_back(model: CausalLm, text: str) -> None:
    tokens = model.tokens([text])[0]
    assert not {model.start, model.end} & set(tokens)
    assert model.text(tokens) == text


def test_a_row_is_start_prompt_text_end(model: CausalLm) -> None:
    row = model.sequence([1, 2], [3, 4, 5], 3)
    assert (row.ids.tolist(), row.given) == ([model.start, 1, 2, 3, 4, 5, model.end], 3)
    cut = model.sequence([1, 2], [3, 4, 5], 2)
    assert cut.ids.tolist() == [model.start, 1, 2, 3, 4]


def _rows(model: CausalLm, texts: list[str]) -> list[Row]:
    return [model.sequence([7] * (k % 3), tokens, 99) for k, tokens in enumerate(model.tokens(texts))]


def test_likelihoods_are_those_of_each_row_alone(model: CausalLm) -> None:
    rows = _rows(model, ["a", "some longer text", "", "middle", "日本"])
    found = model.log_likelihood(rows, batch=2)
    for row, value in zip(rows, found, strict=True):
        ids = torch.from_numpy(row.ids).long().unsqueeze(0)
        with torch.no_grad():
            logp = model.network(input_ids=ids).logits[0].double().log_softmax(-1)
        alone = sum(float(logp[k - 1, ids[0, k]]) for k in range(row.given, ids.shape[1]))
        assert value == pytest.approx(alone, rel=1e-5)
    assert model.log_likelihood([], batch=2).shape == (0,)


def _uniform(rows: int, steps: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(3).random((rows, steps)))


def _slowly(model: CausalLm, prompt: list[int], uniform_T: torch.Tensor) -> tuple[list[int], bool]:
    """The same without cache, batch and padding."""
    ids = [model.start, *prompt]
    for u in uniform_T.tolist():
        with torch.no_grad():
            logits = model.network(input_ids=torch.tensor([ids])).logits[0, -1].double()
        logits[model.start] = -torch.inf if model.start != model.end else logits[model.start]
        p = (logits / 0.9).softmax(-1).numpy()
        order = np.argsort(-p, kind="stable")
        total = np.cumsum(p[order])
        kept = int((total - p[order] < 0.8).sum())
        token = int(order[np.searchsorted(total[:kept], u * total[kept - 1], side="right")])
        if token == model.end:
            return ids[1 + len(prompt) :], True
        ids.append(token)
    return ids[1 + len(prompt) :][: len(uniform_T) - 1], False


def test_continuing_is_the_same_as_one_token_at_a_time(model: CausalLm) -> None:
    prompts, uniform_BT = [[5], [1, 2, 3, 4], [], [9, 9]] * 4, _uniform(16, 12)
    with torch.no_grad():
        # The end becomes probable, so that rows end at different times and the batch shrinks.
        bias = torch.zeros(model.network.get_output_embeddings().weight.shape[0])
        bias[model.end] = 3.0
    hook = model.network.get_output_embeddings().register_forward_hook(lambda module, given, out: out + bias)
    try:
        made = model.continued(prompts, uniform_BT, 0.9, 0.8)
        slow = [_slowly(model, prompt, uniform) for prompt, uniform in zip(prompts, uniform_BT, strict=True)]
    finally:
        hook.remove()
    assert made == slow
    ended = [done for _, done in made]
    assert 4 < sum(ended) < 16
    assert len({len(tokens) for tokens, done in made if done}) > 2
    assert {len(tokens) for tokens, done in made if not done} == {11}


def test_a_row_is_the_same_beside_others_and_alone(model: CausalLm) -> None:
    prompts, uniform_BT = [[5], [1, 2, 3, 4], [], [9, 9]], _uniform(4, 20)
    together = model.continued(prompts, uniform_BT, 1.0, 0.95)
    alone = [model.continued([prompts[k]], uniform_BT[k : k + 1], 1.0, 0.95)[0] for k in range(4)]
    assert together == alone


def test_special_tokens_are_never_written(model: CausalLm) -> None:
    logits = torch.zeros(2, 258)
    allowed = model._allowed(logits)
    assert allowed[:, model.end].tolist() == [0, 0]
    assert allowed[:, model.start].tolist() == [-torch.inf] * 2


def test_a_tokenizer_without_an_end_is_refused(model: CausalLm, monkeypatch: pytest.MonkeyPatch) -> None:
    class _Endless:
        eos_token_id: Any = None

    with pytest.raises(ConfigError, match="no end token"):
        CausalLm(model.network, _Endless(), CPU)


def test_reading_leaves_global_randomness_alone(tiny_model: Path, global_state: None) -> None:
    read_causal_lm(find_base(str(tiny_model)), CPU, "float32")


def test_bfloat16_is_as_asked(tiny_model: Path) -> None:
    read = read_causal_lm(find_base(str(tiny_model)), CPU, "bfloat16")
    assert {value.dtype for value in read.network.parameters()} == {torch.bfloat16}
    assert np.isfinite(read.log_likelihood(_rows(read, ["abc"]), 4)).all()
