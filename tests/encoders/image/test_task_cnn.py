"""One data set gives one extractor, whatever the run."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.core.errors import DataError
from lookalike.data.images import Images
from lookalike.encoders.image.task_cnn import TaskCnn


@pytest.mark.usefixtures("global_state")
def test_features_tell_classes_apart_and_repeat(digits: Images) -> None:
    train, test = digits.take(np.arange(300)), digits.take(np.arange(300, 400))
    encoder = TaskCnn(steps=60, batch=64, width=8)
    features = encoder.prepare(train)
    assert encoder.prepare(train).digest == features.digest
    assert (features.name, features.dimension) == ("task_cnn", 32)
    rows = features.embed(test)
    assert (rows.shape, rows.dtype) == ((100, 32), np.float32)
    probability = features.predict_proba(test)
    assert (probability.argmax(axis=1) == test.labels).mean() > 0.6


def test_fewer_rows_give_another_extractor(digits: Images) -> None:
    train = digits.take(np.arange(60))
    digests = {TaskCnn(steps=2, width=2, rows=rows).prepare(train).digest for rows in (None, 60, 20)}
    assert len(digests) == 2


def test_no_rows(digits: Images) -> None:
    none = digits.take(np.zeros(0, dtype=np.int64))
    with pytest.raises(DataError, match="found none"):
        TaskCnn().prepare(none)
    features = TaskCnn(steps=1, width=2).prepare(digits.take(np.arange(20)))
    assert features.embed(none).shape == (0, 8)
    assert features.predict_proba(none).shape == (0, 10)
