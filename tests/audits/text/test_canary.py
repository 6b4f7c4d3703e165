"""A model that remembers has all the bits, one that ignores its data has those of chance, and repeats count."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lookalike.audits.text.canary import Canary
from lookalike.core.contracts import Reference
from lookalike.core.errors import ConfigError
from lookalike.core.events import SILENT
from lookalike.core.rng import Rng
from lookalike.core.store import digest
from lookalike.data.corpus import Corpus, text_schema
from lookalike.generators.text.finetuned import Finetuned
from lookalike.generators.text.prompted import Prompted
from lookalike.techniques.canaries import Canaries, sentence

SCHEMA = text_schema(["x", "y"])
PLANTED = Canaries.plant(20, 4, 1, Rng(7))


def _texts(n: int, seed: int) -> Corpus:
    draw = np.random.default_rng(seed)
    return Corpus.of([" ".join(f"w{k}" for k in draw.integers(0, 50, 6)) for _ in range(n)], np.arange(n) % 2, SCHEMA)


REAL = Reference(_texts(40, 0), _texts(10, 1))


class _Told:
    """A model whose likelihoods are given: a number from the text alone, and a bonus for what is planted."""

    spent = None

    def __init__(self, bonus: float = 0.0, weight: float = 1.0, planted: Canaries = PLANTED) -> None:
        self.bonus, self.weight, self.canaries = bonus, weight, planted
        self.asked: list[Corpus] = []

    def sample(self, n: int, rng: Rng, where: Any = None) -> Corpus:
        return _texts(n, 9)

    def save(self, folder: Path) -> None:
        raise AssertionError("an audit saves nothing")

    def log_likelihood(self, data: Corpus) -> np.ndarray:
        self.asked.append(data)
        known = {sentence(secret) for secret in self.canaries.inserted}
        own = [int(digest(text)[:8], 16) / 2**32 for text in data.texts()]
        return np.array([self.weight * u + self.bonus * (t in known) for u, t in zip(own, data.texts(), strict=True)])


def _score(model: Any, seed: int = 0, **settings: Any) -> Any:
    return Canary(**settings).score(REAL, _texts(8, 2), Rng(seed), model=model)


@pytest.mark.parametrize("candidates", [64, 512, 1000])
def test_what_is_always_first_has_all_the_bits(candidates: int) -> None:
    score = _score(_Told(bonus=2.0), candidates=candidates)
    assert score.ceiling == math.log2(candidates)
    assert score.value == pytest.approx(score.ceiling, abs=1e-12)
    assert score.interval == pytest.approx((score.ceiling, score.ceiling), abs=1e-12)
    assert score.detail["each"] == [score.ceiling] * 20
    assert score.detail["max"] == score.ceiling
    assert score.floor < 3
    assert score.detail["excess"]["value"] == score.value - score.floor
    assert score.detail["excess"]["interval"][0] > 0


def test_a_model_that_ignores_its_data_has_what_chance_gives() -> None:
    many = Canaries.plant(400, 1, 0, Rng(3))
    score = _score(_Told(planted=many))
    expected = math.log2(512) - np.log2(np.arange(1, 513)).mean()
    assert expected == pytest.approx(1.43, abs=0.01)
    assert score.interval[0] <= expected <= score.interval[1]
    assert score.floor == pytest.approx(expected, abs=0.2)
    low, high = score.detail["excess"]["interval"]
    assert low <= 0 <= high


def test_what_is_all_alike_has_one_bit() -> None:
    score = _score(_Told(weight=0.0))
    assert score.value == score.floor == pytest.approx(1.0, abs=0.01)


def test_ranks_are_those_of_brute_force() -> None:
    model = _Told(bonus=0.4)
    score = _score(model, candidates=64)
    (asked,) = model.asked
    assert len(asked) == 2 * 20 + 63
    assert set(asked.labels) == {1}
    assert len(set(asked.texts())) == len(asked)
    likely = model.log_likelihood(asked)
    for place, bits in enumerate([*score.detail["each"], *score.detail["each_control"]]):
        others = likely[40:]
        rank = 1 + sum(others > likely[place]) + sum(others == likely[place]) / 2
        assert bits == pytest.approx(math.log2(64) - math.log2(rank))


def test_a_candidate_is_never_what_was_planted() -> None:
    # Planted with the very key that the candidates are drawn with.
    model = _Told(planted=Canaries.plant(20, 1, 0, Rng(0).child("candidates")))
    _score(model, candidates=64)
    assert len(set(model.asked[0].texts())) == len(model.asked[0]) == 2 * 20 + 63


def test_the_key_decides_the_candidates() -> None:
    one, same, other = (_score(_Told(bonus=0.3), seed=seed).detail["each"] for seed in (0, 0, 1))
    assert one == same
    assert one != other


class _Mute:
    spent = None
    canaries = PLANTED


@pytest.mark.parametrize(
    ("model", "said"),
    [(None, "only the model can be asked"), (object(), "plants no sentences"), (_Mute(), "does not tell how probable")],
)
def test_a_model_that_cannot_answer_is_not_estimated(model: Any, said: str) -> None:
    score = _score(model)
    assert math.isnan(score.value)
    assert score.interval is None
    assert said in score.detail["not_estimated"]


def test_a_generator_that_plants_nothing_is_refused() -> None:
    Canary().check("text.finetuned", Finetuned(canaries=1))
    with pytest.raises(ConfigError, match=r"planted by text\.finetuned, found canaries: 0; use .* canaries: 20"):
        Canary().check("text.finetuned", Finetuned())
    asking = Prompted(task={"describe": "notes"}, backend={"use": "echo"})
    with pytest.raises(ConfigError, match=r"planted by text\.prompted, found a generator that cannot plant any"):
        Canary().check("text.prompted", asking)


def _exposed(model: Path, repeats: int) -> Any:
    given = {"learning_rate": 0.01, "max_tokens": 60, "canaries": 8, "canary_repeats": repeats}
    fitted = Finetuned(model=str(model), epochs=2, **given).fit(_texts(100, 0), Rng(0), SILENT)
    return _score(fitted)


def test_a_trained_model_remembers_what_it_has_seen_often(tiny_model: Path) -> None:
    score = _exposed(tiny_model, 16)
    assert score.interval[0] > 7
    assert score.floor < 3
    assert score.detail["repeats"] == 16


@pytest.mark.slow
def test_exposure_grows_with_repeats(tiny_model: Path) -> None:
    values = [_exposed(tiny_model, repeats).value for repeats in (1, 4, 16)]
    assert values[0] < values[1] < values[2]
