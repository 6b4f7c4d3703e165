"""What all adversarial generators promise: exact resume, own rows, bad input in one line."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from lookalike.core.errors import ConfigError, DataError, LookalikeError
from lookalike.core.events import SILENT, CheckpointSaved, Event
from lookalike.core.registry import find
from lookalike.core.rng import Rng
from lookalike.data.images import Images, image_schema
from lookalike.generators.image.gan import settings
from lookalike.generators.image.gan.duel import Duel
from lookalike.techniques import training

EVERY = ["image.dcgan", "image.r3gan", "image.stylegan", "image.stylegan2", "image.stylegan3"]
STYLED = EVERY[2:]
pytestmark = pytest.mark.usefixtures("brief_watching")
SMALL: dict[str, Any] = {
    "steps": 6,
    "batch_size": 4,
    "device": "cpu",
    "augment_images": 48,
    "augment_target": -0.99,
}


def images(height: int = 8, width: int = 8, channels: int = 1, n: int = 24, classes: int = 3) -> Images:
    pixels = np.random.default_rng(0).integers(0, 256, (n, height, width, channels), dtype=np.uint8)
    return Images(pixels, np.arange(n) % classes, image_schema(height, width, channels, list("abcdef"[:classes])))


class Told:
    """A watch that keeps events and stops the run after so many checkpoints."""

    def __init__(self, folder: Path | None = None, stop_after: int = -1) -> None:
        self.folder, self.stop_after, self.events = folder, stop_after, list[Event]()

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, CheckpointSaved) and event.step == self.stop_after:
            raise KeyboardInterrupt


@pytest.fixture(params=EVERY)
def method(request: pytest.FixtureRequest) -> Any:
    return find("generators", request.param)


@pytest.fixture(scope="module")
def _fits() -> dict[str, Any]:
    return {}


@pytest.fixture
def fitted(method: Any, _fits: dict[str, Any]) -> Any:
    if method.name not in _fits:
        _fits[method.name] = method(**SMALL).fit(images(), Rng(0), SILENT)
    return _fits[method.name]


def test_an_interrupted_training_goes_on_to_the_same_bytes(
    method: Any, fitted: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "Plan", lambda **given: training.Plan(**given, checkpoint_seconds=0.0))
    config = method(**SMALL)
    for step in (2, 5):
        with pytest.raises(KeyboardInterrupt):
            config.fit(images(), Rng(0), Told(tmp_path, stop_after=step))
    resumed = config.fit(images(), Rng(0), Told(tmp_path))
    state = resumed.network.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in fitted.network.state_dict().items())
    assert resumed.about["probes"] == fitted.about["probes"]
    assert resumed.sample(4, Rng(1)).fingerprint() == fitted.sample(4, Rng(1)).fingerprint()
    with pytest.raises(ConfigError, match="another run"):
        method(**{**SMALL, "learning_rate": 0.01}).fit(images(), Rng(0), Told(tmp_path))


def test_one_thread_and_two_train_the_same_bytes(method: Any, fitted: Any) -> None:
    if not method.own.parts:
        pytest.skip("batch normalisation sees the whole batch")
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3 - min(before, 2))
        other = method(**SMALL).fit(images(), Rng(0), SILENT)
    finally:
        torch.set_num_threads(before)
    state = other.network.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in fitted.network.state_dict().items())
    assert other.about["probes"] == fitted.about["probes"]


def test_everything_that_changes_in_a_step_is_part_of_a_checkpoint(method: Any) -> None:
    config, data = method(**SMALL), images()
    shape = config.shape(8, 8, 1, 3, "cpu")
    styled = 1.0 if "stylegan" in method.name else 0.0
    # All that has a state of its own is on and moves: p by a third in four steps, path lengths, mixed styles, the rate.
    rules = replace(config.rules(shape), path_length=styled, mixing=styled, target=-2.0, images=48)
    duels = [Duel(*config.networks(shape, Rng(0)), shape.z_dim, data, rules, torch.device("cpu")) for _ in range(2)]
    duels[0].rate_factor.fill_(0.5)
    rows = np.arange(4)
    # In the middle of a window of four steps, over which signs of logits are counted.
    for step in range(6):
        duels[0].step(rows, step, 10, Rng(1).child("noise", step))
    with torch.no_grad():
        for name, value in duels[1].tensors().items():
            value.copy_(duels[0].tensors()[name])
    for step in range(6, 10):
        figures = [duel.step(rows, step, 10, Rng(1).child("noise", step)) for duel in duels]
        assert {name: float(value) for name, value in figures[0].items()} == {
            name: float(value) for name, value in figures[1].items()
        }
    one, other = (duel.tensors() for duel in duels)
    assert all(torch.equal(value, other[name]) for name, value in one.items())
    assert float(duels[0].controller.p) > 0.5


def test_a_row_depends_on_its_own_key(fitted: Any) -> None:
    few, many = fitted.sample(3, Rng(1)).pixels, fitted.sample(9, Rng(1)).pixels
    assert np.abs(few.astype(int) - many[:3].astype(int)).max() <= 1
    assert (many[0] != many[3]).any()


def test_weights_and_facts_survive_saving(method: Any, fitted: Any, tmp_path: Path) -> None:
    fitted.save(tmp_path)
    loaded = method().load(tmp_path)
    assert loaded.sample(4, Rng(1)).fingerprint() == fitted.sample(4, Rng(1)).fingerprint()
    assert loaded.about == json.loads(json.dumps(fitted.about))
    about = json.loads((tmp_path / "lookalike.json").read_text())
    for lost in ("z_dim", "schema"):
        (tmp_path / "lookalike.json").write_text(json.dumps({k: v for k, v in about.items() if k != lost}))
        with pytest.raises(DataError, match=f"does not hold a complete .*{lost}"):
            method().load(tmp_path)
    (tmp_path / "lookalike.json").write_text(json.dumps(about))
    (tmp_path / "generator.safetensors").write_bytes(b"broken")
    with pytest.raises(DataError, match="does not hold a complete"):
        method().load(tmp_path)


@pytest.mark.parametrize(("height", "width", "channels"), [(12, 12, 3), (16, 8, 3), (28, 28, 1)])
def test_sizes_and_channels(method: Any, height: int, width: int, channels: int) -> None:
    data = images(height, width, channels)
    made = method(**{**SMALL, "steps": 1}).fit(data, Rng(0), SILENT).sample(3, Rng(1))
    assert made.pixels.shape == (3, height, width, channels)


def test_images_without_classes_train_too(method: Any) -> None:
    made = method(**{**SMALL, "steps": 1}).fit(images(classes=1), Rng(0), SILENT).sample(3, Rng(1))
    assert made.labels.tolist() == [0, 0, 0]


def test_impossible_data_are_refused_in_one_line(method: Any) -> None:
    with pytest.raises(DataError, match="found 1 images, which is too few"):
        method(**SMALL).fit(images(n=1), Rng(0), SILENT)
    empty = images().take(np.array([0, 1, 3, 4, 6, 7]))
    with pytest.raises(DataError, match="no image of class 'c'"):
        method(**SMALL).fit(empty, Rng(0), SILENT)
    with pytest.raises(ConfigError, match="17 x 17"):
        method(**SMALL).fit(images(17, 17), Rng(0), SILENT)
    with pytest.raises(ValidationError, match="batch_size"):
        method(batch_size=1)
    with pytest.raises(ValidationError, match="minutes or steps"):
        method(steps=1, minutes=1)


def test_a_loss_that_is_no_number_stops_and_keeps_the_last_good_checkpoint(
    method: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "Plan", lambda **given: training.Plan(**given, checkpoint_seconds=0.0))
    config = method(**{**SMALL, "steps": 5})
    step = Duel.step

    def broken(self: Duel, rows: Any, at: int, steps: int, rng: Rng) -> Any:
        found = dict(step(self, rows, at, steps, rng))
        return {**found, "generator loss": float("nan")} if at == 3 and broken_once else found

    broken_once = True
    monkeypatch.setattr(Duel, "step", broken)
    with pytest.raises(
        LookalikeError, match=r"generator loss became nan at step 4 of 5.*lower learning_rate, or leave gamma"
    ):
        config.fit(images(), Rng(0), Told(tmp_path))
    broken_once = False
    resumed = config.fit(images(), Rng(0), Told(tmp_path))
    whole = config.fit(images(), Rng(0), SILENT)
    state = whole.network.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in resumed.network.state_dict().items())


@pytest.mark.parametrize("name", STYLED)
def test_styles_can_be_truncated_mixed_and_moved(name: str, tmp_path: Path) -> None:
    method = find("generators", name)
    method(**SMALL).fit(images(), Rng(0), SILENT).save(tmp_path)

    def drawn(**sampling: Any) -> Images:
        return method(sampling={"noise": False, **sampling}).load(tmp_path).sample(6, Rng(1), {"label": "a"})

    plain, none = drawn(), drawn(truncation=0.0)
    assert (none.pixels == none.pixels[:1]).all()
    assert (plain.pixels != none.pixels).any()
    assert (drawn(mixing=1.0).pixels != plain.pixels).any()
    model = method(sampling={"noise": False}).load(tmp_path)
    w = model.styles(["a", "b"], Rng(1))
    between = model.synthesis(torch.lerp(w[:1], w[1:], torch.linspace(0, 1, 3)[:, None, None]))
    assert torch.allclose(between[[0, 2]], model.synthesis(w), atol=1e-4)


def test_a_generator_without_styles_says_so() -> None:
    model = find("generators", "image.dcgan")(**SMALL).fit(images(), Rng(0), SILENT)
    with pytest.raises(ConfigError, match="has no styles"):
        model.styles(["a"], Rng(0))


def test_mode_seeking_keeps_images_of_a_class_apart() -> None:
    def variety(weight: float) -> float:
        generator = find("generators", "image.r3gan")(steps=40, batch_size=8, device="cpu", mode_seeking=weight)
        made = generator.fit(images(), Rng(0), SILENT).sample(20, Rng(1), {"label": "a"})
        return float(made.pixels.astype(np.float64).std(axis=0).mean())

    assert variety(5.0) > 1.5 * variety(0.0)
