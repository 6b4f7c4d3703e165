"""What the training loop promises beside accuracy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lookalike.core.errors import DataError
from lookalike.core.rng import Rng
from lookalike.techniques.classification import Training, _shifted, apply, probabilities, train_classifier


def test_a_shift_moves_each_image_and_repeats_the_edge() -> None:
    ramp = np.tile(np.arange(20, dtype=np.uint8), (64, 10, 1))[..., None]
    moved = _shifted(ramp, 0.1, Rng(0))
    starts = set()
    for image in moved[..., 0]:
        assert (image == image[0]).all()
        offset = int(image[0, 10]) - 10
        np.testing.assert_array_equal(image[0], np.clip(np.arange(20) + offset, 0, 19))
        starts.add(offset)
    assert starts == {-2, -1, 0, 1, 2}
    assert (_shifted(ramp, 0.0, Rng(0)) == ramp).all()


@pytest.mark.parametrize("weight", [np.ones(3), np.array([1.0, -1, 1, 1]), np.zeros(4), np.array([1, np.nan, 1, 1])])
def test_weights_that_do_not_fit_are_refused(weight: np.ndarray) -> None:
    pixels, labels = np.zeros((4, 4, 4, 1), np.uint8), np.zeros(4, np.int64)
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.LazyLinear(2))
    with pytest.raises(DataError, match="weights must be 4"):
        train_classifier(network, pixels, labels, weight, Training(steps=1), Rng(0))


def test_images_are_scaled_and_do_not_depend_on_the_batch() -> None:
    pixels = np.arange(600 * 4, dtype=np.int64).reshape(600, 2, 2, 1).astype(np.uint8)
    pixels.flags.writeable = False
    rows = apply(lambda x: x.flatten(1), pixels, torch.device("cpu"))
    np.testing.assert_allclose(rows.numpy(), pixels.reshape(600, 4) / 127.5 - 1, atol=1e-6)


def test_probabilities_sum_to_one_for_huge_logits() -> None:
    found = probabilities(torch.tensor([[1e4, 0.0], [-1e4, -1e4]]))
    np.testing.assert_allclose(found, [[1, 0], [0.5, 0.5]])
