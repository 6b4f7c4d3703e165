"""Drops synthetic texts that say nearly the same as an earlier synthetic text."""

from __future__ import annotations

from typing import Any, ClassVar, Self, final

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from lookalike.core.contracts import Method, Reference, Selection
from lookalike.core.registry import configured
from lookalike.core.rng import Rng
from lookalike.data.corpus import Corpus
from lookalike.encoders.memo import embedded, prepared
from lookalike.techniques.selection import without

_BLOCK = 256


@final
class SemanticDuplicate(Method):
    """Keeps the first of texts whose features point in nearly the same direction; reads no real data.

    With `text.minilm` it finds the same thought in other words; with `text.hashing` only the same words.

    Source: Abbas et al. 2023, arXiv:2303.09540 (SemDeDup).

    Differs from the paper: all earlier kept rows are compared, not only those of a cluster; the first row of a group
        stays.
    """

    reads_real: ClassVar[bool] = False

    encoder: str = Field(default="text.hashing", description="Text features, by name among the encoders.")
    encoder_settings: dict[str, Any] = Field(default_factory=dict, description="Settings of the encoder.")
    similarity: float = Field(default=0.95, gt=0, le=1, description="Least cosine of a repeated text, 0 to 1.")

    @model_validator(mode="after")
    def _accepted(self) -> Self:
        """Refuse wrong settings of the encoder before any work starts."""
        configured("encoders", self.encoder, self.encoder_settings, "encoder_settings")
        return self

    def select(self, data: Corpus, real: Reference[Corpus] | None, rng: Rng) -> Selection:
        """Return the first text of every group; nothing is drawn and no real row is read."""
        del real, rng
        x_ND = embedded(prepared(self.encoder, Corpus.empty(data.schema), self.encoder_settings), data)
        gone = _repeats(x_ND, self.similarity)
        why = dict.fromkeys(gone, f"cosine of {self.similarity:g} or more to an earlier synthetic text")
        return without(len(data), why, "semantic_duplicate")


def _repeats(x_ND: npt.NDArray[np.float32], similarity: float) -> list[int]:
    """Return the positions that are near an earlier kept one, block by block; a row without features is never near."""
    length = np.linalg.norm(x_ND, axis=1, keepdims=True)
    unit_ND = x_ND / np.where(length > 0, length, 1)
    least = similarity - 1e-6
    kept_MD = np.empty_like(unit_ND)
    count, gone = 0, []
    for start in range(0, len(unit_ND), _BLOCK):
        block_BD = unit_ND[start : start + _BLOCK]
        before_B = (block_BD @ kept_MD[:count].T).max(axis=1, initial=-1)
        among_BB = block_BD @ block_BD.T
        stays: list[int] = []
        for row in range(len(block_BD)):
            if before_B[row] >= least or (among_BB[row, stays] >= least).any():
                gone.append(start + row)
            else:
                stays.append(row)
        kept_MD[count : count + len(stays)] = block_BD[stays]
        count += len(stays)
    return gone
