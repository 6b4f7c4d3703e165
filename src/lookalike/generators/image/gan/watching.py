"""Collapse made visible while there is still time: a small fixed probe, and remedies that are stated.

Legend: P probes, N images, K classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.func import functional_call

from lookalike.core.events import Note, Watch
from lookalike.core.rng import Rng
from lookalike.data.images import Images, image_schema
from lookalike.generators.image.gan.duel import Duel, codes, to_signal
from lookalike.networks.convnet import trained_convnet
from lookalike.techniques.classification import Training
from lookalike.techniques.manifold import overlap

PROBES = 20
"""Looks at the generator in one run."""
COLUMNS = ("step", "recall", "class distance", "classes lost", "remedy")
_ROWS = 400
_NEIGHBOURS = 3
_BASE = 16
_FLIPPED = 1000
_TRAINING = Training(steps=150, batch=64)
_LOST_SHARE = 0.25
_STARTED = 0.2
_HALF = 0.5
_MOST_REMEDIES = 3
_AUGMENT_BY = 0.1
_RATE_BY = 0.5


@final
class Watcher:
    """Draws the same latent codes again and again, and compares the images with real ones.

    Collapse starts when recall is below half of its best value in two looks one after the other. Then, if remedies are
    allowed, both networks go back to where recall was best, the learning rate is halved, and images are augmented more
    often.

    Args:
        duel: What is watched; remedies change it.
        remedies: Act, or only tell.
        rng: Key of codes, of the real images that are compared, and of the small classifier whose features are used.
        watch: Is told when collapse starts and what was done.

    Source: recall as in Kynkaanniemi et al. 2019, arXiv 1904.06991; the remedies are ours.
    """

    def __init__(self, duel: Duel, remedies: bool, rng: Rng, watch: Watch) -> None:
        """Train the classifier and keep the features of real images."""
        data = duel.data
        self.duel, self.remedies, self.watch = duel, remedies, watch
        self.classes = len(data.classes)
        rows = rng.child("real").numpy().permutation(len(data))[:_ROWS]
        self._network = trained_convnet(
            _to_tell_apart(data, rng), None, _BASE, _TRAINING, duel.device.type, rng.child("seen by")
        )
        self._z_NZ = codes(len(rows), duel.z_dim, rng.child("codes"), duel.device)
        self._label_N = torch.from_numpy(data.labels[rows]).to(duel.device) if duel.labelled else None
        self._noise = rng.child("noise")
        self._real, self._share_K = self._features(to_signal(data.pixels[np.sort(rows)]).to(duel.device))
        self.history = torch.full((PROBES, len(COLUMNS)), float("nan"), dtype=torch.float64)
        self.state = torch.zeros(4, dtype=torch.float64)  # looks made, best recall, remedies taken, last look was low
        self._best = {name: value.detach().clone() for name, value in duel.tensors().items()} if remedies else {}

    def tensors(self) -> dict[str, Tensor]:
        """Return what the next step depends on, live: the duel, what was seen, and the best state so far."""
        found = self.duel.tensors() | {"watch.history": self.history, "watch.state": self.state}
        return found | {f"best.{name}": value for name, value in self._best.items()}

    def update(self, rows: npt.NDArray[np.int64], step: int, steps: int, rng: Rng) -> Mapping[str, Tensor | float]:
        """Make one step of the duel, and look when it is time."""
        figures = dict(self.duel.step(rows, step, steps, rng))
        if (step + 1) % max(1, steps // PROBES) == 0 and int(self.state[0]) < PROBES:
            self._look(step + 1)
        made = int(self.state[0])
        return figures if made == 0 else {**figures, "recall": float(self.history[made - 1, 1])}

    def _look(self, step: int) -> None:
        seen, share_K = self._features(self._drawn())
        recall = float(overlap(self._real, seen, min(_NEIGHBOURS, len(seen) - 1)).recall.mean())
        distance = float(np.abs(share_K - self._share_K).sum() / 2)
        lost = int((share_K < _LOST_SHARE * self._share_K).sum())
        best = float(self.state[1])
        low = best > _STARTED and recall < _HALF * best
        # One low look can be chance; so can the first ones, while nothing is learnt yet.
        collapsed = low and bool(self.state[3])
        self.state[3] = float(low and not collapsed)
        acts = collapsed and self.remedies and int(self.state[2]) < _MOST_REMEDIES
        self.history[int(self.state[0])] = torch.tensor([step, recall, distance, lost, float(acts)])
        self.state[0] += 1
        if collapsed:
            self._tell(step, recall, lost, acts)
        if acts:
            self._remedy()
        elif recall > self.state[1]:
            self.state[1] = recall
            for name, value in self.duel.tensors().items():
                if name in self._best:
                    self._best[name].copy_(value.detach())

    def _tell(self, step: int, recall: float, lost: int, acts: bool) -> None:
        done = "nothing was done (remedies are off or used up)"
        if acts:
            more = ", augmentation raised" if self.duel.rules.augmented else ""
            done = f"back to the best state, learning rate halved{more}"
        self.watch(
            Note(
                "fit",
                f"collapse at step {step}: recall of the probe fell to {recall:.2f} from {float(self.state[1]):.2f}, "
                f"{lost} of {self.classes} classes nearly gone; {done}",
                "warning",
            )
        )

    @torch.no_grad()
    def _remedy(self) -> None:
        duel, rate = self.duel, float(self.duel.rate_factor)
        probability = float(duel.controller.p)
        for name, value in duel.tensors().items():
            value.copy_(self._best[name])
        duel.rate_factor.fill_(rate * _RATE_BY)
        if duel.rules.augmented:
            duel.controller.p.fill_(min(duel.controller.limit, probability + _AUGMENT_BY))
        self.state[2] += 1

    @torch.no_grad()
    def _drawn(self) -> Tensor:
        """Return the probe's images by the averaged weights."""
        drawn = []
        for start in range(0, len(self._z_NZ), 100):
            part = slice(start, start + 100)
            label = None if self._label_N is None else self._label_N[part]
            # A copy of the buffers: what a look changes in them must not reach the training.
            made: Any = functional_call(self.duel.generator, self.duel.averaged(), (self._z_NZ[part], label))
            drawn.append(made.clamp(-1, 1))
        return torch.cat(drawn)

    @torch.inference_mode()
    def _features(self, x_NCHW: Tensor) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return features, [N, D], and the share of images that look like each class, [K]."""
        features = self._network.features(x_NCHW)
        found = self._network.head(features).argmax(1).cpu().numpy()
        share_K = np.bincount(found, minlength=self.classes) / len(found) if self.duel.labelled else np.ones(1)
        return features.double().cpu().numpy(), share_K.astype(np.float64)

    def facts(self) -> dict[str, Any]:
        """Return what was seen, for the report: rows of `probes` hold `COLUMNS`."""
        rows = self.history[: int(self.state[0])].tolist()
        return {"probes": [dict(zip(COLUMNS, row, strict=True)) for row in rows], "remedies": int(self.state[2])}


def _to_tell_apart(data: Images, rng: Rng) -> Images:
    """Return what the classifier learns: the classes; of images without classes, the way they are flipped."""
    if len(data.classes) > 1:
        return data
    rows = data.take(np.sort(rng.child("flipped").numpy().permutation(len(data))[:_FLIPPED]))
    flipped = [rows.pixels[:, ::down, ::right] for down in (1, -1) for right in (1, -1)]
    schema = image_schema(data.height, data.width, data.channels, ["as it is", "mirrored", "upside down", "both"])
    labels = np.repeat(np.arange(len(flipped), dtype=np.int64), len(rows))
    return Images(np.concatenate(flipped), labels, schema)
