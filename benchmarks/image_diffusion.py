"""Image diffusion against two peers: same data, same minutes, same cores, judged by the same classifier.

    python benchmarks/image_diffusion.py --minutes 20 --rows 5000 --peer-python .peer/bin/python

Contenders: this project; a plain diffusers training loop of about 60 lines; and denoising-diffusion-pytorch in a
virtual environment of its own, because it pulls torchvision (`--make-peer` makes one at the given path; without
`--peer-python` that contender is left out). Each trains in a process of its own, one after the other. Prints accuracy
on the real test images of a classifier that saw synthetic ones only, Frechet distance to the test images, training
and sampling speed, and the ratio to this project. Use an idle machine: minutes are wall time.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

CLASSES = 10
CONTENDERS = ("lookalike", "diffusers", "denoising-diffusion-pytorch")
DATA = Path("/usr/share/datasets/fashion-mnist")


def train_lookalike(images: Any, labels: Any, job: dict[str, Any]) -> dict[str, Any]:
    """Fit and sample `image.ddpm` with its defaults."""
    from lookalike import find
    from lookalike.core.events import SILENT
    from lookalike.core.rng import Rng
    from lookalike.data.images import Images, image_schema

    schema = image_schema(28, 28, 1, [str(k) for k in range(CLASSES)])
    data = Images(images[..., None], labels, schema)
    started = time.monotonic()
    fitted = find("generators", "image.ddpm")(minutes=job["minutes"]).fit(data, Rng(0), SILENT)
    trained = time.monotonic()
    made = fitted.sample(job["rows"], Rng(1))
    return {
        "pixels": made.pixels[..., 0],
        "labels": made.labels,
        "train_rate": fitted.about["images_seen"] / (trained - started),
        "sample_rate": job["rows"] / (time.monotonic() - trained),
    }


def train_diffusers(images: Any, labels: Any, job: dict[str, Any]) -> dict[str, Any]:
    """Run the plain loop: UNet2DModel of widths 16, 48, 96, epsilon, linear schedule, EMA, DDIM of 50 steps."""
    import torch
    from diffusers import DDIMScheduler, DDPMScheduler, UNet2DModel

    generator = torch.Generator().manual_seed(0)
    unet = UNet2DModel(
        sample_size=28,
        in_channels=1,
        out_channels=1,
        block_out_channels=(16, 48, 96),
        down_block_types=("DownBlock2D", "DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D", "UpBlock2D"),
        norm_num_groups=8,
        num_class_embeds=CLASSES + 1,
    )
    average = {name: value.clone() for name, value in unet.state_dict().items()}
    x, y = torch.from_numpy(images)[:, None].float() / 127.5 - 1, torch.from_numpy(labels)
    optimizer, noiser = torch.optim.AdamW(unet.parameters(), lr=1e-3), DDPMScheduler()
    started, steps = time.monotonic(), 0
    while time.monotonic() - started < job["minutes"] * 60:
        rows = torch.randint(len(x), (128,), generator=generator)
        epsilon, t = torch.randn(128, 1, 28, 28, generator=generator), torch.randint(1000, (128,), generator=generator)
        label = torch.where(torch.rand(128, generator=generator) < 0.1, CLASSES, y[rows])
        loss = (unet(noiser.add_noise(x[rows], epsilon, t), t, label).sample - epsilon).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        steps += 1
        keep = min(0.995, (steps + 1) / (steps + 10))
        torch._foreach_lerp_(list(average.values()), list(unet.state_dict().values()), 1 - keep)
    trained = time.monotonic()
    unet.load_state_dict(average)
    unet.eval()
    made, label = [], torch.arange(job["rows"]) % CLASSES
    scheduler = DDIMScheduler(timestep_spacing="trailing")
    scheduler.set_timesteps(50)
    with torch.no_grad():
        for part in label.split(250):
            z = torch.randn(len(part), 1, 28, 28, generator=generator)
            for t in scheduler.timesteps:
                z = scheduler.step(unet(z, t, part).sample, t, z).prev_sample
            made.append(z)
    return _finish(torch.cat(made)[:, 0].clamp(-1, 1) / 2 + 0.5, label, steps * 128, trained - started, trained, job)


def train_peer(images: Any, labels: Any, job: dict[str, Any]) -> dict[str, Any]:
    """Run denoising-diffusion-pytorch's class-conditional model, with its own loss and its DDIM of 50 steps."""
    import torch
    from denoising_diffusion_pytorch.classifier_free_guidance import GaussianDiffusion, Unet

    generator = torch.Generator().manual_seed(0)
    x = torch.nn.functional.pad(torch.from_numpy(images)[:, None].float() / 255, (2, 2, 2, 2))
    y = torch.from_numpy(labels)
    unet = Unet(dim=16, dim_mults=(1, 3, 6), num_classes=CLASSES, cond_drop_prob=0.1, channels=1)
    model = GaussianDiffusion(unet, image_size=32, timesteps=1000, sampling_timesteps=50)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, betas=(0.9, 0.99))
    average = {name: value.clone() for name, value in unet.state_dict().items()}
    started, steps = time.monotonic(), 0
    while time.monotonic() - started < job["minutes"] * 60:
        rows = torch.randint(len(x), (128,), generator=generator)
        loss = model(x[rows], classes=y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        steps += 1
        keep = min(0.995, (steps + 1) / (steps + 10))
        for name, value in unet.state_dict().items():
            average[name].lerp_(value, 1 - keep) if value.is_floating_point() else average[name].copy_(value)
    trained = time.monotonic()
    unet.load_state_dict(average)
    model.eval()
    label = torch.arange(job["rows"]) % CLASSES
    with torch.no_grad():
        # Its DDIM fails at a guidance of exactly 1.
        made = torch.cat([model.sample(classes=part, cond_scale=1.01) for part in label.split(250)])
    return _finish(made[:, 0, 2:-2, 2:-2].clamp(0, 1), label, steps * 128, trained - started, trained, job)


def _finish(x: Any, label: Any, seen: int, seconds: float, trained: float, job: dict[str, Any]) -> dict[str, Any]:
    return {
        "pixels": (x * 255).round().byte().numpy(),
        "labels": label.numpy(),
        "train_rate": seen / seconds,
        "sample_rate": job["rows"] / (time.monotonic() - trained),
    }


def worker(job: dict[str, Any]) -> None:
    """Train one contender in this process and write its images; a peer's environment needs numpy and torch only."""
    import torch

    torch.set_num_threads(job["threads"])
    data = np.load(job["data"])
    run = dict(zip(CONTENDERS, (train_lookalike, train_diffusers, train_peer), strict=True))[job["contender"]]
    result = run(data["pixels"], data["labels"].astype(np.int64), job)
    np.savez(job["output"], **result)


def judge(train: Any, test: Any, output: Path, seeds: int) -> dict[str, float]:
    """Return accuracy and Frechet distance of one contender's images; equal classifier and features for all."""
    from lookalike import find
    from lookalike.core.rng import Rng
    from lookalike.data.images import Images
    from lookalike.techniques.distances import frechet, moments

    made = np.load(output)
    synthetic = Images(made["pixels"][..., None], made["labels"], train.schema)
    learner = find("learners", "image.cnn")()
    accuracy = []
    for seed in range(seeds):
        guess = learner.fit(synthetic, None, None, Rng(seed).child("judge")).predict(test)
        accuracy.append(float((guess == test.labels).mean()))
    features = find("encoders", "image.task_cnn")().prepare(train)
    distance = frechet(moments(features.embed(test)), moments(features.embed(synthetic)))
    return {
        "accuracy": float(np.mean(accuracy)),
        "frechet": float(distance),
        "train_images_per_s": float(made["train_rate"]),
        "sample_images_per_s": float(made["sample_rate"]),
    }


def read(data: Path) -> tuple[Any, Any]:
    """Return the real training and test images."""
    from lookalike import find

    parts = []
    for split in ("train", "test"):
        with tempfile.TemporaryDirectory() as folder:
            images = find("readers", "idx")(path=str(data), split=split).read(Path(folder))
            parts.append(images.take(np.arange(len(images))))
    return parts[0], parts[1]


def make_peer(python: Path) -> None:
    """Make the peer's virtual environment, unless it is there."""
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(python.parent.parent)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", "denoising-diffusion-pytorch==2.2.6"], check=True)


def table(results: dict[str, dict[str, float]]) -> str:
    """Return the figures as text, speeds also as a multiple of the contender's."""
    ours = results.get("lookalike")
    lines = [f"{'':28}{'accuracy':>9}{'Frechet':>9}{'train/s':>9}{'sample/s':>9}{'we train':>10}{'we sample':>10}"]
    for name, r in results.items():
        ratios = ""
        if ours is not None:
            train, sample = (ours[k] / r[k] for k in ("train_images_per_s", "sample_images_per_s"))
            ratios = f"{train:9.2f}x{sample:9.2f}x"
        speeds = f"{r['train_images_per_s']:9.1f}{r['sample_images_per_s']:9.1f}"
        lines.append(f"{name:28}{r['accuracy']:9.4f}{r['frechet']:9.2f}{speeds}{ratios}")
    return "\n".join(lines)


def main() -> None:
    """Run the contenders one after the other and print a table and JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=20.0, help="training time of each contender")
    parser.add_argument("--rows", type=int, default=5000, help="images that each draws")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=3, help="classifiers trained for the accuracy")
    parser.add_argument("--data", type=Path, default=DATA, help="folder with the four IDX files")
    parser.add_argument("--only", choices=CONTENDERS, action="append", help="may be repeated")
    parser.add_argument("--peer-python", type=Path, help="interpreter of the peer's virtual environment")
    parser.add_argument("--make-peer", action="store_true", help="make that environment first")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        worker(json.loads(options.worker))
        return
    if options.make_peer and options.peer_python:
        make_peer(options.peer_python)
    train, test = read(options.data)
    results: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "train.npz"
        np.savez(data, pixels=train.pixels[..., 0], labels=train.labels)
        for name in options.only or CONTENDERS:
            peer = name == "denoising-diffusion-pytorch"
            if peer and options.peer_python is None:
                continue
            output = Path(folder) / f"{name}.npz"
            job = {"contender": name, "data": str(data), "output": str(output), "minutes": options.minutes}
            job |= {"rows": options.rows, "threads": options.threads}
            # Not resolved: a virtual environment's interpreter is a link, and only the link knows its packages.
            python = str(options.peer_python.absolute()) if peer else sys.executable
            subprocess.run([python, str(Path(__file__).resolve()), "--worker", json.dumps(job)], check=True)
            results[name] = judge(train, test, output, options.seeds)
            print(json.dumps({name: results[name]}), flush=True)
    print(table(results))
    if options.json:
        options.json.write_text(json.dumps({"minutes": options.minutes, "results": results}, indent=1))


if __name__ == "__main__":
    main()
