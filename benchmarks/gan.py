"""Adversarial training of images against a public GAN library: same data, same minutes, same cores, same judge.

    python benchmarks/gan.py --minutes 20 --seeds 3 --peer-python .peer/bin/python

The peer is torchgan 0.1.0 (MIT, 2021): of the libraries that install by name it has a trainer of its own, conditional
networks and a choice of device. lightweight-gan and stylegan2-pytorch stop on import without a graphics card, vegans
pins a torch and a pandas that recent Pythons have no wheels for, and torch-mimicry wants TensorFlow on import.

It runs in a virtual environment of its own, because it pulls torchvision (`--make-peer` makes one at the given path;
without `--peer-python` it is left out), with its Trainer, its conditional DCGAN, and the losses and rates of its own
example: as wide as it comes (`torchgan`), and a quarter as wide (`torchgan-narrow`), nearer to the size of `tiny`
here. Its networks want powers of two, so images are padded to 32 pixels and cropped again. What it does at the end of
an epoch, a picture of samples, is left out, as recent torchvision refuses the call.

Each contender and seed trains in a process of its own, one after the other. Prints training images per second, Frechet
distance to the test images (features of a classifier trained on real rows) beside that of as many real training
images, accuracy on real test images of a classifier that saw synthetic ones only, and ratios to the first contender.
Use an idle machine: minutes are wall time. Here `minutes` are those of the steps, and what watches them is made ready
before; the table's minutes and rates count all of `fit`, so that short runs look slower than long ones.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

CLASSES, SIDE, PADDED = 10, 28, 32
PEERS = {"torchgan": 64, "torchgan-narrow": 16}
OURS = ("image.stylegan2", "image.r3gan", "image.dcgan", "image.stylegan", "image.stylegan3")
DEFAULT = (*OURS[:3], *PEERS)
DATA = Path("/usr/share/datasets/fashion-mnist")
PEER_BATCH, PEER_CODE = 64, 100


def train_lookalike(images: Any, labels: Any, job: dict[str, Any]) -> dict[str, Any]:
    """Fit and sample a generator of this project with its defaults."""
    from lookalike import find
    from lookalike.core.events import SILENT
    from lookalike.core.rng import Rng
    from lookalike.data.images import Images, image_schema

    schema = image_schema(SIDE, SIDE, 1, [str(k) for k in range(CLASSES)])
    data = Images(images[..., None], labels, schema)
    started = time.monotonic()
    fitted = find("generators", job["contender"])(minutes=job["minutes"]).fit(data, Rng(job["seed"]), SILENT)
    trained = time.monotonic()
    made = fitted.sample(job["rows"], Rng(job["seed"]).child("sample"))
    return {
        "pixels": made.pixels[..., 0],
        "labels": made.labels,
        "weights": fitted.about["parameters"],
        "seconds": trained - started,
        "train_rate": fitted.about["images_seen"] / (trained - started),
        "sample_rate": job["rows"] / (time.monotonic() - trained),
    }


class UntilDeadline:
    """Batches of real images and labels until the minutes are over; all that the peer's trainer asks of a loader."""

    batch_size = PEER_BATCH

    def __init__(self, images: Any, labels: Any, job: dict[str, Any]) -> None:
        """Prepare the images as the peer's networks want them."""
        import torch

        border = (PADDED - SIDE) // 2
        x = torch.from_numpy(images)[:, None].float() / 127.5 - 1
        self.x = torch.nn.functional.pad(x, [border] * 4, value=-1.0)
        self.y, self.seconds, self.batches = torch.from_numpy(labels), job["minutes"] * 60, 0
        self.generator = torch.Generator().manual_seed(job["seed"])

    def __iter__(self) -> Iterator[Any]:
        """Yield pairs."""
        import torch

        started = time.monotonic()
        while time.monotonic() - started < self.seconds:
            rows = torch.randint(len(self.x), (PEER_BATCH,), generator=self.generator)
            self.batches += 1
            yield self.x[rows], self.y[rows]


def train_peer(images: Any, labels: Any, job: dict[str, Any]) -> dict[str, Any]:
    """Run torchgan's own Trainer on its conditional DCGAN."""
    os.environ["CONSOLE_LOGGING"] = "0"
    import torch
    from torchgan.losses import MinimaxDiscriminatorLoss, MinimaxGeneratorLoss
    from torchgan.models import ConditionalGANDiscriminator, ConditionalGANGenerator
    from torchgan.trainer import Trainer

    torch.manual_seed(job["seed"])  # noqa: TID251  the peer draws from the global generator
    adam = {"name": torch.optim.Adam, "args": {"lr": 2e-4, "betas": (0.5, 0.999)}}
    shape = {"num_classes": CLASSES, "step_channels": PEERS[job["contender"]]}
    generator = {"encoding_dims": PEER_CODE, "out_size": PADDED, "out_channels": 1, **shape}
    discriminator = {"in_size": PADDED, "in_channels": 1, **shape}
    models = {
        "generator": {"name": ConditionalGANGenerator, "args": generator, "optimizer": adam},
        "discriminator": {"name": ConditionalGANDiscriminator, "args": discriminator, "optimizer": adam},
    }
    loader = UntilDeadline(images, labels, job)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        trainer = Trainer(
            models,
            [MinimaxGeneratorLoss(), MinimaxDiscriminatorLoss()],
            device=torch.device("cpu"),
            epochs=1,
            checkpoints=f"{folder}/model/",
            recon=f"{folder}/images",
        )
        trainer.logger.logger_end_epoch.clear()
        started = time.monotonic()
        trainer(loader)
        trained = time.monotonic()
    network = trainer.generator.eval()
    made, label = [], torch.arange(job["rows"]) % CLASSES
    with torch.no_grad():
        for part in label.split(250):
            made.append(network(torch.randn(len(part), PEER_CODE, generator=loader.generator), part))
    border = (PADDED - SIDE) // 2
    x = torch.cat(made)[:, 0, border:-border, border:-border].clamp(-1, 1) / 2 + 0.5
    return {
        "pixels": (x * 255).round().byte().numpy(),
        "labels": label.numpy(),
        "weights": sum(p.numel() for p in network.parameters()),
        "seconds": trained - started,
        "train_rate": loader.batches * PEER_BATCH / (trained - started),
        "sample_rate": job["rows"] / (time.monotonic() - trained),
    }


def worker(job: dict[str, Any]) -> None:
    """Train one contender in this process and write its images; the peer's environment needs numpy and torchgan."""
    import torch

    torch.set_num_threads(job["threads"])
    print(f"{job['contender']}, seed {job['seed']}, torch {torch.__version__}", file=sys.stderr)
    data = np.load(job["data"])
    run = train_peer if job["contender"] in PEERS else train_lookalike
    np.savez(job["output"], **run(data["pixels"], data["labels"].astype(np.int64), job))


class Judge:
    """The same features and the same classifier for all.

    Args:
        train: Real training images.
        test: Real test images.
        rows: Synthetic images of one contender; as many real ones give the floor.
    """

    def __init__(self, train: Any, test: Any, rows: int) -> None:
        """Train the features and measure the floor."""
        from lookalike import find
        from lookalike.core.rng import Rng
        from lookalike.techniques.distances import moments

        self.train, self.test = train, test
        self.features = find("encoders", "image.task_cnn")().prepare(train)
        self.real = moments(self.features.embed(test))
        some = train.take(np.sort(Rng(0).child("floor").numpy().permutation(len(train))[:rows]))
        self.floor = self.distance(some)

    def distance(self, images: Any) -> float:
        """Return the Frechet distance to the test images."""
        from lookalike.techniques.distances import frechet, moments

        return float(frechet(self.real, moments(self.features.embed(images))))

    def figures(self, output: Path, seed: int) -> dict[str, float]:
        """Return what one run reached."""
        from lookalike import find
        from lookalike.core.rng import Rng
        from lookalike.data.images import Images

        made = np.load(output)
        synthetic = Images(made["pixels"][..., None], made["labels"], self.train.schema)
        guess = find("learners", "image.cnn")().fit(synthetic, None, None, Rng(seed).child("judge")).predict(self.test)
        figures = {name: float(made[name]) for name in ("weights", "seconds", "train_rate", "sample_rate")}
        accuracy = float((guess == self.test.labels).mean())
        return {"frechet": self.distance(synthetic), "accuracy": accuracy, **figures}


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
        subprocess.run([str(python), "-m", "pip", "install", "-q", "torchgan==0.1.0"], check=True)


def table(runs: dict[str, list[dict[str, float]]], floor: float) -> str:
    """Return means over seeds, the range of the distance, and ratios to the first contender: above 1, it is better."""
    mean = {name: {key: float(np.mean([r[key] for r in rows])) for key in rows[0]} for name, rows in runs.items()}
    first = next(iter(mean))
    heads = f"{'weights':>10}{'minutes':>9}{'train/s':>10}{'sample/s':>10}{'Frechet':>9}{'from':>8}{'to':>8}"
    lines = [f"{'':18}{heads}{'accuracy':>10}{'train/s x':>11}{'Frechet x':>11}"]
    for name, m in mean.items():
        spread = [r["frechet"] for r in runs[name]]
        figures = f"{m['weights']:10,.0f}{m['seconds'] / 60:9.1f}{m['train_rate']:10.1f}{m['sample_rate']:10.0f}"
        figures += f"{m['frechet']:9.2f}{min(spread):8.2f}{max(spread):8.2f}{m['accuracy']:10.3f}"
        rate, distance = mean[first]["train_rate"] / m["train_rate"], m["frechet"] / mean[first]["frechet"]
        lines.append(f"{name:18}{figures}{rate:10.2f}x{distance:10.2f}x")
    lines.append(f"Frechet distance of as many real training images: {floor:.2f}; ratios: {first} against each")
    return "\n".join(lines)


def main() -> None:
    """Run the contenders one after the other, seed by seed, and print a table and JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=20.0, help="training time of each contender and seed")
    parser.add_argument("--rows", type=int, default=5000, help="images that each draws")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=1, help="times that each trains")
    parser.add_argument("--data", type=Path, default=DATA, help="folder with the four IDX files")
    parser.add_argument("--only", choices=[*OURS, *PEERS], action="append", help="may be repeated")
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
    judge = Judge(train, test, options.rows)
    names = [name for name in options.only or DEFAULT if name not in PEERS or options.peer_python]
    runs: dict[str, list[dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "train.npz"
        np.savez(data, pixels=train.pixels[..., 0], labels=train.labels)
        # Seed by seed, so that a slow hour of the machine meets all of them.
        for seed in range(options.seeds):
            for name in names:
                output = Path(folder) / f"{name}-{seed}.npz"
                job = {"contender": name, "data": str(data), "output": str(output), "minutes": options.minutes}
                job |= {"rows": options.rows, "threads": options.threads, "seed": seed}
                # Not resolved: a virtual environment's interpreter is a link, and only the link knows its packages.
                python = str(options.peer_python.absolute()) if name in PEERS else sys.executable
                subprocess.run([python, str(Path(__file__).resolve()), "--worker", json.dumps(job)], check=True)
                runs.setdefault(name, []).append(judge.figures(output, seed))
                print(json.dumps({name: runs[name][-1], "seed": seed}), flush=True)
    print(table(runs, judge.floor))
    if options.json:
        results = {"minutes": options.minutes, "floor": judge.floor, "runs": runs}
        options.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
