"""The space of rows is that of `data.coding`, frozen and with a digest that follows its rows."""

from __future__ import annotations

import numpy as np
from tests.data.people import people

from lookalike.data.arrays import mixed_space, modelled
from lookalike.encoders.tabular.mixed import Mixed


def test_it_is_the_space_of_its_rows() -> None:
    rows = people(200, 0)
    features = Mixed().prepare(rows)
    wanted = mixed_space(rows, modelled(rows.schema)).array(people(30, 1))
    np.testing.assert_array_equal(features.embed(people(30, 1)), wanted)
    assert features.dimension == wanted.shape[1]
    assert features.predict_proba(rows) is None


def test_the_digest_follows_rows_and_settings() -> None:
    digests = [
        Mixed().prepare(people(200, 0)).digest,
        Mixed().prepare(people(200, 1)).digest,
        Mixed(own=3).prepare(people(200, 0)).digest,
    ]
    assert len(set(digests)) == 3
    assert Mixed().prepare(people(200, 0)).digest == digests[0]
