from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from tests.reports.conftest import make_run

from lookalike.data.images import Images
from lookalike.reports import page

EVIL = "<script>alert(1)</script>"
VOID = {"meta", "input", "br", "hr", "img", "link"}


class _Page(HTMLParser):
    """Collects what the tests ask about, and checks that every tag is closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.append((tag, values))
        if values.get("id"):
            self.ids.append(str(values["id"]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing"


def _parsed(html: str) -> _Page:
    parser = _Page()
    parser.feed(html)
    assert parser.open == []
    assert len(parser.ids) == len(set(parser.ids)), "two elements share an id"
    return parser


def _edit(path: Path, change: Callable[[Any], Any]) -> None:
    path.write_text(json.dumps(change(json.loads(path.read_text()))))


def test_twelve_headings_in_order(run_folder: Path) -> None:
    html = page.render(run_folder)
    assert len(page.HEADINGS) == 12
    places = [html.index(f'<section id="{anchor}"') for anchor, _ in page.HEADINGS]
    assert places == sorted(places)
    for anchor, heading in page.HEADINGS[1:]:
        assert f'<h2 id="h-{anchor}">{heading}</h2>' in html


def test_without_classes_the_way_to_the_counts_is_called_rows(run_folder: Path) -> None:
    def plain(manifest: dict[str, Any]) -> dict[str, Any]:
        return manifest | {"data": manifest["data"] | {"classes": []}}

    assert ">Class balance</h2>" in page.render(run_folder)
    _edit(run_folder / "manifest.json", plain)
    html = page.render(run_folder)
    assert (html.count(">Class balance</"), html.count(">Rows</h2>")) == (0, 1)


def test_the_page_is_whole_and_asks_nothing_of_any_network(run_folder: Path) -> None:
    html = page.render(run_folder)
    parsed = _parsed(html)
    for tag, attributes in parsed.tags:
        assert tag not in {"script", "iframe", "object", "embed", "link", "img", "base", "form"}
        assert not [name for name in attributes if name.startswith("on")]
        assert not {"src", "srcset", "background", "poster", "action"} & set(attributes)
        target = attributes.get("href")
        if target is not None:
            outside = target.startswith("https://lookalike.readthedocs.io/") and tag == "a"
            assert target.startswith(("#", "./")) or outside, target
    for source in re.findall(r"url\(([^)]{0,60})", html):
        assert source.startswith("data:image/"), source
    assert "@import" not in html
    policy = next(values["content"] for tag, values in parsed.tags if values.get("http-equiv"))
    assert str(policy).startswith("default-src 'none'")


def test_every_picture_says_what_it_is(run_folder: Path) -> None:
    parsed = _parsed(page.render(run_folder))
    pictures = [values for tag, values in parsed.tags if values.get("role") == "img"]
    assert len(pictures) > 100
    for values in pictures:
        if "aria-labelledby" in values:
            assert set(str(values["aria-labelledby"]).split()) <= set(parsed.ids)
        else:
            assert len(str(values["aria-label"])) > 10
    for tag, values in parsed.tags:
        if tag == "svg":
            assert values.get("role") == "img" or values.get("aria-hidden") == "true"


def test_every_control_has_a_label(run_folder: Path) -> None:
    tags = _parsed(page.render(run_folder)).tags
    radios = [values["id"] for tag, values in tags if tag == "input"]
    assert len(radios) == 4
    assert radios == [values["for"] for tag, values in tags if tag == "label"]


def test_equal_files_give_equal_pages(run_folder: Path, tmp_path: Path, digits: Images) -> None:
    other = tmp_path / "other"
    other.mkdir()
    make_run(other, digits)
    assert page.render(run_folder) == page.render(other)


@pytest.mark.parametrize("place", ["classes", "name", "method", "notes", "reason", "recipe", "path", "event", "detail"])
def test_text_from_users_is_shown_and_never_executed(place: str, run_folder: Path, digits: Images) -> None:
    manifest, scores = run_folder / "manifest.json", run_folder / "scores.json"
    if place == "classes":
        _edit(
            manifest, lambda tree: {**tree, "data": {**tree["data"], "classes": [EVIL, *tree["data"]["classes"][1:]]}}
        )
        _edit(run_folder / "gallery/gallery.json", lambda tree: {**tree, "class_names": [EVIL] * 10})
    elif place == "name":
        _edit(manifest, lambda tree: {**tree, "name": EVIL, "goal": EVIL, "statement": EVIL, "created": EVIL})
    elif place == "method":
        _edit(scores, lambda rows: [{**row, "method": f"image.{EVIL}", "target": EVIL} for row in rows])
    elif place == "notes":
        _edit(manifest, lambda tree: {**tree, "privacy": {"spent": {EVIL: EVIL}, "notes": [EVIL]}})
    elif place == "reason":
        _edit(manifest, lambda tree: {**tree, "filters": [{"use": EVIL, "reads_real": True, "dropped": {EVIL: 3}}]})
        rejected = [{"reason": EVIL, "count": 3, "examples": []}]
        _edit(run_folder / "gallery/gallery.json", lambda tree: {**tree, "rejected": rejected})
    elif place == "recipe":
        (run_folder / "recipe.yaml").write_text(f"name: {EVIL}\n")
    elif place == "path":
        file = {"path": f'synthetic/"{EVIL}', "sha256": EVIL, "bytes": 1}
        _edit(manifest, lambda tree: {**tree, "files": [file], "stages": [{"stage": EVIL, "wall_seconds": 1}]})
    elif place == "event":
        event = {"event": "Note", "stage": EVIL, "message": EVIL, "level": EVIL}
        (run_folder / "events.jsonl").write_text(json.dumps(event))
    else:
        detail = {
            "title": EVIL,
            "extractor": EVIL,
            "digest": EVIL,
            "not_estimated": EVIL,
            "interval": EVIL,
            "unit": EVIL,
        }
        _edit(scores, lambda rows: [{**row, "detail": {**row["detail"], **detail}} for row in rows])
    html = page.render(run_folder)
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)" in html
    _parsed(html)


def test_a_template_in_a_class_name_is_only_text(run_folder: Path) -> None:
    _edit(run_folder / "manifest.json", lambda tree: {**tree, "name": "{{ 7 * 7 }}{% raw %}"})
    assert "{{ 7 * 7 }}{% raw %}" in page.render(run_folder)


@pytest.mark.parametrize("missing", ["scores.json", "manifest.json", "events.jsonl", "gallery", "recipe.yaml", "all"])
def test_whatever_is_missing_gives_a_sentence(missing: str, run_folder: Path, tmp_path: Path) -> None:
    folder = run_folder
    if missing == "all":
        folder = tmp_path / "empty"
        folder.mkdir()
    elif missing == "gallery":
        (folder / "gallery/gallery.json").unlink()
    else:
        (folder / missing).unlink()
    html = page.render(folder)
    _parsed(html)
    sentences = {
        "scores.json": "This run has not been measured yet.",
        "gallery": "There are no pictures for this report",
        "manifest.json": "No filter was used",
        "all": "Nothing has been measured yet.",
    }
    assert sentences.get(missing, "Reproduce with") in html


@pytest.mark.parametrize("damage", ["", "{", "[1, 2]", '{"sprites": 3}', "null", '"text"', "\udcff"])
def test_damaged_files_give_a_page(damage: str, run_folder: Path) -> None:
    for name in ("scores.json", "manifest.json", "gallery/gallery.json", "events.jsonl", "recipe.yaml"):
        (run_folder / name).write_bytes(damage.encode("utf-8", "surrogateescape"))
    _parsed(page.render(run_folder))


def test_a_missing_sprite_leaves_the_gallery_out(run_folder: Path) -> None:
    (run_folder / "gallery/train.png").unlink()
    assert "There are no pictures for this report" in page.render(run_folder)


def test_no_lay_reader_meets_floor_or_ceiling(run_folder: Path) -> None:
    text = re.sub(r"<style>.*?</style>|<[^>]+>", " ", page.render(run_folder), flags=re.S)
    text = text.split("What these metrics measure")[0]
    assert not re.search(r"\b(floor|ceiling|None|nan|inf|undefined)\b", text)


@pytest.mark.parametrize(
    ("side", "channels", "classes"), [(28, 1, 10), (64, 3, 10), (64, 3, 2), (32, 3, 60), (128, 3, 10)]
)
def test_no_data_makes_a_page_of_two_megabytes(
    side: int, channels: int, classes: int, tmp_path: Path, random_images: Callable[..., Images]
) -> None:
    names = [f"{'long class name ' * 6}{number}" for number in range(classes)]
    data = random_images(600 if side < 100 else 240, side, channels, names)
    html = page.render(make_run(tmp_path, data))
    assert len(html.encode()) < page.LIMIT
    assert 'class="pic s-synthetic"' in html


def test_a_page_that_would_be_too_large_leaves_the_pictures_out(
    run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "LIMIT", 200_000)
    html = page.render(run_folder)
    assert len(html.encode()) < 200_000
    assert "There are no pictures for this report" in html


def test_hundreds_of_classes_and_files_stay_a_page(run_folder: Path) -> None:
    names = [f"class {number}" for number in range(3000)]

    def many(tree: Any) -> Any:
        counts = [1] * len(names)
        data = {**tree["data"], "classes": names, "counts": {"train": counts, "holdout": counts}}
        files = [{"path": f"synthetic/part-{n:05d}.parquet", "sha256": "0" * 64, "bytes": 9} for n in range(20_000)]
        return {**tree, "data": data, "sample": {key: counts for key in ("asked", "made", "accepted")}, "files": files}

    _edit(run_folder / "manifest.json", many)
    html = page.render(run_folder)
    assert len(html.encode()) < page.LIMIT
    assert "2940 more classes" in html


def test_written_files_are_linked_one_by_one_where_they_are_few(run_folder: Path) -> None:
    files = [{"path": f"written/png/boot/{n}.png", "sha256": "0" * 64, "bytes": 1000} for n in range(2000)]
    files.append({"path": "written/csv/a b.csv", "sha256": "0" * 64, "bytes": 1000})
    _edit(run_folder / "manifest.json", lambda tree: {**tree, "files": [*tree["files"], *files]})
    html = page.render(run_folder)
    assert '<a href="./written/png/">written/png/</a> (2,000 files, ' in html
    assert '<a href="./written/csv/a%20b.csv" download>written/csv/a b.csv</a> (' in html
    assert html.count('href="./written/png/boot/7.png"') == 1, "the list of files with their hashes alone"


def test_one_class_one_row_each(tmp_path: Path, random_images: Callable[..., Images]) -> None:
    html = page.render(make_run(tmp_path, random_images(5, 8, 1, ["only"]), rejected=0))
    _parsed(html)


def test_planted_sentences_are_shown_on_a_scale_of_bits(run_folder: Path) -> None:
    remembered = {
        "kind": "audit", "method": "text.canary", "target": "accepted", "value": 8.5, "interval": [8.0, 9.0],
        "floor": 1.5, "ceiling": 9.0, "better": "lower", "n_real": 100, "n_synthetic": 100,
        "detail": {"verdict": "privacy", "unit": "bits", "repeats": 1, "excess": {"interval": [6.2, 7.4]}},
    }  # fmt: skip
    _edit(run_folder / "scores.json", lambda scores: [*scores, remembered])
    html = page.render(run_folder)
    _parsed(html)
    assert "The model remembers numbers planted once in its training texts" in html
    assert "Figure 7.00\u202fbits. GOOD: no more than never planted" in html


def test_lost_modes_are_named(run_folder: Path) -> None:
    lost = [{"class": "<b>boot</b>", "kind": kind, "expected": 9.0, "found": 0} for kind in range(1, 12)]
    covered = {
        "kind": "metric", "method": "image.mode_coverage", "target": "accepted", "value": 0.8, "interval": [0.7, 0.9],
        "floor": 1.0, "ceiling": 0.02, "better": "higher", "n_real": 100, "n_synthetic": 100,
        "detail": {"verdict": "diversity", "lost": lost},
    }  # fmt: skip
    _edit(run_folder / "scores.json", lambda scores: [*scores, covered])
    html = page.render(run_folder)
    _parsed(html)
    assert "lost: &lt;b&gt;boot&lt;/b&gt; (kind 1), &lt;b&gt;boot&lt;/b&gt; (kind 2)" in html
    assert "(kind 8) and 3 more</small>" in html


def test_without_holdout_no_number_stands_alone(run_folder: Path) -> None:
    def alone(rows: Any) -> Any:
        empty = {"value": 0.0, "interval": None, "floor": None, "ceiling": None}
        told = [{**row, **empty, "detail": {"verdict": row["detail"]["verdict"]}} for row in rows]
        for row in told:
            row["detail"]["not_estimated"] = "no holdout: nothing to test on"
        return told

    _edit(run_folder / "scores.json", alone)
    html = page.render(run_folder)
    _parsed(html)
    assert "Not estimated: no holdout: nothing to test on." in html
    table = html[html.index('aria-label="All scores"') : html.index('id="utility"')]
    assert "0\u202f%" not in table


def test_write_makes_report_and_card(run_folder: Path) -> None:
    assert [path.name for path in page.write(run_folder)] == ["report.html", "data_card.md"]
    assert (run_folder / "report.html").read_text() == page.render(run_folder)
    assert not list(run_folder.glob(".*.tmp"))


def test_colours_meet_contrast_aa() -> None:
    css = (Path(page.__file__).parent / "templates/report.css").read_text()
    blocks = re.findall(r":root \{(.*?)\}", css, re.S)
    assert len(blocks) == 3

    def light(colour: str) -> float:
        long = "".join(c * 2 for c in colour) if len(colour) == 3 else colour
        parts = [int(long[place : place + 2], 16) / 255 for place in (0, 2, 4)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    pairs = [("ink", "paper", 4.5), ("ink-2", "paper", 4.5), ("ink-2", "soft", 4.5), ("accent", "paper", 4.5),
             ("accent", "accent-soft", 4.5), ("warn", "warn-soft", 4.5), ("warn", "paper", 4.5), ("paper", "bad", 4.5),
             ("real", "paper", 3.0)]  # fmt: skip
    for block in blocks:
        colours = dict(re.findall(r"--([\w-]+): #([0-9a-f]+);", block))
        for front, back, least in pairs:
            first, second = sorted((light(colours[front]), light(colours[back])), reverse=True)
            assert (first + 0.05) / (second + 0.05) >= least, (front, back)
