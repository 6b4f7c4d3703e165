"""Images that keep what each pixel does alone, and nothing of what pixels do together: a baseline to be beaten."""

from __future__ import annotations

import numpy as np

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
