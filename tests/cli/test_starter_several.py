"""`lookalike init` on a folder of tables with keys: a recipe that runs, and gives no real rows out."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from tests.cli.calling import call, refused
from tests.data.clinic import write_clinic
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
