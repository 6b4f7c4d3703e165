"""The whole generator at toy size: exact rows, keys, saving, resuming, diffusers, odd sizes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from pydantic import ValidationError

from lookalike.core.errors import ConfigError, DataError
from lookalike.core.events import SILENT, CheckpointSaved, Event
from lookalike.core.rng import Rng
from lookalike.data.images import Images, image_schema
from lookalike.generators.image import ddpm
from lookalike.generators.image.ddpm import Ddpm
from lookalike.techniques import training

_SMALL = {"steps": 4, "channels": (8, 16), "patch": 2, "layers": 1, "batch_size": 8, "precision": "float32"}
_FAST = {"steps": 3, "batch": 4}


def _images(height: int = 8, width: int = 8, channels: int = 1, n: int = 20) -> Images:
    pixels = np.random.default_rng(0).integers(0, 256, (n, height, width, channels), dtype=np.uint8)
    return Images(pixels, np.arange(n) % 3, image_schema(height, width, channels, ["a", "b", "c"]))


@pytest.fixture(scope="module")
def fitted() -> Any:
    return Ddpm(**_SMALL, sampling=_FAST).fit(_images(), Rng(0), SILENT)


@pytest.mark.parametrize(("height", "width", "channels"), [(8, 8, 1), (9, 13, 3), (20, 30, 3), (28, 28, 1)])
def test_any_size_and_channels(height: int, width: int, channels: int) -> None:
    data = _images(height, width, channels)
    made = Ddpm(**{**_SMALL, "steps": 1}, sampling=_FAST).fit(data, Rng(0), SILENT).sample(3, Rng(1))
    assert made.pixels.shape == (3, height, width, channels)
    assert made.schema == data.schema


@pytest.mark.parametrize("n", [0, 1, 4, 7])
def test_exactly_as_many_rows_as_asked(fitted: Any, n: int) -> None:
    assert len(fitted.sample(n, Rng(1))) == n


def test_classes_take_turns_or_follow_the_request(fitted: Any) -> None:
    assert fitted.sample(5, Rng(1)).labels.tolist() == [0, 1, 2, 0, 1]
    assert fitted.sample(2, Rng(1), {"label": "c"}).labels.tolist() == [2, 2]
    assert fitted.sample(2, Rng(1), {"label": ["b", "a"]}).labels.tolist() == [1, 0]


@pytest.mark.parametrize("where", [{"label": "d"}, {"label": ["a"]}, {"label": 3}, {"colour": "red"}])
def test_unknown_request_is_refused(fitted: Any, where: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="where"):
        fitted.sample(2, Rng(1), where)


def test_keys_decide_the_bytes(fitted: Any) -> None:
    one, same, other = (fitted.sample(6, Rng(seed)).pixels for seed in (1, 1, 2))
    assert (one == same).all()
    assert (one != other).any()


def test_a_row_depends_on_its_own_noise(fitted: Any) -> None:
    few, many = fitted.sample(4, Rng(1)).pixels, fitted.sample(8, Rng(1)).pixels
    assert (few == many[:4]).all()
    assert (many[0] != many[3]).any()


def test_global_randomness_is_left_alone(global_state: None) -> None:
    Ddpm(**_SMALL, dropout=0.1, sampling=_FAST).fit(_images(), Rng(0), SILENT).sample(2, Rng(0))


@pytest.mark.parametrize("sampler", ["ddpm", "ddim", "heun", "dpmpp_2m", "unipc"])
@pytest.mark.parametrize("guidance", [0.0, 1.0, 2.0])
def test_save_and_load_draw_the_same(fitted: Any, tmp_path: Path, sampler: str, guidance: float) -> None:
    fitted.save(tmp_path)
    loaded = Ddpm(sampling={**_FAST, "sampler": sampler, "guidance": guidance}).load(tmp_path)
    first = loaded.sample(3, Rng(4)).pixels
    assert (first == Ddpm(sampling=loaded.sampling).load(tmp_path).sample(3, Rng(4)).pixels).all()
    if (sampler, guidance) == ("unipc", 1.0):
        again = fitted.sample(3, Rng(4)).pixels
        assert again.shape == first.shape


def test_saving_what_was_loaded_gives_the_same_files(fitted: Any, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    fitted.save(one)
    Ddpm(sampling=_FAST).load(one).save(two)
    files = sorted(str(path.relative_to(one)) for path in one.rglob("*") if path.is_file())
    assert files == [
        "lookalike.json",
        "scheduler/scheduler_config.json",
        "unet/config.json",
        "unet/diffusion_pytorch_model.safetensors",
    ]
    assert all((one / name).read_bytes() == (two / name).read_bytes() for name in files)
    assert (fitted.sample(3, Rng(9)).pixels == Ddpm(sampling=_FAST).load(two).sample(3, Rng(9)).pixels).all()


def test_folder_without_a_model_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"complete image\.ddpm model"):
        Ddpm().load(tmp_path)


def test_noted_facts(fitted: Any, tmp_path: Path) -> None:
    fitted.save(tmp_path)
    about = json.loads((tmp_path / "lookalike.json").read_text())
    assert (about["steps"], about["images_seen"], about["precision"]) == (4, 32, "float32")
    assert len(about["curve"]) == 4
    assert "sampling" not in about["config"]
    assert about["preset"] == "tiny"


def test_one_thread_and_two_give_the_same_files(tmp_path: Path) -> None:
    before, digests = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            fitted = Ddpm(**_SMALL, sampling=_FAST).fit(_images(), Rng(0), SILENT)
            fitted.save(tmp_path / str(threads))
            weights = tmp_path / str(threads) / "unet" / "diffusion_pytorch_model.safetensors"
            digests.append((weights.read_bytes(), fitted.sample(9, Rng(1)).pixels.tobytes()))
    finally:
        torch.set_num_threads(before)
    assert digests[0] == digests[1]


class _Interrupting:
    def __init__(self, folder: Path, stop_at: int | None) -> None:
        self.folder, self.stop_at = folder, stop_at

    def __call__(self, event: Event) -> None:
        if isinstance(event, CheckpointSaved) and event.step == self.stop_at:
            raise KeyboardInterrupt


@pytest.mark.parametrize("stop_at", [1, 3])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_interrupted_and_resumed_gives_the_same_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop_at: int, precision: str
) -> None:
    config = Ddpm(**{**_SMALL, "precision": precision, "dropout": 0.1})
    whole = config.fit(_images(), Rng(0), SILENT)
    # A checkpoint after every step, so that any of them can be the last before the crash.
    monkeypatch.setattr(ddpm, "Plan", lambda **given: training.Plan(**given, checkpoint_seconds=0.0))
    with pytest.raises(KeyboardInterrupt):
        config.fit(_images(), Rng(0), _Interrupting(tmp_path, stop_at))
    resumed = config.fit(_images(), Rng(0), _Interrupting(tmp_path, None))
    for name, value in whole.unet.state_dict().items():
        assert torch.equal(value, resumed.unet.state_dict()[name]), name
    assert whole.about == resumed.about


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")
def test_opens_in_plain_diffusers(fitted: Any, tmp_path: Path) -> None:
    fitted.save(tmp_path)
    unet = diffusers.UNet2DModel.from_pretrained(tmp_path / "unet", low_cpu_mem_usage=False)
    scheduler = diffusers.UniPCMultistepScheduler.from_pretrained(tmp_path / "scheduler")
    scheduler.set_timesteps(3)
    row_noise = [torch.randn(4, 4, 4, generator=training.torch_generator(Rng(1).child("row", i))) for i in range(3)]
    x, labels = torch.stack(row_noise), torch.tensor([0, 1, 2])
    with torch.no_grad():
        for t in scheduler.timesteps:
            x = scheduler.step(unet(x, t, labels).sample, t, x).prev_sample
    theirs = torch.nn.functional.pixel_shuffle(x, 2).clamp(-1, 1)
    plain = Ddpm(sampling={**_FAST, "guidance": 1, "clip": False}).load(tmp_path).sample(3, Rng(1))
    ours = torch.from_numpy(plain.pixels).permute(0, 3, 1, 2) / 127.5 - 1
    assert (theirs - ours).abs().max() < 0.02


@pytest.mark.parametrize(
    "wrong",
    [
        {"colour": "red"},
        {"minutes": 1, "steps": 2},
        {"steps": 0},
        {"minutes": -1},
        {"sampling": {"speed": 1}},
        {"sampling": {"steps": 0}},
        {"ema_half_life": 0.2},
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Ddpm(**wrong)


def test_default_budget_is_five_minutes() -> None:
    assert (Ddpm().minutes, Ddpm().steps, Ddpm(steps=3).minutes) == (5.0, None, None)


def test_no_images_is_one_line() -> None:
    with pytest.raises(DataError, match="found none"):
        Ddpm(**_SMALL).fit(_images(n=0), Rng(0), SILENT)


def test_unknown_device_is_one_line() -> None:
    with pytest.raises(ConfigError, match="device"):
        Ddpm(**_SMALL, device="abacus").fit(_images(), Rng(0), SILENT)


@pytest.mark.slow
def test_learns_the_brightness_of_each_class() -> None:
    n = 300
    pixels = np.repeat(np.array([20, 120, 230], dtype=np.uint8), n // 3)[:, None, None, None]
    data = Images(
        np.broadcast_to(pixels, (n, 8, 8, 1)).copy(), np.repeat(np.arange(3), n // 3), image_schema(8, 8, 1, "abc")
    )
    fitted = Ddpm(**{**_SMALL, "steps": 400, "batch_size": 32}).fit(data, Rng(0), SILENT)
    made = fitted.sample(30, Rng(1))
    found = [made.pixels[made.labels == k].mean() for k in range(3)]
    assert found == pytest.approx([20, 120, 230], abs=25)
