"""One image file of any usual kind, to bytes of a given size. Pillow decodes; nothing is trusted before."""

from __future__ import annotations

import functools
import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from typing import IO, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageCms, ImageOps, UnidentifiedImageError

from vae_explorer.data.own.reading import Ground, Reading, Size
from vae_explorer.data.own.values import BYTE, STANDARD, Kind, Range, ends, grey_levels, range_of

# No format that runs another program or holds drawing commands (EPS, WMF) is among them.
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "AVIF")
PHOTOGRAPHS = ("JPEG", "MPO")  # the second is what Pillow calls a JPEG file with a preview in it
MOST_PIXELS = 32_000_000  # of one image file; a telephone's photograph has 12 million
MOST_SIDE = 50_000  # a filter that makes a longer side small takes much memory
MOST_PAGES = 100_000
SCANS = 10  # of a progressive JPEG file; one that asks for more is more work
ALIKE = 8  # grey levels between two channels that a grey image saved as JPEG may have
ORIENTATION = 0x0112  # the EXIF tag
_SUBFILE, _NO_PAGE = 254, 0b101  # TIFF's tag of what a page is, and its bits for a smaller copy and for a mask
_BAND = 256  # rows that are laid on a ground at once
# What Pillow and zipfile raise at files that are damaged, or not what they say.
BROKEN = (
    *(OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, OverflowError, RuntimeError, MemoryError),
    *(struct.error, zlib.error, lzma.LZMAError, zipfile.BadZipFile),
    *(Image.DecompressionBombError, Image.DecompressionBombWarning),
)


class Refused(Exception):
    """An image that is left out; the message says why, in a few words."""


class Outline(NamedTuple):
    """What a header says."""

    size: Size
    pages: tuple[int, ...]  # that are images of their own


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


def outline_of(file: IO[bytes]) -> Outline:
    """Returns an image's size and pages from its headers alone.

    Raises:
        Refused: If it is no image, or too large to be decoded.
    """
    try:
        with Image.open(file, formats=FORMATS) as image:
            _demand_small(image)
            if image.format == "TIFF":  # whose size is told as it is meant to be seen
                return Outline(image.size[::-1], _pages(image))
            turned = _may_be_turned(image, file) and image.getexif().get(ORIENTATION, 1) in (5, 6, 7, 8)
            return Outline(image.size if turned else image.size[::-1], (0,))
    except BROKEN as error:
        raise _refusal(error, file) from error


def decode(
    content: bytes | IO[bytes],
    size: Size | None,
    reading: Reading,
    black_white: Mapping[Kind, Range] = STANDARD,
    spend: Callable[[int], None] = lambda _: None,
) -> Picture:
    """Returns an image's first page; see `decode_pages`.

    Raises:
        Refused: If it cannot be decoded.
    """
    file = BytesIO(content) if isinstance(content, bytes) else content
    picture = next(decode_pages(file, (0,), size, reading, black_white, spend))
    if isinstance(picture, Refused):
        raise picture
    return picture


def decode_pages(
    file: IO[bytes],
    pages: tuple[int, ...],
    size: Size | None,
    reading: Reading,
    black_white: Mapping[Kind, Range] = STANDARD,
    spend: Callable[[int], None] = lambda _: None,
) -> Iterator[Picture | Refused]:
    """Yields images with eight bits a pixel, at another size if one is given; grey where their colours are.

    Arguments:
        file: Can be sought in.
        pages: Of the file.
        size: Height and width; the images' own unless given.
        reading: Choices.
        black_white: The values that become black and white, for each kind of numbers.
        spend: Called with the number of pixels before they are decoded; what it raises ends the decoding.
    """
    try:
        with Image.open(file, formats=FORMATS) as image:
            for page in pages:
                try:
                    if page:
                        image.seek(page)
                    _demand_small(image)
                    spend(_cost(image, file))
                    picture: Picture | Refused = _decode(image, len(pages) == 1, size, reading, black_white)
                except Refused as error:
                    picture = error
                except BROKEN as error:
                    picture = _refusal(error, file)
                yield picture
    except BROKEN as error:
        yield _refusal(error, file)


def _decode(
    image: Image.Image, alone: bool, size: Size | None, reading: Reading, black_white: Mapping[Kind, Range]
) -> Picture:
    if size:
        image.draft(None, (2 * max(size), 2 * max(size)))  # a JPEG file is decoded small, in a tenth of the time
    animated = alone and bool(getattr(image, "is_animated", False)) and image.format not in ("MPO", "TIFF")
    clear = image.has_transparency_data
    kind: Kind = "real" if image.mode == "F" else "whole" if image.mode.startswith("I") else "byte"
    plain, found = _eight_bits(_upright(image), reading.ground, black_white[kind])
    if size and (plain.height, plain.width) != size:
        plain = _sized(plain, size, reading)
    return Picture(np.asarray(_grey_if_alike(plain)), animated, clear, kind, found)


def decode_alone(content: bytes, reading: Reading, spend: Callable[[int], None] = lambda _: None) -> Picture:
    """Returns an image that is all there is: its own values say what becomes black and white.

    Arguments:
        content: Of the file.
        reading: Choices.
        spend: As in `decode_pages`.

    Raises:
        Refused: If it cannot be decoded.
    """
    picture = decode(content, None, reading, spend=spend)
    chosen = ends(picture.found, picture.kind, reading.values)
    if chosen == STANDARD[picture.kind] or not chosen.width:
        return picture
    return decode(content, None, reading, {picture.kind: chosen}, spend)


def resized(pixels: NDArray[np.uint8], size: Size) -> NDArray[np.uint8]:
    """Returns an image `(H, W)` or `(H, W, 3)` at another size."""
    return np.asarray(Image.fromarray(pixels).resize(size[::-1], Image.Resampling.BICUBIC))


def greyed(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Returns the luma `(H, W)` of an image `(H, W, 3)`, as Pillow weighs the channels."""
    return np.asarray(Image.fromarray(pixels).convert("L"))


def _demand_small(image: Image.Image) -> None:
    width, height = image.size
    if width * height > MOST_PIXELS:
        raise Refused(f"{width * height / 1e6:.0f} megapixels: save it with {MOST_PIXELS // 1_000_000} at most")
    if max(width, height) > MOST_SIDE:
        raise Refused(f"{max(width, height):,} pixels long: {MOST_SIDE:,} are the most")


def _upright(image: Image.Image) -> Image.Image:
    """Returns an image as it is meant to be seen; itself and no copy where it stands upright."""
    image.load()
    if image.format == "TIFF" or image.getexif().get(ORIENTATION, 1) == 1:  # Pillow turns a TIFF by itself
        return image
    return ImageOps.exif_transpose(image)


def _may_be_turned(image: Image.Image, file: IO[bytes]) -> bool:
    """Says whether to ask for EXIF data: in a PNG file they may lie behind the pixels, which asking would decode."""
    if image.format != "PNG" or "exif" in image.info:
        return True
    file.seek(0)
    return b"eXIf" in file.read()


def _pages(image: Image.Image) -> tuple[int, ...]:
    """Returns the pages that are images like the first: no smaller copies, and no masks."""
    size, found = image.size, []
    try:
        for page in range(MOST_PAGES):
            image.seek(page)
            if image.size == size and not int(image.tag_v2.get(_SUBFILE, 0)) & _NO_PAGE:  # type: ignore[attr-defined]
                found.append(page)
    except BROKEN:  # EOFError behind the last; what is damaged ends the file
        pass
    return tuple(found) or (0,)


def _cost(image: Image.Image, file: IO[bytes]) -> int:
    """Returns how many pixels are decoded: each ten scans of a progressive JPEG file are all of them again."""
    scans = 1
    if image.format in PHOTOGRAPHS:
        file.seek(0)
        scans = file.read().count(b"\xff\xda")
    return image.width * image.height * max(1, scans // SCANS)


def _eight_bits(image: Image.Image, ground: Ground, black_white: Range) -> tuple[Image.Image, Range]:
    """Returns an image of mode L or RGB, and the range of the values that it had."""
    if image.mode == "F" or image.mode.startswith("I"):
        levels = np.asarray(image)
        if not np.isfinite(levels).all():
            raise Refused("nan or infinite pixels: replace them with numbers")
        return Image.fromarray(grey_levels(levels, black_white)), range_of(levels)
    if image.has_transparency_data:
        image = _on_ground(image, ground)
    plain = image if image.mode in ("L", "RGB") else _plain(image)
    extremes = np.array(plain.getextrema())
    if black_white != BYTE:
        plain = plain.point([int(level) for level in grey_levels(np.arange(256), black_white)] * len(plain.getbands()))
    return plain, range_of(extremes)


def _plain(image: Image.Image) -> Image.Image:
    if image.mode == "LAB":
        found = ImageCms.applyTransform(image, _from_lab())
        if found is None:
            raise Refused("Lab colours that cannot be read: save it in RGB")
        return found
    return image.convert("L" if image.mode == "1" else "RGB")


@functools.cache
def _from_lab() -> ImageCms.ImageCmsTransform:
    """Returns Pillow's own way from Lab to RGB, which it would prepare anew for each image."""
    # Without the last colour's cache, which threads would share.
    lab, rgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    return ImageCms.buildTransform(lab, rgb, "LAB", "RGB", flags=ImageCms.Flags.NOCACHE)


def _on_ground(image: Image.Image, ground: Ground) -> Image.Image:
    """Returns an image of mode RGB that shows a ground through what is transparent; in bands, to save memory."""
    clear = image if image.mode == "RGBA" else image.convert("RGBA")
    flat = Image.new("RGB", image.size)
    for top in range(0, image.height, _BAND):
        box = (0, top, image.width, min(top + _BAND, image.height))
        band = Image.new("RGBA", (image.width, box[3] - top), ground)
        band.alpha_composite(clear.crop(box))
        flat.paste(band.convert("RGB"), box)
    return flat


def _sized(image: Image.Image, size: Size, reading: Reading) -> Image.Image:
    """Returns the image at another size, never stretched by more than rounding."""
    box = size[::-1]
    if reading.fit == "crop":
        return ImageOps.fit(image, box, Image.Resampling.BICUBIC)
    return ImageOps.pad(image, box, Image.Resampling.BICUBIC, color=reading.ground)


def _grey_if_alike(image: Image.Image) -> Image.Image:
    if image.mode == "L":
        return image
    green = image.getchannel("G")
    apart = max(int(np.array(ImageChops.difference(green, image.getchannel(each)).getextrema())[1]) for each in "RB")
    return image.convert("L") if apart <= ALIKE else image


def _refusal(error: BaseException, file: IO[bytes]) -> Refused:
    if isinstance(error, UnidentifiedImageError):
        return Refused(named(_head(file)))
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return Refused(f"far too many pixels: save it with {MOST_PIXELS // 1_000_000} million at most")
    why = str(error).splitlines()[0][:80] if str(error) else type(error).__name__
    return Refused(f"damaged or cut off ({why})")


def _head(file: IO[bytes]) -> bytes:
    try:
        file.seek(0)
        return file.read(512)
    except BROKEN:
        return b""


def named(head: bytes) -> str:
    """Returns what a file that is no image begins like, and what to do about it."""
    known = next((words for begin, at, words in _KNOWN if head[at:].startswith(begin)), None)
    if known is None and b"<svg" in head.lower():
        known = "SVG, a drawing and no pixels: save it as PNG"
    return known or "no image of a known kind"


_KNOWN = (  # how a file begins, at which byte, and what it is
    *((b"ftyp" + kind, 4, "HEIC: save it as JPEG or PNG") for kind in (b"heic", b"heix", b"mif1", b"msf1", b"hevc")),
    (b"\x00\x00\x00\x0cjP  ", 0, "JPEG 2000: save it as PNG"),
    (b"\xff\x4f\xff\x51", 0, "JPEG 2000: save it as PNG"),
    (b"\x00\x00\x00\x0cJXL ", 0, "JPEG XL: save it as PNG"),
    (b"\xff\x0a", 0, "JPEG XL: save it as PNG"),
    (b"%PDF", 0, "a PDF file: save its images as PNG"),
    (b"DICM", 128, "a DICOM file: save its image as 16-bit PNG"),
    (b"PK\x03\x04", 0, "an archive inside the archive: unpack it first"),
    (b"Rar!", 0, "a RAR archive: unpack it, and make a zip of the images"),
    (b"7z\xbc\xaf\x27\x1c", 0, "a 7z archive: unpack it, and make a zip of the images"),
    (b"\x1f\x8b", 0, "packed by gzip: unpack it, and make a zip of the images"),
    (b"ustar", 257, "a tar archive: unpack it, and make a zip of the images"),
)
