"""Pictures of what the controls of a generator network do: truncation, mixing of styles, the way between two codes.

Legend: N pictures, R lines, T columns, C channels, H height, W width, Z numbers of a code, D numbers of a style,
L layers.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lookalike.core.contracts import Sheet
from lookalike.core.rng import Rng
from lookalike.data.images import Images
from lookalike.generators.image.gan.duel import codes
from lookalike.generators.image.gan.fitted import FittedGan
from lookalike.networks.styled import truncate
from lookalike.techniques.interpolation import spherical

Labels = npt.NDArray[np.int64]

PSI = (0.0, 0.3, 0.5, 0.7, 1.0)
"""Truncations that are shown."""
_CODES = 5
_COARSE, _FINE = 4, 5
_WAYS, _STOPS = 4, 6


@torch.no_grad()
def sheets_of(model: FittedGan, rng: Rng) -> list[Sheet[Images]]:
    """Return what can be shown of a model: of one with styles three sheets, else the way between two codes alone.

    Args:
        model: What draws; noise is the same in every picture, so that only what is shown changes.
        rng: Key of the latent codes.
    """
    if not model.styled:
        return [_between_codes(model, rng.child("between"))]
    return [
        _truncation(model, rng.child("truncation")),
        _mixing(model, rng.child("mixing")),
        _between_styles(model, rng.child("between")),
    ]


def _spread(model: FittedGan, rows: int) -> Labels:
    """Return class numbers for some rows: evenly chosen among many classes, in turn among few."""
    count = len(model.schema.classes)
    if count >= rows:
        return np.linspace(0, count - 1, rows).round().astype(np.int64)
    return np.arange(rows, dtype=np.int64) % count


def _styles(model: FittedGan, labels: Labels, rng: Rng) -> Tensor:
    """Return the untruncated style of one code for each label, [N, D]."""
    z_NZ = codes(len(labels), int(model.about["z_dim"]), rng, model.device)
    w_ND: Tensor = model.network.mapping(z_NZ, model.numbers(labels))
    return w_ND


def _names(model: FittedGan, labels: Labels, other: Labels | None = None) -> tuple[str, ...]:
    """Return what stands before a line: its class, or its two classes; its number where there are no classes."""
    classes = model.schema.classes
    if len(classes) < 2:
        return tuple(str(place + 1) for place in range(len(labels)))
    ends = labels if other is None else other
    pairs = [(classes[a], classes[b]) for a, b in zip(labels.tolist(), ends.tolist(), strict=True)]
    return tuple(a if a == b else f"{a} to {b}" for a, b in pairs)


def _drawn(model: FittedGan, w_NLD: Tensor, labels: Labels) -> Images:
    return model.pictures(labels, lambda part: model.synthesis(w_NLD[part]))


def _full(lines: int, columns: int) -> tuple[tuple[int | None, ...], ...]:
    return tuple(tuple(range(line * columns, (line + 1) * columns)) for line in range(lines))


def _truncation(model: FittedGan, rng: Rng) -> Sheet[Images]:
    labels = _spread(model, _CODES)
    w_R1D = _styles(model, labels, rng)[:, None]
    w_RLD = w_R1D.expand(-1, model.network.num_ws, -1)
    mean_RD = model.network.mapping.mean(model.numbers(labels))
    w_NLD = torch.stack([truncate(w_RLD, mean_RD, psi) for psi in PSI], dim=1).flatten(0, 1)
    each = "of its class" if len(model.schema.classes) > 1 else "of all"
    return Sheet(
        name="truncation",
        title="What truncation costs",
        caption=f"At 0 every picture is the mean {each}, at 0.3 they are typical and alike, at 1 as varied as the "
        "model can make them. Each line is one latent code; the setting is sample.truncation.",
        data=_drawn(model, w_NLD, np.repeat(labels, len(PSI))),
        grid=_full(_CODES, len(PSI)),
        lines=_names(model, labels),
        columns=tuple(f"{psi:g}" for psi in PSI),
    )


def _mixing(model: FittedGan, rng: Rng) -> Sheet[Images]:
    coarse, fine = _spread(model, _COARSE), _spread(model, _FINE)[::-1].copy()
    layers = model.network.num_ws
    cut = max(1, layers // 2)
    coarse_RD, fine_TD = _styles(model, coarse, rng.child("coarse")), _styles(model, fine, rng.child("fine"))
    from_coarse_L1 = (torch.arange(layers, device=model.device) < cut)[:, None]
    mixed_RTLD = torch.where(from_coarse_L1, coarse_RD[:, None, None], fine_TD[None, :, None])
    sources_NLD = torch.cat([fine_TD, coarse_RD])[:, None].expand(-1, layers, -1)
    labels = np.concatenate([fine, coarse, np.repeat(coarse, _FINE)])
    first = (None, *range(_FINE))
    rest = _full(_COARSE, _FINE)
    shift = _FINE + _COARSE
    grid = [
        (_FINE + line, *(shift + place for place in places if place is not None)) for line, places in enumerate(rest)
    ]
    given = f"the first of {layers} layers" if cut == 1 else f"the first {cut} of {layers} layers"
    return Sheet(
        name="mixing",
        title="What each layer decides",
        caption=f"The first column gives the styles of {given} (the coarse form), the first "
        "line those of the rest (the fine marks). Every other picture joins the two; the setting is sample.mixing.",
        data=_drawn(model, torch.cat([sources_NLD, mixed_RTLD.flatten(0, 1)]), labels),
        grid=(first, *grid),
        lines=("fine styles", *(f"coarse styles {name}" for name in _names(model, coarse))),
        columns=("coarse styles", *(f"fine styles {name}" for name in _names(model, fine))),
        sources=True,
    )


def _ends(model: FittedGan, across: bool) -> tuple[Labels, Labels]:
    """Return the classes at both ends of every way; the second half goes from class to class if that is possible."""
    start = _spread(model, _WAYS)
    end = start.copy()
    if across:
        end[_WAYS // 2 :] = np.roll(start, 1)[_WAYS // 2 :]
    return start, end


def _between_styles(model: FittedGan, rng: Rng) -> Sheet[Images]:
    start, end = _ends(model, across=True)
    share_T = torch.linspace(0, 1, _STOPS, device=model.device)
    a_RD, b_RD = _styles(model, start, rng.child("start")), _styles(model, end, rng.child("end"))
    way_NLD = torch.lerp(a_RD[:, None], b_RD[:, None], share_T[:, None]).flatten(0, 1)[:, None]
    data = _drawn(model, way_NLD.expand(-1, model.network.num_ws, -1), np.repeat(start, _STOPS))
    return _strip(model, start, end, data, "along a straight line between their styles")


def _between_codes(model: FittedGan, rng: Rng) -> Sheet[Images]:
    labels, _ = _ends(model, across=False)
    size = int(model.about["z_dim"])
    share_T = torch.linspace(0, 1, _STOPS, device=model.device)
    a_RZ, b_RZ = (codes(_WAYS, size, rng.child(name), model.device) for name in ("start", "end"))
    way_NZ = spherical(a_RZ[:, None], b_RZ[:, None], share_T).flatten(0, 1)
    each = np.repeat(labels, _STOPS)
    data = model.pictures(each, lambda part: model.network(way_NZ[part], model.numbers(each[part])))
    return _strip(model, labels, labels, data, "along the arc between their codes")


def _strip(model: FittedGan, start: Labels, end: Labels, data: Images, how: str) -> Sheet[Images]:
    return Sheet(
        name="between",
        title="From one picture to another",
        caption=f"Each line goes from one drawn picture to another, {how}. Even steps in between speak for a model "
        "that has learnt what varies; sudden jumps for one that keeps single pictures.",
        data=data,
        grid=_full(_WAYS, _STOPS),
        lines=_names(model, start, end),
        columns=tuple(f"{100 * stop / (_STOPS - 1):.0f} %" for stop in range(_STOPS)),
    )
