"""Mixtures of products of categorical distributions, by expectation and maximisation.

Legend: N rows, C components, S codes of all columns counted through, D columns.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from scipy.special import logsumexp

Codes = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]
_START_WEIGHT = 2.0


def indicator(codes_ND: Codes, sizes: tuple[int, ...]) -> Any:  # noqa: ANN401  scipy's matrices have no types
    """Return the sparse matrix, [N, S], that is 1 where a row has a code."""
    n, d = codes_ND.shape
    start = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    place = (codes_ND + start).ravel()
    return csr_matrix((np.ones(n * d), place, np.arange(0, n * d + 1, d)), shape=(n, int(sum(sizes))))


def fit_classes(
    codes_ND: Codes,
    sizes: tuple[int, ...],
    components: int,
    rounds: int,
    prior: float,
    draw: np.random.Generator,
    tell: Callable[[int, float], None],
) -> tuple[Numbers, Numbers]:
    """Return log-weights, [C], and log-probabilities of the codes in each component, [S, C].

    Args:
        codes_ND: Codes of the training rows.
        sizes: Codes of each column, D.
        components: Number of components, at least 1.
        rounds: Rounds at most; it stops when the mean log-likelihood rises by less than 1e-4.
        prior: Rows that each component has beforehand, spread over the codes by their shares in all rows; above 0.
        draw: Chooses the rows that components start at.
        tell: Receives round and mean log-likelihood.

    Source: Dempster et al. 1977, doi:10.1111/j.2517-6161.1977.tb01600.x; Goodman 1974, doi:10.1093/biomet/61.2.215.
    Differs from the papers: the prior's rows keep every code possible in every component.
    """
    x_NS = indicator(codes_ND, sizes)
    share_S = np.asarray(x_NS.sum(0)).ravel() + 0.5
    column_S = np.repeat(np.arange(len(sizes)), sizes)
    share_S /= np.bincount(column_S, weights=share_S)[column_S]
    rows = draw.choice(len(codes_ND), components, replace=components > len(codes_ND))
    alike_NC = np.asarray((x_NS @ x_NS[rows].T).todense())
    r_NC = np.exp(_START_WEIGHT * (alike_NC - alike_NC.max(1, keepdims=True)))
    r_NC /= r_NC.sum(1, keepdims=True)
    before = -np.inf
    for round_ in range(rounds):
        weight_C = r_NC.sum(0) + prior
        log_weight_C = np.log(weight_C / weight_C.sum())
        count_SC = np.asarray(x_NS.T @ r_NC) + prior * share_S[:, None]
        log_code_SC = np.log(count_SC / (r_NC.sum(0) + prior))
        log_r_NC = np.asarray(x_NS @ log_code_SC) + log_weight_C
        total_N = logsumexp(log_r_NC, axis=1)
        r_NC = np.exp(log_r_NC - total_N[:, None])
        now = float(total_N.mean())
        tell(round_ + 1, now)
        if now - before < 1e-4:
            break
        before = now
    return log_weight_C, log_code_SC
