"""What becomes of an upload's images when they are kept, and what is proposed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_explorer.data.own.pictures import greyed, resized
from vae_explorer.data.own.reading import Size
from vae_explorer.data.own.stacks import LARGEST, SMALLEST, UNLABELLED, Upload

COMMON = 32  # pixels a side that larger images are proposed at: a quarter of 64's training time
READABLE = 16  # pixels of the shorter side: in fewer, a word or a face cannot be made out
_BLOCK = 1_000  # images that are looked at together


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What the user makes of an upload.

    Arguments:
        size: Height and width; the upload's own unless given.
        inverted: Whether black and white change places.
        grey: Whether colours are left out.
    """

    size: Size | None = None
    inverted: bool = False
    grey: bool = False


def transformed(pixels: NDArray[np.uint8], choices: Choices) -> NDArray[np.uint8]:
    """Returns images as the choices have them."""
    if choices.grey and pixels.ndim == 4:
        pixels = np.stack([greyed(image) for image in pixels])
    if choices.size and choices.size != pixels.shape[1:3]:
        pixels = np.stack([resized(image, choices.size) for image in pixels])
    return 255 - pixels if choices.inverted else pixels


def least_side(size: Size) -> int:
    """Returns the shortest longer side at which the other is not too thin."""
    return next(side for side in range(SMALLEST, LARGEST + 1) if min(sized(size, side)) >= SMALLEST)


def proposed_side(size: Size) -> int:
    """Returns the longer side that images are proposed at: their own, or a smaller one that trains faster.

    It is smaller only where the shorter side stays readable.
    """
    keep = max(size) < LARGEST or COMMON * min(size) < READABLE * max(size)
    return max(size) if keep else COMMON


def sized(size: Size, side: int) -> Size:
    """Returns a size of the same proportions with so many pixels on the longer side."""
    height, width = size
    return round(height * side / max(size)), round(width * side / max(size))


def report(upload: Upload, choices: Choices) -> dict[str, Any]:
    """Returns what was understood of an upload and what would be kept of it, as plain numbers and texts."""
    counts = np.bincount(upload.labels, minlength=len(upload.names)).tolist()
    blocks = [upload.pixels[at : at + _BLOCK] for at in range(0, len(upload.pixels), _BLOCK)]
    kept = [transformed(block, choices) for block in blocks]
    return {
        "images": len(upload.pixels),
        "size": list(kept[0].shape[1:3]),
        "coloured": kept[0].ndim == 4,
        "classes": {} if upload.names == UNLABELLED else dict(zip(upload.names, counts, strict=True)),
        "range": [float(each) for each in upload.range],
        "levels": [min(int(each.min()) for each in kept), max(int(each.max()) for each in kept)],
        "skipped": {each.name: each.why for each in upload.skipped},
        "notes": list(upload.notes),
    }
