"""One picture that is cut into tiles, row by row."""

from __future__ import annotations

from collections import Counter

import numpy as np

from vae_explorer.data.images import DataError
from vae_explorer.data.own.pictures import Reading, Refused, Size, decode_alone, resized
from vae_explorer.data.own.stacks import (
    MOST,
    SMALLEST,
    UNLABELLED,
    Progress,
    Skipped,
    Stack,
    Upload,
    demand_usable,
    working_size,
)

_USUAL = (28, 32, 64, 16, 48, 24, 20, 8)  # pixels a side; the first that cuts a sheet without a rest is guessed


def read_sheet(content: bytes, reading: Reading, progress: Progress) -> Upload:
    """Reads a sheet of images without labels; tiles of one colour alone are left out, as at a sheet's end.

    Raises:
        DataError: If it cannot be decoded, or its tiles are no data set.
    """
    try:
        picture = decode_alone(content, reading)
    except Refused as error:
        raise DataError(
            f"The image cannot be used: {error}. Upload a sheet of tiles as PNG or JPEG, a zip of images, or an .npz."
        ) from error
    progress(0.5)
    height, width = picture.pixels.shape[:2]
    tile = reading.tile or guess_tile((height, width))
    rows, columns = height // max(1, tile[0]), width // max(1, tile[1])
    if min(tile) < SMALLEST or not rows * columns:
        raise DataError(
            f"Tiles of {tile[0]} x {tile[1]} pixels do not fit the sheet of {height} x {width}: "
            f"choose from {SMALLEST} to the sheet's own size."
        )
    if rows * columns > MOST:
        raise DataError(f"The sheet has {rows * columns:,} tiles, more than {MOST:,}: choose larger tiles.")
    size = working_size(Counter({tile: 1}))
    stack, empty = Stack(rows * columns, size), 0
    for row in range(rows):
        for column in range(columns):
            top, left = row * tile[0], column * tile[1]
            cut = picture.pixels[top : top + tile[0], left : left + tile[1]]
            if (cut == cut[0, 0]).all():
                empty += 1
            else:
                stack.add(cut if tile == size else resized(np.ascontiguousarray(cut), size))
    skipped = [Skipped("the sheet", "tile of one colour alone")] * empty
    demand_usable(stack.pixels, skipped)
    progress(1.0)
    rest = (height - rows * tile[0], width - columns * tile[1])
    notes = [f"{rest[0]} pixels below and {rest[1]} at the right fill no tile and are left out."] if any(rest) else []
    if picture.clear:
        notes.append(f"What lies behind transparent pixels is {reading.ground}.")
    pixels = stack.pixels
    return Upload(
        pixels=pixels,
        labels=np.zeros(len(pixels), np.int64),
        names=UNLABELLED,
        sizes=f"{tile[0]} x {tile[1]}",
        range=(float(pixels.min()), float(pixels.max())),
        skipped=tuple(skipped),
        notes=tuple(notes),
        asks=frozenset({"tile", *(["ground"] * picture.clear)}),
        tile=tile,
    )


def guess_tile(size: Size) -> Size:
    """Returns a usual side that cuts the sheet without a rest, or the first of them."""
    side = next((side for side in _USUAL if size[0] % side == size[1] % side == 0), _USUAL[0])
    return side, side
