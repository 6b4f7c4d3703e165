"""`lookalike init` on a folder of tables with keys: a recipe that runs, and gives no real rows out."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from tests.cli.calling import call, refused
from tests.data.clinic import write_clinic
from tests.data.desk import write_desk
from tests.data.orders import write_orders, write_regions
from tests.data.shop import write_shop

from lookalike.cli.starter import starter


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop").mkdir()
    write_shop(tmp_path / "shop")
    return tmp_path


def _tree(folder: Path) -> dict[str, Any]:
    tree: dict[str, Any] = yaml.safe_load(starter("shop", None, folder)[0])
    return tree


def test_init_then_run_works_as_it_is(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(capsys, "init", "shop")[0] == 0
    assert call(capsys, "run", "recipe.yaml", "--workers", "1")[0] == 0
    names = sorted(path.name for path in (shop / "runs" / "shop" / "written" / "csv").iterdir())
    assert names == ["items.csv", "lands.csv", "sales.csv", "shops.csv"]
    made, real = pd.read_csv(shop / "runs/shop/written/csv/lands.csv"), pd.read_csv("shop/lands.csv")
    assert not set(made["land"]) & set(real["land"])
    assert set(pd.read_csv(shop / "runs/shop/written/csv/sales.csv")["land"]) <= set(made["land"])


def test_what_it_says(shop: Path) -> None:
    tree = _tree(shop)
    assert tree["data"]["tables"] == {
        "shops": {"read": "csv", "path": "shop/shops.csv", "key": "shop"},
        "sales": {
            "read": "csv",
            "path": "shop/sales.csv",
            "key": "sale",
            "parent": {"shops": "shop"},
            "links": {"lands": "land"},
            "order": "day",
            "label": "price",
        },
        "items": {"read": "csv", "path": "shop/items.csv", "parent": {"sales": "sale"}},
        "lands": {"read": "csv", "path": "shop/lands.csv", "key": "land", "shared": True},
    }
    assert (tree["goal"], tree["sample"]["rows"], tree["write"]) == ("share", 48, ["csv"])
    lines = starter("shop", None, shop)[1]
    assert "sales.shop holds keys of shops.shop (its owner)" in lines
    assert "root: shops; shared by all: lands" in lines


def test_use_is_measured_by_what_could_be_predicted(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(capsys, "init", "shop")[0] == 0
    assert "label: price  # what is to be predicted, by its name" in Path("recipe.yaml").read_text()
    assert call(capsys, "run", "recipe.yaml", "--workers", "1")[0] == 0
    scores = json.loads(Path("runs/shop/scores.json").read_text())
    told = [one["detail"] for one in scores if one["detail"].get("measure") == "tabular.train_on_synthetic"]
    assert [one["verdict"] for one in told] == ["utility"]
    # Keys, what is copied, and what counts rows are nothing to predict.
    sales = pd.read_csv("shop/sales.csv").drop(columns="price")
    sales.assign(target=sales["shop"]).to_csv("shop/sales.csv", index=False)
    assert "label" not in yaml.safe_load(starter("shop", None, shop)[0])["data"]["tables"]["sales"]


def test_real_rows_are_given_out_only_when_the_user_says_so(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text, _ = starter("shop", None, shop)
    open_text = text.replace("shared: true", "keep: true")
    tables = yaml.safe_load(open_text)["data"]["tables"]
    assert tables["lands"] == {"read": "csv", "path": "shop/lands.csv", "key": "land", "keep": True}
    Path("kept.yaml").write_text(open_text)
    assert call(capsys, "run", "kept.yaml", "--workers", "1")[0] == 0
    assert (shop / "runs" / "shop" / "written" / "csv" / "lands.csv").read_text() == Path("shop/lands.csv").read_text()


def test_rows_without_an_owner_are_dropped_and_told(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = Path("shop/items.csv").read_text()
    Path("shop/items.csv").write_text(rows + "7,3\n" * 4)
    text, _ = starter("shop", None, shop)
    assert "orphans: drop  # 0.65 % of sale are no keys of sales: such rows are left out, and counted" in text
    Path("recipe.yaml").write_text(text)
    assert call(capsys, "run", "recipe.yaml", "--workers", "1")[0] == 0


def test_tables_that_own_nothing_are_named(shop: Path) -> None:
    Path("shop/taxes.csv").write_text("land,rate\nDE,1\nFR,2\n")
    Path("shop/weather.csv").write_text("wind,rain\n" + "1,2\n" * 30)
    text, _ = starter("shop", None, shop)
    assert "# taxes refers to lands only, and none to it: read it in a run of its own" in text
    assert "# weather refers to no table here, and none to it" in text
    assert list(yaml.safe_load(text)["data"]["tables"]) == ["shops", "sales", "items", "lands"]


def test_few_rows_are_not_measured(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_shop(shop / "shop", n=3)
    tree = _tree(shop)
    assert (tree["data"]["holdout"], tree["measure"]) == (0, [])
    assert tree["sample"]["rows"] == len(pd.read_csv("shop/sales.csv")) < 20
    assert call(capsys, "init", "shop")[0] == 0
    assert call(capsys, "run", "recipe.yaml", "--workers", "1")[0] == 0


def test_files_cut_in_another_way_come_back_so(shop: Path) -> None:
    for path in (shop / "shop").iterdir():
        path.write_text(path.read_text().replace(",", ";"))
    tree = _tree(shop)
    assert tree["write"] == [{"use": "csv", "delimiter": ";"}]
    assert set(tree["data"]["tables"]) == {"shops", "sales", "items", "lands"}


def test_tables_that_have_nothing_to_do_with_each_other(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("shop/shops.csv").unlink()
    Path("shop/items.csv").unlink()
    Path("shop/lands.csv").write_text("a,b\n" + "1,2\n" * 30)
    told = refused(capsys, "init", "shop")
    assert "no column of one holds keys of another, so write a recipe for one of them" in told


def test_a_database_of_several_tables(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(sqlite3.connect("shop.db")) as database:
        for path in (shop / "shop").iterdir():
            pd.read_csv(path).to_sql(path.stem, database, index=False)
    text, _ = starter("shop.db", None, shop)
    tree = yaml.safe_load(text)
    assert tree["data"]["tables"]["items"] == {
        "read": "sql",
        "path": "shop.db",
        "table": "items",
        "parent": {"sales": "sale"},
    }
    assert "write" not in tree
    assert call(capsys, "init", "shop.db")[0] == 0
    assert call(capsys, "run", "recipe.yaml", "--workers", "1")[0] == 0


def test_shared_tables_link_to_each_other_and_unknown_keys_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("clinic").mkdir()
    write_clinic(tmp_path / "clinic")
    with Path("clinic/visits.csv").open("a") as file:
        file.write("5001,D999,5,7\n")
    text, lines = starter("clinic", None, tmp_path)
    tables = yaml.safe_load(text)["data"]["tables"]
    assert tables["visits"]["links"] == {"doctors": "doctor"}
    assert tables["doctors"]["links"] == {"departments": "department"}
    # Missing keys are no reason to leave rows out: one visit in twenty has no doctor.
    assert tables["visits"]["orphans"] == "drop"
    assert "orphans: drop  # 0.085 % of doctor are no keys of doctors: such rows" in text
    assert "root: patients; shared by all: departments, doctors" in lines
    assert call(capsys, "init", "clinic")[0] == 0
    assert call(capsys, "run", "recipe.yaml", "--workers", "1")[0] == 0
    page = Path("runs/clinic/report.html").read_text()
    assert "made anew from all of their rows" in page
    assert "likeness of associations: visits with its owners and the shared rows it refers to" in page


def test_links_of_shared_tables_may_go_in_a_circle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("clinic").mkdir()
    write_clinic(tmp_path / "clinic")
    departments, doctors = pd.read_csv("clinic/departments.csv"), pd.read_csv("clinic/doctors.csv")
    departments["head_doctor"] = doctors["doctor"].iloc[:3].to_numpy()
    departments.to_csv("clinic/departments.csv", index=False)
    text, _ = starter("clinic", None, tmp_path)
    tables = yaml.safe_load(text)["data"]["tables"]
    assert tables["doctors"]["links"] == {"departments": "department"}
    assert tables["departments"]["links"] == {"doctors": "head_doctor"}
    assert "leave_out" not in text
    assert call(capsys, "init", "clinic")[0] == 0
    assert call(capsys, "run", "recipe.yaml", "--workers", "1")[0] == 0


def test_real_keys_that_cannot_be_made_are_left_out(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sales = pd.read_csv("shop/sales.csv")
    sales["first_sale_id"] = sales["sale"].iloc[:50].sample(len(sales), replace=True, random_state=0).to_numpy()
    sales.to_csv("shop/sales.csv", index=False)
    items = pd.read_csv("shop/items.csv")
    items["shop"] = "s3"
    items.to_csv("shop/items.csv", index=False)
    text, _ = starter("shop", None, shop)
    assert "leave_out: [first_sale_id]  # first_sale_id names real rows of sales: not made yet" in text
    assert "leave_out: [shop]  # shop names real rows of shops: not made yet" in text
    assert call(capsys, "init", "shop")[0] == 0
    assert call(capsys, "run", "recipe.yaml", "--workers", "1")[0] == 0
    assert list(pd.read_csv("runs/shop/written/csv/items.csv").columns) == ["sale", "weight"]


def test_keys_that_a_gap_has_made_decimals_of_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("clinic").mkdir()
    write_clinic(tmp_path / "clinic")
    doctors, visits = pd.read_csv("clinic/doctors.csv"), pd.read_csv("clinic/visits.csv")
    number = {key: place + 101 for place, key in enumerate(doctors["doctor"])}
    doctors.assign(doctor=doctors["doctor"].map(number), reports_to=[None, *[101] * 29]).to_csv(
        "clinic/doctors.csv", index=False
    )
    visits.assign(doctor=visits["doctor"].map(number)).to_csv("clinic/visits.csv", index=False)
    assert ",103.0," in Path("clinic/visits.csv").read_text()
    text, _ = starter("clinic", None, tmp_path)
    tables = yaml.safe_load(text)["data"]["tables"]
    assert tables["visits"]["links"] == {"doctors": "doctor"}
    assert tables["doctors"]["links"] == {"departments": "department", "doctors": "reports_to"}
    assert call(capsys, "init", "clinic")[0] == 0
    assert call(capsys, "run", "recipe.yaml", "--workers", "1")[0] == 0
    made, known = (pd.read_csv(f"runs/clinic/written/csv/{name}.csv")["doctor"] for name in ("visits", "doctors"))
    assert set(made.dropna().astype(int)) <= set(known)
    assert not set(known) & set(number.values())


def test_a_few_rows_that_own_everything_and_lists_of_names_are_no_root(shop: Path) -> None:
    shops = pd.read_csv("shop/shops.csv")
    shops["land"] = ["DE", "FR"] * (len(shops) // 2)
    shops.to_csv("shop/shops.csv", index=False)
    tables = _tree(shop)["data"]["tables"]
    assert "parent" not in tables["shops"]
    assert tables["shops"]["links"] == {"lands": "land"}
    assert tables["lands"]["shared"] is True


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


def test_rows_that_refer_to_each_other_are_shared_and_no_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("desk").mkdir()
    wanted = write_desk(Path("desk"), 300)
    assert call(capsys, "init", "desk")[0] == 0
    told = [
        line for line in starter("desk", None, Path())[1] if line.startswith("topics.above holds keys of topics.topic")
    ]
    assert len(told) == 1
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
