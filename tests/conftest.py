"""One thread for every test, and small real data that many tests share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.networks.tiny_model import write_tiny_model

from lookalike.data.images import Images, image_schema
from lookalike.learners.image.cnn import Cnn

torch.set_num_threads(1)


@pytest.fixture
def global_state() -> Iterator[None]:
    """Fail when the body draws from, or seeds, a global random number generator."""
    before_numpy = np.random.get_state()[1].copy()  # noqa: NPY002  the global state is what must not move
    before_torch = torch.get_rng_state().clone()
    yield
    assert (np.random.get_state()[1] == before_numpy).all()  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), before_torch)


@pytest.fixture(scope="session")
def digits() -> Images:
    """The 1,797 real digits of scikit-learn, in a fixed random order."""
    from sklearn.datasets import load_digits

    data = load_digits()
    order = np.random.default_rng(0).permutation(len(data.target))
    pixels = np.round(data.images[order] * 255 / 16).astype(np.uint8)[..., None]
    return Images(pixels, data.target[order].astype(np.int64), image_schema(8, 8, 1, [str(d) for d in range(10)]))


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a language model of two layers that nobody has trained."""
    return write_tiny_model(tmp_path_factory.mktemp("tiny-model"))


@contextmanager
def _steps(steps: int) -> Iterator[None]:
    """Let the default learner make fewer steps: most tests ask whether it is called rightly, not how well it learns."""
    field = Cnn.model_fields["steps"]
    before, field.default = field.default, steps
    Cnn.model_rebuild(force=True)
    yield
    field.default = before
    Cnn.model_rebuild(force=True)


@pytest.fixture(scope="module")
def four_steps() -> Iterator[None]:
    """A learner that is called but learns nothing."""
    with _steps(4):
        yield


@pytest.fixture(scope="module")
def few_steps() -> Iterator[None]:
    """A learner that is good enough for digits."""
    with _steps(80):
        yield


@pytest.fixture(scope="module")
def brief_watching() -> Iterator[None]:
    """What watches adversarial training looks through a classifier that has hardly learnt."""
    from lookalike.generators.image.gan import watching

    before = watching._TRAINING
    watching._TRAINING = before.model_copy(update={"steps": 2})
    yield
    watching._TRAINING = before
