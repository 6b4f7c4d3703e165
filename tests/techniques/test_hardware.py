"""Device and precision: what is asked is taken, `auto` looks at the machine, and what is not there is refused."""

from __future__ import annotations

import pytest
import torch

from lookalike.core.errors import ConfigError
from lookalike.techniques.hardware import choose_device, choose_precision

CPU = torch.device("cpu")


def test_what_is_asked_is_taken() -> None:
    assert choose_device("cpu") == CPU
    assert choose_precision("float32", CPU) == "float32"
    assert choose_precision("bfloat16", CPU) == "bfloat16"


@pytest.mark.parametrize(("flag", "found"), [(True, "bfloat16"), (False, "float32")])
def test_auto_follows_the_processor(monkeypatch: pytest.MonkeyPatch, flag: bool, found: str) -> None:
    for name in ("_is_amx_tile_supported", "_is_avx512_bf16_supported"):
        monkeypatch.setattr(torch.cpu, name, lambda: flag, raising=False)
    assert choose_precision("auto", CPU) == found


def test_a_device_that_is_not_there_is_one_clear_line() -> None:
    with pytest.raises(ConfigError, match="use auto or cpu") as caught:
        choose_device("no_such_device")
    assert "\n" not in str(caught.value)
