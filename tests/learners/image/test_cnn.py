"""The classifier learns, repeats itself and leaves everything else alone."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from lookalike.core.errors import DataError
from lookalike.core.rng import Rng
from lookalike.data.images import Images, image_schema
from lookalike.learners.image.cnn import Cnn


def _bars(n: int, height: int, width: int, channels: int, seed: int = 0) -> Images:
    """A bright left or right half, in noise."""
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, 2, n)
    pixels = draw.integers(0, 160, (n, height, width, channels))
    pixels[labels == 0, :, : width // 2] += 60
    pixels[labels == 1, :, width // 2 :] += 60
    return Images(pixels.astype(np.uint8), labels, image_schema(height, width, channels, ["left", "right"]))


@pytest.mark.usefixtures("global_state")
@pytest.mark.parametrize("shape", [(8, 8, 1), (9, 20, 3), (40, 24, 1)])
def test_learns_images_of_any_shape_and_repeats_itself(shape: tuple[int, int, int]) -> None:
    train, test = _bars(96, *shape), _bars(64, *shape, seed=1)
    before = train.fingerprint()
    learner = Cnn(steps=25, batch=32, width=4)
    first = learner.fit(train, None, None, Rng(0))
    assert (first.predict(test) == test.labels).mean() > 0.9
    assert (learner.fit(train, None, None, Rng(0)).predict_proba(test) == first.predict_proba(test)).all()
    assert (learner.fit(train, None, None, Rng(1)).predict_proba(test) != first.predict_proba(test)).any()
    assert Images(train.pixels, train.labels, train.schema).fingerprint() == before
    np.testing.assert_allclose(first.predict_proba(test).sum(axis=1), 1, atol=1e-12)


def test_a_row_of_weight_zero_teaches_nothing() -> None:
    train, test = _bars(96, 8, 8, 1), _bars(64, 8, 8, 1, seed=1)
    wrong = Images(train.pixels, 1 - train.labels, train.schema)
    both = Images(
        np.concatenate([train.pixels, wrong.pixels]), np.concatenate([train.labels, wrong.labels]), train.schema
    )
    weight = np.repeat([1.0, 0.0], 96)
    learner = Cnn(steps=30, batch=64, width=4)
    assert (learner.fit(both, weight, None, Rng(0)).predict(test) == test.labels).mean() > 0.9
    assert (learner.fit(both, 1 - weight, None, Rng(0)).predict(test) == test.labels).mean() < 0.1


def test_no_row_to_train_on_or_to_predict() -> None:
    data = _bars(4, 8, 8, 1)
    none = data.take(np.zeros(0, dtype=np.int64))
    with pytest.raises(DataError, match="at least 1 row"):
        Cnn(steps=1).fit(none, None, None, Rng(0))
    assert Cnn(steps=1, width=2).fit(data, None, None, Rng(0)).predict_proba(none).shape == (0, 2)


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(ValidationError):
        Cnn(epochs=3)  # type: ignore[call-arg]


@pytest.mark.slow
def test_real_digits_are_recognised(digits: Images) -> None:
    fitted = Cnn().fit(digits.take(np.arange(1437)), None, None, Rng(0))
    test = digits.take(np.arange(1437, 1797))
    assert (fitted.predict(test) == test.labels).mean() >= 0.98
