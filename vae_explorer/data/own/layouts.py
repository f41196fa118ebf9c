"""Which axis of an array counts the images, which are their sides, and which holds colours."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_explorer.data.images import DataError
from vae_explorer.data.own.reading import Order, Size
from vae_explorer.data.own.stacks import LARGEST, LEAST, MOST, SMALLEST
from vae_explorer.data.own.tables import CHUNK, Table
from vae_explorer.text import shown

SHAPES = "(N, H, W) for grey and (N, H, W, 3) for colour images"
MOST_SIDE = 64 * LARGEST
_CHANNELS = (1, 3)
_LOOKED_AT, _MOST_LOOKED_AT = 2**20, 2**24  # numbers, from an array's beginning
_ROUGHER = 1.5  # how much more neighbours differ along the axis that counts images: they belong to different ones


class Layout(NamedTuple):
    """How an array's axes become those of images."""

    unfolded: tuple[int, ...]  # the array's shape, where rows of values are made images
    axes: tuple[int, ...]  # the array's axes in the order N, H, W and maybe C
    notes: tuple[str, ...]
    doubtful: bool  # whether the images might lie along another axis

    @property
    def images(self) -> int:
        return self.unfolded[self.axes[0]]

    @property
    def size(self) -> Size:
        return self.unfolded[self.axes[1]], self.unfolded[self.axes[2]]

    @property
    def channels(self) -> int:
        return self.unfolded[self.axes[3]] if len(self.axes) == 4 else 1


def layout(table: Table, order: Order, labels: frozenset[int]) -> Layout:
    """Returns how an array is to be read.

    Arguments:
        table: The array.
        order: Which axis counts the images, where the user knows.
        labels: The numbers of labels that belong to it; none where it has none.

    Raises:
        DataError: If it is no array of images.
    """
    title, shape = shown(table.name), table.shape
    if not table.numeric:
        raise DataError(f"`{title}` holds {shown(str(table.dtype))}, and numbers are needed: save it as uint8.")
    ways = _ways(table)
    if not ways:
        raise DataError(f"`{title}` has shape {shape}, and {SHAPES} are needed: reshape it, and save it again.")
    found = _chosen(table, ways, order, labels)
    if not table.numbers and found.images:
        raise DataError(f"`{title}` has shape {shape}: its images have no pixels.")
    if not found.images or found.images > MOST:
        raise DataError(f"`{title}` holds {found.images:,} images: from 1 to {MOST:,} can be read.")
    if max(found.size) > MOST_SIDE:
        raise DataError(f"`{title}` has shape {shape}: images of {MOST_SIDE} pixels a side are the largest.")
    return found


def _ways(table: Table) -> dict[Order, Layout]:
    """Returns the layouts that a shape allows, by the place of the axis that counts images."""
    shape = table.shape
    if len(shape) == 2:
        return _rows(table)
    if len(shape) == 3:
        return {"first": Layout(shape, (0, 1, 2), (), False), "last": Layout(shape, (2, 0, 1), (), False)}
    if len(shape) != 4:
        return {}
    ways: dict[Order, Layout] = {}
    for order, axes, channel in (
        ("first", (0, 1, 2, 3), 3),
        ("first", (0, 2, 3, 1), 1),
        ("last", (3, 0, 1, 2), 2),
        ("last", (3, 1, 2, 0), 0),
    ):
        if shape[channel] in _CHANNELS and order not in ways:
            ways[order] = Layout(shape, axes, (), False)  # type: ignore[index]
    return ways


def _rows(table: Table) -> dict[Order, Layout]:
    """Returns how the values of an image that lie in a row, or a column, become one."""
    ways: dict[Order, Layout] = {}
    for order, axis in (("first", 1), ("last", 0)):
        sides = _sides(table.shape[axis])
        if sides is None:
            continue
        split = sides[::-1] if table.fortran else sides  # there the first of its axes would change fastest
        unfolded = (table.shape[0], *split) if axis else (*split, table.shape[1])
        within = tuple(range(axis, axis + len(sides)))[:: -1 if table.fortran else 1]
        axes = within if len(within) == 2 else (within[1], within[2], within[0])
        if table.transposed:
            axes = (axes[1], axes[0], *axes[2:])
        height, width = sides[-2:]
        note = (
            f"Each {'row' if axis else 'column'} of {table.shape[axis]:,} values is read as {height} x {width} pixels."
        )
        ways[order] = Layout(unfolded, (0 if axis else len(sides), *axes), (note,), False)  # type: ignore[index]
    return ways


def _sides(count: int) -> tuple[int, ...] | None:
    """Returns the sides of a square image with so many values, grey or in three planes of colour."""
    for planes in ((), (3,)):
        side = math.isqrt(count // math.prod(planes))
        if side >= SMALLEST and side * side * math.prod(planes) == count:
            return (*planes, side, side)
    return None


def _chosen(table: Table, ways: dict[Order, Layout], order: Order, labels: frozenset[int]) -> Layout:
    """Returns the layout that is meant: the user's, that with as many images as labels, or with smoother ones."""
    both = {each: way for each, way in ways.items() if way.images >= LEAST or len(ways) == 1} or ways
    if order in both and len(both) > 1:
        return both[order]._replace(doubtful=True)
    fitting = {each: way for each, way in both.items() if way.images in labels}
    if len(fitting) == 1:
        ((each, way),) = fitting.items()
        return way._replace(notes=(*way.notes, *_last(each)))
    if len(both) == 1:
        ((each, way),) = both.items()
        return way._replace(notes=(*way.notes, *_last(each)))
    rougher = _rougher(table)
    last = rougher == "last"
    way = both["last" if last else "first"]
    first_and_last = table.shape[0], table.shape[-1]
    equal = len(table.shape) == 3 and table.shape[0] == table.shape[1] != table.shape[2]
    doubtful = last or (rougher is None and (equal or first_and_last[0] < first_and_last[1]))
    return way._replace(notes=(*way.notes, *_last("last" if last else "first")), doubtful=doubtful)


def _last(order: Order) -> tuple[str, ...]:
    return ("The last axis is read as the one that counts the images, as MATLAB has it.",) if order == "last" else ()


def _rougher(table: Table) -> Order | None:
    """Returns along which end of the array neighbouring numbers differ most, if plainly."""
    corner = _corner(table)
    if min(corner.shape) < 2:
        return None
    steps = [float(np.abs(np.diff(corner, axis=axis)).mean()) for axis in range(corner.ndim)]
    first, last = (steps[0], steps[-1])
    if len(table.shape) > 2:
        sides = sorted(step for side, step in zip(table.shape, steps, strict=True) if side not in _CHANNELS)
        if len(sides) < 2:  # any axis may be the colours'
            return None
        within = sides[-2]
        if steps[0] != max(steps) and steps[-1] != max(steps):
            return None
        first, last = (first / max(within, 1e-300), last / max(within, 1e-300))
        return "last" if last > _ROUGHER else "first" if first > _ROUGHER else None
    return "last" if last > _ROUGHER * first else "first" if first > _ROUGHER * last else None


def _corner(table: Table) -> NDArray[np.float32]:
    """Returns the array's beginning, in the shape that it has there; nothing of one whose rows are too long."""
    stored = table.shape[::-1] if table.fortran else table.shape
    inner = math.prod(stored[1:])
    count = min(stored[0], max(2, _LOOKED_AT // max(1, inner)))
    left = count * inner if count * inner <= _MOST_LOOKED_AT else 0
    flat: list[NDArray[np.float32]] = [np.empty(0, np.float32)]
    for chunk in table.chunks(CHUNK) if left else ():
        with np.errstate(all="ignore"):
            flat.append(np.nan_to_num(chunk[:left].astype(np.float32) / np.float32(4), posinf=0, neginf=0))
        left -= len(flat[-1])
        if left <= 0:
            break
    taken = np.concatenate(flat)
    corner = taken.reshape(len(taken) // max(1, inner), *stored[1:])[tuple(slice(0, 256) for _ in stored)]
    return corner.transpose() if table.fortran else corner
