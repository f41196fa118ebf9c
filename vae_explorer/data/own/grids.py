"""How a sheet is cut: lines between its tiles are looked for, then edges that recur, then usual sizes."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_explorer.data.own.pictures import greyed
from vae_explorer.data.own.reading import Size
from vae_explorer.data.own.stacks import LEAST, MOST

_USUAL = (28, 32, 64, 16, 48, 24, 20, 8)  # pixels a side; the first that cuts a sheet without a rest is guessed
MOST_GAP = 16  # pixels between two tiles
_EDGE = 1.5  # how much more pixels differ across the edges of tiles than within them, to be believed
_OFF, _MANY = 24, 0.1  # a line of a lossy file: so few of its pixels are so many grey levels off
_EVEN = 0.5  # share of the rows within tiles that may have one tone
_LEAST_SIDE = 8  # pixels of a tile that is guessed


class Grid(NamedTuple):
    """Equal tiles, row by row."""

    tile: Size
    gap: int = 0  # pixels between two tiles
    border: int = 0  # pixels before the first and after the last one

    def counts(self, size: Size) -> tuple[int, int]:
        """Returns how many rows and columns fit a sheet."""
        rows, columns = (
            max(0, (whole - 2 * self.border + self.gap) // max(1, side + self.gap))
            for whole, side in zip(size, self.tile, strict=True)
        )
        return rows, columns

    def rest(self, size: Size) -> tuple[int, int]:
        """Returns the pixels below and at the right that fill no tile."""
        below, right = (
            whole - 2 * self.border - count * (side + self.gap) + self.gap
            for whole, side, count in zip(size, self.tile, self.counts(size), strict=True)
        )
        return below, right


def guess(pixels: NDArray[np.uint8], lossy: bool) -> Grid:
    """Returns how a sheet `(H, W)` or `(H, W, 3)` is probably cut."""
    grey = pixels if pixels.ndim == 2 else greyed(pixels)
    return with_lines(grey, lossy) or Grid(_by_edges(grey))


def with_lines(grey: NDArray[np.uint8], lossy: bool) -> Grid | None:
    """Returns the grid whose lines, all of one tone, are in the sheet; the one of most tiles.

    A side of n tiles has n t + (n - 1) g + 2 b pixels; the border b is as wide as the gap g, or nothing.
    """
    tones = _tones(grey, lossy), _tones(grey.T, lossy)
    shape = grey.shape
    found = []
    for gap in range(1, MOST_GAP + 1):
        for border in (gap, 0):
            for period in range(_LEAST_SIDE + gap, min(shape) + gap + 1):
                if any((side - 2 * border + gap) % period for side in shape):
                    continue
                grid = Grid((period - gap, period - gap), gap, border)
                rows, columns = grid.counts((shape[0], shape[1]))
                if (
                    LEAST <= rows * columns <= MOST
                    and min(rows, columns) > 1
                    and _are_lines(tones, period, grid, lossy)
                ):
                    found.append((rows * columns, gap, grid))
    return max(found)[2] if found else None


def _are_lines(tones: tuple[NDArray[np.float64], NDArray[np.float64]], period: int, grid: Grid, lossy: bool) -> bool:
    """Says whether all rows and columns that a grid leaves out have one tone, nan being none, and few others do."""
    lines = []
    for tone in tones:
        outside = (np.arange(len(tone)) - grid.border) % period >= grid.tile[0]
        if np.isfinite(tone[~outside]).mean() > _EVEN:  # nearly everything has one tone
            return False
        lines.append(tone[outside])
    every = np.concatenate(lines)
    return bool(every.size and np.isfinite(every).all() and np.ptp(every) <= _OFF * lossy)


def _tones(grey: NDArray[np.uint8], lossy: bool) -> NDArray[np.float64]:
    """Returns the one tone of each row, nan where it has several."""
    if not lossy:
        return np.where(grey.min(1) == grey.max(1), grey[:, 0], np.nan)
    tones = np.full(len(grey), np.nan)
    for k, row in enumerate(grey):
        middle = float(np.median(row))
        if (np.abs(row - middle) > _OFF).mean() <= _MANY:
            tones[k] = middle
    return tones


def _by_edges(grey: NDArray[np.uint8]) -> Size:
    """Returns the square tile at whose edges neighbouring pixels differ most, or else a usual one."""
    height, width = grey.shape
    fitting = [side for side in _USUAL if height % side == width % side == 0]
    first = fitting[0] if fitting else _USUAL[0]
    sides = [side for side in range(_LEAST_SIDE, min(height, width) + 1) if height % side == width % side == 0]
    steps = _steps(grey), _steps(grey.T)
    edges = {side: _contrast(steps, side) for side in sides if LEAST <= (height // side) * (width // side) <= MOST}
    if not edges:
        return first, first
    best = max(edges, key=edges.__getitem__)
    decided = edges[best] >= _EDGE and edges[best] > 1.2 * edges.get(first, 0.0)
    side = best if decided else first
    return side, side


def _steps(grey: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Returns the mean difference between each row and the next one."""
    return np.array([np.abs(row - after).mean() for row, after in pairwise(grey.astype(np.int16))])


def _contrast(steps: tuple[NDArray[np.float64], NDArray[np.float64]], side: int) -> float:
    """Returns how much larger steps are at a tile's edges than elsewhere; the smaller ratio of both directions."""
    ratios = []
    for step in steps:
        edge = np.arange(1, len(step) + 1) % side == 0
        ratios.append(step[edge].mean() / max(step[~edge].mean(), 1e-9) if edge.any() else np.inf)
    return float(min(ratios))
