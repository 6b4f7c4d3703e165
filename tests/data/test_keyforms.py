"""Forms of keys: what real keys are alike in, new ones that are none of them, and a permutation without memory."""

from __future__ import annotations

import re
import uuid
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.data.keyforms import Form, Shapes, count_on, permuted

DRAW = np.random.default_rng(0)
RANDOM = [f"{number:09d}" for number in DRAW.choice(10**9, 300, replace=False).tolist()]


def form(keys: list[str], size: int = 7) -> str:
    shapes = Shapes()
    for start in range(0, len(keys), size):
        shapes.add(pa.array(keys[start : start + size], pa.large_string()))
    return shapes.form(Counter(keys), len(keys))


KEYS = {
    "counted": ([f"A{10000 + k}" for k in range(900)], r"A\{10900..99999\}"),
    "of any length": ([f"X{k}x" for k in range(300)], r"X\{300..9999\}x"),
    "padded": ([f"C{k:04d}" for k in range(200)], r"C\{0200..9999\}"),
    "padded and full": ([f"C{k:03d}" for k in range(999)], r"C\{1000..99999\}"),
    "after a year": ([f"2021-{k:05d}" for k in range(300)], r"2021-\{00300..99999\}"),
    "random digits": (
        [f"{k[:3]}-{k[3:5]}-{k[5:]}" for k in RANDOM],
        r"\[0-9\]\{3\}-\[0-9\]\{2\}-\[0-9\]\{4\}@\d+/301",
    ),
    "letters": (
        [f"{chr(65 + k % 26)}{chr(65 + k * 7 % 25)}-{k * 37 % 1000:03d}" for k in range(60)],
        r"\[A-Z\]\{2\}-\[0-9\]\{3\}@\d+/61",
    ),
    "uuid": (
        [str(uuid.UUID(bytes=DRAW.bytes(16), version=4)) for _ in range(300)],
        r"\[0-9a-f\]\{8\}-\[0-9a-f\]\{4\}-4\[0-9a-f\]\{3\}-\[89ab\]\[0-9a-f\]\{3\}-\[0-9a-f\]\{12\}",
    ),
    "iban": ([f"DE{k}{k[::-1]}00" for k in RANDOM], r"DE\[0-9\]\{18\}00"),
    "special": ([f"[{k}]@{{x}}\\" for k in range(30)], r".*\{30\.\.\d+\}.*"),
}


@pytest.mark.parametrize("name", KEYS)
def test_new_keys_have_the_form_of_real_ones_and_are_none_of_them(name: str) -> None:
    keys, pattern = KEYS[name]
    found = form(keys)
    assert re.fullmatch(pattern, found), found
    assert form(keys, 1000) == found
    one = Form.of(found)
    assert one.room >= 10 * len(keys)
    if one.vast:
        new = one.draw(1000, np.random.default_rng(1))
    else:
        every = np.arange(min(one.room, 20_000))
        new = one.write(every if one.room <= 20_000 else np.sort(np.random.default_rng(1).choice(one.room, 20_000)))
        new = list(dict.fromkeys(new))
    assert not set(new) & set(keys)
    assert len(set(new)) == len(new)
    masks = {re.sub("[0-9]+" if "counted" in name or not one.alphabets else "[0-9]", "0", key) for key in keys}
    if name not in ("uuid", "letters"):
        assert {re.sub("[0-9]+" if not one.alphabets else "[0-9]", "0", key) for key in new} == masks
    if name == "uuid":
        assert {uuid.UUID(key).version for key in new} == {4}


@pytest.mark.parametrize(
    "keys",
    [
        ["anna", "bo", "christine"],
        ["a-b", "a_b", "a.b"],
        ["äa", "bö"],
        [f"{k:02d}" for k in range(100)][::-1] and [f"{a}{b}" for a in "ab" for b in "cd"],
        ["0", "01", "2"],
        ["x" * 65 + "a", "x" * 65 + "b"],
    ],
)
def test_where_there_is_no_form(keys: list[str]) -> None:
    found = form(keys)
    assert found == "" or not set(Form.of(found).write(np.arange(min(Form.of(found).room, 1000)))) & set(keys)


def test_no_form_without_the_real_keys_or_room() -> None:
    shapes = Shapes()
    shapes.add(pa.array([f"{k[:3]}-{k[3:6]}-{k[6:]}x" for k in RANDOM], pa.large_string()))
    assert shapes.form(Counter(), 300) == ""
    assert count_on(0, 250, 200, 255) == ""
    assert count_on(0, 399, 400, 65535) == "{400..9999}"
    assert count_on(0, 65000, 400, 65535) == ""
    assert count_on(-5, 0, 6, 127) == "{1..99}"


@settings(max_examples=60, deadline=None)
@given(room=st.integers(1, 3000), seed=st.integers(0, 2**32))
def test_a_permutation_takes_every_place_once(room: int, seed: int) -> None:
    keys = np.random.default_rng(seed).integers(0, 2**64, 4, dtype=np.uint64)
    found = permuted(np.arange(room), room, keys)
    assert sorted(found.tolist()) == list(range(room))
    some = np.array([room - 1, 0, room // 2])
    assert permuted(some, room, keys).tolist() == found[some].tolist()


def test_a_permutation_depends_on_its_keys_and_is_even() -> None:
    keys = np.random.default_rng(0).integers(0, 2**64, (2, 4), dtype=np.uint64)
    first, second = (permuted(np.arange(1000), 2**61 + 7, key) for key in keys)
    assert not set(first.tolist()) & set(second.tolist())
    assert len(set(first.tolist())) == 1000
    assert 0 <= first.min() <= first.max() < 2**61 + 7
    assert abs(first.mean() / 2**61 - 0.5) < 0.05


def test_places_and_strings_go_both_ways() -> None:
    one = Form.of(r"[A-Z]\[[0-9]{2}x@5/7")
    for place in (0, 1, 99):
        (key,) = one.write(np.array([place]))
        assert one.place(key) == 5 + 7 * place
    assert one.room == (2600 - 5 + 6) // 7
