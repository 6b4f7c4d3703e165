"""Collapse made visible while there is still time: a small fixed probe, and remedies that are stated.

Legend: P probes, N images, K classes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
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
from lookalike.techniques.parts import Parts, split

PROBES = 20
"""Looks at the generator in one run, spread evenly over it, the last one at its end."""
_NORMS = ("gradient norm G", "gradient norm D")
COLUMNS = (
    "step",
    "recall",
    "class distance",
    "classes lost",
    "remedy",
    "collapse",
    "hardly any variety",
    "r_t",
    "augment p",
    *_NORMS,
)
"""What a look finds; `collapse` and `hardly any variety` are 1 where they were told, norms are means since the look
before."""
_ROWS = 400
_NEIGHBOURS = 3
_BASE = 16
_FLIPPED = 1000
_TRAINING = Training(steps=150, batch=64)
_LOST_SHARE = 0.25
_STARTED = 0.2
_HALF = 0.5
_MOST_REMEDIES = 3
_DRAWN_AT_ONCE = 100
_MOST_NAMED, _LONGEST_NAME = 6, 30
_AUGMENT_BY = 0.1
_RATE_BY = 0.5


@final
class Watcher:
    """Draws the same latent codes again and again, and compares the images with real ones.

    Collapse starts when recall is below half of its best value in two looks one after the other. Then, if remedies are
    allowed, both networks go back to where recall was best, the learning rate is halved, and images are augmented more
    often. Classes that are nearly gone in two looks one after the other are told as well, once recall has risen above
    .2; where it never does, the last look says so. No remedy answers either: the best state is the one of best recall,
    which may lack the same classes, and going back costs all others what they have learnt since.

    Args:
        duel: What is watched; remedies change it.
        remedies: Act, or only tell.
        rng: Key of codes, of the real images that are compared, and of the small classifier whose features are used.
        watch: Is told when collapse starts and what was done, which classes are lost, and where variety never came.

    Source: recall as in Kynkaanniemi et al. 2019, arXiv 1904.06991; the remedies are ours.
    """

    def __init__(self, duel: Duel, remedies: bool, rng: Rng, watch: Watch) -> None:
        """Train the classifier and keep the features of real images."""
        data = duel.data
        self.duel, self.remedies, self.watch = duel, remedies, watch
        self.classes = data.classes
        rows = rng.child("real").numpy().permutation(len(data))[:_ROWS]
        # Looks decide on remedies, and so on the bytes of what follows: one thread, however many there are.
        self._alone = Parts(1, most=1)
        shown, key = _to_tell_apart(data, rng), rng.child("seen by")
        self._network = self._alone.map(
            lambda some: trained_convnet(some, None, _BASE, _TRAINING, duel.device.type, key), [shown]
        )[0]
        self._z_NZ = codes(len(rows), duel.z_dim, rng.child("codes"), duel.device)
        self._label_N = torch.from_numpy(data.labels[rows]).to(duel.device) if duel.labelled else None
        self._noise = rng.child("noise")
        real_NCHW = to_signal(data.pixels[np.sort(rows)]).to(duel.device)
        self._real, self._share_K = self._alone.map(self._features, [real_NCHW])[0]
        self.history = torch.full((PROBES, len(COLUMNS)), float("nan"), dtype=torch.float64)
        self.lost_PK = torch.zeros(PROBES, len(self.classes), dtype=torch.bool)
        self.state = torch.zeros(4, dtype=torch.float64)  # looks made, best recall, remedies taken, last look was low
        self.sums = torch.zeros(len(_NORMS) + 1, dtype=torch.float64)  # gradient norms since the last look, steps
        self._best = {name: value.detach().clone() for name, value in duel.tensors().items()} if remedies else {}

    def tensors(self) -> dict[str, Tensor]:
        """Return what the next step depends on, live: the duel, what was seen, and the best state so far."""
        own = {"history": self.history, "lost": self.lost_PK, "state": self.state, "sums": self.sums}
        found = self.duel.tensors() | {f"watch.{name}": value for name, value in own.items()}
        return found | {f"best.{name}": value for name, value in self._best.items()}

    def update(self, rows: npt.NDArray[np.int64], step: int, steps: int, rng: Rng) -> Mapping[str, Tensor | float]:
        """Make one step of the duel, and look when it is time."""
        figures = dict(self.duel.step(rows, step, steps, rng))
        self.sums += torch.tensor([*(float(figures[name]) for name in _NORMS), 1.0], dtype=torch.float64)
        # The number of the step alone decides, so that a run that was interrupted is looked at where others are.
        if (step + 1) * PROBES // steps > step * PROBES // steps:
            self._look(step + 1, step + 1 == steps)
        made = int(self.state[0])
        return figures if made == 0 else {**figures, "recall": float(self.history[made - 1, COLUMNS.index("recall")])}

    def _look(self, step: int, last: bool) -> None:
        seen, share_K = self._alone.map(lambda draw: self._features(draw()), [self._drawn])[0]
        recall = float(overlap(self._real, seen, min(_NEIGHBOURS, len(seen) - 1)).recall.mean())
        lost_K = share_K < _LOST_SHARE * self._share_K
        best = float(self.state[1])
        low = best > _STARTED and recall < _HALF * best
        # One low look can be chance; so can the first ones, while nothing is learnt yet.
        collapsed = low and bool(self.state[3])
        self.state[3] = float(low and not collapsed)
        acts = collapsed and self.remedies and int(self.state[2]) < _MOST_REMEDIES
        self._record(
            lost_K,
            {
                "step": step,
                "recall": recall,
                "class distance": float(np.abs(share_K - self._share_K).sum() / 2),
                "classes lost": int(lost_K.sum()),
                "remedy": float(acts),
                "collapse": float(collapsed),
                "hardly any variety": float(last and max(best, recall) <= _STARTED),
                **self._figures(),
            },
        )
        self._tell()
        if acts:
            self._remedy()
        elif recall > self.state[1]:
            self.state[1] = recall
            for name, value in self.duel.tensors().items():
                if name in self._best:
                    self._best[name].copy_(value.detach())

    def _figures(self) -> dict[str, float]:
        """Return what the discriminator and both gradients do; p is no number where nothing is augmented."""
        duel, (*sums, steps) = self.duel, self.sums.tolist()
        norms = {name: total / max(1.0, steps) for name, total in zip(_NORMS, sums, strict=True)}
        p = float(duel.controller.p) if duel.rules.augmented else math.nan
        return {"r_t": float(duel.controller.r_t), "augment p": p, **norms}

    def _record(self, lost_K: npt.NDArray[np.bool_], row: Mapping[str, float]) -> None:
        made = int(self.state[0])
        self.history[made] = torch.tensor([row[name] for name in COLUMNS], dtype=torch.float64)
        self.lost_PK[made] = torch.from_numpy(lost_K)
        self.state[0] += 1
        self.sums.zero_()

    def _tell(self) -> None:
        """Say what the look that was just made found: collapse, classes lost, or that variety never came."""
        rows = self.history[: int(self.state[0])]
        look = dict(zip(COLUMNS, rows[-1].tolist(), strict=True))
        step, recall, best = int(look["step"]), look["recall"], float(self.state[1])
        gone = self._names(self.lost_PK[len(rows) - 1])
        nearly = f"{len(gone)} of {len(self.classes)} classes nearly gone{f' ({_listed(gone)})' if gone else ''}"
        lost = self._names(newly_lost(self.lost_PK[: len(rows)], rows[:, COLUMNS.index("recall")]))
        if look["collapse"]:
            message = (
                f"collapse at step {step}: recall of the probe fell to {recall:.2f} from {best:.2f}, {nearly}; "
                f"{self._done(bool(look['remedy']))}"
            )
        elif lost:
            message = (
                f"classes lost at step {step}: {_listed(lost)}, drawn less than a quarter as often as real ones in two "
                f"looks one after the other; recall of the probe is {recall:.2f}; no remedy acts on classes alone"
            )
        elif look["hardly any variety"]:
            message = (
                f"hardly any variety: recall of the probe never rose above {_STARTED} (best {max(best, recall):.2f}), "
                f"{nearly}; train longer, or change loss, gamma or learning_rate"
            )
        else:
            return
        self.watch(Note("fit", message, "warning"))

    def _done(self, acts: bool) -> str:
        if acts:
            more = ", augmentation raised" if self.duel.rules.augmented else ""
            return f"back to the best state, learning rate halved{more}"
        return "nothing was done, because " + (
            f"all {_MOST_REMEDIES} remedies are used up" if self.remedies else "remedies are off"
        )

    def _names(self, lost_K: Tensor) -> list[str]:
        return [name for name, lost in zip(self.classes, lost_K.tolist(), strict=True) if lost]

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
        drawn, rows = [], len(self._z_NZ)
        # Parts of nearly equal size: a rest of one image has no batch statistics.
        for part in split(rows, math.ceil(rows / _DRAWN_AT_ONCE)):
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
        share_K = np.bincount(found, minlength=len(self.classes)) / len(found) if self.duel.labelled else np.ones(1)
        return features.double().cpu().numpy(), share_K.astype(np.float64)

    def facts(self) -> dict[str, Any]:
        """Return what was seen, for the report: rows of `probes` hold `COLUMNS` and the names of lost classes."""
        made = int(self.state[0])
        probes = [
            {name: None if math.isnan(value) else value for name, value in zip(COLUMNS, row, strict=True)}
            | {"lost": self._names(lost_K)}
            for row, lost_K in zip(self.history[:made].tolist(), self.lost_PK[:made], strict=True)
        ]
        return {"probes": probes, "remedies": int(self.state[2])}


def newly_lost(lost_PK: Tensor, recall_P: Tensor) -> Tensor:
    """Return the classes that the last look and the one before found lost, and that this was not yet true of, [K] bool.

    Nothing is lost before recall has been above .2: what was never learnt cannot go.

    Args:
        lost_PK: Classes that each look found nearly gone, bool; at least one look.
        recall_P: Recall in each look.
    """
    started_P = recall_P.cummax(0).values > _STARTED
    sure_PK = lost_PK & started_P[:, None]
    sure_PK[1:] &= lost_PK[:-1]
    sure_PK[0] = False
    return sure_PK[-1] & ~sure_PK[-2] if len(sure_PK) > 1 else sure_PK[-1]


def _listed(names: Sequence[str]) -> str:
    """Return names for a message, as many as a line can hold."""
    told = ", ".join(repr(name[:_LONGEST_NAME]) for name in names[:_MOST_NAMED])
    return told if len(names) <= _MOST_NAMED else f"{told} and {len(names) - _MOST_NAMED} more"


def _to_tell_apart(data: Images, rng: Rng) -> Images:
    """Return what the classifier learns: the classes; of images without classes, the way they are flipped."""
    if len(data.classes) > 1:
        return data
    rows = data.take(np.sort(rng.child("flipped").numpy().permutation(len(data))[:_FLIPPED]))
    flipped = [rows.pixels[:, ::down, ::right] for down in (1, -1) for right in (1, -1)]
    schema = image_schema(data.height, data.width, data.channels, ["as it is", "mirrored", "upside down", "both"])
    labels = np.repeat(np.arange(len(flipped), dtype=np.int64), len(rows))
    return Images(np.concatenate(flipped), labels, schema)
