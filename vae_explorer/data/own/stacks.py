"""What every kind of upload is read into, and when that is a data set."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_explorer.data.images import DataError
from vae_explorer.data.own.reading import Size

Progress = Callable[[float], None]

LARGEST = 64  # pixels a side of a data set's images
SMALLEST = 4
LEAST = 50  # images: 20 to test, 10 to validate, 20 to train
MOST = 100_000
NEARLY_ALL = 0.9  # of the images: others do not change the shape
MOST_CLASSES = 50  # that a legend can show
UNLABELLED = ("image",)  # the one class of data without labels
_BLOCK = 256  # images that are looked at together


class Skipped(NamedTuple):
    """What was left out."""

    name: str
    why: str


class Option(NamedTuple):
    """One value of a choice of reading that an upload offers."""

    key: str
    title: str


class Upload(NamedTuple):
    """What was understood of an upload."""

    pixels: NDArray[np.uint8]  # (N, H, W) or (N, H, W, 3), no side above LARGEST
    labels: NDArray[np.int64]  # (N,)  index into names
    names: tuple[str, ...]  # classes; UNLABELLED where there are none
    sizes: str  # that were found, for the screen
    range: tuple[float, float]  # least and largest value found
    skipped: tuple[Skipped, ...]
    notes: tuple[str, ...]  # what a user may not expect, a sentence each
    asks: frozenset[str]  # the fields of Reading that would change something
    tile: Size | None = None  # of a sheet
    files: tuple[str, ...] = ()  # the path of each image's file
    columns: Mapping[str, NDArray[np.float64]] = {}  # numbers by name, (N,), nan where one is missing
    groups: NDArray[np.int64] | None = None  # (N,)  images of one group are kept in one part
    grouped_by: str = ""  # the group in words
    class_options: tuple[Option, ...] = ()  # where classes can be read from; the first one was
    group_options: tuple[Option, ...] = ()  # what can keep images together; the first one does
    gap: int | None = None  # pixels between a sheet's tiles

    @property
    def coloured(self) -> bool:
        return self.pixels.ndim == 4


class Stack:
    """Images of one size, gathered one by one: grey until the first one with colours comes.

    Arguments:
        most: How many there can be; what stays empty takes no memory.
        size: Height and width.
        room: Bytes that they may take.
    """

    def __init__(self, most: int, size: Size, room: int = MOST * 3 * LARGEST**2) -> None:
        self._room, self._count = room, 0
        self._bytes = np.zeros(most * math.prod(size) * 3, np.uint8)  # grey levels in the first third of it
        self._pixels: NDArray[np.uint8] = self._bytes[: most * math.prod(size)].reshape(most, *size)

    def add(self, image: NDArray[np.uint8]) -> None:
        """Takes an image `(H, W)` or `(H, W, 3)`; raises DataError where there is no room left."""
        if image.ndim == 3 and self._pixels.ndim == 3:
            self._colour()
        self._count += 1
        demand_room(self._count, self._pixels.shape[1:], self._room)
        self._pixels[self._count - 1] = image[..., None] if image.ndim < self._pixels.ndim - 1 else image

    def _colour(self) -> None:
        """Makes grey images coloured where they are, the last ones first, since each moves to a later place."""
        demand_room(self._count, (*self.size, 3), self._room)
        coloured = self._bytes.reshape(*self._pixels.shape, 3)
        for end in range(self._count, 0, -_BLOCK):
            here = slice(max(0, end - _BLOCK), end)
            coloured[here] = self._pixels[here, ..., None].copy()
        self._pixels = coloured

    def forget(self) -> None:
        """Gives the memory back, before the images are gathered once more."""
        self._bytes = self._pixels = self._pixels[:0].copy()
        self._count = 0

    @property
    def size(self) -> Size:
        """Height and width of the images."""
        return self._pixels.shape[1], self._pixels.shape[2]

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """All images so far."""
        return self._pixels[: self._count]


def demand_room(count: int, shape: tuple[int, ...], most: int) -> None:
    """Raises DataError if so many images of a shape take more bytes than that."""
    if count * math.prod(shape) > most:
        raise DataError(
            f"{count:,} images of {shape[0]} x {shape[1]} pixels are more than a file of this size should hold. "
            "Save fewer of them, or smaller ones."
        )


def working_size(sizes: Counter[Size]) -> Size:
    """Returns the size that images are read at: their own up to `LARGEST`, or one that suits different ones.

    The shape that nearly all images have is kept; where there is none, it is a square.

    Raises:
        DataError: If they would become thinner than `SMALLEST`.
    """
    longest = sorted(max(size) for size in sizes.elements())
    side = min(LARGEST, longest[len(longest) // 2])
    (height, width), _ = sizes.most_common(1)[0]
    alike = sum(count for size, count in sizes.items() if same_shape([size, (height, width)]))
    if alike < NEARLY_ALL * len(longest):
        return side, side
    scale = side / max(height, width)
    size = (round(height * scale), round(width * scale))
    if min(size) < SMALLEST:
        raise DataError(
            f"The images are {outline(sizes)} pixels and would be {size[0]} x {size[1]} here: too thin. "
            f"Use images of {SMALLEST} pixels a side at least, and not as long and narrow."
        )
    return size


def same_shape(sizes: Iterable[Size]) -> bool:
    """Says whether height and width have one ratio."""
    ratios = {height / width for height, width in sizes}
    return max(ratios) / min(ratios) < 1.02


def outline(sizes: Iterable[Size]) -> str:
    """Returns the sizes in words: the one, or the smallest and the largest."""
    ordered = sorted(set(sizes), key=lambda size: (size[0] * size[1], size))
    words = [f"{height} x {width}" for height, width in ordered]
    return words[0] if len(words) == 1 else f"{words[0]} to {words[-1]}"


def classes(found: list[str]) -> tuple[NDArray[np.int64], tuple[str, ...], list[str]]:
    """Returns the labels, the classes' names in natural order, and notes; one class alone is none."""
    clean = {name: plain(name) or "no name" for name in set(found)}
    names = sorted(set(clean.values()), key=natural)
    if len(names) > MOST_CLASSES:
        note = f"{len(names):,} classes are more than {MOST_CLASSES}, which can be told apart: read without labels."
        return np.zeros(len(found), np.int64), UNLABELLED, [note]
    if len(names) < 2:
        return np.zeros(len(found), np.int64), UNLABELLED, []
    index = {name: k for k, name in enumerate(names)}
    return np.array([index[clean[name]] for name in found], np.int64), tuple(names), []


def plain(name: str) -> str:
    """Returns a name whole, without what cannot be seen, in the one of Unicode's forms that others write too."""
    return unicodedata.normalize("NFC", "".join(c for c in name if c.isprintable()).strip())


def natural(name: str) -> list[tuple[bool, int, str]]:
    """Orders numbers in names by their value, however many digits they have: class 2 before class 10."""
    parts = re.split("([0-9]+)", name)
    values = [part.lstrip("0") if part.isdecimal() else part for part in parts]  # Python converts 4,300 digits at most
    return [
        (not part.isdecimal(), len(value) if part.isdecimal() else 0, value)
        for part, value in zip(parts, values, strict=True)
        if part
    ]


def demand_usable(pixels: NDArray[np.uint8], skipped: list[Skipped]) -> None:
    """Refuses what no model can be trained on.

    Raises:
        DataError: If there are too few images, or all are the same.
    """
    left_out = f" {len(skipped):,} more were left out: {reasons(skipped)}." if skipped else ""
    if len(pixels) < LEAST:
        raise DataError(
            f"{len(pixels)} image{'s' * (len(pixels) != 1)} could be read, and {LEAST} are needed at least: "
            f"some to train, some to validate, some to test.{left_out} Upload more."
        )
    same = all((pixels[at : at + _BLOCK] == pixels[0]).all() for at in range(0, len(pixels), _BLOCK))
    if same:
        raise DataError(
            f"All {len(pixels):,} images are the same at {pixels.shape[1]} x {pixels.shape[2]} pixels: there is "
            "nothing to learn. Look at the files, and upload different ones; images drawn by transparency alone may "
            "need the other ground."
        )


def reasons(skipped: list[Skipped] | tuple[Skipped, ...], most: int = 3) -> str:
    """Returns why things were left out, the commonest reasons first, with an example of each."""
    counts = Counter(each.why for each in skipped)
    example = {each.why: each.name for each in reversed(skipped)}
    words = [f"{count:,} x {why} ({example[why]})" for why, count in counts.most_common(most)]
    return "; ".join(words) + ("; …" if len(counts) > most else "")
