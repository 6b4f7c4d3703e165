"""The map of pairs is whole, escapes names, stays small, and says the worst pair in words."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from lookalike.reports.tabular.pairs import pair_map, worst_pairs


@pytest.mark.parametrize("count", [2, 15, 42])
def test_a_map(count: int) -> None:
    apart = [[0.01] * row for row in range(count)]
    apart[1][0] = 0.3
    chart = pair_map({"columns": [f"<c{k}>" for k in range(count)], "apart": apart})
    assert chart is not None
    root = ElementTree.fromstring(chart)
    assert f"1 of {count * (count - 1) // 2} pairs differ by more than .1; most: &lt;c0&gt; and &lt;c1&gt;" in chart
    paths = [part.get("d", "") for part in root.iter("path")]
    assert sum(path.count("M") for path in paths) == count * (count - 1) // 2
    assert paths[-1].count("M") == 1
    places = [float(x) for path in paths for x in re.findall(r"M([\d.]+)", path)]
    assert 140 <= min(places) <= max(places) < 400
    assert len(chart) < 60_000


@pytest.mark.parametrize("detail", [{}, {"columns": ["a"], "apart": [[]]}, {"columns": ["a", "b"]}])
def test_no_map_without_pairs(detail: dict[str, object]) -> None:
    assert pair_map(detail) is None


def test_the_worst_come_first() -> None:
    apart = [[], [0.1], [0.2, 0.3], [0.0, 0.5, 0.0]]
    detail = {"columns": ["a", "b", "c", "d"], "apart": apart}
    assert worst_pairs(detail)[:2] == [("b and d", ".500"), ("b and c", ".300")]
    chart = pair_map(detail)
    assert chart is not None
    names = re.findall(r'class="tick">(\w) \d<', chart)
    assert names == ["b", "c", "d", "a"]
    assert "most: b and d, by 0.50" in chart
    assert worst_pairs({}) == []
