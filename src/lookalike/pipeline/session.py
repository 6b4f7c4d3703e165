"""What the stages of one run share."""

from __future__ import annotations

from dataclasses import dataclass

from lookalike.core.rng import Rng
from lookalike.pipeline.folder import Log, RunFolder
from lookalike.pipeline.plan import Plan
from lookalike.pipeline.shards import Workers


@dataclass
class Session:
    """What the stages of one run share."""

    plan: Plan
    run: RunFolder
    log: Log
    workers: Workers

    @property
    def rng(self) -> Rng:
        """Root of the run's randomness."""
        return Rng(self.plan.recipe.seed)
