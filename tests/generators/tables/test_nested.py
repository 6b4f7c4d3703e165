"""Families are made as they are learnt: as many children, alike siblings, valid keys, each family its own."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from tests.data.shop import write_shop

from lookalike.core.errors import ConfigError
from lookalike.core.events import SILENT
from lookalike.core.rng import Rng
from lookalike.data.readers.tables import Tables
from lookalike.data.relations import Relations
from lookalike.generators.tables.nested import Nested


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Relations:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "read").mkdir()
    return Tables(tables=write_shop(folder, 400)).read(folder / "read")


@pytest.fixture(scope="module")
def made(shop: Relations) -> Relations:
    return Nested().fit(shop, Rng(0), SILENT).sample(600, Rng(1))


def test_keys_are_new_and_valid_and_children_stand_with_their_owners(shop: Relations, made: Relations) -> None:
    assert made.schema == shop.schema
    assert len(made) == 600
    assert not made.problems()
    for member in made.owned:
        keys = next(one.key for one in made.schema.tables if one.name == member.parent)
        owners = np.array(made.tables[str(member.parent)].strings(str(keys)))
        assert made.tables[member.name].strings(str(member.column)) == owners[made.owners(member.name)].tolist()
    for name, key in (("shops", "shop"), ("sales", "sale")):
        found = made.tables[name].strings(key)
        assert len(set(found)) == len(found)
        assert not set(found) & set(shop.tables[name].strings(key))
    assert made.tables["lands"].fingerprint() == shop.tables["lands"].fingerprint()


def test_an_order_is_kept(made: Relations) -> None:
    days, owner = made.tables["sales"].numbers("day"), made.owners("sales")
    assert (np.diff(days)[np.diff(owner) == 0] >= 0).all()
    assert (days % 86_400 == 0).all()


def test_children_are_as_many_and_as_alike_as_in_the_data(shop: Relations, made: Relations) -> None:
    for data in (shop, made):
        big = data.tables["shops"].codes("size") == 0
        assert abs(data.sizes["sales"][big].mean() - 8) < 0.7
        assert abs(data.sizes["sales"][~big].mean() - 2) < 0.5
        dear = data.tables["sales"].numbers("price") > 20
        assert abs(data.sizes["items"][dear].mean() - 3) < 0.5
        assert abs(data.sizes["items"][~dear].mean() - 1) < 0.4
    # What siblings share of the variance of the logarithm of a price: .36 of .4.
    assert abs(shared(made) - shared(shop)) < 0.15
    assert shared(shop) > 0.8


def shared(data: Relations) -> float:
    values, owner = np.log(data.tables["sales"].numbers("price")), data.owners("sales")
    sizes = data.sizes["sales"]
    mean = np.bincount(owner, values, len(sizes)) / np.maximum(sizes, 1)
    within = ((values - mean[owner]) ** 2).sum() / (len(values) - (sizes > 0).sum())
    return float(1 - within / values.var())


def test_a_family_depends_on_its_number_alone(shop: Relations) -> None:
    model = Nested().fit(shop, Rng(0), SILENT)
    many, few = model.sample(300, Rng(1)), model.sample(3, Rng(1))
    assert many.take(np.arange(3)).fingerprint() == few.fingerprint()
    assert model.sample(3, Rng(2)).fingerprint() != few.fingerprint()
    assert len(model.sample(0, Rng(1))) == 0


def test_parts_of_a_run_share_no_keys_and_keep_their_form(shop: Relations) -> None:
    model, rng = Nested().fit(shop, Rng(0), SILENT), Rng(1).child("sample")
    parts = [model.sample(1024 if start == 0 else 100, rng.child("shard", start)) for start in (0, 1024)]
    for name, key, form in (("shops", "shop", r"s\d{3,4}"), ("sales", "sale", r"\d{4,6}")):
        keys = [str(one) for part in parts for one in part.tables[name].strings(key)]
        assert len(set(keys)) == len(keys)
        assert all(re.fullmatch(form, one) for one in keys)


def test_columns_of_the_root_can_be_asked_for(shop: Relations) -> None:
    model = Nested(settings={"first": []}).fit(shop, Rng(0), SILENT)
    made = model.sample(300, Rng(1), {"size": "big"})
    assert (made.tables["shops"].codes("size") == 0).all()
    assert abs(made.sizes["sales"].mean() - 8) < 0.7
    each = model.sample(3, Rng(1), {"size": ["big", "small", "big"]})
    assert each.tables["shops"].codes("size").tolist() == [0, 1, 0]


def test_other_generators_serve_too(shop: Relations, tmp_path: Path) -> None:
    method = Nested(tables={"shops": "tabular.mixture", "items": "tabular.marginals"})
    made = method.fit(shop, Rng(0), SILENT)
    made.save(tmp_path)
    assert method.load(tmp_path).sample(3, Rng(1)).fingerprint() == made.sample(3, Rng(1)).fingerprint()


def test_generators_and_tables_that_are_not_there_are_refused(shop: Relations) -> None:
    for settings, words in (
        ({"generator": "image.ddpm"}, r"by a generator of single tables, tabular.\*, found image.ddpm"),
        ({"tables": {"shops": "tabular.nothing"}}, "no generator is called 'tabular.nothing'"),
        ({"settings": {"leaves": 3}}, "settings.leaves of tabular.trees"),
    ):
        with pytest.raises(ValidationError, match=words):
            Nested(**settings)
    with pytest.raises(ConfigError, match="lands is no table that is made; known: shops, sales, items"):
        Nested(tables={"lands": "tabular.trees"}).fit(shop, Rng(0), SILENT)
    with pytest.raises(ConfigError, match="where: 2 values of size for 3 rows"):
        Nested().fit(shop.take(np.arange(20)), Rng(0), SILENT).sample(3, Rng(1), {"size": ["big", "small"]})


@pytest.mark.parametrize("rows", [[0], [0, 1]])
def test_one_family_is_enough_and_so_is_one_without_children(shop: Relations, rows: list[int]) -> None:
    few = [np.flatnonzero(shop.sizes["sales"] == count)[:2] for count in (0, 1)]
    for index in (np.array(rows), *few):
        made = Nested().fit(shop.take(index), Rng(0), SILENT).sample(5, Rng(1))
        assert len(made) == 5
        assert not made.problems()


def test_times_of_day_of_every_table_are_kept(tmp_path: Path) -> None:
    """Shops open at three times and sales end at two, in columns that give no order; none else is made, nor lost."""
    draw = np.random.default_rng(0)
    tables = write_shop(tmp_path, 150)
    known = {"shops": ("08:00", "08:30", "10:15"), "sales": ("00:01", "18:00")}
    for name, times in known.items():
        frame = pd.read_csv(tmp_path / f"{name}.csv")
        days = pd.to_datetime("2020-01-01") + pd.to_timedelta(draw.integers(0, 400, len(frame)), "D")
        frame["moment"] = days.strftime("%Y-%m-%d ") + draw.choice(times, len(frame))
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    for part in ("read", "model"):
        (tmp_path / part).mkdir()
    data = Tables(tables=tables).read(tmp_path / "read")
    Nested().fit(data, Rng(0), SILENT).save(tmp_path / "model")
    fitted = Nested().load(tmp_path / "model")
    made = fitted.sample(100, Rng(1))
    for name in known:
        of_day = [set((rows.tables[name].numbers("moment") % 86_400).tolist()) for rows in (data, made)]
        assert of_day[0] == of_day[1]
    moment = float(data.tables["shops"].numbers("moment")[0])
    asked = Nested(generator="tabular.marginals").fit(data, Rng(0), SILENT).sample(3, Rng(1), {"moment": moment})
    assert (asked.tables["shops"].numbers("moment") == moment).all()
