"""Every mode's rule, against values worked out by hand, and what strangers' files may not do."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lookalike.core.errors import DataError
from lookalike.data.pixels import Limits, convert_block, decode, fit, read_header

LIMITS = Limits()


def png(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def both(content: bytes, channels: int = 0) -> np.ndarray:
    head = read_header(content, "x", LIMITS)
    pixels = decode(content, "x", LIMITS, channels or (3 if head.colour else 1), None)
    assert pixels.dtype == np.uint8
    assert pixels.shape[:2] == (head.height, head.width)
    return pixels


def of(values: Any, mode: str | None = None, dtype: Any = np.uint8) -> Image.Image:
    image = Image.fromarray(np.array(values, dtype=dtype))
    return image if mode is None else image.convert(mode)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(png(of([[0, 255, 255]]).convert("1")), [[[0], [255], [255]]], id="1"),
        pytest.param(png(of([[0, 7, 255]])), [[[0], [7], [255]]], id="L"),
        pytest.param(
            png(Image.fromarray(np.array([[[10, 255], [10, 0], [0, 51]]], np.uint8), "LA")),
            [[[10], [255], [204]]],
            id="LA",
        ),
        pytest.param(png(of([[[1, 2, 3]]])), [[[1, 2, 3]]], id="RGB"),
        pytest.param(
            png(of([[[1, 2, 3, 255], [1, 2, 3, 0], [0, 100, 255, 51]]])),
            [[[1, 2, 3], [255, 255, 255], [204, 224, 255]]],
            id="RGBA",
        ),
        pytest.param(png(of([[0, 128, 129, 65535]], dtype=np.uint16)), [[[0], [0], [1], [255]]], id="I;16"),
        pytest.param(png(of([[0, 257, 65535]], dtype=np.int32), "TIFF"), [[[0], [1], [255]]], id="I"),
        pytest.param(png(Image.new("CMYK", (1, 1), (255, 0, 0, 0)), "TIFF"), [[[0, 255, 255]]], id="CMYK"),
        pytest.param(png(of([[0, 9]]), transparency=9), [[[0], [255]]], id="L with a transparent level"),
    ],
)
def test_a_mode_becomes_what_the_rule_says(content: bytes, expected: list) -> None:
    assert both(content).tolist() == expected


def test_ycbcr_becomes_rgb() -> None:
    content = png(Image.new("YCbCr", (8, 8), (128, 128, 128)), "JPEG")
    assert both(content, 3).shape == (8, 8, 3)


@pytest.mark.parametrize(("colours", "channels"), [([0, 0, 0, 9, 9, 9], 1), ([0, 0, 0, 9, 8, 9], 3)])
@pytest.mark.parametrize("kind", ["PNG", "GIF", "BMP", "TIFF"])
def test_a_palette_is_grey_when_all_its_colours_are(kind: str, colours: list[int], channels: int) -> None:
    image = Image.fromarray(np.array([[0, 1]], dtype=np.uint8), "P")
    image.putpalette(colours)
    pixels = both(png(image, kind))
    assert pixels.shape == (1, 2, channels)
    assert pixels[0, 1].tolist() == (colours[3:] if channels == 3 else [9])


def test_a_palette_with_a_transparent_entry_is_laid_on_white() -> None:
    image = Image.fromarray(np.array([[0, 1]], dtype=np.uint8), "P")
    image.putpalette([5, 6, 7, 9, 8, 9])
    assert both(png(image, transparency=0)).tolist() == [[[255, 255, 255], [9, 8, 9]]]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
@pytest.mark.parametrize("turn", range(1, 9))
def test_the_exif_orientation_is_applied(kind: str, turn: int) -> None:
    # The corner where the picture's bright block must be after turning is what the EXIF standard says of each value.
    stored = np.zeros((16, 32), dtype=np.uint8)
    stored[:8, :8] = 255
    exif = Image.Exif()
    exif[0x0112] = turn
    pixels = both(png(Image.fromarray(stored), kind, exif=exif), 1)[:, :, 0]
    assert pixels.shape == ((16, 32) if turn < 5 else (32, 16))
    row, column = {1: (0, 0), 2: (0, 1), 3: (1, 1), 4: (1, 0), 5: (0, 0), 6: (0, 1), 7: (1, 1), 8: (1, 0)}[turn]
    corner = pixels[-3 if row else 2, -3 if column else 2]
    assert corner > 200
    assert pixels.mean() < 60


@pytest.mark.parametrize("kind", ["GIF", "PNG", "TIFF", "WEBP"])
def test_the_first_frame_is_taken(kind: str) -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    content = png(frames[0], kind, save_all=True, append_images=frames[1:])
    assert np.abs(both(content)[0, 0].astype(int) - [255, 0, 0]).max() <= 4


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM"])
def test_a_truncated_file_is_an_error(kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    content = png(Image.fromarray(noise), kind)
    with pytest.raises(DataError, match=r"cannot read bad\.x: .*repair"):
        decode(content[: len(content) // 2], "bad.x", LIMITS, 3, None)


@pytest.mark.parametrize("content", [b"", b"no image", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"])
def test_what_is_no_image_is_an_error(content: bytes) -> None:
    with pytest.raises(DataError, match="cannot read x"):
        read_header(content, "x", LIMITS)


def test_limits_on_pixels_and_bytes(tmp_path: Path) -> None:
    content = png(Image.new("1", (100, 101)))
    with pytest.raises(DataError, match=r"101x100 pixels, more than the limit of 10,000; .*max_megapixels"):
        read_header(content, "x", Limits(pixels=10_000))
    (tmp_path / "x.png").write_bytes(content)
    for source in (content, tmp_path / "x.png"):
        with pytest.raises(DataError, match=r"more than the limit of 10; .*max_file_mb"):
            read_header(source, "x", Limits(file_bytes=10))


def test_a_bomb_is_refused_before_it_is_decoded() -> None:
    head = b"IHDR" + struct.pack(">IIBBBBB", 20_000, 20_000, 8, 0, 0, 0, 0)
    data = b"IDAT" + zlib.compress(bytes(99))
    chunks = [struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in (head, data)]
    content = b"\x89PNG\r\n\x1a\n" + b"".join(chunks)
    with pytest.raises(DataError, match="more pixels than allowed"):
        read_header(content, "x", LIMITS)


@pytest.mark.parametrize("kind", ["float", "negative"])
def test_values_without_a_known_range_are_refused(kind: str) -> None:
    image = of([[0.5]], dtype=np.float32) if kind == "float" else of([[-1]], dtype=np.int32)
    with pytest.raises(DataError, match="mode F" if kind == "float" else "from -1"):
        decode(png(image, "TIFF"), "x", LIMITS, 1, None)


def test_rgb_to_grey_is_luma_and_grey_to_rgb_repeats() -> None:
    assert fit(np.array([[[255, 0, 0]]], np.uint8), 1, None).tolist() == [[[76]]]
    assert fit(np.array([[[5]]], np.uint8), 3, None).tolist() == [[[5, 5, 5]]]


def test_resizing_is_antialiased_and_height_comes_first() -> None:
    # Alternating columns average to grey; picking single pixels would give black or white.
    stripes = np.tile(np.array([0, 255], np.uint8), (16, 16))[..., None]
    small = fit(stripes, 1, (2, 4))
    assert small.shape == (2, 4, 1)
    assert np.abs(small.astype(int) - 128).max() < 30


def test_arrays_follow_the_same_rules() -> None:
    grey = np.array([[[0, 255]]], np.uint8)
    assert convert_block(grey > 0, 1, None, "x").tolist() == [[[[0], [255]]]]
    assert convert_block(np.array([[[65535]]], np.uint16), 3, None, "x").tolist() == [[[[255] * 3]]]
    assert convert_block(np.array([[[[10, 51]]]], np.uint8), 1, None, "x").tolist() == [[[[206]]]]
    assert convert_block(np.zeros((0, 4, 5), np.uint8), 3, (2, 3), "x").shape == (0, 2, 3, 3)
    for wrong in (np.zeros((1, 2, 2)), np.zeros((2, 2), np.uint8), np.zeros((1, 3, 9, 9), np.uint8)):
        with pytest.raises(DataError, match="allowed"):
            convert_block(wrong, 1, None, "x")
