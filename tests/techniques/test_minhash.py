"""MinHash agrees with exact similarity, and near copies are those of a comparison of all pairs."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.techniques.minhash import bands_for, jaccard, near_copies, shingles, signature


def _texts(n: int, seed: int) -> list[str]:
    draw = np.random.default_rng(seed)
    words = [f"w{number}" for number in range(300)]
    texts = [" ".join(draw.choice(words, 20)) for _ in range(n)]
    for row in range(0, n, 4):
        changed = texts[row].split()
        for place in draw.integers(0, 20, row % 5):
            changed[place] = "other"
        texts.append(" ".join(changed))
    return texts


def test_signatures_estimate_similarity_without_bias() -> None:
    texts = _texts(200, 0)
    errors = []
    for left, right in zip(texts[:200:4], texts[200:], strict=True):
        first, second = shingles(left, 1), shingles(right, 1)
        errors.append((signature(first) == signature(second)).mean() - jaccard(first, second))
    assert abs(np.mean(errors)) < 0.02
    assert np.std(errors) < 0.06  # sqrt(.25 / 128) = .044


@pytest.mark.parametrize("similarity", [0.5, 0.7, 0.9])
def test_near_copies_are_those_of_all_pairs(similarity: float) -> None:
    texts = _texts(200, 1)
    kept: list[int] = []
    expected = {}
    runs = [shingles(text, 2) for text in texts]
    for row in range(len(texts)):
        match = next((other for other in kept if jaccard(runs[row], runs[other]) >= similarity), None)
        if match is None:
            kept.append(row)
        else:
            expected[row] = match
    found = near_copies(texts, similarity, 2)
    assert expected
    assert set(found) <= set(expected)
    assert len(set(expected) - set(found)) <= 1


@pytest.mark.parametrize("similarity", [0.3, 0.5, 0.7, 0.9, 1.0])
def test_bands_miss_at_most_one_pair_in_a_hundred(similarity: float) -> None:
    bands, rows = bands_for(similarity)
    assert bands * rows <= 128
    assert (1 - similarity**rows) ** bands <= 0.01


def test_texts_without_words_and_broken_characters_do_not_break_it() -> None:
    assert near_copies(["", "", "!!!", "!!!", "\ud800 x", "\ud800 x"], 0.9, 2) == {1: 0, 3: 2, 5: 4}
