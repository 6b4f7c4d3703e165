"""Folders of images: what is read, and every way they can be wrong."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lookalike.core.errors import DataError
from lookalike.data.images import Images
from lookalike.data.readers.folder import Folder
from lookalike.data.reading import read_notes

Read = Callable[..., Images]


def fails(path: Path, tmp_path: Path, message: str, **options: Any) -> str:
    """The error of reading, which must be one line with a way out, and the same with `describe`'s listing."""
    target = tmp_path / "out"
    target.mkdir(exist_ok=True)
    with pytest.raises(DataError, match=message) as caught:
        Folder(path=str(path), **options).read(target)
    text = str(caught.value)
    assert "\n" not in text
    assert len(text) < 600
    assert ";" in text or ":" in text
    return text


def skips(path: Path, tmp_path: Path, **options: Any) -> tuple[Images, list[str]]:
    target = tmp_path / "out-skip"
    target.mkdir()
    return Folder(path=str(path), on_error="skip", **options).read(target), read_notes(target)


def test_classes_are_the_sub_folders(photos: Path, read: Read) -> None:
    data = read("folder", path=str(photos))
    assert data.classes == ("cat", "dog")
    assert data.pixels.shape == (6, 4, 5, 1)
    assert data.pixels[:, 0, 0, 0].tolist() == [0, 1, 2, 100, 101, 102]
    assert data.labels.tolist() == [0, 0, 0, 1, 1, 1]


def test_one_coloured_image_makes_all_rgb(photos: Path, save: Any, read: Read) -> None:
    save(photos / "cat" / "00.png", np.full((4, 5, 3), [1, 2, 3]))
    data = read("folder", path=str(photos))
    assert data.pixels[:, 0, 0].tolist() == [[0, 0, 0], [1, 2, 3], [1] * 3, [2] * 3, [100] * 3, [101] * 3, [102] * 3]
    assert read("folder", path=str(photos), channels="grey").channels == 1
    assert read("folder", path=str(photos), channels="rgb").channels == 3


def test_deeper_folders_belong_to_the_first(photos: Path, save: Any, read: Read) -> None:
    save(photos / "cat" / "big" / "x.PNG", np.full((4, 5), 77))
    data = read("folder", path=str(photos))
    assert data.counts().tolist() == [4, 3]


def test_the_state_notices_a_change(photos: Path) -> None:
    reader = Folder(path=str(photos))
    before = reader.state()
    assert reader.state() == before
    os.utime(photos / "cat" / "0.png", (0, 0))
    assert reader.state() != before


def test_hidden_and_other_files_are_counted(photos: Path, tmp_path: Path) -> None:
    for name in (".DS_Store", ".git/x.png", "readme.txt"):
        (photos / name).parent.mkdir(exist_ok=True)
        (photos / name).write_bytes(b"x")
    data, notes = skips(photos, tmp_path)
    assert len(data) == 6
    assert notes == ["skipped 2 hidden files", "skipped 1 files of other types"]


def test_missing_empty_and_wrong_paths(photos: Path, tmp_path: Path) -> None:
    fails(tmp_path / "nothing", tmp_path, "no folder at")
    (tmp_path / "empty").mkdir()
    fails(tmp_path / "empty", tmp_path, "holds no image files; found nothing")
    (tmp_path / "empty" / "a.txt").write_text("x")
    fails(tmp_path / "empty", tmp_path, "found 1 files of other types")
    fails(photos / "cat" / "0.png", tmp_path, "is a file; .*set path")


def test_images_without_sub_folders_have_no_classes(photos: Path, save: Any, tmp_path: Path, read: Read) -> None:
    data = read("folder", path=str(photos / "cat"))
    assert (data.classes, data.labels.tolist()) == (("all",), [0, 0, 0])
    save(photos / "stray.png", np.zeros((4, 5)))
    assert "label: none" in fails(photos, tmp_path, "stray.png lies outside")
    data = read("folder", path=str(photos), label="none")
    assert (data.classes, len(data)) == (("all",), 7)


def test_one_class_or_one_image(photos: Path, save: Any, tmp_path: Path) -> None:
    save(photos / "owl" / "0.png", np.zeros((4, 5)))
    fails(photos, tmp_path, "1 of 3 classes have one image only: 'owl'")
    for name in ("dog", "owl"):
        for path in (photos / name).iterdir():
            path.unlink()
    assert skips(photos, tmp_path)[0].classes == ("cat",)


def test_folders_of_splits_are_no_classes(photos: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    photos.rename(root / "train")
    fails(root, tmp_path, r"are splits \(train\), not classes; set path: .*root/train")


@pytest.mark.parametrize("content", [b"", b"junk", None])
def test_a_corrupt_file_stops_or_is_counted(photos: Path, tmp_path: Path, content: bytes | None) -> None:
    path = photos / "dog" / "9.png"
    noise = np.random.default_rng(0).integers(0, 256, (4, 5), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    # With its head intact the file passes the first pass and fails in the second.
    path.write_bytes(path.read_bytes()[:-24] if content is None else content)
    assert "on_error: skip" in fails(photos, tmp_path, r"cannot read dog/9\.png")
    data, notes = skips(photos, tmp_path)
    assert data.pixels[:, 0, 0, 0].tolist() == [0, 1, 2, 100, 101, 102]
    assert data.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert len(notes) == 1
    assert notes[0].startswith("skipped 1 unreadable images: cannot read dog/9.png")


def test_all_of_a_class_corrupt_is_told_when_skipping(photos: Path, tmp_path: Path) -> None:
    for path in (photos / "dog").iterdir():
        path.write_bytes(b"junk")
    data, notes = skips(photos, tmp_path)
    assert data.classes == ("cat",)
    assert notes[0].startswith("skipped 3 unreadable images")
    assert notes[1] == "left out 1 classes without images: dog"
    for path in (photos / "cat").iterdir():
        path.write_bytes(b"junk")
    fails(photos, tmp_path, "holds no image; at least 2", on_error="skip")


def test_mixed_sizes_are_listed_and_resized(photos: Path, save: Any, read: Read, tmp_path: Path) -> None:
    save(photos / "dog" / "9.png", np.zeros((7, 9)))
    text = fails(photos, tmp_path, r"2 sizes .*4x5 \(6 images\), 7x9 \(1 images\)")
    assert "size: [4, 5]" in text
    data = read("folder", path=str(photos), size=[3, 6])
    assert data.pixels.shape == (7, 3, 6, 1)
    assert data.pixels[1].tolist() == np.ones((3, 6, 1)).tolist()


def test_images_beside_the_class_folders_have_no_label(photos: Path, save: Any, tmp_path: Path) -> None:
    save(photos / "stray.png", np.zeros((4, 5)))
    fails(photos, tmp_path, "stray.png lies outside")
    data, notes = skips(photos, tmp_path)
    assert len(data) == 6
    assert notes[0].startswith("skipped 1 images without a label")


def test_links_that_leave_are_refused(photos: Path, save: Any, tmp_path: Path) -> None:
    secret = save(tmp_path / "secret" / "s.png", np.zeros((4, 5)))
    (photos / "dog" / "link.png").symlink_to(secret)
    fails(photos, tmp_path, "dog/link.png is a link that leaves the folder")
    (photos / "dog" / "link.png").unlink()
    (photos / "owl").symlink_to(secret.parent)
    fails(photos, tmp_path, "owl is a link that leaves")
    data, notes = skips(photos, tmp_path)
    assert data.classes == ("cat", "dog")
    assert "skipped 1 links that leave the folder" in notes[0]


def test_links_inside_are_fine_and_loops_end(photos: Path, read: Read) -> None:
    (photos / "dog" / "again.png").symlink_to(photos / "dog" / "0.png")
    (photos / "dog" / "loop").symlink_to(photos)
    assert len(read("folder", path=str(photos))) == 7


def test_names_that_are_not_utf8(photos: Path, tmp_path: Path) -> None:
    bad = os.fsencode(photos / "dog") + b"/\xff.png"
    try:
        os.link(photos / "dog" / "0.png", bad)
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    assert "dog/\\udcff.png" in fails(photos, tmp_path, "not UTF-8")
    data, notes = skips(photos, tmp_path)
    assert len(data) == 6
    assert notes[0].startswith("skipped 1 files whose names are not UTF-8")


def test_a_line_break_in_a_name_stays_one_line(photos: Path, tmp_path: Path) -> None:
    (photos / "dog" / "a\nb.png").write_bytes(b"junk")
    fails(photos, tmp_path, r"dog/a\\nb\.png")


def test_limits_are_settings(photos: Path, tmp_path: Path) -> None:
    fails(photos, tmp_path, "limit of 10; .*max_megapixels", max_megapixels=1e-5)
    fails(photos, tmp_path, "limit of 10; .*max_file_mb", max_file_mb=1e-5)


CSV = "file,label\ncat/0.png,a\ncat/1.png,a\ncat/2.png,b\ndog/0.png,b\ndog/1.png,b\ndog/2.png,a\n"


def test_labels_from_a_csv(photos: Path, tmp_path: Path) -> None:
    (photos / "labels.csv").write_text("\ufeff" + CSV, encoding="utf-8")
    data, notes = skips(photos, tmp_path, label="labels.csv")
    assert data.classes == ("a", "b")
    assert data.labels.tolist() == [0, 0, 1, 1, 1, 0]
    assert notes == []
    renamed = CSV.replace("file,label", "name,kind")
    (photos / "labels.csv").write_text(renamed)
    target = tmp_path / "renamed"
    target.mkdir()
    again = Folder(path=str(photos), label="labels.csv", file_column="name", label_column="kind").read(target)
    assert again.fingerprint() == data.fingerprint()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (CSV.replace("label", "kind"), r"no column 'label'; found file, kind"),
        (CSV.replace(",", ";"), r"no column 'file' and 'label'; found file;label"),
        ("", "found nothing"),
        (CSV + "cat/9.png,a\n", r"line 8 names cat/9\.png, which does not exist"),
        (CSV + "../secret.png,a\n", r"names \.\./secret\.png, which leaves the folder"),
        (CSV + "/etc/passwd,a\n", "which leaves the folder"),
        (CSV + "cat/0.png,b\n", "a second time"),
        (CSV.replace("cat/0.png,a\n", ""), r"no label for 1 of 6 image files: cat/0\.png"),
        (CSV.replace("cat/0.png,a", "cat/0.png,"), r"gives no label for cat/0\.png"),
        (CSV + '"x', "not a CSV"),
        (CSV.encode() + b"\xff,a\n", "not a CSV in UTF-8"),
    ],
)
def test_a_csv_that_does_not_fit(photos: Path, tmp_path: Path, text: str | bytes, message: str) -> None:
    (photos / "labels.csv").write_bytes(text.encode() if isinstance(text, str) else text)
    fails(photos, tmp_path, message, label="labels.csv")


def test_bad_lines_can_be_skipped_and_are_counted(photos: Path, tmp_path: Path) -> None:
    (photos / "labels.csv").write_text(CSV.replace("cat/0.png,a", "cat/9.png,a"))
    data, notes = skips(photos, tmp_path, label="labels.csv")
    assert len(data) == 5
    assert notes == [
        "skipped 1 lines of the CSV: labels.csv line 2 names cat/9.png, which does not exist",
        "skipped 1 images without a label: cat/0.png has no label",
    ]


def test_a_missing_or_leaving_csv(photos: Path, tmp_path: Path) -> None:
    fails(photos, tmp_path, "no file labels.csv", label="labels.csv")
    (tmp_path / "outside.csv").write_text(CSV)
    fails(photos, tmp_path, "leaves", label="../outside.csv")
