"""Keyed randomness: a number depends on a seed and a path of names, never on what was drawn before."""

from __future__ import annotations

import hashlib
from typing import final

import numpy as np


@final
class Rng:
    """A node in a tree of random streams; equal paths give equal numbers on every machine.

    Args:
        seed: Root of the tree, any non-negative integer.
        path: Names and steps from the root to this node; use `child` rather than this argument.

    Example:
        >>> a = Rng(7).child("noise", 3).numpy().random()
        >>> b = Rng(7).child("noise", 3).numpy().random()
        >>> a == b
        True
    """

    __slots__ = ("path", "seed")

    def __init__(self, seed: int, path: tuple[str, ...] = ()) -> None:
        """Make the root of a tree, or a node at a known path."""
        self.seed = int(seed)
        self.path = path

    def child(self, purpose: str, step: int = 0) -> Rng:
        """Return the stream for one purpose, at one step.

        Args:
            purpose: What the numbers are for, for example `"noise"`.
            step: Which of many, at least 0.

        Returns:
            A new node; this one is unchanged.
        """
        return Rng(self.seed, (*self.path, f"{purpose}:{int(step)}"))

    def _digest(self) -> bytes:
        text = "\x1f".join((str(self.seed), *self.path))
        return hashlib.sha256(text.encode()).digest()

    def numpy(self) -> np.random.Generator:
        """Return a fresh numpy generator for this node; two calls give two equal generators."""
        return np.random.Generator(np.random.Philox(key=int.from_bytes(self._digest()[:16], "little")))

    def integer(self) -> int:
        """Return a number in [0, 2**63) to seed another library's generator with."""
        return int.from_bytes(self._digest()[16:24], "little") >> 1

    def __repr__(self) -> str:
        """Show the seed and the path."""
        return f"Rng({self.seed}, {'/'.join(self.path) or 'root'})"
