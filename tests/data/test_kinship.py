"""Which columns hold keys of another table, told by values and names; and which table owns which."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lookalike.core.errors import DataError
from lookalike.data.kinship import Kinship, kinship, tables_in

Write = Callable[[Mapping[str, Mapping[str, Sequence[object]]]], Kinship | None]
N = 40


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def _write(tables: Mapping[str, Mapping[str, Sequence[object]]]) -> Kinship | None:
        for name, columns in tables.items():
            pd.DataFrame(dict(columns)).to_csv(tmp_path / f"{name}.csv", index=False)
        return kinship(tables_in(tmp_path))

    return _write


def _people(count: int = N) -> dict[str, Sequence[object]]:
    return {"id": range(1, count + 1), "age": [20 + k % 30 for k in range(count)]}


def _told(found: Kinship | None) -> set[str]:
    assert found is not None
    return {f"{one.table}.{one.column}->{one.other}.{one.key}" for one in found.references}


def _orders(**more: Sequence[object]) -> dict[str, Sequence[object]]:
    draw = np.random.default_rng(0)
    return {"id": range(1, 91), "amount": draw.integers(1, 30, 90).tolist(), **more}


def test_a_name_tells_whose_key_a_number_is(write: Write) -> None:
    people = [1 + k % N for k in range(90)]
    found = write({"customers": _people(), "orders": _orders(customerId=people)})
    # amount and id hold numbers that are keys of customers too, by chance.
    assert _told(found) == {"orders.customerId->customers.id"}
    assert found is not None
    assert (found.root, list(found.owners), found.others) == ("customers", ["orders"], ())


def test_words_need_no_name(write: Write) -> None:
    places = {"code": [f"P{k}X" for k in range(12)], "size": range(12)}
    found = write({"places": places, "trips": _orders(begin=[f"P{k % 12}X" for k in range(90)])})
    assert _told(found) == {"trips.begin->places.code"}
    # One in ten is no key: without a name that tells, it may be chance.
    begin = [f"P{k % 12}X" if k % 10 else "Q" for k in range(90)]
    assert write({"places": places, "trips": _orders(begin=begin)}) is None


def test_single_letters_are_chance(write: Write) -> None:
    grades = {"letter": list("ABCDEF"), "points": range(6)}
    assert write({"grades": grades, "tests": _orders(kind=[*"ABC"] * 30)}) is None


def test_numbers_of_rows_are_no_keys(write: Write) -> None:
    customers, orders = _people(), _orders(customer=[1 + k % N for k in range(90)])
    found = write({"customers": {"rownames": range(N), **customers}, "orders": {"rownames": range(90), **orders}})
    assert _told(found) == {"orders.customer->customers.id"}


def test_what_is_lost_is_told(write: Write) -> None:
    customer = ["", *(["99"] * 8), *(str(1 + k % N) for k in range(81))]
    found = write({"customers": _people(), "orders": _orders(customer=customer)})
    assert found is not None
    assert found.owners["orders"].lost == pytest.approx(0.1)
    mostly = ["99"] * 46 + [str(1 + k % N) for k in range(44)]
    assert write({"customers": _people(), "orders": _orders(customer=mostly)}) is None


def test_an_item_belongs_to_its_order_and_not_to_the_customer(write: Write) -> None:
    orders = {"order": range(500, 590), "customer_id": [1 + k % N for k in range(90)]}
    items = {"order": [500 + k % 90 for k in range(200)], "customer_id": [1 + k % 90 % N for k in range(200)]}
    found = write({"customers": _people(), "items": items, "orders": orders})
    assert found is not None
    assert [(name, one.other) for name, one in found.owners.items()] == [("orders", "customers"), ("items", "orders")]
    assert found.links("items", "customers") == ["customer_id"]


def test_rows_that_go_one_to_one_have_the_longer_table_as_owner(write: Write) -> None:
    found = write({"details": {"person": range(1, 21), "tall": range(20)}, "persons": {"person": range(1, N + 1)}})
    assert _told(found) == {"details.person->persons.person"}
    sheets = {"person": [1 + k % 20 for k in range(60)], "hours": range(60)}
    found = write({"sheets": sheets})
    # A key of details is one of persons: it names one row, and that is there.
    assert _told(found) == {"details.person->persons.person", "sheets.person->persons.person"}


def test_the_tree_with_most_tables_is_taken_unless_it_has_few_families(write: Write) -> None:
    planes, ports = {"plane": [f"N{k}" for k in range(30)]}, {"port": [f"L{k}" for k in range(25)]}
    rows = {"plane": [f"N{k % 30}" for k in range(90)], "port": [f"L{k % 25}" for k in range(90)], "late": range(90)}
    weather = {"port": [f"L{k % 25}" for k in range(50)], "wind": [k % 7 for k in range(50)]}
    found = write({"flights": rows, "planes": planes, "ports": ports})
    assert found is not None
    assert (found.root, found.others) == ("planes", ("ports",))
    found = write({"weather": weather})
    assert found is not None
    assert (found.root, set(found.owners), found.others) == ("ports", {"flights", "weather"}, ("planes",))
    few = {"port": [f"L{k % 3}" for k in range(90)]}
    found = write({"weather": few, "flights": rows | few})
    assert found is not None
    assert (found.root, found.owners["flights"].used, found.others) == ("planes", 30, ("ports", "weather"))


def test_tables_that_own_each_other_end(write: Write) -> None:
    heads = {"name": [f"d{k}" for k in range(9)], "head": [f"p{k}" for k in range(9)]}
    people = {"person": [f"p{k}" for k in range(N)], "department": [f"d{k % 9}" for k in range(N)]}
    found = write({"departments": heads, "people": people})
    assert found is not None
    assert len(found.references) == 2
    assert len(found.owners) == 1


@pytest.mark.parametrize("name", ["train.csv", "orders.tsv", "ü.csv", "dogs/1.png"])
def test_what_is_no_folder_of_tables(tmp_path: Path, write: Write, name: str) -> None:
    assert write({"customers": _people(), "orders": _orders(customer=[1 + k % N for k in range(90)])}) is not None
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("a\n1\n")
    assert tables_in(tmp_path) == {}
    assert tables_in(tmp_path / "orders.csv") == {}


def test_names_of_files_become_names_of_tables(write: Write) -> None:
    found = write({"my customers (2024)": _people(), "orders": _orders(customer=[1 + k % N for k in range(90)])})
    assert _told(found) == {"orders.customer->my-customers-2024.id"}


def test_a_table_that_cannot_be_read_is_one_line(tmp_path: Path, write: Write) -> None:
    (tmp_path / "broken.csv").write_text("a,b\n1,2\n3\n")
    with pytest.raises(DataError, match=r"broken\.csv"):
        write({"customers": _people()})


def _numbered(count: int = 120) -> dict[str, Sequence[object]]:
    """Return rows that are numbered in each of three regions."""
    return {"region": ["NSW"[k % 3] for k in range(count)], "number": [1 + k // 3 for k in range(count)]}


def _lines(orders: Mapping[str, Sequence[object]], each: int = 2) -> dict[str, Sequence[object]]:
    lines: dict[str, Sequence[object]] = {name: [one for one in column for _ in range(each)]
                                          for name, column in orders.items()}  # fmt: skip
    return {**lines, "line": [1 + k % each for k in range(len(lines["region"]))]}


def test_columns_hold_keys_together_where_none_does_alone(write: Write) -> None:
    orders = _numbered()
    lines = _lines(orders)
    weights = np.random.default_rng(0).integers(1, 9, 480).tolist()
    parcels = {**_lines(lines), "weight": weights}
    parcels["line"] = [one for one in lines["line"] for _ in range(2)]
    prices = [k % 9 for k in range(240)]
    tables = {"orders": {**orders, "paid": ["a", "b"] * 60}, "lines": {**lines, "price": prices}, "parcels": parcels}
    found = write(tables)
    assert found is not None
    assert [(name, one.other, one.columns, one.lost, one.used) for name, one in found.owners.items()] == [
        ("lines", "orders", ("region", "number"), 0, 120),
        ("parcels", "lines", ("region", "number", "line"), 0, 240),
    ]
    assert (found.root, found.key("orders"), found.key("lines")) == (
        "orders",
        ("region", "number"),
        ("region", "number", "line"),
    )
    assert found.losing("lines") == []
    assert found.links("parcels", "orders") == []


def test_columns_that_chance_makes_differ_are_no_key(write: Write) -> None:
    people: dict[str, Sequence[object]] = {"sex": [*"fmfmfmfmf"], "age": [20 + k // 2 for k in range(9)]}
    rows: dict[str, Sequence[object]] = {name: list(column) * 9 for name, column in people.items()}
    assert write({"people": people, "rows": {**rows, "cost": [k % 7 for k in range(81)]}}) is None


def test_keys_together_that_many_rows_lack_are_none(write: Write) -> None:
    orders = _numbered()
    lines = _lines(orders)
    lines["number"] = [99 if k % 10 == 0 else one for k, one in enumerate(lines["number"])]
    assert write({"orders": orders, "lines": lines}) is None


def test_a_single_key_comes_first(write: Write) -> None:
    orders = {"id": range(1, 121), **_numbered()}
    lines = {**_lines(_numbered()), "order_id": [1 + k // 2 for k in range(240)]}
    assert _told(write({"orders": orders, "lines": lines})) == {"lines.order_id->orders.id"}
    # Nor does a table that refers to one by a single column refer to another by several.
    bare = {"id": range(1, 121), "paid": ["a", "b"] * 60}
    numbers = {**_numbered(), "wet": ["a", "b"] * 60}
    assert _told(write({"orders": bare, "numbers": numbers})) == {"lines.order_id->orders.id"}


def test_several_columns_hold_keys_of_the_owner_only(write: Write) -> None:
    """Shelves of halls are no rows that an order could link to: their columns are learnt as any others."""
    orders, place = _numbered(), [3 * k % 120 for k in range(240)]
    shelves = {"hall": [k % 4 for k in range(120)], "shelf": [k // 4 for k in range(120)], "wide": ["a", "b"] * 60}
    lines = {**_lines(orders), "hall": [k % 4 for k in place], "shelf": [k // 4 for k in place]}
    found = write({"orders": orders, "lines": lines, "shelves": shelves})
    assert found is not None
    assert [(name, one.other) for name, one in found.owners.items()] == [("lines", "orders")]
    assert _told(found) == {
        "lines.('region', 'number')->orders.('region', 'number')",
        "lines.('hall', 'shelf')->shelves.('hall', 'shelf')",
    }
    assert (found.links("lines", "shelves"), found.referred("shelves")) == ([], False)


def test_lines_of_invoices_may_refer_to_products_too(write: Write) -> None:
    invoices = _numbered()
    lines = {**_lines(invoices), "product_id": [f"P{k * 7 % 40}" for k in range(240)]}
    products = {"product_id": [f"P{k}" for k in range(40)], "price": [k % 9 for k in range(40)]}
    named = {"invoices": {**invoices, "paid": ["a", "b"] * 60}, "invoice_lines": lines, "products": products}
    found = write(named)
    assert _told(found) == {
        "invoice_lines.('region', 'number')->invoices.('region', 'number')",
        "invoice_lines.product_id->products.product_id",
    }
    assert found is not None
    assert (found.root, found.links("invoice_lines", "products"), found.others) == (
        "invoices",
        ["product_id"],
        ("products",),
    )
    assert found.owners["invoice_lines"].columns == ("region", "number")


def test_lines_that_refer_to_products_and_are_called_otherwise_have_no_key_together(write: Write) -> None:
    """Sales of a product on a day in a town, and the weather there, are no family."""
    weather = {**_numbered(), "rain": [k % 7 for k in range(120)]}
    sales = {**_lines(_numbered()), "product_id": [f"P{k * 7 % 40}" for k in range(240)]}
    products = {"product_id": [f"P{k}" for k in range(40)], "price": [k % 9 for k in range(40)]}
    found = write({"weather": weather, "sales": sales, "products": products})
    assert _told(found) == {"sales.product_id->products.product_id"}


def test_dates_alone_are_no_key_together(write: Write) -> None:
    """None of them could get new keys."""
    days = [f"2024-{1 + k % 12:02d}-{1 + k // 12:02d}" for k in range(120)]
    visits = {"begun": days[:12] * 10, "ended": [day for day in days[::12] for _ in range(12)]}
    rows = {name: [one for one in column for _ in range(2)] for name, column in visits.items()}
    assert write({"visits": visits, "rows": {**rows, "cost": [k % 9 for k in range(240)]}}) is None
    visits["ended"] = [f"of {day}" for day in visits["ended"]]
    rows["ended"] = [f"of {day}" for day in rows["ended"]]
    assert write({"visits": visits, "rows": {**rows, "cost": [k % 9 for k in range(240)]}}) is not None


def test_keys_are_counted_over_all_blocks_of_a_file(write: Write) -> None:
    """Beyond 4 MB a file comes in several blocks: a key counts once, a cell each time."""
    draw = np.random.default_rng(0)
    customers = [f"C{k:04d}" for k in range(3000)]
    of = [f"C{k:04d}" if k < 3000 else None for k in draw.integers(0, 3300, 60_000)]
    note = [f"{'x' * 80}{k}" for k in range(60_000)]
    found = write({"customers": {"customer": customers, "age": draw.integers(18, 90, 3000).tolist()},
                   "orders": {"customer": of, "note": note}})  # fmt: skip
    assert found is not None
    assert _told(found) == {"orders.customer->customers.customer"}
    assert found.references[0].lost == pytest.approx(np.mean([one is None for one in of]))
    assert found.references[0].used == len({*of} - {None})
