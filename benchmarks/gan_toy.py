"""How many of 25 Gaussians each adversarial loss keeps, and a picture of what collapse looks like.

    python benchmarks/gan_toy.py                          one seed, and docs/images/gan-toy.png
    python benchmarks/gan_toy.py --seeds 3 --steps 4000   three seeds; the picture shows the first one

Every run has the same two small networks, the same data, the same steps and the same optimiser; only the loss and its
penalties differ. The discriminator sees sines and cosines of the point too, so it is strong enough to follow narrow
modes, and to drive a generator into one of them where nothing holds it back. Read both columns: points
scattered evenly hit every mode too, so the first two rows show what the data and such points score.
"""

from __future__ import annotations

import argparse
import itertools
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor, nn

from lookalike.core.rng import Rng
from lookalike.techniques import toy
from lookalike.techniques.adversarial import Loss, discriminator_loss, generator_loss
from lookalike.techniques.penalties import one_centred, zero_centred
from lookalike.techniques.training import torch_generator

PANEL = 260
TITLE = 40
COLUMNS = 3
SAMPLES = 2500
_BATCH = 256
_WIDTH = 64
_Z = 2
_OCTAVES = 3
_SCALE = 4.0
_LR = 2e-3


@final
@dataclass(frozen=True)
class Run:
    """One way to train.

    Attributes:
        name: What the table says.
        loss: Which loss.
        r1: Weight of the penalty on real points.
        r2: Weight of the penalty on generated points.
        interpolated: Weight of the gradient penalty of WGAN-GP.
    """

    name: str
    loss: Loss
    r1: float = 0.0
    r2: float = 0.0
    interpolated: float = 0.0


_GAMMA = 0.03
RUNS = (
    Run("non-saturating", "non_saturating"),
    Run("hinge", "hinge"),
    Run("relativistic", "relativistic"),
    Run("Wasserstein + gradient penalty", "wasserstein", interpolated=1.0),
    Run("non-saturating + R1", "non_saturating", r1=_GAMMA),
    Run("relativistic + R1", "relativistic", r1=_GAMMA),
    Run("non-saturating + R1 + R2", "non_saturating", r1=_GAMMA, r2=_GAMMA),
    Run("relativistic + R1 + R2", "relativistic", r1=_GAMMA, r2=_GAMMA),
)


class _Waves(nn.Module):
    """The point, with sines and cosines of it."""

    def forward(self, x_N2: Tensor) -> Tensor:
        turned = [x_N2 * (math.pi * 2**octave) for octave in range(_OCTAVES)]
        return torch.cat([x_N2, *(part.sin() for part in turned), *(part.cos() for part in turned)], dim=1)


def network(inputs: int, outputs: int, rng: Rng) -> nn.Sequential:
    """Return three hidden layers with keyed weights."""
    sizes = [inputs, *[_WIDTH] * 3]
    layers: list[nn.Module] = []
    with torch.device("meta"):
        for before, after in itertools.pairwise(sizes):
            layers += [nn.Linear(before, after), nn.LeakyReLU(0.2)]
        made = nn.Sequential(*layers, nn.Linear(_WIDTH, outputs)).to_empty(device="cpu")
    generator = torch_generator(rng)
    for layer in made:
        if isinstance(layer, nn.Linear):
            nn.init.kaiming_uniform_(layer.weight, a=math.sqrt(5), generator=generator)
            nn.init.zeros_(layer.bias)
    return made


def train(run: Run, steps: int, rng: Rng) -> Tensor:
    """Train a pair of networks and return samples of the generator, [SAMPLES, 2]."""
    maker = network(_Z, 2, rng.child("generator"))
    critic = nn.Sequential(_Waves(), network(2 + 4 * _OCTAVES, 1, rng.child("discriminator")))
    optimizers = [torch.optim.Adam(net.parameters(), lr=_LR, betas=(0.0, 0.99)) for net in (critic, maker)]
    for step in range(steps):
        generator = torch_generator(rng.child("step", step))
        for optimizer in optimizers:
            optimizer.param_groups[0]["lr"] = _LR * max(0.05, 1 - step / steps)
        real = toy.draw(_BATCH, generator) / _SCALE
        z_2BZ = torch.randn(2, _BATCH, _Z, generator=generator)
        _step(optimizers[0], _critic_loss(run, critic, real, maker(z_2BZ[0]).detach(), generator))
        with torch.no_grad():
            logit_B = critic(real)[:, 0]
        _step(optimizers[1], generator_loss(run.loss, logit_B, critic(maker(z_2BZ[1]))[:, 0]))
    z_NZ = torch.randn(SAMPLES, _Z, generator=torch_generator(rng.child("samples")))
    with torch.no_grad():
        made: Tensor = maker(z_NZ) * _SCALE
    return made


def _critic_loss(run: Run, critic: nn.Module, real: Tensor, fake: Tensor, generator: torch.Generator) -> Tensor:
    real, fake = real.requires_grad_(run.r1 > 0), fake.requires_grad_(run.r2 > 0)
    real_B, fake_B = critic(real)[:, 0], critic(fake)[:, 0]
    loss = discriminator_loss(run.loss, real_B, fake_B)
    if run.r1:
        loss = loss + zero_centred(real_B, real, run.r1)
    if run.r2:
        loss = loss + zero_centred(fake_B, fake, run.r2)
    if run.interpolated:
        loss = loss + one_centred(lambda x: critic(x)[:, 0], real, fake, run.interpolated, generator)
    return loss


def _step(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def picture(panels: Sequence[tuple[str, Tensor]]) -> Image.Image:
    """Return one scatter of samples for each named set, over rings where the modes are."""
    rows = -(-len(panels) // COLUMNS)
    image = Image.new("RGB", (PANEL * COLUMNS, (PANEL + TITLE) * rows), "white")
    draw = ImageDraw.Draw(image, "RGBA")
    font = ImageFont.load_default(size=14)
    scale = PANEL / 11
    for at, (name, points) in enumerate(panels):
        left, top = at % COLUMNS * PANEL, at // COLUMNS * (PANEL + TITLE)
        found = toy.modes_covered(points)
        draw.text((left + 10, top + 4), name, fill="black", font=font)
        draw.text((left + 10, top + 21), f"{found.modes} of 25 modes", fill=(90, 90, 90), font=font)
        draw.rectangle((left + 4, top + TITLE, left + PANEL - 5, top + TITLE + PANEL - 9), outline=(200, 200, 200))
        centre = torch.tensor([left + PANEL / 2, top + TITLE + PANEL / 2 - 4])
        for x, y in (toy.modes() * scale + centre).tolist():
            draw.ellipse((x - 8, y - 8, x + 8, y + 8), outline=(210, 120, 40, 160))
        inside = points[points.abs().amax(1) < 5.2]
        for x, y in (inside * scale + centre).tolist():
            draw.ellipse((x - 1, y - 1, x + 1, y + 1), fill=(30, 80, 160, 70))
    return image


def main() -> None:
    """Train every run, print the table and write the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--picture", type=Path, default=Path("docs/images/gan-toy.png"))
    given = parser.parse_args()
    panels = [("the data", toy.draw(SAMPLES, torch_generator(Rng(0).child("data"))))]
    even = (torch.rand(SAMPLES, 2, generator=torch_generator(Rng(0).child("even"))) - 0.5) * toy.SIDE * toy.SPACING
    print("| loss | modes kept of 25 | samples near a mode | seconds |\n|---|---|---|---|", flush=True)
    for name, points in (*panels, ("points scattered evenly", even)):
        print(f"| {name} | {toy.modes_covered(points).modes} | {toy.modes_covered(points).near:.0%} | |", flush=True)
    for run in RUNS:
        started = time.monotonic()
        made = [train(run, given.steps, Rng(seed)) for seed in range(given.seeds)]
        found = [toy.modes_covered(points) for points in made]
        kept = ", ".join(str(each.modes) for each in found)
        near = sum(each.near for each in found) / len(found)
        print(f"| {run.name} | {kept} | {near:.0%} | {(time.monotonic() - started) / len(found):.0f} |", flush=True)
        panels.append((run.name, made[0]))
    given.picture.parent.mkdir(parents=True, exist_ok=True)
    picture(panels).quantize(64).save(given.picture, optimize=True)


if __name__ == "__main__":
    main()
