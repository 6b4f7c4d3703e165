"""`lookalike init` on tables whose rows number, copy and name each other: what it sees, and what it leaves out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from tests.cli.calling import call
from tests.data.desk import write_desk
from tests.data.orders import write_orders, write_regions

from lookalike.cli.starter import starter


@pytest.fixture
def orders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop").mkdir()
    write_orders(tmp_path / "shop", 60)
    return tmp_path


def test_numbers_and_what_owners_say_are_seen(orders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text, lines = starter("shop", None, orders)
    tables = yaml.safe_load(text)["data"]["tables"]
    assert tables["lines"] == {
        "read": "csv",
        "path": "shop/lines.csv",
        "parent": {"orders": "order_id"},
        "order": "line_no",
    }
    assert "order: line_no  # it numbers the rows of each owner from 1 on\n" in text
    assert "# as in its row of orders, so copied from there: customer_id, currency\n" in text
    assert tables["orders"]["order"] == "ordered"
    assert "lines.line_no numbers the rows of each owner from 1 on" in lines
    assert "lines.customer_id is orders.customer_id of its owner" in lines
    assert call(capsys, "init", "shop")[0] == 0
    assert call(capsys, "run", "recipe.yaml", "--workers", "1")[0] == 0
    real = pd.read_csv("shop/lines.csv")
    made, of = (pd.read_csv(f"runs/shop/written/csv/{name}.csv") for name in ("lines", "orders"))
    assert list(made.columns) == list(real.columns)
    assert not made.duplicated(["order_id", "line_no"]).any()
    assert (made.groupby("order_id")["line_no"].agg(list).map(lambda one: one == [*range(1, len(one) + 1)])).all()
    both = made.merge(of, on="order_id", suffixes=("", " there"))
    assert (both["customer_id"] == both["customer_id there"]).all()
    assert (both["currency"] == both["currency there"]).all()
    assert not set(made["customer_id"]) & set(real["customer_id"])


def test_real_keys_are_left_out_where_too_little_speaks_for_a_copy(orders: Path) -> None:
    of = pd.read_csv("shop/orders.csv").iloc[:15]
    of.to_csv("shop/orders.csv", index=False)
    pd.read_csv("shop/lines.csv").merge(of[["order_id"]]).to_csv("shop/lines.csv", index=False)
    tables = yaml.safe_load(starter("shop", None, orders)[0])["data"]["tables"]
    assert tables["lines"]["leave_out"] == ["customer_id"]
    write_orders(orders / "shop", 60)
    lines = pd.read_csv("shop/lines.csv")
    lines.loc[5, "customer_id"] = lines.loc[lines["customer_id"] != lines.loc[5, "customer_id"], "customer_id"].iloc[0]
    lines.to_csv("shop/lines.csv", index=False)
    tables = yaml.safe_load(starter("shop", None, orders)[0])["data"]["tables"]
    assert tables["lines"]["leave_out"] == ["customer_id"]


def test_the_best_order_is_taken(orders: Path) -> None:
    """A date that rises with the numbers; numbers where it does not; numbers with gaps where there is nothing else."""
    lines = pd.read_csv("shop/lines.csv")
    day = pd.Timestamp("2024-01-01") + pd.to_timedelta(lines["order_id"] % 100 + 2 * lines["line_no"], "D")
    draw = np.random.default_rng(0)
    for columns, expected in (
        ({"packed": day}, "packed  # rows of one owner come in this order, and line_no counts them\n"),
        ({"packed": day.sample(frac=1, random_state=0).to_numpy()}, "line_no  # it numbers the rows"),
        ({"line_no": lines["line_no"] * 2 + draw.integers(0, 2, len(lines))}, "line_no  # no two rows of one owner"),
    ):
        lines.assign(**columns).to_csv("shop/lines.csv", index=False)
        assert f"      order: {expected}" in starter("shop", None, orders)[0]
    # Of a million numbers hardly any two are equal.
    wide = draw.integers(1, 10**6, len(lines))
    lines.assign(line_no=draw.integers(1, 9, len(lines)), cents=wide).to_csv("shop/lines.csv", index=False)
    assert "order" not in yaml.safe_load(starter("shop", None, orders)[0])["data"]["tables"]["lines"]


def test_what_never_comes_twice_under_one_owner_is_proposed_and_not_enforced(orders: Path) -> None:
    draw = np.random.default_rng(0)
    lines = pd.read_csv("shop/lines.csv")
    size = lines.groupby("order_id")["order_id"].transform("size").to_numpy()
    place = lines.groupby("order_id").cumcount().to_numpy()
    pd.DataFrame({"sku": [f"P{k:02d}" for k in range(12)], "price": draw.integers(1, 99, 12)}).to_csv(
        "shop/skus.csv", index=False
    )
    start = draw.integers(0, 12, len(lines))[lines["order_id"].rank(method="dense").astype(int) - 1]
    assert size.max() <= 12
    lines["sku"] = [f"P{k:02d}" for k in (start + place) % 12]
    lines["seal"] = np.arange(len(lines)) + 5000  # Unique anyway.
    lines["colour"] = draw.choice(["red", "blue"], len(lines))
    lines.to_csv("shop/lines.csv", index=False)
    text, told = starter("shop", None, orders)
    assert "      # constraints: [{rule: unique, columns: [order_id, sku]}]\n" in text
    assert "lines.sku never comes twice under one row of orders" in told
    assert "constraints" not in yaml.safe_load(text)["data"]["tables"]["lines"]
    one, other = lines.index[lines["order_id"] == lines["order_id"][size.argmax()]][:2]
    lines.loc[one, "sku"] = lines.loc[other, "sku"]
    lines.to_csv("shop/lines.csv", index=False)
    assert "unique" not in starter("shop", None, orders)[0]


def test_rows_that_refer_to_each_other_are_shared_and_no_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("desk").mkdir()
    wanted = write_desk(Path("desk"), 300)
    assert call(capsys, "init", "desk")[0] == 0
    # Topics at the top have none above them, which is no key that topics lack.
    assert "topics.above holds keys of topics.topic" in starter("desk", None, tmp_path)[1]
    tables = yaml.safe_load(Path("recipe.yaml").read_text())["data"]["tables"]
    assert {name: one.get("links") for name, one in tables.items()} == {
        name: one.get("links") for name, one in wanted.items()
    }
    assert [name for name, one in tables.items() if not one.get("shared")] == ["tickets", "notes"]
    assert call(capsys, "run", "recipe.yaml", "--workers", "1")[0] == 0
    staff = pd.read_csv("runs/desk/written/csv/staff.csv")
    assert staff["manager"].isna().sum() == 1
    assert staff["manager"].dropna().isin(staff["staff"]).all()
    assert "S000" not in Path("runs/desk/written/csv/staff.csv").read_text()


def test_keys_of_several_columns_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("shop").mkdir()
    write_regions(tmp_path / "shop")
    parcels = pd.read_csv("shop/parcels.csv")
    parcels.columns = pd.Index(["region", "number", "line_no", "weight"])
    parcels.to_csv("shop/parcels.csv", index=False)
    text, lines = starter("shop", None, tmp_path)
    tables = yaml.safe_load(text)["data"]["tables"]
    assert tables == {
        "orders": {"read": "csv", "path": "shop/orders.csv", "key": ["region", "number"]},
        "lines": {
            "read": "csv",
            "path": "shop/lines.csv",
            "key": ["region", "number", "line_no"],
            "label": "price",
            "parent": {"orders": ["region", "number"]},
            "order": "line_no",
        },
        "parcels": {
            "read": "csv",
            "path": "shop/parcels.csv",
            "parent": {"lines": ["region", "number", "line_no"]},
        },
    }
    assert "lines.region + number hold keys of orders.region + number (its owner)" in lines
    assert call(capsys, "init", "shop")[0] == 0
    assert call(capsys, "run", "recipe.yaml", "--workers", "1")[0] == 0
    made, of = (pd.read_csv(f"runs/shop/written/csv/{name}.csv") for name in ("parcels", "lines"))
    assert len(made.merge(of)) == len(made) > 0


def _files(folder: Path, **tables: str) -> None:
    folder.mkdir(exist_ok=True)
    for name, text in tables.items():
        (folder / f"{name}.csv").write_text(text)


def test_keys_are_left_out_at_every_level_that_copies_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    draw = np.random.default_rng(0)
    to = [f"A{one:04d}" for one in draw.integers(0, 60, 200)]
    _files(
        tmp_path / "bank",
        accounts="account,kind\n" + "".join(f"A{one:04d},{'ab'[one % 2]}\n" for one in range(60)),
        transfers="transfer,from_account,to_account,amount\n"
        + "".join(f"T{one:04d},A{one % 60:04d},{to[one]},{one % 9}\n" for one in range(200)),
        fees="transfer,to_account,fee\n"
        + "".join(f"T{one % 200:04d},{to[one % 200]},{one % 5}\n" for one in range(300)),
    )
    text = starter("bank", None, tmp_path)[0]
    tables = yaml.safe_load(text)["data"]["tables"]
    assert tables["transfers"]["parent"] == {"accounts": "from_account"}
    assert [tables[name]["leave_out"] for name in ("transfers", "fees")] == [["to_account"]] * 2
    assert "copied from there" not in text


def test_names_that_are_nearly_copies_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = [f"Person {one:03d}" for one in range(120)]
    told = ["Persn 000", *(names[one % 120] for one in range(1, 400))]
    _files(
        tmp_path / "mail",
        customers="customer,name\n" + "".join(f"C{one:03d},{name}\n" for one, name in enumerate(names)),
        orders="customer,name,price\n" + "".join(f"C{one % 120:03d},{told[one]},{one % 7}\n" for one in range(400)),
    )
    tables = yaml.safe_load(starter("mail", None, tmp_path)[0])["data"]["tables"]
    assert tables["orders"]["leave_out"] == ["name"]


def test_no_order_is_proposed_that_a_run_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    draw = np.random.default_rng(0)
    rows = [(order, item) for order in range(120) for item in draw.choice(30, draw.integers(1, 6), replace=False)]
    _files(
        tmp_path / "basket",
        orders="order_id,day\n" + "".join(f"{1000 + one},{'mon tue wed'.split()[one % 3]}\n" for one in range(120)),
        products="product_id,size\n" + "".join(f"{500 + one},{one % 4}\n" for one in range(30)),
        items="order_id,product_id,pieces\n" + "".join(f"{1000 + o},{500 + p},{p % 3}\n" for o, p in rows),
        labels="order_id,line_no,text\n"
        + "".join(f"{1000 + o},{n + 1:03d},{n % 2}\n" for o in range(120) for n in range(3)),
    )
    assert call(capsys, "init", "basket")[0] == 0
    tables = yaml.safe_load(Path("recipe.yaml").read_text())["data"]["tables"]
    assert tables["items"]["links"] == {"products": "product_id"}
    assert not any("order" in one for one in tables.values())
    assert call(capsys, "run", "recipe.yaml", "--workers", "1")[0] == 0


def test_unknown_keys_above_do_not_stop_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_desk(tmp_path, 300)
    staff = pd.read_csv("staff.csv")
    staff.loc[5, "manager"] = "S900"
    Path("desk").mkdir()
    for name in ("tickets", "notes", "departments", "topics"):
        Path(f"{name}.csv").rename(f"desk/{name}.csv")
    staff.to_csv("desk/staff.csv", index=False)
    assert call(capsys, "init", "desk")[0] == 0
    assert "orphans: drop  # 1.7 % of manager are no keys of staff: such keys are missing then" in (
        Path("recipe.yaml").read_text()
    )
    assert call(capsys, "run", "recipe.yaml", "--workers", "1")[0] == 0
    made = pd.read_csv("runs/desk/written/csv/staff.csv")
    assert (len(made), made["manager"].isna().sum()) == (60, 2)
