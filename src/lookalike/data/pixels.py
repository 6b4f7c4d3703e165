"""From any image file or array to uint8 grey or RGB: one rule per mode, with limits for files from strangers.

| mode | becomes |
|---|---|
| 1 | grey, 0 or 255 |
| L | grey, unchanged |
| LA, RGBA, PA, and any mode with a transparent colour | composited on white, then as without transparency |
| RGB | RGB, unchanged |
| P | its colours; grey when every colour of its palette is grey |
| I;16 and I | grey, the full range 0..65535 divided by 257 and rounded; values outside are an error |
| CMYK, YCbCr, HSV | RGB, by Pillow's conversion without a colour profile |
| F, LAB and all others | refused: their range is not stated in the file |

The EXIF orientation is applied. Of animated files the first frame is taken. RGB to grey is ITU-R 601 luma; grey to RGB
repeats the channel. Resizing is Pillow's antialiased bicubic filter; it stretches when the aspect ratio differs.
RGB files with 16 bits per channel are cut to the high 8 bits by Pillow. An EXIF block that a PNG holds after its pixels
is ignored.

Legend: B = batch, H = height, W = width, C = channels.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from lookalike.core.errors import DataError

Pixels = npt.NDArray[np.uint8]

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "JPEG2000")
"""The decoders that may run; EPS and the like, which start other programs, never do."""
SUFFIXES = frozenset(".png .jpg .jpeg .jpe .jfif .gif .bmp .tif .tiff .webp .ppm .pgm .pbm .pnm .jp2 .j2k".split())
"""File names that count as images, in lower case."""

_DEEP = frozenset(("I", "I;16", "I;16B", "I;16L", "I;16N"))
_GREY = frozenset(("1", "L", "LA")) | _DEEP
_COLOUR = frozenset(("RGB", "RGBA", "CMYK", "YCbCr", "HSV"))
_PALETTE = frozenset(("P", "PA"))
_ALPHA = frozenset(("LA", "RGBA", "PA"))
_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SHOWN = 120


@dataclass(frozen=True)
class Limits:
    """What a single image may cost.

    Attributes:
        pixels: Most pixels, height times width.
        file_bytes: Most bytes of one file.
    """

    pixels: int = 64_000_000
    file_bytes: int = 256_000_000


@dataclass(frozen=True)
class Header:
    """What is known of an image before its pixels are decoded.

    Attributes:
        height: In pixels, after the EXIF orientation.
        width: In pixels, after the EXIF orientation.
        mode: Pillow's name of the mode.
        colour: Whether it becomes RGB.
    """

    height: int
    width: int
    mode: str
    colour: bool


def shown(name: object) -> str:
    r"""Return a name for a message: one line, printable, at most 120 characters.

    Example:
        >>> shown("a" + chr(10) + "b.png")
        'a\\nb.png'
    """
    text = str(name).encode("utf-8", "backslashreplace").decode()
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return text if len(text) <= _SHOWN else "..." + text[-_SHOWN:]


@contextmanager
def _opened(source: Path | bytes, name: str, limits: Limits) -> Iterator[Image.Image]:
    length = len(source) if isinstance(source, bytes) else source.stat().st_size
    if length > limits.file_bytes:
        raise DataError(
            f"{shown(name)} has {length:,} bytes, more than the limit of {limits.file_bytes:,}; "
            "shrink it, or raise max_file_mb"
        )
    with warnings.catch_warnings():
        # Odd metadata and sizes near the limit make Pillow warn; what matters is checked below, or raises.
        warnings.simplefilter("ignore")
        with Image.open(BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS) as image:
            width, height = image.size
            if width * height > limits.pixels:
                raise DataError(
                    f"{shown(name)} has {height}x{width} pixels, more than the limit of {limits.pixels:,}; "
                    "shrink it, or raise max_megapixels"
                )
            yield image


@contextmanager
def _explained(name: str) -> Iterator[None]:
    try:
        yield
    except DataError:
        raise
    except Image.DecompressionBombError:
        raise DataError(f"{shown(name)} has far more pixels than allowed; shrink it or remove it") from None
    except Exception as error:  # decoders raise almost anything on hostile bytes
        reason = "it is empty, cut short or no image" if isinstance(error, UnidentifiedImageError) else shown(error)
        raise DataError(
            f"cannot read {shown(name)}: {reason or type(error).__name__}; repair or remove it, or set on_error: skip"
        ) from None


def _palette_is_grey(image: Image.Image) -> bool:
    if image.palette is None:
        return False
    mode, data = image.palette.getdata()
    layout, _, order = str(mode or "RGB").partition(";")
    step = len(layout)
    values = np.frombuffer(bytes(data)[: len(data) // step * step], dtype=np.uint8)
    # "RGB;L", as in TIFF, holds all red values first, then all green, then all blue.
    colours = (values.reshape(step, -1).T if order == "L" else values.reshape(-1, step))[:, :3]
    return bool((colours == colours[:, :1]).all())


def _is_colour(image: Image.Image, name: str) -> bool:
    if image.mode in _PALETTE:
        return not _palette_is_grey(image)
    if image.mode not in _GREY | _COLOUR:
        raise DataError(
            f"{shown(name)} has mode {image.mode}, whose range is not known; allowed: 1, L, LA, RGB, RGBA, P, 16-bit "
            "grey, CMYK, YCbCr; convert it, or set on_error: skip"
        )
    return image.mode in _COLOUR


def _orientation(image: Image.Image) -> int:
    if image.format == "TIFF":
        return 1  # Pillow turns TIFF files itself
    # The base method, because the one of PNG decodes all pixels to look behind them.
    return int(Image.Image.getexif(image).get(_ORIENTATION, 1) or 1)


def read_header(source: Path | bytes, name: str, limits: Limits) -> Header:
    """Return size and mode of an image without decoding it.

    Args:
        source: A file, or its content.
        name: What messages call it.
        limits: What it may cost.

    Raises:
        DataError: Not an image, over a limit, or of a mode without a rule.
    """
    with _explained(name), _opened(source, name, limits) as image:
        colour = _is_colour(image, name)
        width, height = image.size
        if _orientation(image) >= 5:
            width, height = height, width
        return Header(height, width, image.mode, colour)


def decode(source: Path | bytes, name: str, limits: Limits, channels: int, size: tuple[int, int] | None) -> Pixels:
    """Return the pixels of an image.

    Args:
        source: A file, or its content.
        name: What messages call it.
        limits: What it may cost.
        channels: 1 = grey, 3 = RGB.
        size: Height and width to resize to, in pixels; None keeps the size.

    Returns:
        [H, W, C] uint8.

    Raises:
        DataError: Corrupt, truncated, over a limit, or of a mode without a rule.
    """
    with _explained(name), _opened(source, name, limits) as image:
        colour, turn = _is_colour(image, name), _orientation(image)
        image.load()
        native = _native(image, colour, name)
        if turn in _TURNS:
            native = np.asarray(Image.fromarray(native if colour else native[:, :, 0]).transpose(_TURNS[turn]))
            native = native if colour else native[:, :, None]
        return fit(native, channels, size)


def _native(image: Image.Image, colour: bool, name: str) -> Pixels:
    if image.mode in _DEEP:
        return narrow(np.asarray(image), name)[:, :, None]
    if image.mode in _ALPHA or "transparency" in image.info:
        rgb = composite(np.asarray(image.convert("RGBA")))
        return rgb if colour else rgb[:, :, :1]
    if colour:
        return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))
    return np.asarray(image if image.mode == "L" else image.convert("L"))[:, :, None]


def narrow(values: npt.NDArray[Any], name: str) -> Pixels:
    """Return 16-bit values as 8-bit: value / 257, rounded, so that 0 stays 0 and 65535 becomes 255.

    Raises:
        DataError: A value lies outside 0..65535.

    Example:
        >>> narrow(np.array([0, 128, 129, 65535]), "x").tolist()
        [0, 0, 1, 255]
    """
    low, high = (int(values.min()), int(values.max())) if values.size else (0, 0)
    if low < 0 or high > 65535:
        raise DataError(
            f"{shown(name)} holds values from {low} to {high}; allowed: 0 to 65535; rescale it, or set on_error: skip"
        )
    return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)


def composite(rgba: Pixels) -> Pixels:
    """Return pixels laid over white.

    Args:
        rgba: [..., C + 1] uint8, the last channel is opacity.

    Returns:
        [..., C] uint8, rounded.

    Example:
        >>> composite(np.array([[0, 255], [0, 0], [0, 51]], dtype=np.uint8))[:, 0].tolist()
        [0, 255, 204]
    """
    colour, alpha = rgba[..., :-1].astype(np.uint32), rgba[..., -1:].astype(np.uint32)
    return ((colour * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


def fit(pixels_HWC: Pixels, channels: int, size: tuple[int, int] | None) -> Pixels:
    """Return an image with the wanted channels and size.

    Args:
        pixels_HWC: Grey or RGB.
        channels: 1 = grey, 3 = RGB.
        size: Height and width in pixels; None keeps the size.

    Returns:
        [H, W, C] uint8.
    """
    pixels = pixels_HWC
    if pixels.shape[2] == 3 and channels == 1:
        pixels = np.asarray(Image.fromarray(pixels).convert("L"))[:, :, None]
    if size is not None and pixels.shape[:2] != tuple(size):
        flat = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
        pixels = np.asarray(flat.resize((size[1], size[0]), Image.Resampling.BICUBIC))
        pixels = pixels if pixels.ndim == 3 else pixels[:, :, None]
    return np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 and channels == 3 else pixels


def array_shape(shape: tuple[int, ...], dtype: np.dtype[Any], name: str) -> tuple[int, int, int]:
    """Return (height, width, channels) of the images in an array, after checking that there is a rule for it.

    Args:
        shape: [B, H, W] or [B, H, W, C], C = 1 grey, 2 grey and opacity, 3 RGB, 4 RGBA.
        dtype: bool, uint8 or uint16.
        name: What messages call it.

    Raises:
        DataError: Any other shape or dtype.
    """
    if len(shape) not in (3, 4) or (len(shape) == 4 and shape[3] not in (1, 2, 3, 4)) or 0 in shape[1:]:
        raise DataError(
            f"{shown(name)} has shape {shape}; allowed: [images, height, width] or [images, height, width, 1 to 4]; "
            "move the channels last"
        )
    if dtype not in (np.dtype(bool), np.dtype(np.uint8), np.dtype(np.uint16)):
        raise DataError(
            f"{shown(name)} has dtype {dtype}; allowed: uint8 (0 to 255), uint16 (0 to 65535), bool; "
            "rescale and convert it"
        )
    return shape[1], shape[2], shape[3] if len(shape) == 4 else 1


def convert_block(block: npt.NDArray[Any], channels: int, size: tuple[int, int] | None, name: str) -> Pixels:
    """Return images from an array by the same rules as files.

    Args:
        block: As `array_shape` allows.
        channels: 1 = grey, 3 = RGB.
        size: Height and width to resize to, in pixels; None keeps the size.
        name: What messages call it.

    Returns:
        [B, H, W, C] uint8.

    Raises:
        DataError: No rule for this array.
    """
    array_shape(block.shape, block.dtype, name)
    pixels = block if block.ndim == 4 else block[..., None]
    if pixels.dtype == np.dtype(bool):
        pixels = pixels.astype(np.uint8) * np.uint8(255)
    elif pixels.dtype == np.dtype(np.uint16):
        pixels = narrow(pixels, name)
    if pixels.shape[3] in (2, 4):
        pixels = composite(pixels)
    if pixels.shape[3] == channels and (size is None or pixels.shape[1:3] == tuple(size)):
        return pixels
    if not len(pixels):
        height, width = size or (pixels.shape[1], pixels.shape[2])
        return np.zeros((0, height, width, channels), dtype=np.uint8)
    return np.stack([fit(image, channels, size) for image in pixels])
