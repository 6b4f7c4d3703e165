"""Mode coverage: what a generator dropped is counted exactly; real rows reach all, one image reaches one."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lookalike.core.contracts import Reference
from lookalike.core.errors import DataError
from lookalike.core.rng import Rng
from lookalike.data.images import Images, image_schema
from lookalike.data.shuffled import shuffled_pixels
from lookalike.metrics.image.mode_coverage import ModeCoverage

METRIC = ModeCoverage(encoder="image.pixels", clusters=4)
CLASSES, KINDS = 3, 4


def rows(sizes: list[int], labels: list[int] | None = None, seed: int = 0) -> Images:
    """Images with a bright square at one of twelve places: the place is the kind, four for each of three classes."""
    draw = np.random.default_rng(seed)
    kind = np.repeat(np.arange(CLASSES * KINDS), sizes)
    pixels = draw.integers(0, 20, (len(kind), 12, 16, 1)).astype(np.uint8)
    for row, place in enumerate(kind):
        down, right = divmod(int(place), KINDS)
        pixels[row, 4 * down : 4 * down + 4, 4 * right : 4 * right + 4] += 200
    given = kind // KINDS if labels is None else np.array(labels)
    return Images(pixels, given, image_schema(12, 16, 1, ["a", "b", "c"]))


REAL = Reference(rows([40] * 12), rows([40] * 12, seed=1))


def test_real_rows_reach_every_mode() -> None:
    score = METRIC.score(REAL, rows([40] * 12, seed=2), Rng(0))
    assert (score.value, score.floor, score.ceiling) == (1.0, 1.0, 1 / 12)
    assert score.interval == (1.0, 1.0)
    assert score.detail["modes"] == 12
    assert score.detail["lost"] == score.detail["classes_lost"] == []
    assert score.detail["classes_shown"]["value"] == 0


def test_dropped_clusters_are_counted_exactly() -> None:
    # Class a lost two kinds, class c one, and the rest took their place: labels are as asked.
    sizes = [80, 80, 0, 0, 40, 40, 40, 40, 60, 60, 40, 0]
    score = METRIC.score(REAL, rows(sizes, seed=2), Rng(0))
    assert score.value == 9 / 12
    assert [lost["class"] for lost in score.detail["lost"]] == ["a", "a", "c"]
    assert [lost["found"] for lost in score.detail["lost"]] == [0, 0, 0]
    assert [lost["expected"] for lost in score.detail["lost"]] == [40, 40, 40]
    assert score.detail["classes_lost"] == []
    assert score.interval == (9 / 12, 9 / 12)


@pytest.mark.parametrize("labels", ["own", "as asked"])
def test_a_dropped_class_is_counted_whatever_the_labels_say(labels: str) -> None:
    sizes = [60] * 4 + [60] * 4 + [0] * 4
    said = None if labels == "own" else [place % 3 for place in range(480)]
    score = METRIC.score(REAL, rows(sizes, said, seed=2), Rng(0))
    assert score.value == 8 / 12
    assert score.detail["classes_lost"] == ["c"]
    assert {lost["class"] for lost in score.detail["lost"]} == {"c"}
    assert score.detail["classes_shown"]["value"] == pytest.approx(1 / 3)
    assert score.detail["classes_shown"]["floor"] == 0


def test_a_trickle_is_not_enough() -> None:
    # Training rows themselves, which lie in their modes for certain: 40 are expected of each, so 10 are needed.
    for left, expected in ((9, 11 / 12), (10, 1.0)):
        index = np.concatenate([np.arange(440 + left), np.arange(400, 440 - left)])
        assert METRIC.score(REAL, REAL.train.take(index), Rng(0)).value == expected


def test_what_looks_like_nothing_real_reaches_nothing() -> None:
    made = rows([40] * 12, seed=2)
    grey = Images((made.pixels // 2 + 60).astype(np.uint8), made.labels, made.schema)
    score = METRIC.score(REAL, grey, Rng(0))
    assert score.value == 0
    assert score.detail["in_no_mode"] == 1
    assert score.detail["in_no_mode_real"] < 0.2
    # They still show which class they mean.
    assert score.detail["classes_shown"]["value"] < 0.01


def test_another_balance_of_classes_is_no_loss() -> None:
    sizes = [10] * 4 + [10] * 4 + [100] * 4
    score = METRIC.score(REAL, rows(sizes, seed=2), Rng(0))
    assert score.value == 1.0
    assert score.detail["classes_shown"]["value"] == 0


def test_one_image_over_and_over_is_the_ceiling() -> None:
    one = rows([40] * 12, seed=2).take(np.zeros(480, dtype=np.int64))
    score = METRIC.score(REAL, Images(one.pixels, np.arange(480) % 3, one.schema), Rng(0))
    assert score.value == score.ceiling == 1 / 12
    assert score.detail["classes_shown"]["value"] == pytest.approx(score.detail["classes_shown"]["ceiling"])


def test_it_works_without_labels() -> None:
    def bare(data: Images) -> Images:
        return Images(data.pixels, np.zeros(len(data), dtype=np.int64), image_schema(12, 16, 1, ["image"]))

    real = Reference(bare(REAL.train), bare(REAL.holdout))
    made = bare(rows([53] * 9 + [0] * 3, seed=2))
    score = ModeCoverage(encoder="image.pixels", clusters=12).score(real, made, Rng(0))
    assert (score.value, score.floor) == (9 / 12, 1.0)
    assert len(score.detail["lost"]) == 3


def test_real_digits_reach_their_floor_and_shuffled_ones_do_not(digits: Images) -> None:
    real = Reference(digits.take(np.arange(700)), digits.take(np.arange(700, 1250)))
    fresh = digits.take(np.arange(1250, 1797))
    score = METRIC.score(real, fresh, Rng(0))
    assert score.floor is not None and score.interval is not None
    assert score.floor > 0.9
    assert score.value == pytest.approx(score.floor, abs=0.05)
    assert score.interval[0] <= score.value <= score.interval[1]
    shuffled = METRIC.score(real, shuffled_pixels(fresh, np.random.default_rng(0)), Rng(0))
    assert shuffled.value < 0.5 * score.floor
    assert shuffled.detail["classes_shown"]["value"] > 4 * score.detail["classes_shown"]["floor"]
    few = METRIC.score(real, fresh.take(np.flatnonzero(fresh.labels < 5)), Rng(0))
    assert set(few.detail["classes_lost"]) == {"5", "6", "7", "8", "9"}


def test_no_holdout_means_no_floor_and_a_reason() -> None:
    score = METRIC.score(Reference(REAL.train, REAL.holdout.take(np.arange(0))), rows([40] * 12, seed=2), Rng(0))
    assert score.value == 1.0
    assert score.floor is None and score.detail["classes_shown"]["floor"] is None
    assert "holdout" in score.detail["not_estimated"]


def test_no_rows_are_refused() -> None:
    none = REAL.train.take(np.arange(0))
    for real, made in ((REAL, none), (Reference(none, none), REAL.train)):
        with pytest.raises(DataError, match="modes need rows, found"):
            METRIC.score(real, made, Rng(0))


def test_what_it_says_of_itself(digits: Images, global_state: None) -> None:
    real = Reference(digits.take(np.arange(300)), digits.take(np.arange(300, 500)))
    fresh = digits.take(np.arange(500, 700))
    score = METRIC.score(real, fresh, Rng(0))
    assert score == METRIC.score(real, fresh, Rng(0))
    assert (score.better, ModeCoverage.verdict) == ("higher", "diversity")
    assert (score.n_real, score.n_synthetic) == (200, 200)
    json.dumps(dict(score.detail), allow_nan=False)
