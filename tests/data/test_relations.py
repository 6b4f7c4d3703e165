"""Families move as one: taken, gathered, saved and joined like a plain loop over the keys would."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.data.shop import write_shop

from lookalike.core.errors import DataError
from lookalike.data import no_rows, open_dataset
from lookalike.data.gather import gather
from lookalike.data.joined import one_table
from lookalike.data.readers.tables import Tables
from lookalike.data.relations import Relations, concatenate_relations, number_name


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Relations:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "read").mkdir()
    return Tables(tables=write_shop(folder)).read(folder / "read")


def plainly(data: Relations, keys: list[str]) -> dict[str, list[str]]:
    """Return the sales and items of some shops by a loop over keys."""
    sales, items = data.tables["sales"], data.tables["items"]
    owner = list(zip(sales.strings("sale"), sales.strings("shop"), strict=True))
    own = [str(sale) for key in keys for sale, shop in owner if shop == key]
    return {"sales": own, "items": [sale for sale in own for one in items.strings("sale") if one == sale]}


@pytest.mark.parametrize("index", [[], [3], [5, 2, 2, 59], list(range(10, 20))])
def test_rows_take_what_belongs_to_them_along(shop: Relations, index: list[int]) -> None:
    taken = shop.take(np.array(index, dtype=np.int64))
    keys = [str(shop.tables["shops"].strings("shop")[k]) for k in index]
    assert taken.tables["shops"].strings("shop") == keys
    expected = plainly(shop, keys)
    assert taken.tables["sales"].strings("sale") == expected["sales"]
    assert taken.tables["items"].strings("sale") == expected["items"]
    assert len(taken.tables["lands"]) == 3
    roots = [str(taken.tables["shops"].strings("shop")[k]) for k in taken.rooted("sales")]
    assert roots == taken.tables["sales"].strings("shop")


def test_gathering_saving_and_joining_agree(shop: Relations, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lookalike.data.gather._FAMILIES", 7)
    for name in ("saved", "gathered", "some"):
        (tmp_path / name).mkdir()
    shop.save(tmp_path / "saved")
    assert open_dataset(tmp_path / "saved").fingerprint() == shop.fingerprint()
    parts = [shop.take(np.arange(25)), shop.take(np.arange(25, 60))]
    assert gather(parts, tmp_path / "gathered").fingerprint() == shop.fingerprint()
    assert concatenate_relations(parts).fingerprint() == shop.fingerprint()
    some = np.array([0, 24, 25, 59])
    assert gather(parts, tmp_path / "some", some).fingerprint() == shop.take(some).fingerprint()
    assert len(no_rows(shop.schema)) == 0
    assert shop.take(np.array([1, 0])).fingerprint() != shop.take(np.array([0, 1])).fingerprint()


def test_a_row_is_known_by_all_that_belongs_to_it(shop: Relations) -> None:
    hashes = list(shop.row_hashes())
    assert list(shop.take(np.array([4, 9])).row_hashes()) == [hashes[4], hashes[9]]
    twins = shop.take(np.array([4, 4]))
    assert len(set(twins.row_hashes())) == 1
    # Families without any sale differ by their own columns alone.
    assert len(set(hashes)) > 50


def test_tables_are_joined_with_their_owners(shop: Relations) -> None:
    joined = shop.joined("items")
    assert joined.table.column_names == [
        "weight", "sales: price", "sales: land", "sales: day", "sales: means", "sales: number of items",
        "shops: size", "shops: area", "shops: number of sales",
    ]  # fmt: skip
    owner = shop.owners("items")
    np.testing.assert_array_equal(joined.numbers("sales: price"), shop.tables["sales"].numbers("price")[owner])
    np.testing.assert_array_equal(joined.numbers("shops: area"), shop.root.numbers("area")[shop.rooted("items")])
    np.testing.assert_array_equal(joined.numbers("shops: number of sales"), shop.sizes["sales"][shop.rooted("items")])
    one = one_table(shop, "items", owners=True, per_family=1)
    assert len(one) == len(set(shop.rooted("items").tolist()))
    assert len(one_table(shop, "items", owners=False, per_family=None)) == len(shop.tables["items"])


def test_a_family_with_a_bad_row_is_a_problem_of_its_root(shop: Relations) -> None:
    assert shop.problems() == {}
    member = shop.schema.tables[1]
    strict = [column.model_copy(update={"optional": False}) for column in member.rows.columns]
    table = type(shop.root)(shop.tables["sales"].table, member.rows.model_copy(update={"columns": tuple(strict)}))
    bad = Relations({**shop.tables, "sales": table}, shop.sizes, shop.schema)
    lacking = {int(row) for row in shop.rooted("sales")[shop.tables["sales"].missing("means")]}
    assert bad.problems() == dict.fromkeys(lacking, "sales: no means")


def test_parts_that_do_not_fit_are_refused(shop: Relations, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no rows were given for the table items"):
        Relations({name: table for name, table in shop.tables.items() if name != "items"}, shop.sizes, shop.schema)
    with pytest.raises(DataError, match=r"table sales has \d+ rows for 60 rows of shops, found 1 sizes"):
        Relations(shop.tables, {**shop.sizes, "sales": np.array([3])}, shop.schema)
    with pytest.raises(DataError, match="does not hold complete tables"):
        Relations.open(tmp_path)
    with pytest.raises(KeyError):
        shop.rooted("lands")
    with pytest.raises(DataError, match="only tables of one schema"):
        concatenate_relations([])


def test_a_number_of_children_has_a_name_of_its_own() -> None:
    assert number_name("sales", ["number of sales"]) == "number of sales "
