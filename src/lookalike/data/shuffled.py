"""Rows that keep what each part does alone, and nothing of what parts do together: a baseline to be beaten."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from lookalike.data.corpus import Corpus, text_schema
from lookalike.data.images import Images
from lookalike.data.table import Table


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


def shuffled_columns(data: Table, generator: np.random.Generator) -> Table:
    """Return rows in which each column was permuted over the rows, independently of all other columns.

    Args:
        data: Rows; the label is permuted as any other column.
        generator: Draws one permutation for each column.

    Returns:
        As many rows; every column holds the same values as before, in other rows.
    """
    columns = [column.take(pa.array(generator.permutation(len(data)))) for column in data.table.columns]
    return Table(pa.table(columns, schema=data.table.schema), data.schema)
