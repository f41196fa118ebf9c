"""One image file of any usual kind, to bytes of a given size. Pillow decodes; nothing is trusted before."""

from __future__ import annotations

import lzma
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import IO, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageOps, UnidentifiedImageError

from vae_explorer.data.own.values import BYTE, STANDARD, Kind, Range, Values, ends, grey_levels, range_of

Fit = Literal["pad", "crop"]
Ground = Literal["black", "white"]
Order = Literal["auto", "first", "last"]
Size = tuple[int, int]  # height and width, pixels

# No format that runs another program or holds drawing commands (EPS, WMF) is among them.
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM")
PHOTOGRAPHS = ("JPEG", "MPO")  # the second is what Pillow calls a JPEG file with a preview in it
MOST_PIXELS = 32_000_000  # of one image file; a telephone's photograph has 12 million
ALIKE = 8  # grey levels between two channels that a grey image saved as JPEG may have
ORIENTATION = 0x0112  # the EXIF tag
# What Pillow and zipfile raise at files that are damaged, or not what they say.
BROKEN = (
    *(OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, OverflowError, RuntimeError),
    *(struct.error, zlib.error, lzma.LZMAError, zipfile.BadZipFile),
    *(Image.DecompressionBombError, Image.DecompressionBombWarning),
)


class Refused(Exception):
    """An image that is left out; the message says why, in a few words."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How an upload is to be read.

    Arguments:
        fit: What becomes of images of another shape than the data set's: wholly inside, or filled and cut.
        ground: What is seen behind transparent pixels and beside padded images.
        tile: Height and width of a sheet's tiles, in pixels; guessed unless given.
        values: Whether values are spread over all grey levels: where they fill little of them, always, or never.
        order: Which axis of an array counts the images.
    """

    fit: Fit = "pad"
    ground: Ground = "black"
    tile: Size | None = None
    values: Values = "auto"
    order: Order = "auto"


class Picture(NamedTuple):
    """A decoded image."""

    pixels: NDArray[np.uint8]  # (H, W) or (H, W, 3)
    animated: bool  # it had more frames, which are left out
    clear: bool  # it had transparent pixels
    kind: Kind  # of the numbers in the file
    found: Range  # least and largest of them

    @property
    def deep(self) -> bool:
        """Whether it had more than 8 bits a pixel."""
        return self.kind != "byte"


def measure(file: IO[bytes]) -> Size:
    """Returns an image's size from its header alone.

    Raises:
        Refused: If it is no image, or too large to be decoded.
    """
    try:
        with Image.open(file, formats=FORMATS) as image:
            return _upright(image)
    except BROKEN as error:
        raise _refusal(error) from error


def decode(
    content: bytes, size: Size | None, reading: Reading, black_white: Mapping[Kind, Range] = STANDARD
) -> Picture:
    """Returns an image with eight bits a pixel, at another size if one is given; grey where its colours are.

    Arguments:
        content: The file.
        size: Height and width; the image's own unless given.
        reading: Choices.
        black_white: The values that become black and white, for each kind of numbers.

    Raises:
        Refused: If it cannot be decoded.
    """
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as image:
            _upright(image)
            if size:
                image.draft(
                    None, (2 * max(size), 2 * max(size))
                )  # a JPEG file is decoded small, in a tenth of the time
            animated = bool(getattr(image, "is_animated", False)) and image.format != "MPO"
            clear = image.has_transparency_data
            upright = ImageOps.exif_transpose(image) if image.format in PHOTOGRAPHS else image
            kind: Kind = "real" if image.mode == "F" else "whole" if image.mode.startswith("I") else "byte"
            plain, found = _eight_bits(upright, reading.ground, black_white[kind])
    except BROKEN as error:
        raise _refusal(error) from error
    if size and (plain.height, plain.width) != size:
        plain = _sized(plain, size, reading)
    return Picture(np.asarray(_grey_if_alike(plain)), animated, clear, kind, found)


def decode_alone(content: bytes, reading: Reading) -> Picture:
    """Returns an image that is all there is: its own values say what becomes black and white.

    Raises:
        Refused: If it cannot be decoded.
    """
    picture = decode(content, None, reading)
    chosen = ends(picture.found, picture.kind, reading.values)
    if chosen == STANDARD[picture.kind]:
        return picture
    return decode(content, None, reading, {picture.kind: chosen})


def resized(pixels: NDArray[np.uint8], size: Size) -> NDArray[np.uint8]:
    """Returns an image `(H, W)` or `(H, W, 3)` at another size."""
    return np.asarray(Image.fromarray(pixels).resize(size[::-1], Image.Resampling.BICUBIC))


def greyed(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Returns the luma `(H, W)` of an image `(H, W, 3)`, as Pillow weighs the channels."""
    return np.asarray(Image.fromarray(pixels).convert("L"))


def _upright(image: Image.Image) -> Size:
    """Returns height and width as the image is meant to be seen."""
    width, height = image.size
    if width * height > MOST_PIXELS:
        raise Refused(f"{width * height / 1e6:.0f} megapixels: save it with {MOST_PIXELS // 1_000_000} at most")
    # Other formats' EXIF data may lie behind the pixels, and asking for it would decode them.
    turned = image.format in PHOTOGRAPHS and image.getexif().get(ORIENTATION, 1) in (5, 6, 7, 8)
    return (width, height) if turned else (height, width)


def _eight_bits(image: Image.Image, ground: Ground, black_white: Range) -> tuple[Image.Image, Range]:
    """Returns an image of mode L or RGB, and the range of the values that it had."""
    if image.mode == "F" or image.mode.startswith("I"):
        levels = np.asarray(image)
        if not np.isfinite(levels).all():
            raise Refused("nan or infinite pixels: replace them with numbers")
        return Image.fromarray(grey_levels(levels, black_white)), range_of(levels)
    if image.has_transparency_data:
        behind = Image.new("RGBA", image.size, ground)
        behind.alpha_composite(image.convert("RGBA"))
        image = behind.convert("RGB")
    plain = image.convert("L" if image.mode in ("1", "L") else "RGB")
    extremes = np.array(plain.getextrema())
    if black_white != BYTE:
        plain = plain.point([int(level) for level in grey_levels(np.arange(256), black_white)] * len(plain.getbands()))
    return plain, range_of(extremes)


def _sized(image: Image.Image, size: Size, reading: Reading) -> Image.Image:
    """Returns the image at another size, never stretched by more than rounding."""
    box = size[::-1]
    if reading.fit == "crop":
        return ImageOps.fit(image, box, Image.Resampling.BICUBIC)
    return ImageOps.pad(image, box, Image.Resampling.BICUBIC, color=reading.ground)


def _grey_if_alike(image: Image.Image) -> Image.Image:
    if image.mode == "L":
        return image
    red, green, blue = image.split()
    apart = max(int(np.asarray(ImageChops.difference(green, other)).max()) for other in (red, blue))
    return image.convert("L") if apart <= ALIKE else image


def _refusal(error: BaseException) -> Refused:
    if isinstance(error, UnidentifiedImageError):
        return Refused("no image of a known kind")
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return Refused(f"far too many pixels: save it with {MOST_PIXELS // 1_000_000} million at most")
    return Refused(f"damaged or cut off ({str(error).splitlines()[0][:80] if str(error) else type(error).__name__})")
