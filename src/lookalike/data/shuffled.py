"""Rows that keep what each part does alone, and nothing of what parts do together: a baseline to be beaten."""

from __future__ import annotations

import numpy as np

from lookalike.data.corpus import Corpus, text_schema
from lookalike.data.images import Images


def shuffled_pixels(data: Images, generator: np.random.Generator) -> Images:
    """Return images in which each pixel position was permuted over the rows, independently of all other positions.

    Args:
        data: At least one image; labels stay where they are and lose their meaning.
        generator: Draws one permutation for each position and channel.

    Returns:
        As many images; every position holds the same values as before, in other rows.
    """
    flat = np.array(data.pixels).reshape(len(data), -1)
    return Images(generator.permuted(flat, axis=0).reshape(data.pixels.shape), data.labels, data.schema)


def shuffled_words(data: Corpus, generator: np.random.Generator) -> Corpus:
    """Return texts in which the words were permuted over all rows; every text keeps its number of words.

    Args:
        data: Texts; labels stay where they are and lose their meaning.
        generator: Draws the permutation.

    Returns:
        As many texts with the same words in all, without further columns.
    """
    split = [text.split() for text in data.texts()]
    words = [word for row in split for word in row]
    order, texts, start = generator.permutation(len(words)), [], 0
    for row in split:
        texts.append(" ".join(words[place] for place in order[start : start + len(row)]))
        start += len(row)
    return Corpus.of(texts, data.labels, text_schema(data.classes))
