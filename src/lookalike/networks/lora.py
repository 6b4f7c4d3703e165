"""Low-rank adapters beside the frozen weights of a language model, in the layout of the peft library.

Source: Hu et al. 2022, arXiv:2106.09685 (LoRA).
Differs from the paper: by default every linear layer but the last gets an adapter.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from lookalike.core.errors import ConfigError, DataError
from lookalike.core.rng import Rng
from lookalike.core.store import write_file, write_json
from lookalike.networks.pretrained import missing
from lookalike.techniques.training import torch_generator

_WEIGHTS, _SETTINGS = "adapter_model.safetensors", "adapter_config.json"


@final
class Lora:
    """Adapters of one network.

    Args:
        network: A transformers model; its own weights are frozen, and linear layers get adapters.
        rank: Rank of each adapter, at least 1.
        alpha: The adapter is added `alpha / rank` times, above 0.
        modules: Ends of the names of the layers; None = every linear layer but the last.

    Raises:
        ConfigError: peft is missing, or no layer has such a name.
    """

    def __init__(self, network: Any, rank: int, alpha: float, modules: Sequence[str] | None) -> None:  # noqa: ANN401
        """Put adapters in that change nothing yet."""
        try:
            from peft import LoraConfig, get_peft_model
        except ImportError:
            raise missing("peft") from None
        wanted = "all-linear" if modules is None else list(modules)
        with _quiet_peft():
            settings = LoraConfig(
                task_type="CAUSAL_LM", r=rank, lora_alpha=alpha, target_modules=wanted, lora_dropout=0.0, bias="none"
            )
            try:
                self._model = get_peft_model(network, settings).eval()
            except ValueError as error:
                reason = " ".join(str(error).split())[:200]
                raise ConfigError(f"modules: the model takes no adapters there: {reason}") from None

    def tensors(self) -> dict[str, Tensor]:
        """Return the adapters' weights by name, live."""
        return {name: value for name, value in self._model.named_parameters() if value.requires_grad}

    @torch.no_grad()
    def start(self, rng: Rng) -> None:
        """Draw the first factor of each adapter; the second is zero, so the network still says what it said."""
        for place, (name, value) in enumerate(sorted(self.tensors().items())):
            if "lora_A" in name:
                generator = torch_generator(rng.child("adapter", place))
                drawn = torch.nn.init.kaiming_uniform_(torch.empty(value.shape), a=5**0.5, generator=generator)
                value.copy_(drawn)
            else:
                value.zero_()

    def weights(self) -> dict[str, Tensor]:
        """Return a copy of the weights under the names that peft gives them in files."""
        from peft import get_peft_model_state_dict

        found = get_peft_model_state_dict(self._model, save_embedding_layers=False)
        return {name: value.detach().cpu().clone().contiguous() for name, value in found.items()}

    @torch.no_grad()
    def restore(self, weights: Mapping[str, Tensor]) -> None:
        """Take over the weights of a file.

        Raises:
            ValueError: Names or shapes are others.
        """
        named = {name.replace(".default", ""): value for name, value in self.tensors().items()}
        if named.keys() != weights.keys():
            raise ValueError("the adapters are of other layers")
        for name, value in named.items():
            if value.shape != weights[name].shape:
                raise ValueError(f"the adapter {name} has another shape")
            value.copy_(weights[name])

    def merge(self) -> None:
        """Add the adapters to the weights of a network in float32: it then says the same, faster."""
        with _quiet_peft():
            self._model.merge_and_unload()

    def settings(self, base: str) -> dict[str, Any]:
        """Return what peft writes beside the weights, equal in every process.

        Args:
            base: Where the base model lies.
        """
        found = self._model.peft_config["default"].to_dict()
        plain = {name: sorted(value) if isinstance(value, set) else value for name, value in found.items()}
        return {**plain, "base_model_name_or_path": base, "inference_mode": True}


def write_adapter(folder: Path, weights: Mapping[str, Tensor], settings: Mapping[str, Any]) -> None:
    """Write an adapter that plain peft opens, into an existing folder."""
    write_file(folder / _WEIGHTS, save(dict(sorted(weights.items())), metadata={"format": "pt"}))
    write_json(folder / _SETTINGS, dict(settings))


def read_adapter(folder: Path) -> dict[str, Tensor]:
    """Read the weights of an adapter.

    Raises:
        DataError: The file is missing or damaged.
    """
    try:
        weights: dict[str, Tensor] = load_file(folder / _WEIGHTS)
    except (OSError, ValueError, SafetensorError) as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"{folder} holds no complete adapter ({reason}); fit it again") from None
    return weights


@contextmanager
def _quiet_peft() -> Iterator[None]:
    """Ignore what peft says to its own developers, and keep its first weights off the global random numbers."""
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore")
        yield
