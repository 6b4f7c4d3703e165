"""Names are paths; outside packages join through entry points; a wrong name gets a suggestion."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

from lookalike.core import registry
from lookalike.core.errors import ConfigError
from lookalike.core.registry import catalogue, find, kinds, names


def test_names_are_paths_below_the_kind() -> None:
    assert "image.ddpm" in names("generators")
    assert "image.frechet" in names("metrics")
    assert "builtin" in names("readers")
    assert names("metrics") == tuple(sorted(names("metrics")))


def test_finding_returns_the_one_public_class() -> None:
    assert find("generators", "image.ddpm").__module__ == "lookalike.generators.image.ddpm"


@pytest.mark.parametrize(
    ("kind", "name", "words"),
    [
        ("generators", "image.dpm", "did you mean 'image.ddpm'"),
        ("generators", "", "allowed: image.dcgan"),
        ("metrics", "../../os", "no metric is called"),
        ("ghosts", "x", "unknown kind"),
    ],
)
def test_a_wrong_name_is_one_clear_line(kind: str, name: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words.replace(".", r"\.")) as caught:
        find(kind, name)
    assert "\n" not in str(caught.value)


def test_a_plug_in_joins_through_an_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("image.mine", "lookalike.core.rng:Rng", "lookalike.metrics")
    monkeypatch.setattr(registry, "entry_points", lambda group: [point] if group == "lookalike.metrics" else [])
    assert "image.mine" in names("metrics")
    assert find("metrics", "image.mine").__name__ == "Rng"
    assert "image.mine" not in names("audits")
    assert any(entry.summary.startswith("A node in a tree") for entry in catalogue("metrics"))


def test_a_source_is_read_from_the_docstring() -> None:
    text = "What it is.\n\nSource:\n    Ho et al. 2020, arXiv:2006.11239,\n    Algorithm 1.\n\nDiffers: no."
    assert registry._source(text) == "Ho et al. 2020, arXiv:2006.11239, Algorithm 1."
    assert registry._source("Nothing.") == ""
    assert set(kinds()) >= {"generators", "filters", "metrics", "audits"}
