from __future__ import annotations

from typing import Any

import pytest
from tests.reports.conftest import rows_of, score, scores_of

from lookalike.reports.rules import ORDER, RULES
from lookalike.reports.verdicts import Verdict, headline, rules_markdown, verdicts

CLASSES = ["a", "b"]


def _one(name: str, scores: list[dict[str, Any]], **manifest: Any) -> Verdict:
    found = verdicts(scores, {"goal": "share", **manifest})
    return next(verdict for verdict in found if verdict.name == name)


def _utility(value: float, floor: float | None = 0.9, ceiling: float | None = 0.1, **more: Any) -> dict[str, Any]:
    return score("image.train_on_synthetic", "utility", value, floor, ceiling, **more)


@pytest.mark.parametrize(
    ("kept", "word"),
    [(1.05, "GOOD"), (0.95, "GOOD"), (0.9499, "CAUTION"), (0.80, "CAUTION"), (0.7999, "FAIL"), (-0.1, "FAIL")],
)
def test_utility_changes_word_at_its_borders(kept: float, word: str) -> None:
    # chance 0 and real accuracy 1 make the share equal to the value, without rounding at the border
    found = _one("utility", [_utility(kept, floor=1.0, ceiling=0.0, interval=[kept - 0.01, kept + 0.01])])
    assert found.word == word
    assert found.real and found.interval


def test_utility_counts_from_chance() -> None:
    found = _one("utility", [_utility(0.5, floor=0.9, ceiling=0.1)])
    assert found.parts[0].found.value == pytest.approx(0.5)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("gain", "half", "word"),
    [(0.02, 0.01, "GOOD"), (0.01, 0.01, "CAUTION"), (-0.01, 0.01, "CAUTION"), (-0.02, 0.01, "FAIL")],
)
def test_augment_asks_whether_the_interval_of_the_gain_holds_zero(gain: float, half: float, word: str) -> None:
    rows = rows_of(CLASSES)
    rows["real_plus_synthetic"]["accuracy"] = rows["real"]["accuracy"] + gain
    detail = {"rows": rows, "gain": {"value": gain, "interval": [gain - half, gain + half]}}
    assert _one("utility", [_utility(0.8, detail=detail)], goal="augment").word == word


def test_augment_without_a_paired_interval_uses_the_two_separate_ones() -> None:
    rows = rows_of(CLASSES)
    rows["real"] = {"accuracy": 0.5, "interval": [0.47, 0.53]}
    rows["real_plus_synthetic"] = {"accuracy": 0.6, "interval": [0.56, 0.64]}
    found = _one("utility", [_utility(0.8, detail={"rows": rows})], goal="augment")
    assert found.word == "GOOD"
    assert found.parts[0].found.low == pytest.approx(0.05)  # type: ignore[union-attr]  hypot(.03, .04)


def test_augment_without_real_plus_synthetic_is_not_estimated() -> None:
    assert _one("utility", [_utility(0.9)], goal="augment").word == "NOT ESTIMATED"


@pytest.mark.parametrize(
    ("share", "word"), [(-0.1, "GOOD"), (0.10, "GOOD"), (0.101, "CAUTION"), (0.30, "CAUTION"), (0.301, "FAIL")]
)
def test_fidelity_stands_between_real_and_worst_case(share: float, word: str) -> None:
    found = _one("fidelity", [score("image.frechet", "fidelity", share, 0.0, 1.0, better="lower")])
    assert found.word == word


def test_fidelity_of_a_score_that_should_be_high_uses_the_same_rule() -> None:
    high = score("image.inception_score", "fidelity", 9.0, 10.0, 1.0)
    assert _one("fidelity", [high]).parts[0].found.value == pytest.approx(1 / 9)  # type: ignore[union-attr]


def test_fidelity_prefers_the_frechet_distance() -> None:
    bad = score("image.kernel", "fidelity", 1.0, 0.0, 1.0)
    good = score("image.frechet", "fidelity", 0.0, 0.0, 1.0)
    assert _one("fidelity", [bad, good]).word == "GOOD"


def test_how_a_generator_moves_decides_no_fidelity() -> None:
    models = [score(f"image.{name}", "fidelity", 1.0, 0.0, 1.0) for name in ("equivariance", "perceptual_path_length")]
    assert _one("fidelity", models).word == "NOT ESTIMATED"
    other = score("outside.distance", "fidelity", 0.0, 0.0, 1.0)
    assert _one("fidelity", [*models, other]).word == "GOOD"


@pytest.mark.parametrize(("value", "word"), [(0.90, "GOOD"), (0.899, "CAUTION"), (0.70, "CAUTION"), (0.699, "FAIL")])
def test_diversity_is_a_share_of_real_against_real(value: float, word: str) -> None:
    assert _one("diversity", [score("image.precision_recall", "diversity", value, 1.0, 0.0)]).word == word


@pytest.mark.parametrize(("value", "word"), [(20.0, "GOOD"), (35.0, "CAUTION"), (60.0, "FAIL")])
def test_more_repetition_is_less_variety(value: float, word: str) -> None:
    # Real rows stay 80 points below one row again and again; 60 points are three quarters of that.
    repeated = score("text.self_bleu", "diversity", value, 20.0, 100.0, better="lower")
    assert _one("diversity", [repeated]).word == word


def test_diversity_is_not_fooled_by_recall_that_noise_inflates() -> None:
    coverage = {"value": 0.6, "interval": [0.55, 0.65], "floor": 0.9, "ceiling": 0.1}
    inflated = score(
        "image.precision_recall", "diversity", 1.0, 0.8, 0.0, detail={"title": "recall", "coverage": coverage}
    )
    found = _one("diversity", [inflated])
    assert (found.word, found.number) == ("FAIL", "60.0\u202f%")
    assert found.parts[0].found.label == "coverage"  # type: ignore[union-attr]


def _copies(value: float, low: float, floor: float | None = 0.01) -> dict[str, Any]:
    return score("image.nearest_neighbour", "privacy", value, floor, 1.0, kind="audit", interval=[low, value + 0.01])


def _attack(value: float, low: float) -> dict[str, Any]:
    return score("image.membership", "privacy", value, 0.0, 1.0, kind="audit", interval=[low, value + 0.05])


@pytest.mark.parametrize(
    ("copies", "attack", "word"),
    [
        ((0.012, 0.01), (0.01, 0.0), "GOOD"),
        ((0.0295, 0.011), (0.01, 0.0), "CAUTION"),
        ((0.031, 0.011), (0.01, 0.0), "FAIL"),
        ((0.012, 0.01), (0.10, 0.01), "CAUTION"),
        ((0.012, 0.01), (0.101, 0.01), "FAIL"),
    ],
)
def test_privacy_takes_the_worse_of_copies_and_membership(
    copies: tuple[float, float], attack: tuple[float, float], word: str
) -> None:
    assert _one("privacy", [_copies(*copies), _attack(*attack)]).word == word


def _canary(value: float | None, low: float, floor: float | None = 1.5, **more: Any) -> dict[str, Any]:
    excess = {"value": (value or 0) - (floor or 0), "interval": [low, 9.0]}
    detail = {"unit": "bits", "excess": excess, "repeats": 4, **more}
    return score("text.canary", "privacy", value, floor, 9.0, kind="audit", interval=[0.5, 9.0], detail=detail)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "low", "word"),
    [(3.0, -0.01, "GOOD"), (2.5, 0.01, "CAUTION"), (2.51, 0.01, "FAIL"), (9.0, 7.0, "FAIL")],
)
def test_privacy_asks_whether_planted_sentences_are_remembered(value: float, low: float, word: str) -> None:
    scores = [_canary(value, low), _copies(0.012, 0.0), _attack(0.01, 0.0)]
    found = _one("privacy", scores)
    assert found.word == word
    part = next(part for part in found.parts if "planted" in part.rule.figure)
    assert part.word == word
    assert "planted 4 times in" in part.sentence
    assert "1.50\u202fbits" in part.sentence
    if word == "FAIL":
        assert found.number == f"{value:.2f}\u202fbits"
        text = headline(verdicts(scores, {"goal": "share"}), {"goal": "share"})
        assert text.startswith("Not private: the model remembers numbers planted in its training texts.")


def test_a_planted_sentence_says_nothing_about_copies() -> None:
    found = _one("privacy", [_canary(1.5, -0.5)])
    assert found.word == "CAUTION"
    assert "copies of training rows were not looked for" in found.sentence
    verbatim = score("text.verbatim", "privacy", 0.5, 0.0, 1.0, kind="audit", interval=[0.4, 0.6])
    assert _one("privacy", [_canary(1.5, -0.5), verbatim]).word == "FAIL"


def test_a_planted_sentence_that_nobody_was_asked_for_decides_nothing() -> None:
    asked = [_copies(0.012, 0.0), _attack(0.01, 0.0)]
    assert _one("privacy", asked).word == "GOOD"
    silent = _canary(None, 0.0, None, not_estimated="the model plants no sentences")
    found = _one("privacy", [*asked, silent])
    assert found.word == "GOOD"
    assert any("plants no sentences" in part.sentence for part in found.parts)


def test_privacy_without_a_membership_attack_is_caution_at_best_and_says_why() -> None:
    found = _one("privacy", [_copies(0.01, 0.0)])
    assert found.word == "CAUTION"
    assert "no attack" in found.sentence
    assert _one("privacy", [_copies(0.2, 0.1)]).word == "FAIL"
    assert _one("privacy", []).word == "NOT ESTIMATED"


@pytest.mark.parametrize(
    ("passed", "word"), [(90, "GOOD"), (89, "CAUTION"), (50, "CAUTION"), (49, "FAIL")]
)  # fmt: skip
def test_validity_is_the_share_of_made_rows_that_pass(passed: int, word: str) -> None:
    sample = {"made": [50, 50], "passed": [passed - 10, 10], "accepted": [10, 10]}
    found = _one("validity", [], sample=sample, filters=[{"use": "image.confidence"}])
    assert found.word == word
    assert found.number == f"{passed} of 100"


def test_broken_constraints_fail_whatever_passes() -> None:
    detail = {"constraints": {"met": 4, "total": 5}}
    sample = {"made": [100], "passed": [100]}
    broken = score("tabular.constraints", "validity", 0.8, 1.0, 0.0, detail=detail)
    assert _one("validity", [broken], sample=sample, filters=[{"use": "x"}]).word == "FAIL"


@pytest.mark.parametrize("name", ["utility", "fidelity", "diversity", "privacy"])
def test_a_score_without_real_figures_is_not_estimated_with_the_reason(name: str) -> None:
    scores = [{**one, "floor": None} for one in scores_of(CLASSES)]
    for one in scores:
        one["detail"]["not_estimated"] = "floor: there are no held-out rows"
    found = _one(name, scores)
    assert found.word == "NOT ESTIMATED"
    assert "no held-out rows" in found.sentence
    assert found.number == ""


def test_nothing_measured_gives_five_words_and_no_crash() -> None:
    assert [verdict.word for verdict in verdicts([], {})] == ["NOT ESTIMATED"] * 5


@pytest.mark.parametrize("value", [None, float("nan"), "x"])
def test_a_score_that_is_no_number_is_not_estimated(value: Any) -> None:
    assert _one("utility", [_utility(0.9) | {"value": value}]).word == "NOT ESTIMATED"


def test_a_learner_no_better_than_chance_decides_nothing() -> None:
    assert _one("utility", [_utility(0.1, floor=0.1, ceiling=0.1)]).word == "NOT ESTIMATED"


@pytest.mark.parametrize(("low", "word"), [(0.44, "NOT ESTIMATED"), (0.5, "NOT ESTIMATED"), (0.51, "GOOD")])
def test_a_share_of_what_may_be_chance_is_told_by_nobody(low: float, word: str) -> None:
    rows = {"real_same_size": {"value": 0.53, "interval": [low, 0.62]}}
    detail = {"figure": "area under the curve", "rows": rows}
    given = score("tabular.train_on_synthetic", "utility", 0.61, 0.53, 0.5, detail=detail)
    verdict = _one("utility", [given], goal="share")
    assert verdict.word == word
    assert "367" not in verdict.sentence
    assert ("no better than chance" if word == "NOT ESTIMATED" else "more than 150\u202f%") in verdict.sentence


@pytest.mark.parametrize(("goal", "order"), ORDER.items())
def test_the_goal_decides_the_order(goal: str, order: tuple[str, ...]) -> None:
    assert tuple(verdict.name for verdict in verdicts(scores_of(CLASSES), {"goal": goal})) == order


def test_unfiltered_scores_decide_nothing() -> None:
    raw = _utility(0.1) | {"target": "unfiltered"}
    assert _one("utility", [raw, _utility(0.9)]).word == "GOOD"


def test_headline_names_use_and_privacy() -> None:
    manifest = {"goal": "bootstrap"}
    text = headline(verdicts([_utility(0.88)], manifest), manifest)
    assert text == (
        "Useful for training: a classifier trained on it keeps 97.5\u202f% of the accuracy. "
        "Not shown to be private: no formal guarantee."
    )


def test_headline_leads_with_privacy_when_sharing_and_never_calls_a_pass_private() -> None:
    manifest = {"goal": "share"}
    scores = [_copies(0.01, 0.0), _attack(0.0, -0.01), _utility(0.9)]
    assert headline(verdicts(scores, manifest), manifest).startswith("Not shown to be private")
    leaking = [_copies(0.5, 0.4), _utility(0.9)]
    assert headline(verdicts(leaking, manifest), manifest).startswith("Not private: it copies training rows")


def test_headline_states_a_formal_guarantee() -> None:
    manifest = {"goal": "share", "privacy": {"spent": {"epsilon": 2.0, "delta": 1e-6}}}
    assert headline(verdicts([], manifest), manifest).startswith("Formal guarantee with ε = 2.00.")


def test_the_table_prints_every_rule() -> None:
    table = rules_markdown()
    assert table.count("| FAIL |") == len(RULES)
    for text in ("≥ .95", "≥ .80", "interval above 0", "≤ .10", "≤ .30", "≥ .90", "≥ .70", "≥ .50"):
        assert text in table
    assert all("|" not in rule.figure for rule in RULES)


def test_every_word_a_rule_can_give_has_its_sentences() -> None:
    for rule in RULES:
        words = {"GOOD", "FAIL"} | ({"CAUTION"} if rule.caution else set())
        assert set(rule.sentences) == set(rule.short) == words


def _closest(value: float, copies: float = 0.0) -> dict[str, Any]:
    near = {"value": copies, "interval": [copies - 0.01, copies + 0.01], "floor": 0.01, "ceiling": 1.0}
    interval = [value - 0.01, value + 0.01]
    return score("tabular.closest_record", "privacy", value, 0.8, 1.0, interval=interval, detail={"near_copies": near})


@pytest.mark.parametrize(
    ("value", "copies", "word"),
    [(0.8, 0.01, "GOOD"), (0.815, 0.01, "CAUTION"), (0.84, 0.01, "FAIL"), (0.8, 0.2, "FAIL"), (0.7, 0.0, "GOOD")],
)
def test_a_table_is_judged_by_closeness_and_by_copies(value: float, copies: float, word: str) -> None:
    safe = score("tabular.membership", "privacy", 0.0, 0.0, 1.0, interval=[-0.05, 0.05])
    assert _one("privacy", [_closest(value, copies), safe]).word == word


@pytest.mark.parametrize(("value", "low", "word"), [(0.1, -0.01, "GOOD"), (0.04, 0.01, "CAUTION"), (0.3, 0.2, "FAIL")])
def test_an_attack_beyond_control_decides(value: float, low: float, word: str) -> None:
    given = {"title": "singling-out risk", "worst": "one_column"}
    risk = score("tabular.singling_out", "privacy", value, 0.0, 1.0, interval=[low, value + 0.1], detail=given)
    none = score("tabular.attribute_inference", "privacy", 0.5, 0.0, 1.0, interval=[-0.5, 0.9])
    safe = score("tabular.membership", "privacy", 0.0, 0.0, 1.0, interval=[-0.05, 0.05])
    found = _one("privacy", [_closest(0.8, 0.01), safe, risk, none])
    assert found.word == word
    if word == "FAIL":
        assert "singling-out risk (one column)" in found.sentence


def test_a_table_is_judged_by_its_own_figure() -> None:
    rows = {
        "real": {"value": 0.9, "interval": [0.89, 0.91], "accuracy": 0.7},
        "real_plus_synthetic": {"value": 0.8, "interval": [0.79, 0.81], "accuracy": 0.75},
    }
    detail = {"figure": "R2", "rows": rows, "gain": {"value": -0.1, "interval": [-0.12, -0.08]}}
    given = score("tabular.train_on_synthetic", "utility", 0.8, 0.9, 0.0, detail=detail)
    assert "A regression trained on these rows alone keeps 88.9\u202f% of the R2" in _one("utility", [given]).sentence
    assert "lowers the R2 from 90.0\u202f% to 80.0\u202f%" in _one("utility", [given], goal="augment").sentence


def test_trees_that_tell_real_from_synthetic_speak_for_the_fidelity_of_a_table() -> None:
    shape = score("tabular.column_shape", "fidelity", 0.99, 0.99, 0.6)
    told = score("tabular.two_sample", "fidelity", 0.8, 0.5, 0.99, better="lower")
    assert _one("fidelity", [shape, told]).word == "FAIL"


def test_a_worst_case_within_the_noise_of_real_rows_judges_nothing() -> None:
    noise = {"floor_interval": [0.39, 0.66]}
    told = score("tabular.two_sample", "fidelity", 0.552, 0.525, 0.556, better="lower", detail=noise)
    found = _one("fidelity", [told])
    assert found.word == "NOT ESTIMATED"
    assert "no worse than real against real" in found.sentence
    clear = score("tabular.two_sample", "fidelity", 0.6, 0.525, 0.9, better="lower", detail=noise)
    assert _one("fidelity", [clear]).word == "CAUTION"


def test_single_columns_speak_where_whole_rows_tell_nothing() -> None:
    noise = {"floor_interval": [0.39, 0.66]}
    told = score("tabular.two_sample", "fidelity", 0.552, 0.525, 0.556, better="lower", detail=noise)
    shape = score("tabular.column_shape", "fidelity", 0.6, 0.89, 0.48)
    assert _one("fidelity", [told, shape]).word == "FAIL"
    assert _one("fidelity", [told, {**shape, "value": 0.88}]).word == "GOOD"
