"""One picture that is cut into tiles, row by row."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from vae_explorer.data.images import DataError
from vae_explorer.data.own.budget import Budget
from vae_explorer.data.own.grids import Grid, guess
from vae_explorer.data.own.pictures import ALIKE, Picture, Refused, decode_alone, greyed, resized
from vae_explorer.data.own.reading import Reading, Size
from vae_explorer.data.own.stacks import (
    MOST,
    SMALLEST,
    UNLABELLED,
    Skipped,
    Stack,
    Upload,
    demand_usable,
    working_size,
)
from vae_explorer.data.own.values import choosable, words

_BLOCK = 8  # pixels a side of what JPEG files are made of
_OFF = 24  # grey levels that the luma of one tone may be off where colours are wrong


def read_sheet(content: bytes, reading: Reading, budget: Budget) -> Upload:
    """Reads a sheet of images without labels; tiles of one colour alone are left out, as at a sheet's end.

    Raises:
        DataError: If it cannot be decoded, or its tiles are no data set.
    """
    try:
        picture = decode_alone(content, reading, budget.pixels)
    except Refused as error:
        raise DataError(
            f"The image cannot be used: {error}. Upload a sheet of tiles as PNG or JPEG, a zip of images, or an .npz."
        ) from error
    budget(0.5)
    lossy = content.startswith(b"\xff\xd8") or content[8:12] == b"WEBP"
    size: Size = (picture.pixels.shape[0], picture.pixels.shape[1])
    grid, guessed = _grid(picture, lossy, reading)
    rows, columns = _demand_fits(grid, size)
    working = working_size(Counter({grid.tile: 1}))
    stack, empty = Stack(rows * columns, working), 0
    tiles = _tiles(picture.pixels, grid, rows, columns)
    for tile, blank in zip(tiles, _blank(picture.pixels, grid, tiles, lossy), strict=True):
        if blank:
            empty += 1
        else:
            stack.add(tile if grid.tile == working else resized(np.ascontiguousarray(tile), working))
    skipped = [Skipped("the sheet", "tile of one colour alone")] * empty
    demand_usable(stack.pixels, skipped)
    budget(1.0)
    pixels = stack.pixels
    return Upload(
        pixels=pixels,
        labels=np.zeros(len(pixels), np.int64),
        names=UNLABELLED,
        sizes=f"{grid.tile[0]} x {grid.tile[1]}",
        range=picture.found,
        skipped=tuple(skipped),
        notes=(*guessed, *_about(picture, grid, size, reading)),
        asks=frozenset(
            {
                "tile",
                *(["ground"] * picture.clear),
                *(["values"] * choosable(picture.found, picture.kind)),
            }
        ),
        tile=grid.tile,
        gap=grid.gap,
    )


def _grid(picture: Picture, lossy: bool, reading: Reading) -> tuple[Grid, list[str]]:
    """Returns the grid that the user chose, or else one that is guessed, and says so."""
    if reading.tile is None and reading.gap is None:
        found = guess(picture.pixels, lossy)
        lines = f"; the lines between them, {found.gap} pixels wide, are left out" if found.gap else ""
        return found, [
            f"Tiles of {found.tile[0]} x {found.tile[1]} pixels are a guess{lines}: change it if it is wrong."
        ]
    gap = reading.gap or 0
    tile = reading.tile or guess(picture.pixels, lossy).tile
    # with lines around all tiles, or only between them: what leaves no rest
    around = Grid(tile, gap, gap)
    size = (picture.pixels.shape[0], picture.pixels.shape[1])
    return (around if gap and not any(around.rest(size)) else Grid(tile, gap)), []


def _demand_fits(grid: Grid, size: Size) -> tuple[int, int]:
    rows, columns = grid.counts(size)
    if min(grid.tile) < SMALLEST or not rows * columns:
        raise DataError(
            f"Tiles of {grid.tile[0]} x {grid.tile[1]} pixels do not fit the sheet of {size[0]} x {size[1]}: "
            f"choose from {SMALLEST} to the sheet's own size."
        )
    if rows * columns > MOST:
        raise DataError(f"The sheet has {rows * columns:,} tiles, more than {MOST:,}: choose larger tiles.")
    return rows, columns


def _tiles(pixels: NDArray[np.uint8], grid: Grid, rows: int, columns: int) -> list[NDArray[np.uint8]]:
    corners = [_corner(grid, k, columns) for k in range(rows * columns)]
    return [pixels[top : top + grid.tile[0], left : left + grid.tile[1]] for top, left in corners]


def _corner(grid: Grid, k: int, columns: int) -> Size:
    """Returns where a tile begins."""
    row, column = divmod(k, columns)
    return grid.border + row * (grid.tile[0] + grid.gap), grid.border + column * (grid.tile[1] + grid.gap)


def _blank(pixels: NDArray[np.uint8], grid: Grid, tiles: list[NDArray[np.uint8]], lossy: bool) -> list[bool]:
    """Says of each tile whether nothing is in it.

    In a lossy file one tone is not quite one, and at the end of the sheet the last images reach into empty tiles: as
    far as the blocks go that lie over both.
    """
    tolerance = ALIKE if lossy else 0
    blank = [int(np.ptp(tile.reshape(-1, *tile.shape[2:]), axis=0).max()) <= tolerance for tile in tiles]
    at = len(tiles) - 1
    columns = grid.counts((pixels.shape[0], pixels.shape[1]))[1]
    while lossy and at >= 0 and (blank[at] or _nearly_blank(tiles[at], *_corner(grid, at, columns))):
        blank[at] = True
        at -= 1
    return blank


def _nearly_blank(tile: NDArray[np.uint8], top: int, left: int) -> bool:
    """Says whether all blocks wholly inside a tile have one tone; of colours, whose blocks are larger, their luma."""
    height, width = tile.shape[:2]
    grey = tile if tile.ndim == 2 else greyed(np.ascontiguousarray(tile))
    inside = grey[-top % _BLOCK : height - (top + height) % _BLOCK, -left % _BLOCK : width - (left + width) % _BLOCK]
    return bool(inside.size and np.ptp(inside) <= (ALIKE if tile.ndim == 2 else _OFF))


def _about(picture: Picture, grid: Grid, size: Size, reading: Reading) -> list[str]:
    rest = grid.rest(size)
    notes = [f"{rest[0]} pixels below and {rest[1]} at the right fill no tile and are left out."] if any(rest) else []
    if picture.clear:
        notes.append(f"What lies behind transparent pixels is {reading.ground}.")
    return notes + words(picture.found, picture.kind, reading.values)
