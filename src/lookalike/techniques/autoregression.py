"""Next-token models over any vocabulary: the log-probability of chosen tokens, and keyed nucleus sampling.

Shape suffixes: B rows, T positions, V tokens of the vocabulary, M chosen tokens, K candidates.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

_CANDIDATES = 1024


def token_log_probs(logits_BTV: Tensor, ids_BT: Tensor, counted_BT: Tensor) -> tuple[Tensor, Tensor]:
    """Return how probable each counted token was, told by the position before it.

    Args:
        logits_BTV: What the model says at each position of the token after it.
        ids_BT: The tokens, int64.
        counted_BT: Which tokens count, bool; the first position has nothing before it and never counts.

    Returns:
        Natural logarithms, [M] float32, and the row that each belongs to, [M].
    """
    chosen_BT = counted_BT[:, 1:]
    values_M = -F.cross_entropy(logits_BTV[:, :-1][chosen_BT].float(), ids_BT[:, 1:][chosen_BT], reduction="none")
    return values_M, chosen_BT.nonzero()[:, 0]


def nucleus(logits_BV: Tensor, uniform_B: Tensor, temperature: float, top_p: float) -> Tensor:
    """Return one token for each row, by inverting the distribution of the most probable ones at a given number.

    Args:
        logits_BV: What the model says; -inf forbids a token.
        uniform_B: A number in [0, 1) for each row, float64; nothing else decides.
        temperature: Divides the logits, above 0.
        top_p: Share of the probability that the kept tokens hold at least, in (0, 1]; 1 keeps all.

    Returns:
        Tokens, [B] int64.

    Source: Holtzman et al. 2020, arXiv:1904.09751, equations 2 and 3.
    Differs from the paper: nothing.
    """
    scaled_BV = logits_BV.float() / temperature
    if top_p >= 1:
        return _inverted(scaled_BV.softmax(-1).double(), uniform_B)
    vocabulary = scaled_BV.shape[-1]
    total_B1 = scaled_BV.logsumexp(-1, keepdim=True)
    for count in (min(_CANDIDATES, vocabulary), vocabulary):
        value_BK, token_BK = scaled_BV.topk(count)
        p_BK = (value_BK - total_B1).exp().double()
        before_BK = p_BK.cumsum(-1) - p_BK
        # A long tail is rare, and sorting a whole vocabulary is slow: it is done only when the first ones do not do.
        if count == vocabulary or bool((before_BK[:, -1] >= top_p).all()):
            break
    place_B1 = _inverted(p_BK * (before_BK < top_p), uniform_B).unsqueeze(-1)
    return token_BK.gather(-1, place_B1).squeeze(-1)


def _inverted(p_BK: Tensor, uniform_B: Tensor) -> Tensor:
    """Return the first place at which the sum exceeds the given share of the whole, [B]."""
    sum_BK = p_BK.cumsum(-1)
    # A hair below the sum, so that rounding never leads past the last token that has a probability.
    wanted_B1 = (uniform_B * sum_BK[:, -1] * (1 - 1e-12)).unsqueeze(-1)
    return (sum_BK <= wanted_B1).sum(-1)
