"""The table of verdict rules: how a figure becomes GOOD, CAUTION, FAIL or NOT ESTIMATED.

Every threshold of the report stands in `RULES` and nowhere else; the docs print it, the report shows the rows it used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import ge, gt, le, lt
from typing import Literal, final

from lookalike.reports.evidence import Evidence
from lookalike.reports.figures import (
    Figure,
    Missing,
    attack_risk,
    closer_to_training,
    constraints_met,
    distance_share,
    exposure,
    gain_of_adding,
    kept_accuracy,
    membership,
    near_copies,
    passed_share,
    recall_share,
)

Word = Literal["GOOD", "CAUTION", "FAIL", "NOT ESTIMATED"]
_SIGNS: Mapping[str, Callable[[float, float], bool]] = {"≥": ge, ">": gt, "≤": le, "<": lt}


@final
@dataclass(frozen=True)
class Test:
    """One condition on a figure: which number of it, how it compares, with what, and how the docs say it."""

    __test__ = False  # the name means something else to pytest

    of: Literal["value", "low", "high"]
    sign: Literal["≥", ">", "≤", "<"]
    bound: float
    text: str

    def holds(self, figure: Figure) -> bool:
        """Say whether the figure meets the condition; one that needs an interval fails without."""
        number = figure.value if self.of == "value" else figure.low if self.of == "low" else figure.high
        return number is not None and _SIGNS[self.sign](number, self.bound)


@final
@dataclass(frozen=True)
class Rule:
    """One row of the table.

    Attributes:
        verdict: Which verdict it decides.
        measure: Finds the figure in a run; None = this run has nothing of the kind.
        figure: What the figure is, for the docs.
        axis: Title of the figure's scale in the report.
        good: Condition for GOOD.
        caution: Condition for CAUTION; anything else is FAIL. None = there is no middle.
        sentences: One plain sentence for each word, with `{value}` and what the figure offers.
        short: The same, for the headline.
        unit: Unit of that scale: share of one, or percentage points or bits around 0.
        goals: Goals it applies to; empty = all that have no row of their own.
        if_absent: Best word the verdict can have when this figure is missing; None = it does not matter.
    """

    verdict: str
    measure: Callable[[Evidence], Figure | Missing | None]
    figure: str
    axis: str
    good: Test
    caution: Test | None
    sentences: Mapping[str, str]
    short: Mapping[str, str]
    unit: Literal["share", "points", "bits"] = "share"
    goals: tuple[str, ...] = ()
    if_absent: Word | None = "NOT ESTIMATED"

    def word(self, figure: Figure) -> Word:
        """Return the word for a figure."""
        if self.good.holds(figure):
            return "GOOD"
        return "CAUTION" if self.caution is not None and self.caution.holds(figure) else "FAIL"


_KEPT = "A {model} trained on these rows alone keeps {value} of the {measure} that as many real rows give."

RULES: tuple[Rule, ...] = (
    Rule(
        verdict="utility",
        measure=kept_accuracy,
        figure="(synthetic − chance) / (real − chance), accuracy of one learner on held-out real rows",
        axis="accuracy kept, from chance",
        good=Test("value", "≥", 0.95, "≥ .95"),
        caution=Test("value", "≥", 0.80, "≥ .80"),
        sentences={
            "GOOD": _KEPT,
            "CAUTION": _KEPT,
            "FAIL": _KEPT.replace("keeps", "keeps only"),
        },
        short={
            "GOOD": "Useful for training: a {model} trained on it keeps {value} of the {measure}",
            "CAUTION": "Partly useful for training: a {model} trained on it keeps {value} of the {measure}",
            "FAIL": "Not useful for training: a {model} trained on it keeps only {value} of the {measure}",
        },
    ),
    Rule(
        verdict="utility",
        goals=("augment",),
        measure=gain_of_adding,
        figure="accuracy with real + synthetic rows, minus accuracy with the real rows alone",
        axis="change of accuracy, points",
        unit="points",
        good=Test("low", ">", 0.0, "interval above 0"),
        caution=Test("high", "≥", 0.0, "interval holds 0"),
        sentences={
            "GOOD": "Adding these rows to the real ones raises the {measure} from {real} to {number}.",
            "CAUTION": "Adding these rows to the real ones changes the {measure} by {points}: no clear gain.",
            "FAIL": "Adding these rows to the real ones lowers the {measure} from {real} to {number}.",
        },
        short={
            "GOOD": "Worth adding: with these rows beside the real ones the {measure} rises by {points}{alone}",
            "CAUTION": "No clear gain from adding it to the real rows ({points}){alone}",
            "FAIL": "Do not add it to the real rows: the {measure} falls by {points}{alone}",
        },
    ),
    Rule(
        verdict="fidelity",
        measure=distance_share,
        figure="(value − real against real) / (shuffled baseline − real against real) of the chosen distance",
        axis="from real rows to worst case",
        good=Test("value", "≤", 0.10, "≤ .10"),
        caution=Test("value", "≤", 0.30, "≤ .30"),
        sentences={
            "GOOD": "On the way from real rows (0 %) to the worst case (100 %), these rows stand at {value}.",
            "CAUTION": "On the way from real rows (0 %) to the worst case (100 %), these rows stand at {value}: "
            "the difference can be measured.",
            "FAIL": "On the way from real rows (0 %) to the worst case (100 %), these rows stand at {value}: "
            "they differ clearly from real ones.",
        },
        short={
            "GOOD": "Close to the real rows",
            "CAUTION": "Measurably different from the real rows",
            "FAIL": "Clearly different from the real rows",
        },
    ),
    Rule(
        verdict="diversity",
        measure=recall_share,
        figure="recall or coverage, whichever is lower, as a share of its real-against-real value",
        axis="variety of real rows covered",
        good=Test("value", "≥", 0.90, "≥ .90"),
        caution=Test("value", "≥", 0.70, "≥ .70"),
        sentences={
            "GOOD": "These rows cover {value} of the variety that as many real rows cover.",
            "CAUTION": "These rows cover {value} of the variety that as many real rows cover: some kinds are rare.",
            "FAIL": "These rows cover only {value} of the variety that as many real rows cover: much is missing.",
        },
        short={
            "GOOD": "As varied as real rows",
            "CAUTION": "Less varied than real rows ({value})",
            "FAIL": "Far less varied than real rows ({value})",
        },
    ),
    Rule(
        verdict="privacy",
        measure=near_copies,
        figure="share of near copies of training rows, minus the share among held-out real rows",
        axis="near copies beyond holdout, points",
        unit="points",
        good=Test("low", "≤", 0.0, "no more than holdout (interval reaches 0)"),
        caution=Test("value", "≤", 0.02, "≤ .02 more"),
        sentences={
            "GOOD": "Near copies of training rows ({number}) are no more frequent than chance allows beside real rows "
            "never seen ({real}).",
            "CAUTION": "Near copies of training rows are a little more frequent ({number}) than among real rows never "
            "seen ({real}).",
            "FAIL": "{number} of these rows are near copies of training rows; among real rows never seen it is {real}.",
        },
        short={
            "GOOD": "No more copies of training rows than chance gives",
            "CAUTION": "A few more near copies of training rows than chance gives",
            "FAIL": "It copies training rows",
        },
        if_absent="CAUTION",
    ),
    Rule(
        verdict="privacy",
        measure=closer_to_training,
        figure="share of rows closer to training rows than to held-out ones, minus the expected share",
        axis="closer than expected, points",
        unit="points",
        good=Test("low", "≤", 0.0, "interval reaches the expected share"),
        caution=Test("value", "≤", 0.02, "≤ .02 more"),
        sentences={
            "GOOD": "{number} of these rows are closer to a training row than to a row never seen, no more than "
            "expected ({real}).",
            "CAUTION": "{number} of these rows are closer to a training row than to a row never seen, a little more "
            "than expected ({real}).",
            "FAIL": "{number} of these rows are closer to a training row than to a row never seen; {real} would be "
            "expected.",
        },
        short={
            "GOOD": "No closer to training rows than chance gives",
            "CAUTION": "A little closer to training rows than chance gives",
            "FAIL": "It is too close to its training rows",
        },
        if_absent=None,
    ),
    Rule(
        verdict="privacy",
        measure=attack_risk,
        figure="risk of singling out or of attribute inference beyond rows never used, whichever is surer",
        axis="risk beyond rows never used, points",
        unit="points",
        good=Test("low", "≤", 0.0, "interval holds 0"),
        caution=Test("value", "≤", 0.05, "≤ .05"),
        sentences={
            "GOOD": "Attacks that single out rows or infer columns do no better on training rows than on others "
            "({number}).",
            "CAUTION": "An attack does a little better on training rows than on others: {attack}, {number}.",
            "FAIL": "An attack learns of training rows what it cannot learn of others: {attack}, {number}.",
        },
        short={
            "GOOD": "No risk of singling out or inference found",
            "CAUTION": "A small risk of singling out or inference ({number})",
            "FAIL": "Training rows can be attacked ({attack}, {number})",
        },
        if_absent=None,
    ),
    Rule(
        verdict="privacy",
        measure=membership,
        figure="membership advantage: how much better than guessing an attacker tells training rows from others",
        axis="advantage over guessing, points",
        unit="points",
        good=Test("low", "≤", 0.0, "interval holds 0"),
        caution=Test("value", "≤", 0.10, "≤ .10"),
        sentences={
            "GOOD": "An attack that guesses whether a row was used in training does no better than chance ({number}).",
            "CAUTION": "An attack that guesses whether a row was used in training gains {number} over chance.",
            "FAIL": "An attack can tell which rows were used in training: it gains {number} over chance.",
        },
        short={
            "GOOD": "No membership leak found",
            "CAUTION": "A small membership leak ({number})",
            "FAIL": "It reveals which rows were used in training",
        },
        if_absent="CAUTION",
    ),
    Rule(
        verdict="privacy",
        measure=exposure,
        figure="exposure of sentences planted in the training texts, minus that of sentences never planted, in bits",
        axis="exposure beyond sentences never planted, bits",
        unit="bits",
        good=Test("low", "≤", 0.0, "no more than never planted (interval reaches 0)"),
        caution=Test("value", "≤", 1.0, "≤ 1 bit more"),
        sentences={
            "GOOD": "Numbers planted {repeats} in the training texts are as hard to guess from the model ({number}) as "
            "numbers it never saw ({real}).",
            "CAUTION": "Numbers planted {repeats} in the training texts are a little easier to guess from the model "
            "({number}) than numbers it never saw ({real}).",
            "FAIL": "The model remembers numbers planted {repeats} in its training texts: their exposure is {number}, "
            "that of numbers it never saw {real}.",
        },
        short={
            "GOOD": "The model does not remember planted numbers",
            "CAUTION": "The model remembers a trace of planted numbers",
            "FAIL": "The model remembers numbers planted in its training texts",
        },
        if_absent=None,
    ),
    Rule(
        verdict="validity",
        measure=passed_share,
        figure="rows that pass the filters / rows made",
        axis="rows that pass the filters",
        good=Test("value", "≥", 0.90, "≥ .90"),
        caution=Test("value", "≥", 0.50, "≥ .50"),
        sentences={
            "GOOD": "{value} of the rows that were made passed every filter.",
            "CAUTION": "{value} of the rows that were made passed every filter; the rest was thrown away.",
            "FAIL": "Only {value} of the rows that were made passed every filter.",
        },
        short={
            "GOOD": "Nearly every row made is usable",
            "CAUTION": "{value} of the rows made are usable",
            "FAIL": "Only {value} of the rows made are usable",
        },
    ),
    Rule(
        verdict="validity",
        measure=constraints_met,
        figure="stated constraints that every delivered row meets",
        axis="constraints met",
        good=Test("value", "≥", 1.0, "all"),
        caution=None,
        sentences={
            "GOOD": "Every delivered row meets all stated constraints.",
            "FAIL": "Delivered rows break stated constraints: only {value} are met.",
        },
        short={"GOOD": "All constraints are met", "FAIL": "Stated constraints are broken"},
        if_absent=None,
    ),
)
"""The verdict rules; every threshold of the report stands here and nowhere else."""

ORDER: Mapping[str, tuple[str, ...]] = {
    "augment": ("utility", "fidelity", "diversity", "validity", "privacy"),
    "share": ("privacy", "fidelity", "utility", "diversity", "validity"),
    "bootstrap": ("utility", "diversity", "fidelity", "validity", "privacy"),
    "simulate": ("validity", "diversity", "fidelity", "utility", "privacy"),
}
"""Which verdict comes first, by goal."""


def rules_for(verdict: str, goal: str) -> tuple[Rule, ...]:
    """Return the rules that decide a verdict under a goal; a row for that very goal replaces the general ones."""
    own = tuple(rule for rule in RULES if rule.verdict == verdict and goal in rule.goals)
    return own or tuple(rule for rule in RULES if rule.verdict == verdict and not rule.goals)
