"""Arrays of images, from whatever file: read in blocks, twice, since black and white are known only at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_explorer.data.images import DataError
from vae_explorer.data.own.budget import Budget
from vae_explorer.data.own.keys import Chosen, choose
from vae_explorer.data.own.labels import NONE, Labels, read_labels
from vae_explorer.data.own.layouts import Layout, layout
from vae_explorer.data.own.pictures import resized
from vae_explorer.data.own.reading import Reading, Size
from vae_explorer.data.own.stacks import (
    MOST,
    UNLABELLED,
    Skipped,
    Stack,
    Upload,
    classes,
    demand_room,
    demand_usable,
    working_size,
)
from vae_explorer.data.own.tables import CHUNK, Table, Tables
from vae_explorer.data.own.values import (
    NOTHING,
    Kind,
    Range,
    choosable,
    ends,
    grey_levels,
    kind_of,
    words,
)
from vae_explorer.text import shown

MOST_ACROSS = 256 * 2**20  # pixels of an array that has to be turned in memory, as bytes
MOST_ROW = 2**28  # bytes of one image
_LOOKING = 0.4  # the share of the bar that extremes take
_FRACTIONS: dict[Kind, int] = {"byte": 0, "whole": 1, "real": 2}


class _Part(NamedTuple):
    """One array of images, its place among all, and its labels."""

    table: Table
    layout: Layout
    first: int  # number of its first image
    labels: Labels


class _Extremes(NamedTuple):
    """Of each image."""

    low: NDArray[np.float64]  # (N,)
    high: NDArray[np.float64]  # (N,)

    @property
    def sound(self) -> NDArray[np.bool_]:
        """Whether all values are finite."""
        found: NDArray[np.bool_] = np.isfinite(self.low) & np.isfinite(self.high)
        return found


def read_arrays(tables: Tables, reading: Reading, budget: Budget) -> Upload:
    """Reads `images`, and `labels` where there are any; the parts of a set that comes in parts are joined.

    Arguments:
        tables: The file's arrays.
        reading: Choices.
        budget: Told of the fraction done and of what is used.

    Raises:
        DataError: If an array holds objects, has no fitting shape, or too few images are sound.
    """
    chosen = choose(tables)
    parts = _parts(chosen, reading, budget)
    working = _working(parts, budget.room)
    extremes = _extremes(parts, budget)
    sound = extremes.sound
    found = Range(float(extremes.low[sound].min()), float(extremes.high[sound].max())) if sound.any() else NOTHING
    kind = max((kind_of(part.table.dtype) for part in parts), key=_FRACTIONS.__getitem__)
    stack = Stack(len(sound), working)
    if sound.any():
        _convert(parts, sound, ends(found, kind, reading.values), stack, budget)
    skipped = [
        Skipped(_title(parts, int(k)), "nan or infinite pixels: replace them with numbers")
        for k in np.flatnonzero(~sound)
    ]
    if found.low == found.high and sound.sum() > 1:
        raise DataError(
            f"All pixels of all images have one value, {found.low:g}: there is nothing to learn. Look at what was "
            "saved, and upload images that differ."
        )
    demand_usable(stack.pixels, skipped)
    labels, names, notes = _classes(parts, np.flatnonzero(sound))
    budget(1.0)
    return Upload(
        pixels=stack.pixels,
        labels=labels,
        names=names,
        sizes=f"{parts[0].layout.size[0]} x {parts[0].layout.size[1]}",
        range=found,
        skipped=tuple(skipped),
        notes=(*_about(chosen, parts), *words(found, kind, reading.values), *notes),
        asks=frozenset([*["values"] * choosable(found, kind), *["order"] * any(p.layout.doubtful for p in parts)]),
        columns=_columns(parts, np.flatnonzero(sound)),
    )


def _parts(chosen: Chosen, reading: Reading, budget: Budget) -> list[_Part]:
    parts: list[_Part] = []
    first = 0
    for pair in chosen.pairs:
        found = layout(pair.images, reading.order, frozenset(pair.labels.shape if pair.labels else ()))
        labels = read_labels(pair.labels, found.images, chosen.names, budget) if pair.labels else NONE
        parts.append(_Part(pair.images, found, first, labels))
        first += found.images
        budget.check()
    shapes = {(part.layout.size, part.layout.channels) for part in parts}
    if len(shapes) > 1:
        each = ", ".join(f"`{shown(part.table.name)}` {part.table.shape}" for part in parts)
        raise DataError(f"The parts hold images of different shapes ({each}): make them alike, and save them again.")
    if first > MOST:
        raise DataError(f"The parts hold {first:,} images together: from 1 to {MOST:,} can be read.")
    return parts


def _working(parts: list[_Part], room: int) -> Size:
    """Returns the size that images are read at.

    Raises:
        DataError: If they would take too much memory, or become too thin.
    """
    count, of_one = sum(part.layout.images for part in parts), parts[0].layout
    working = working_size(Counter({of_one.size: 1}))
    for part in parts:
        row = part.table.numbers // max(1, part.layout.images) * part.table.dtype.itemsize
        if row > MOST_ROW or (_across(part) and part.table.numbers > MOST_ACROSS):
            raise DataError(
                f"`{shown(part.table.name)}` would take more than {MOST_ACROSS // 2**20} MB at once. Save it as uint8 "
                "and with the images along the first axis (numpy.ascontiguousarray), or fewer images."
            )
    demand_room(count, (*working, of_one.channels), room)
    return working


def _across(part: _Part) -> bool:
    """Says whether the numbers of an image lie all over the file."""
    axes = range(len(part.layout.unfolded))
    return part.layout.axes[0] != (axes[-1] if part.table.fortran else axes[0])


def _blocks(part: _Part, budget: Budget) -> Iterator[tuple[int, NDArray[np.generic]]]:
    """Yields values as they come: `(k, n)`, k numbers of each of n images, and the number of the first image."""
    count = part.layout.images
    row = part.table.numbers // count
    if not _across(part):
        yield from _by_image(part, row, budget)
        return
    at_once = max(1, CHUNK // count)
    rest = np.empty(0, part.table.dtype)
    for chunk in part.table.chunks(at_once * count):
        rest = np.concatenate([rest, chunk]) if rest.size else chunk
        whole = rest.size // count
        yield 0, rest[: whole * count].reshape(whole, count)
        rest = rest[whole * count :]
        budget.check()


def _by_image(part: _Part, row: int, budget: Budget) -> Iterator[tuple[int, NDArray[np.generic]]]:
    done, rest = 0, np.empty(0, part.table.dtype)
    for chunk in part.table.chunks(max(1, CHUNK // row) * row):
        rest = np.concatenate([rest, chunk]) if rest.size else chunk
        whole = rest.size // row
        if whole:
            yield done, rest[: whole * row].reshape(whole, row).T
        done, rest = done + whole, rest[whole * row :]
        budget.check()


def _extremes(parts: list[_Part], budget: Budget) -> _Extremes:
    """Returns the least and the largest value of each image; nan where one is nan."""
    count = sum(part.layout.images for part in parts)
    low, high = np.full(count, np.inf), np.full(count, -np.inf)
    for part in parts:
        seen = 0
        for first, block in _blocks(part, budget):
            here = slice(part.first + first, part.first + first + block.shape[1])
            with np.errstate(over="ignore"):  # long doubles
                low[here] = np.minimum(low[here], block.min(0).astype(np.float64))
                high[here] = np.maximum(high[here], block.max(0).astype(np.float64))
            seen += block.size
            budget(_LOOKING * (part.first + part.layout.images * seen / part.table.numbers) / count)
    return _Extremes(low, high)


def _convert(parts: list[_Part], sound: NDArray[np.bool_], black_white: Range, stack: Stack, budget: Budget) -> None:
    """Puts all sound images as grey levels into the stack."""
    count = len(sound)
    for part in parts:
        within = tuple(axis - (axis > part.layout.axes[0]) for axis in part.layout.axes[1:])
        sides = tuple(side for axis, side in enumerate(part.layout.unfolded) if axis != part.layout.axes[0])
        turned = (
            np.empty((part.table.numbers // part.layout.images, part.layout.images), np.uint8)
            if _across(part)
            else None
        )
        at = 0
        for first, block in _blocks(part, budget):
            here = slice(part.first + first, part.first + first + block.shape[1])
            levels = grey_levels(np.where(sound[here], block, 0), black_white)
            if turned is None:
                _add(levels, sides, within, part, sound[here], stack)
                budget(_LOOKING + (1 - _LOOKING) * here.stop / count)
            else:
                turned[at : at + len(block)] = levels
                at += len(block)
        if turned is not None:
            here = slice(part.first, part.first + part.layout.images)
            _add(turned, sides, within, part, sound[here], stack, budget)


def _add(
    levels: NDArray[np.uint8],
    sides: tuple[int, ...],
    within: tuple[int, ...],
    part: _Part,
    sound: NDArray[np.bool_],
    stack: Stack,
    budget: Budget | None = None,
) -> None:
    """Adds images whose levels are columns `(k, n)`, k being as they come from the file."""
    for k in np.flatnonzero(sound):
        image = levels[:, k].reshape(sides, order="F" if part.table.fortran else "C").transpose(within)
        plain = np.ascontiguousarray(image[..., 0] if image.ndim == 3 and image.shape[2] == 1 else image)
        stack.add(plain if plain.shape[:2] == stack.size else resized(plain, stack.size))
        if budget:
            budget.check()


def _title(parts: list[_Part], k: int) -> str:
    """Returns how an image is called that is left out."""
    if len(parts) == 1:
        return f"image {k}"
    part = next(part for part in reversed(parts) if part.first <= k)
    return f"{shown(part.table.name)} {k - part.first}"


def _classes(parts: list[_Part], kept: NDArray[np.intp]) -> tuple[NDArray[np.int64], tuple[str, ...], list[str]]:
    """Returns the labels of the images kept."""
    notes = list(dict.fromkeys(note for part in parts for note in part.labels.notes))
    named = [part.labels.classes for part in parts]
    if any(each is None for each in named):
        some = "Not all parts have labels: read without." if any(each is not None for each in named) else ""
        return np.zeros(len(kept), np.int64), UNLABELLED, [*notes, *([some] if some else [])]
    every = [name for each in named if each is not None for name in each]
    labels, names, more = classes([every[k] for k in kept])
    return labels, names, [*notes, *more]


def _columns(parts: list[_Part], kept: NDArray[np.intp]) -> dict[str, NDArray[np.float64]]:
    """Returns the numbers of the images kept; nan where a part has none."""
    names = dict.fromkeys(name for part in parts for name in part.labels.columns)
    missing = {part.first: np.full(part.layout.images, np.nan) for part in parts}
    return {
        name: np.concatenate([part.labels.columns.get(name, missing[part.first]) for part in parts])[kept]
        for name in names
    }


def _about(chosen: Chosen, parts: list[_Part]) -> tuple[str, ...]:
    joined: tuple[str, ...] = ()
    if len(parts) > 1:
        each = ", ".join(f"{part.layout.images:,} of `{shown(part.table.name)}`" for part in parts)
        joined = (f"Joined: {each}. New parts to train, validate and test are drawn from all of them.",)
    return (*chosen.notes, *joined, *dict.fromkeys(note for part in parts for note in part.layout.notes))
