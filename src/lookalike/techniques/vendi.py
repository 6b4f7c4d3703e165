"""The effective number of different rows in a set, from how alike they are.

Shape suffixes: N rows, D features.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lookalike.core.errors import DataError


def vendi_score(x_ND: npt.NDArray[np.floating]) -> float:
    """Return the exponential of the entropy of the eigenvalues of K / N, where K holds the cosines of all pairs.

    Args:
        x_ND: Rows of features, at least one; a row of zeros is like no other.

    Returns:
        A number from 1, all rows alike, to min(N, D), or N when all rows are zero.

    Raises:
        DataError: There are no rows.

    Source: Friedman and Dieng 2023, arXiv:2210.02410, definition 3.1.
    Differs from the paper: the eigenvalues come from the D x D matrix when there are more rows than features, which has
        the same ones.

    Example:
        >>> round(vendi_score(np.repeat(np.eye(4), [5, 5, 5, 5], axis=0)), 6)
        4.0
    """
    if len(x_ND) == 0:
        raise DataError("the Vendi score needs at least one row, found none")
    x = np.asarray(x_ND, dtype=np.float64)
    length_N1 = np.linalg.norm(x, axis=1, keepdims=True)
    zero = int((length_N1 == 0).sum())
    x = x / np.where(length_N1 == 0, 1.0, length_N1)
    gram = x.T @ x if x.shape[0] > x.shape[1] else x @ x.T
    share = np.linalg.eigvalsh(gram / len(x))
    # Each row of zeros is alike to itself alone: an eigenvalue of 1 / N that the product above cannot see.
    share = np.concatenate([share[share > 0], np.full(zero, 1 / len(x))])
    return float(np.exp(-(share * np.log(share)).sum()))
