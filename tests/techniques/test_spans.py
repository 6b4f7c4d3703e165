"""The longest common run of words is that of a search through all pairs."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lookalike.techniques.spans import longest_common, words_of


def _slow(text: str, known: list[str], most: int) -> int:
    words = words_of(text)
    best = 0
    for other in (words_of(one) for one in known):
        for start in range(len(words)):
            for at in range(len(other)):
                n = 0
                while start + n < len(words) and at + n < len(other) and words[start + n] == other[at + n]:
                    n += 1
                best = max(best, n)
    return min(best, most)


TEXTS = st.lists(st.text(alphabet="ab ,", max_size=20), max_size=5)


@given(TEXTS, TEXTS)
def test_it_is_the_longest_run(texts: list[str], known: list[str]) -> None:
    found = longest_common(texts, known, 6)
    assert found.tolist() == [_slow(text, known, 6) for text in texts]


def test_a_run_does_not_go_on_into_the_next_text() -> None:
    assert longest_common(["a b c d"], ["a b", "c d"], 10).tolist() == [2]


def test_many_texts_take_little_time() -> None:
    draw = np.random.default_rng(0)
    texts = [" ".join(f"w{n}" for n in draw.integers(0, 5000, 30)) for _ in range(5000)]
    assert longest_common([*texts[:10], "w1 x"], texts, 100).tolist() == [30] * 10 + [1]
