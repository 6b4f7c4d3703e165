"""A column of numbers as codes and places: bins of equal mass, spikes, missing.

Legend: N rows, K codes, B bins, V different values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self, final

import numpy as np

from lookalike.core.schema import Column
from lookalike.data.table import Codes, Numbers

Arrays = dict[str, Numbers]
UNSEEN = -1
"""Code of a value that the training rows do not have, and whose code no model knows."""
EDGE = 1e-3
"""Places keep this distance from the ends of a value's interval: rounding never moves them into the next one."""


@final
@dataclass(frozen=True)
class Grain:
    """How finely a table is coded.

    Attributes:
        bins: Bins of the numbers that are no spikes, at least 1.
        spike: Share of the values from which one value is a code of its own, above 0.
        few: A number with at most so many different values has a code for each of them.
        values: A number with more different values is interpolated between so many quantiles.
        levels: Codes of the levels of a category, at most; the label's levels are never grouped.
        rare: A level with fewer rows belongs to the group of rare ones.
    """

    bins: int = 1
    spike: float = 0.05
    few: int = 24
    values: int = 1024
    levels: int = 256
    rare: int = 5


@final
@dataclass(frozen=True)
class NumberCoding:
    """A number, integer or datetime column.

    Attributes:
        name: Name of the column.
        step: Width of the grid that values lie on; 0 = none.
        low: Lowest value that is ever drawn.
        high: Highest value that is ever drawn.
        spikes: Values with a code of their own, rising.
        spike_counts: Their rows.
        points: Smooth: knots of the quantile function, V + 1; else the different values, V.
        mass: Share of the values up to each point; smooth: from 0, V + 1; else V + 1 with a leading 0.
        smooth: Values are interpolated between the points.
        edges: Ends of the bins as shares, B + 1, from 0 to 1; empty when there are spikes only.
        missing: Some values are missing.
    """

    name: str
    step: float
    low: float
    high: float
    spikes: Numbers
    spike_counts: Numbers
    points: Numbers
    mass: Numbers
    smooth: bool
    edges: Numbers
    missing: bool

    @property
    def bins(self) -> int:
        """Number of bins; their codes come first."""
        return max(len(self.edges) - 1, 0)

    @property
    def size(self) -> int:
        """Number of codes K."""
        return self.bins + len(self.spikes) + self.missing

    @property
    def missing_code(self) -> int:
        """Code of a missing value."""
        return self.size - 1 if self.missing else UNSEEN

    @classmethod
    def learn(cls, column: Column, values: Numbers, grain: Grain) -> Self:
        """Return the coding of a column from its training values."""
        there = values[~np.isnan(values)]
        step = _step(column)
        distinct, counts = np.unique(there, return_counts=True)
        own = np.full(len(distinct), len(distinct) <= grain.few) | (counts >= max(grain.spike * len(there), 2))
        rest, rest_counts = distinct[~own], counts[~own]
        points, mass, smooth = _quantiles(rest, rest_counts, step, grain.values)
        return cls(
            name=column.name,
            step=step,
            low=float(distinct[0]) if column.low is None and len(distinct) else float(column.low or 0.0),
            high=float(distinct[-1]) if column.high is None and len(distinct) else float(column.high or 0.0),
            spikes=distinct[own],
            spike_counts=counts[own].astype(np.float64),
            points=points,
            mass=mass,
            smooth=smooth,
            edges=_edges(mass, grain.bins) if len(rest) else np.zeros(0),
            missing=len(there) < len(values) or not len(values),
        )

    def encode(self, values: Numbers, draw: np.random.Generator) -> tuple[Codes, Numbers]:
        """Return codes and places, [N] each; a value that no code can hold is `UNSEEN`."""
        gone = np.isnan(values)
        filled = np.where(gone, self.low, values)
        even = EDGE + (1 - 2 * EDGE) * draw.random(len(values))
        codes = np.full(len(values), UNSEEN, dtype=np.int64)
        places = even.copy()
        if self.bins:
            share = self._share(filled, even)
            known = ~np.isnan(share)
            bin_ = np.clip(np.searchsorted(self.edges, share, side="right") - 1, 0, self.bins - 1)
            inside = (share - self.edges[bin_]) / (self.edges[bin_ + 1] - self.edges[bin_])
            codes = np.where(known, bin_, codes)
            places = np.where(known, np.clip(inside, 0, np.nextafter(1, 0)), places)
        spike = _position(self.spikes, filled)
        codes = np.where(spike >= 0, self.bins + spike, codes)
        places = np.where(spike >= 0, even, places)
        return np.where(gone, self.missing_code, codes).astype(np.int64), np.where(gone, even, places)

    def nearest(self, values: Numbers) -> Numbers:
        """Return the nearest values that have a code; missing stays missing."""
        known = np.unique(np.concatenate([self.spikes, self.points]))
        if self.smooth:
            return np.where(_position(self.spikes, values) >= 0, values, np.clip(values, self.low, self.high))
        if not len(known):
            return values
        right = np.clip(np.searchsorted(known, values), 1, max(len(known) - 1, 1))
        right = np.minimum(right, len(known) - 1)
        left = np.maximum(right - 1, 0)
        closer = np.where(values - known[left] <= known[right] - values, known[left], known[right])
        return np.where(np.isnan(values), values, closer)

    def _share(self, values: Numbers, even: Numbers) -> Numbers:
        """Return the share of the training values below each value; within one value's own interval evenly spread."""
        if self.smooth:
            spread = values + self.step * (even - 0.5)
            share = np.interp(spread, self.points, self.mass)
            outside = (spread < self.points[0]) | (spread > self.points[-1])
            return np.where(outside, np.nan, np.asarray(share, dtype=np.float64))
        place = _position(self.points, values)
        known = np.maximum(place, 0)
        return np.where(place >= 0, self.mass[known] + even * (self.mass[known + 1] - self.mass[known]), np.nan)

    def decode(self, codes: Codes, places: Numbers) -> Numbers:
        """Return values, [N]; NaN = missing."""
        result = np.full(len(codes), np.nan)
        if self.bins:
            bin_ = np.clip(codes, 0, self.bins - 1)
            share = self.edges[bin_] + places * (self.edges[bin_ + 1] - self.edges[bin_])
            if self.smooth:
                found = np.interp(share, self.mass, self.points)
            else:
                found = self.points[
                    np.clip(np.searchsorted(self.mass, share, side="right") - 1, 0, len(self.points) - 1)
                ]
            result = np.where(codes < self.bins, self._rounded(np.asarray(found, dtype=np.float64)), result)
        if len(self.spikes):
            spike = np.clip(codes - self.bins, 0, len(self.spikes) - 1)
            is_spike = (codes >= self.bins) & (codes < self.bins + len(self.spikes))
            result = np.where(is_spike, self.spikes[spike], result)
        return result

    def _rounded(self, values: Numbers) -> Numbers:
        if self.step and self.smooth:
            # The first and the last cell reach half a step beyond the values that were seen.
            values = np.clip(values, self.points[0] + self.step / 2, self.points[-1] - self.step / 2)
            values = on_grid(values, self.step)
        return np.clip(values, self.low, self.high)

    def log_share(self, codes: Codes, values: Numbers) -> Numbers:
        """Return log p(value | code): a probability, or a density where values are interpolated and on no grid."""
        result = np.zeros(len(codes))
        inside = (codes >= 0) & (codes < self.bins)
        x, bin_ = values[inside], codes[inside]
        low, high = self.edges[bin_] if self.bins else x, self.edges[bin_ + 1] if self.bins else x
        if not self.smooth:
            place = np.maximum(_position(self.points, x), 0)
            mass = self.mass[place + 1] - self.mass[place] if len(x) else x
        else:
            half = self.step / 2
            ends = [np.interp(x + side, self.points, self.mass) for side in (-half, half)]
            if self.step:
                mass = ends[1] - ends[0]
            else:
                knot = np.clip(np.searchsorted(self.points, x, side="right") - 1, 0, len(self.points) - 2)
                mass = np.diff(self.mass)[knot] / np.diff(self.points)[knot]
        with np.errstate(divide="ignore"):
            result[inside] = np.log(np.maximum(mass, 0) / (high - low))
        return result

    def interval(self, codes: Codes, places: Numbers) -> tuple[Numbers, Numbers]:
        """Return the ends of the places that decode to the same value, [N] each."""
        first, last = np.zeros(len(codes)), np.ones(len(codes))
        inside = (codes >= 0) & (codes < self.bins)
        if self.bins and not self.smooth:
            low, high = self.edges[codes[inside]], self.edges[codes[inside] + 1]
            share = low + places[inside] * (high - low)
            point = np.clip(np.searchsorted(self.mass, share, side="right") - 1, 0, len(self.points) - 1)
            first[inside] = (self.mass[point] - low) / (high - low)
            last[inside] = (self.mass[point + 1] - low) / (high - low)
        elif self.bins:
            first[inside] = last[inside] = places[inside]
        return first, last

    def to_arrays(self) -> Arrays:
        """Return the state as float64 arrays."""
        flags = np.array([self.step, self.low, self.high, self.smooth, self.missing], dtype=np.float64)
        return {
            "flags": flags,
            "spikes": self.spikes,
            "spike_counts": self.spike_counts,
            "points": self.points,
            "mass": self.mass,
            "edges": self.edges,
        }

    @classmethod
    def from_arrays(cls, name: str, arrays: Mapping[str, Numbers]) -> Self:
        """Return what `to_arrays` described."""
        step, low, high, smooth, missing = arrays["flags"].tolist()
        rest = {key: value for key, value in arrays.items() if key != "flags"}
        return cls(name=name, step=step, low=low, high=high, smooth=bool(smooth), missing=bool(missing), **rest)


def _step(column: Column) -> float:
    if column.grid is not None:
        return column.grid
    if column.kind == "integer":
        return 1.0
    return 0.0 if column.decimals is None else 10.0**-column.decimals


def on_grid(values: Numbers, step: float) -> Numbers:
    """Return the nearest multiples of the step, above 0."""
    per = round(1 / step)
    # Division where possible: 3 / 10 is the nearest number to .3, 3 * .1 is not.
    if per and abs(per * step - 1) < 1e-9:
        return np.asarray(np.rint(values * per) / per)
    return np.asarray(np.rint(values / step) * step)


def _position(sorted_: Numbers, values: Numbers) -> Codes:
    """Return where each value stands in a rising list; -1 = not at all."""
    if not len(sorted_):
        return np.full(len(values), -1, dtype=np.int64)
    place = np.clip(np.searchsorted(sorted_, values), 0, len(sorted_) - 1)
    return np.where(sorted_[place] == values, place, -1).astype(np.int64)


def _quantiles(distinct: Numbers, counts: Codes, step: float, most: int) -> tuple[Numbers, Numbers, bool]:
    """Return points and shares of a quantile function, and whether it is interpolated."""
    total = np.concatenate([[0], np.cumsum(counts)]) / max(int(counts.sum()), 1)
    if len(distinct) <= most:
        return distinct, total, False
    # A knot lies between two values, so that every value's interval is on one side of it.
    after = distinct + step / 2 if step else np.append((distinct[:-1] + distinct[1:]) / 2, distinct[-1])
    knots = np.concatenate([[distinct[0] - step / 2], after])
    chosen = np.unique(np.append(np.searchsorted(total, np.linspace(0, 1, most + 1)[:-1]), len(knots) - 1))
    return knots[chosen], total[chosen], True


def _edges(mass: Numbers, bins: int) -> Numbers:
    """Return the ends of at most so many bins of nearly equal mass, at points of the quantile function."""
    if len(mass) - 1 <= bins:
        return mass.copy()
    near = np.searchsorted(mass, np.linspace(0, 1, bins + 1))
    near = np.clip(near, 0, len(mass) - 1)
    return np.unique(mass[near])
