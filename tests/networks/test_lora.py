"""Adapters change nothing at first, are named as peft names them, and can be taken over from a file or added up."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from lookalike.core.errors import ConfigError, DataError
from lookalike.core.rng import Rng
from lookalike.networks.causal_lm import CausalLm, read_causal_lm
from lookalike.networks.lora import Lora, read_adapter, write_adapter
from lookalike.networks.pretrained import find_base


@pytest.fixture
def model(tiny_model: Path) -> CausalLm:
    return read_causal_lm(find_base(str(tiny_model)), torch.device("cpu"), "float32")


def _said(model: CausalLm) -> torch.Tensor:
    with torch.no_grad():
        found: torch.Tensor = model.network(input_ids=torch.arange(12).unsqueeze(0)).logits
    return found


def _trained(model: CausalLm, modules: list[str] | None = None) -> Lora:
    lora = Lora(model.network, 4, 8.0, modules)
    lora.start(Rng(0))
    with torch.no_grad():
        for name, value in lora.tensors().items():
            if "lora_B" in name:
                value.fill_(0.01)
    return lora


def test_at_first_nothing_changes_and_only_adapters_learn(model: CausalLm, global_state: None) -> None:
    before = _said(model)
    lora = Lora(model.network, 4, 8.0, None)
    assert torch.equal(_said(model), before)
    for value in lora.tensors().values():
        torch.nn.init.ones_(value)
    assert not torch.equal(_said(model), before)
    lora.start(Rng(0))
    assert torch.equal(_said(model), before)
    # Seven linear layers in each of two blocks, two factors each; not the last layer of the network.
    assert len(lora.tensors()) == 28
    assert all("lora_" in name for name in lora.tensors())


def test_the_key_decides_the_start(model: CausalLm) -> None:
    lora = Lora(model.network, 4, 8.0, None)
    drawn = []
    for seed in (0, 0, 1):
        lora.start(Rng(seed))
        drawn.append(torch.cat([value.flatten() for value in lora.weights().values()]))
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


def test_adapters_come_back_from_a_file(model: CausalLm, tiny_model: Path, tmp_path: Path) -> None:
    lora = _trained(model)
    write_adapter(tmp_path, lora.weights(), lora.settings("base"))
    other = read_causal_lm(find_base(str(tiny_model)), torch.device("cpu"), "float32")
    again = Lora(other.network, 4, 8.0, None)
    again.restore(read_adapter(tmp_path))
    assert torch.equal(_said(other), _said(model))
    with pytest.raises(ValueError, match="other layers"):
        again.restore({})
    with pytest.raises(ValueError, match="another shape"):
        again.restore({name: value[:1] for name, value in lora.weights().items()})


def test_adding_up_says_the_same(model: CausalLm) -> None:
    lora, plain = _trained(model), _said(model)
    lora.merge()
    assert not [name for name, _ in model.network.named_modules() if "lora" in name]
    assert (_said(model) - plain).abs().max() < 1e-4


def test_layers_can_be_named(model: CausalLm) -> None:
    assert len(_trained(model, ["q_proj", "v_proj"]).tensors()) == 8


def test_a_layer_that_is_not_there_is_one_line(model: CausalLm) -> None:
    with pytest.raises(ConfigError, match=r"modules: .*no_such_layer") as error:
        Lora(model.network, 4, 8.0, ["no_such_layer"])
    assert "\n" not in str(error.value)


def test_a_folder_without_an_adapter_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no complete adapter"):
        read_adapter(tmp_path)
