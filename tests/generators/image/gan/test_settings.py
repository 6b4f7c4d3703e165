"""Which penalty goes with which loss, its closed form inside a step, and what cannot be combined."""

from __future__ import annotations

from pathlib import Path
from typing import Any, final

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from tests.generators.image.gan.test_duel import EVERY, Told, images
from torch import Tensor, nn

from lookalike.core.errors import ConfigError
from lookalike.core.events import SILENT
from lookalike.core.registry import find
from lookalike.core.rng import Rng
from lookalike.generators.image.gan import settings
from lookalike.generators.image.gan.duel import Duel, Rules, to_signal
from lookalike.generators.image.r3gan import R3gan
from lookalike.generators.image.stylegan2 import Stylegan2
from lookalike.techniques import training

pytestmark = pytest.mark.usefixtures("brief_watching")
_SMALL: dict[str, Any] = {"steps": 6, "batch_size": 4, "device": "cpu"}


def _rules(config: Any) -> Rules:
    found: Rules = config.rules(config.shape(28, 28, 1, 3, "cpu"))
    return found


@final
class _Still(nn.Module):
    """A generator of one image, so that every expectation is known."""

    def __init__(self, image_CHW: Tensor) -> None:
        super().__init__()
        self.image = nn.Parameter(image_CHW)

    def forward(self, z_BZ: Tensor, label_B: Tensor | None = None) -> Tensor:
        del label_B
        return self.image.expand(len(z_BZ), -1, -1, -1)


@final
class _Linear(nn.Module):
    """D(x) = a x + b."""

    def __init__(self, a: Tensor, b: float) -> None:
        super().__init__()
        self.a, self.b = nn.Parameter(a), nn.Parameter(torch.tensor(b))

    def forward(self, x_BCHW: Tensor, label_B: Tensor | None = None) -> Tensor:
        del label_B
        return x_BCHW.flatten(1) @ self.a + self.b


def _drawn() -> tuple[Tensor, Tensor]:
    """Return a vector of length 3, [16], and an image, [1, 4, 4]."""
    a = torch.randn(16, generator=training.torch_generator(Rng(0).child("a")))
    still = torch.rand(1, 4, 4, generator=training.torch_generator(Rng(0).child("still"))) * 2 - 1
    return 3 * a / a.norm(), still


def _stepped(b: float = 0.0, **given: Any) -> Duel:
    """Make one step of a linear discriminator of length 3 on four images of 4 x 4 pixels, without augmentation."""
    a, still = _drawn()
    rules = R3gan(augment=False, batch_size=4, device="cpu", **given)
    duel = Duel(_Still(still), _Linear(a, b), 2, images(4, 4), _rules(rules), torch.device("cpu"))
    duel.step(np.arange(4), 0, 10, Rng(1))
    return duel


def test_the_wasserstein_step_has_the_closed_gradient_of_a_linear_discriminator() -> None:
    for given, weight in (({}, 10.0), ({"gamma": 2.0}, 2.0), ({"penalty": "none"}, 0.0)):
        duel = _stepped(loss="wasserstein", **given)
        # Adam has moved the parameters by then; the gradient is that of the start.
        a, still = _drawn()
        real = to_signal(duel.data.pixels[:4]).flatten(1).mean(0)
        # Loss: a (fake - real) + weight (|a| - 1)^2, at |a| = 3.
        expected = still.flatten() - real + weight * 2 * (3 - 1) * a / a.norm()
        found = duel.weights["d"][0].grad
        assert found is not None
        assert torch.allclose(found, expected, atol=1e-4)


def test_the_penalty_towards_0_can_be_taken_with_the_wasserstein_loss() -> None:
    duel = _stepped(loss="wasserstein", penalty="zero_centred", gamma=2.0)
    a, still = _drawn()
    # gamma / 2 |a|^2 on real images and again on generated ones: it is 2 gamma a, four times.
    expected = still.flatten() - to_signal(duel.data.pixels[:4]).flatten(1).mean(0) + 4 * 2 * 2 * a
    assert torch.allclose(duel.weights["d"][0].grad, expected, atol=1e-4)  # type: ignore[arg-type]


@pytest.mark.parametrize("loss", ["relativistic", "wasserstein"])
def test_a_constant_added_to_all_logits_does_not_pass_for_overfitting(loss: str) -> None:
    signs = [float(_stepped(b, loss=loss).controller.tensors()["signs"]) for b in (-50.0, 0.0, 50.0)]
    assert len(set(signs)) == 1
    assert abs(signs[0]) < 4
    told = [float(_stepped(b, loss="hinge").controller.tensors()["signs"]) for b in (-50.0, 50.0)]
    assert told == [-4, 4]


def test_the_penalty_follows_the_loss_unless_it_is_given() -> None:
    for name in EVERY[1:]:
        method = find("generators", name)
        plain, critic = _rules(method()), _rules(method(loss="wasserstein"))
        assert (plain.penalty, plain.every) == ("zero_centred", method.own.every)
        assert (critic.loss, critic.penalty, critic.gamma, critic.every) == ("wasserstein", "one_centred", 10.0, 1)
        assert _rules(method(loss="wasserstein", penalty="zero_centred")).gamma == plain.gamma
        assert _rules(method(penalty="none")).gamma == 0
    other = _rules(Stylegan2(penalty="one_centred", gamma=3.0))
    assert (other.loss, other.penalty, other.gamma, other.every) == ("non_saturating", "one_centred", 3.0, 1)


def test_contradictions_are_refused_in_one_line() -> None:
    with pytest.raises(ValidationError, match="gamma: 2 has no use with penalty: none; leave one of them out"):
        R3gan(penalty="none", gamma=2.0)
    dcgan = find("generators", "image.dcgan")
    with pytest.raises(ValidationError, match=r"zero_centred has no weight of its own in image.dcgan; give gamma"):
        dcgan(penalty="zero_centred")
    for given in ({"penalty": "one_centred"}, {"loss": "wasserstein"}):
        with pytest.raises(ValidationError, match=r"batch normalisation in image.dcgan mixes them; use image.r3gan"):
            dcgan(**given)
    assert _rules(dcgan(loss="wasserstein", penalty="none")).gamma == 0
    assert _rules(dcgan(loss="wasserstein", penalty="zero_centred", gamma=1.0)).gamma == 1


@pytest.mark.parametrize("name", ["image.r3gan", "image.stylegan2"])
def test_an_interrupted_wasserstein_training_goes_on_to_the_same_bytes(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "Plan", lambda **given: training.Plan(**given, checkpoint_seconds=0.0))
    method = find("generators", name)
    config = method(**_SMALL, loss="wasserstein")
    whole = config.fit(images(), Rng(0), SILENT)
    with pytest.raises(KeyboardInterrupt):
        config.fit(images(), Rng(0), Told(tmp_path, stop_after=3))
    with pytest.raises(ConfigError, match="another run"):
        method(**_SMALL, loss="wasserstein", gamma=5.0).fit(images(), Rng(0), Told(tmp_path))
    resumed = config.fit(images(), Rng(0), Told(tmp_path))
    state = resumed.network.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in whole.network.state_dict().items())
    assert whole.about["config"]["loss"] == "wasserstein"
