"""Every broken key is counted, and none else."""

from __future__ import annotations

from tests.metrics.tables.known import changed, reference, shops

from lookalike.core.contracts import Score
from lookalike.core.rng import Rng
from lookalike.metrics.tables.key_integrity import KeyIntegrity


def test_valid_keys_score_one_and_tables_on_their_own_do_not() -> None:
    score = KeyIntegrity().score(reference(), shops(200, 5), Rng(0))
    assert score.value == score.floor == 1
    assert score.interval is not None
    assert 0.99 < score.interval[0] < score.interval[1] == 1
    # Keys of their own: sales, shops and lands; those that refer to others: two in each sale.
    sales = len(shops(200, 5).tables["sales"])
    assert score.ceiling == (200 + sales + 3) / (200 + 3 * sales + 3)


def test_each_broken_key_is_counted() -> None:
    data = shops(200, 5)
    sales = data.tables["sales"].strings("shop")
    sales[3] = "nobody"
    keys = data.tables["shops"].strings("shop")
    wrong = changed(data, "sales", "shop", sales)
    score = KeyIntegrity().score(reference(), wrong, Rng(0))
    assert broken(score) == {("sales", "shop"): 1}
    assert score.value == 1 - 1 / (200 + 3 * len(sales) + 3)
    twice = changed(data, "shops", "shop", [keys[1], *keys[1:]])
    of_the_first = int(data.sizes["sales"][0])
    expected = {("shops", "shop"): 1, **({("sales", "shop"): of_the_first} if of_the_first else {})}
    assert broken(KeyIntegrity().score(reference(), twice, Rng(0))) == expected


def broken(score: Score) -> dict[tuple[str, str], int]:
    return {(row["table"], row["column"]): row["wrong"] for row in score.detail["keys"] if row["wrong"]}
