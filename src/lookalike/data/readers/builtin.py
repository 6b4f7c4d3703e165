"""Data that come with the installation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from lookalike.core.store import digest
from lookalike.data.reading import Blocks, ImageReader


@final
class Builtin(ImageReader):
    """scikit-learn's handwritten digits: 1,797 grey images of 8x8 pixels, ten classes.

    Their 17 grey levels, 0 to 16, become 0 to 255, rounded.

    Source: Alpaydin and Kaynak (1998), Optical Recognition of Handwritten Digits, UCI, doi:10.24432/C50P49, test part.
    """

    name: Literal["digits"] = Field(default="digits", description="Which data: digits.")

    def state(self) -> str:
        """Return a hash of the version of scikit-learn, which brings the data."""
        import sklearn

        return digest(["digits", sklearn.__version__])

    def listing(self) -> Blocks:
        """Return the digits."""
        from sklearn.datasets import load_digits

        digits = load_digits()
        pixels = np.floor(digits.images * (255 / 16) + 0.5).astype(np.uint8)

        def blocks() -> Iterator[npt.NDArray[Any]]:
            yield pixels

        labels = digits.target.astype(np.int64)
        classes = tuple(str(name) for name in digits.target_names)
        return Blocks("digits", labels, classes, pixels.shape, pixels.dtype, blocks)
