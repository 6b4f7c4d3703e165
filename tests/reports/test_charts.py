from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from lookalike.reports.charts import GAUGE_WIDTH, WIDTH, Axis, Bar, Pair, Series, bars, curves, dumbbells, gauge, ticks

NUMBER = st.floats(-1e9, 1e9, allow_nan=False)
AXIS = Axis("what is <measured>", "share")


def _tree(chart: Markup) -> ElementTree.Element:
    root = ElementTree.fromstring(str(chart))
    names = {element.tag: element for element in root}
    assert root.get("role") == "img"
    assert names["title"].text and names["desc"].text
    assert str(root.get("aria-labelledby")).split() == [names["title"].get("id"), names["desc"].get("id")]
    assert not re.search(r"(nan|inf)", str(chart))
    assert not re.search(r"#[0-9a-f]{3,6}\b|rgb\(", str(chart)), "colours belong to the style sheet"
    return root


def _words(root: ElementTree.Element) -> list[str]:
    return [element.text or "" for element in root.iter("text")]


CHARTS = [
    curves("c", [Series("a", [(0, 1), (1, 2)])], AXIS, Axis("up & down"), "t<", "d<"),
    bars("b", [Bar("x<y", 0.5, (0.4, 0.6))], AXIS, "t", "d", (0.1, "chance")),
    dumbbells("d", [Pair("x<y", 0.5, None), Pair("z", None, 0.2)], AXIS, "t", "d"),
    gauge("g", 0.5, (0.4, 0.6), [(0.8, "caution"), (0.9, "good")], Axis("what is <measured>", "share", 0, 1), "d"),
]


@pytest.mark.parametrize("chart", CHARTS)
def test_every_chart_has_axis_titles_and_escapes_them(chart: Markup) -> None:
    assert "what is <measured>" in _words(_tree(chart))
    assert chart.startswith('<svg class="chart')


@pytest.mark.parametrize("chart", CHARTS)
def test_every_letter_is_inside_the_chart(chart: Markup) -> None:
    root = _tree(chart)
    width = GAUGE_WIDTH if "gauge" in str(root.get("class")) else WIDTH
    assert str(root.get("viewBox")).startswith(f"0 0 {width} ")
    for element in root.iter("text"):
        wide = len(element.text or "") * 7.1
        x = float(element.get("x", 0)) - {"end": wide, "middle": wide / 2}.get(str(element.get("text-anchor")), 0)
        assert -2 <= x <= x + wide <= width + 8, element.text


@given(NUMBER, st.floats(1e-9, 1e9))
def test_ticks_are_few_and_inside(low: float, span: float) -> None:
    high = low + span
    found = ticks(low, high)
    if high > low:
        assert len(found) <= 7
        assert all(
            low - span * 1e-6 - abs(low) * 1e-9 <= mark <= high + span * 1e-6 + abs(high) * 1e-9 for mark in found
        )


@given(st.lists(st.tuples(NUMBER, NUMBER), max_size=20))
def test_curves_draw_whatever_they_get(points: list[tuple[float, float]]) -> None:
    _tree(curves("c", [Series("a", points)], Axis("x"), Axis("y", log=True), "t", "d", stepped=True))


@given(st.lists(NUMBER, min_size=1, max_size=6))
def test_bars_draw_whatever_they_get(values: list[float]) -> None:
    _tree(bars("b", [Bar("a", value, (value - 1, value + 1)) for value in values], Axis("x"), "t", "d"))


def test_curves_skip_what_is_not_finite() -> None:
    root = _tree(curves("c", [Series("a", [(0, float("nan")), (1, 2), (2, 3)])], Axis("x"), Axis("y"), "t", "d"))
    path = next(element for element in root.iter("path"))
    assert str(path.get("d")).count("L") == 1


def test_bars_are_as_long_as_their_values() -> None:
    root = _tree(bars("b", [Bar("a", 0.5), Bar("b", 1.0)], Axis("x", "share", 0.0, 1.0), "t", "d"))
    first, second = (float(element.get("width", 0)) for element in root.iter("rect"))
    assert second == pytest.approx(2 * first)


def test_real_and_synthetic_differ_in_more_than_colour() -> None:
    chart = curves("c", [Series("a", [(0, 0), (1, 1)]), Series("b", [(0, 0), (1, 2)], "real")], AXIS, AXIS, "t", "d")
    kinds = [element.get("class") for element in _tree(chart).iter("path")]
    assert kinds == ["line synthetic", "line real"]


@pytest.mark.parametrize("marks", [[(0.30, "caution"), (0.10, "good")], [(0.80, "caution"), (0.95, "good")]])
def test_each_threshold_keeps_its_own_name(marks: list[tuple[float, str]]) -> None:
    root = _tree(gauge("g", 0.5, None, marks, Axis("x", "share", 0, 1), "d"))
    ends = [element for element in root.iter("line") if element.get("class") == "threshold"]
    for (_, name), tick in zip(marks, ends, strict=True):
        label = next(element for element in root.iter("text") if element.text == name)
        start, at = float(label.get("x", 0)), float(tick.get("x1", 0))
        assert start - 3 <= at <= start + len(name) * 7.1 + 3


def test_a_gauge_draws_a_figure_outside_its_scale_at_the_end() -> None:
    root = _tree(gauge("g", 7.0, None, [], Axis("x", "share", 0, 1), "d"))
    assert float(next(root.iter("circle")).get("cx", 0)) == GAUGE_WIDTH - 7
