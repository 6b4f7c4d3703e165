"""A recipe that is wrong is refused in one line that says where, what was found and what is allowed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lookalike.core.errors import ConfigError
from lookalike.core.registry import find
from lookalike.pipeline.recipe import Recipe, configure, dump, load, override, parse

TREE: dict[str, Any] = {
    "name": "boots",
    "data": {"read": "folder", "path": "photos"},
    "generator": {"use": "image.ddpm", "minutes": 2},
    "sample": {"rows": 100, "guidance": 1.5},
    "filters": ["image.near_copy", {"use": "image.confidence", "keep": 0.8}],
    "measure": ["image.frechet"],
}


def test_shorthand_and_long_form_are_equal() -> None:
    assert parse(TREE) == parse({**TREE, "measure": [{"use": "image.frechet"}]})


def test_methods_keep_their_own_settings() -> None:
    recipe = parse(TREE)
    assert recipe.generator.options == {"minutes": 2}
    assert recipe.sample.options == {"guidance": 1.5}
    assert recipe.data.options == {"path": "photos"}


def test_a_dumped_recipe_reads_back_equal(tmp_path: Path) -> None:
    recipe = parse(TREE)
    (tmp_path / "r.yaml").write_text(dump(recipe))
    assert load(tmp_path / "r.yaml") == recipe


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"gaol": "share"}, "recipe.gaol: unknown key; did you mean 'goal'?"),
        ({"zzz": 1}, "recipe.zzz: unknown key; allowed: audits, data"),
        ({"goal": "profit"}, "'augment', 'share', 'bootstrap' or 'simulate', found 'profit'"),
        ({"sample": {}}, "recipe.sample.rows: is missing"),
        ({"sample": {"rows": 0}}, "recipe.sample.rows: Input should be greater than or equal to 1, found 0"),
        ({"name": "../up"}, "recipe.name: String should match"),
        ({"data": {"read": "folder", "holdout": 1.5}}, "holdout is a share of the rows between 0 and 0.9, found 1.5"),
        ({"seed": -1}, "recipe.seed: Input should be greater than or equal to 0"),
    ],
)
def test_a_wrong_recipe_is_one_clear_line(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse({**TREE, **change})
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_recipe_is_frozen() -> None:
    with pytest.raises(Exception, match="frozen"):
        parse(TREE).seed = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- a\n- b", "found list"),
        ("a: [", "not readable YAML"),
        ("", "found NoneType"),
        ("a: !!python/object/apply:os.system [ls]", "not readable YAML"),
    ],
)
def test_a_file_that_is_no_recipe(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "r.yaml").write_text(text)
    with pytest.raises(ConfigError, match=words):
        load(tmp_path / "r.yaml")


def test_a_missing_file_names_the_cure(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="lookalike init DATA"):
        load(tmp_path / "none.yaml")


def test_overrides_reach_any_depth_and_leave_the_input_alone() -> None:
    tree = {"data": {"read": "folder"}, "generator": "image.ddpm"}
    changed = override(tree, ["data.limit=100", "generator.minutes=0.5", "measure=[image.frechet]", "new.deep.key=yes"])
    assert changed == {
        "data": {"read": "folder", "limit": 100},
        "generator": {"use": "image.ddpm", "minutes": 0.5},
        "measure": ["image.frechet"],
        "new": {"deep": {"key": True}},
    }
    assert tree == {"data": {"read": "folder"}, "generator": "image.ddpm"}


@pytest.mark.parametrize("setting", ["rows", "=1", "a..b=1", "name.deep.er=1", "a=[1"])
def test_a_wrong_override_is_refused(setting: str) -> None:
    with pytest.raises(ConfigError, match="--set"):
        override({"name": 3}, [setting])


def test_every_field_says_what_it_is() -> None:
    for model in (Recipe, *(field.annotation for field in Recipe.model_fields.values())):
        for name, field in getattr(model, "model_fields", {}).items():
            assert field.description, f"{model}.{name}"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"data": {"read": "csv", "path": "secret.csv", "holdout": 3.0}}, "between 0 and 0.9, found 3.0"),
        ({"sample": {"rows": 3, "where": {"a": 1}, "per": ["b"]}}, "they cannot be combined: leave one out"),
    ],
)
def test_a_rule_about_a_whole_section_does_not_list_its_settings(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as told:
        parse({"name": "a", "generator": "tabular.trees", "sample": {"rows": 3}, **changes})
    assert str(told.value).endswith(words)
    with pytest.raises(ConfigError) as told:
        configure(find("generators", "tabular.ctgan"), {"epochs": 3, "steps": 4}, "generator")
    assert str(told.value) == "generator: give one of epochs, minutes and steps, found epochs and steps"
    with pytest.raises(ConfigError, match="found 'x'"):
        parse({"name": "a", "generator": "tabular.trees", "sample": {"rows": "x"}})
