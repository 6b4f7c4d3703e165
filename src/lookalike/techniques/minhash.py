"""Texts that share most of their runs of words, found without comparing all pairs."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from lookalike.core.rng import Rng

Hashes = npt.NDArray[np.uint64]
_HASHES = 128
_MIX = np.uint64(0xFF51AFD7ED558CCD)
_HALF = np.uint64(32)
_MISSED = 0.01
_MOST_CANDIDATES = 200


def shingles(text: str, words: int) -> Hashes:
    """Return the hashes of all runs of so many words, sorted, each once; case and punctuation do not count.

    A text of fewer words is one run; a text without a word is its characters.
    """
    folded = "".join(c if c.isalnum() else " " for c in text.casefold()).split() or list(text) or [""]
    runs = {" ".join(folded[start : start + words]) for start in range(max(1, len(folded) - words + 1))}
    codes = [int.from_bytes(hashlib.blake2b(run.encode("utf-8", "replace"), digest_size=8).digest()) for run in runs]
    return np.unique(np.array(codes, dtype=np.uint64))


def jaccard(first: Hashes, second: Hashes) -> float:
    """Return the share of common elements of two sets of hashes.

    Example:
        >>> jaccard(shingles("a b c", 1), shingles("b c d", 1))
        0.5
    """
    common = len(np.intersect1d(first, second, assume_unique=True))
    return common / (len(first) + len(second) - common)


def signature(runs: Hashes) -> Hashes:
    """Return the MinHash signature of a set, [128]: two sets agree at a place with the probability of their similarity.

    Source: Broder 1997, doi:10.1109/SEQUEN.1997.666900.
    """
    draw = Rng(0).child("minhash").numpy()
    key, odd = draw.integers(0, 1 << 63, (2, _HASHES), dtype=np.uint64)
    odd |= np.uint64(1)
    least = np.full(_HASHES, np.iinfo(np.uint64).max)
    for start in range(0, len(runs), 4096):
        # Multiplying alone keeps the order of small numbers; the upper half is folded down before and after.
        value = (runs[start : start + 4096, None] ^ key) * odd
        value = (value ^ (value >> _HALF)) * _MIX
        value ^= value >> _HALF
        least = np.minimum(least, value.min(axis=0))
    return least


def bands_for(similarity: float) -> tuple[int, int]:
    """Return bands and rows per band that miss at most one in a hundred pairs of exactly that similarity.

    A pair of similarity s meets in a band of r rows with probability s^r, and in none of b bands with (1 - s^r)^b.

    Source: Leskovec et al. 2020, Mining of Massive Datasets, section 3.4.2.
    """
    for rows in range(16, 1, -1):
        bands = _HASHES // rows
        if (1 - similarity**rows) ** bands <= _MISSED:
            return bands, rows
    return _HASHES, 1


def near_copies(texts: Sequence[str], similarity: float, words: int) -> dict[int, int]:
    """Return the position of each text that is near an earlier kept one, with that earlier position.

    Args:
        texts: In order; the first of a group is kept.
        similarity: Least share of common runs, above 0 and at most 1.
        words: Words of a run, at least 1.
    """
    bands, rows = bands_for(similarity)
    table: dict[bytes, list[int]] = defaultdict(list)
    kept: dict[int, Hashes] = {}
    near: dict[int, int] = {}
    for place, text in enumerate(texts):
        runs = shingles(text, words)
        keys = [b"%d:" % band + part.tobytes() for band, part in enumerate(_parts(signature(runs), bands, rows))]
        candidates = sorted({other for key in keys for other in table.get(key, ())[:_MOST_CANDIDATES]})
        match = next((other for other in candidates if jaccard(runs, kept[other]) >= similarity), None)
        if match is not None:
            near[place] = match
            continue
        kept[place] = runs
        for key in keys:
            table[key].append(place)
    return near


def _parts(values: Hashes, bands: int, rows: int) -> list[Hashes]:
    return [values[band * rows : (band + 1) * rows] for band in range(bands)]
