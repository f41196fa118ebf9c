"""An .npz file with `images` and maybe `labels`: read in blocks, never unpickled."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import IO, NamedTuple
from zipfile import ZipFile

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from vae_explorer.data.images import DataError
from vae_explorer.data.own.pictures import BROKEN, Reading, Size, resized
from vae_explorer.data.own.stacks import (
    LARGEST,
    MOST,
    UNLABELLED,
    Progress,
    Skipped,
    Stack,
    Upload,
    classes,
    demand_usable,
    working_size,
)
from vae_explorer.data.own.values import (
    NOTHING,
    Range,
    choosable,
    ends,
    grey_levels,
    kind_of,
    range_of,
    words,
)

IMAGES, LABELS = "images.npy", "labels.npy"
MOST_BYTES = 4 * 2**30  # of an array, unpacked
_BLOCK = 2**20  # bytes that are converted at once; as float64 they are eight times as many
_SHAPES = "(N, H, W) for grey and (N, H, W, 3) for colour images"


class _Header(NamedTuple):
    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[np.generic]


def read_npz(archive: ZipFile, reading: Reading, progress: Progress) -> Upload:
    """Reads `images`, and `labels` where there are any.

    Raises:
        DataError: If an array holds objects, has no fitting shape, or too few images are sound.
    """
    header = _header(archive, IMAGES)
    _demand_images(header)
    found, kind = _extremes(archive, header, lambda share: progress(0.4 * share)), kind_of(header.dtype)
    black_white = ends(found, kind, reading.values)
    size, coloured = _layout(header)
    working = working_size(Counter({size: 1}))
    stack, skipped, kept = Stack(header.shape[0], working), [], []
    for start, block in _blocks(archive, header):
        sound = _sound(block)
        safe = np.where(sound[:, None], block.reshape(len(block), -1), 0)
        images = grey_levels(safe, black_white).reshape(len(block), *size, *([3] * coloured))
        for k, image in enumerate(images, start):
            if not sound[k - start]:
                skipped.append(Skipped(f"image {k}", "nan or infinite pixels: replace them with numbers"))
                continue
            stack.add(image if size == working else resized(image, working))
            kept.append(k)
        progress(0.4 + 0.6 * (start + len(block)) / header.shape[0])
    demand_usable(stack.pixels, skipped)
    labels, names, notes = _labels(archive, header.shape[0], np.array(kept))
    return Upload(
        pixels=stack.pixels,
        labels=labels,
        names=names,
        sizes=f"{size[0]} x {size[1]}",
        range=found,
        skipped=tuple(skipped),
        notes=(*words(found, kind, reading.values), *notes),
        asks=frozenset(["values"] * choosable(found, kind)),
    )


def _header(archive: ZipFile, name: str) -> _Header:
    """Reads what an array is, and refuses objects before anything of it is read."""
    try:
        with archive.open(name) as file:
            header = _begin(file)
    except BROKEN as error:
        raise DataError(
            f"{name} in the .npz file is damaged ({error}). Save it again with numpy.savez_compressed, and upload that."
        ) from error
    title = name.removesuffix(".npy")
    if header.dtype.hasobject:
        raise DataError(
            f"`{title}` holds Python objects, which could run code and are never opened. Save plain numbers: "
            f"numpy.savez_compressed(file, {title}=numpy.stack(...).astype('uint8'))."
        )
    if math.prod(header.shape) * header.dtype.itemsize > MOST_BYTES:
        raise DataError(f"`{title}` would unpack to more than {MOST_BYTES / 2**30:.0f} GB. Save fewer or smaller ones.")
    return header


def _demand_images(header: _Header) -> None:
    shape = header.shape
    if header.dtype.kind not in "buif":
        raise DataError(f"`images` holds {header.dtype}, and numbers are needed: save it as uint8.")
    if len(shape) not in (3, 4) or (
        len(shape) == 4 and 3 not in (shape[1], shape[3]) and 1 not in (shape[1], shape[3])
    ):
        raise DataError(f"`images` has shape {shape}, and {_SHAPES} are needed: reshape it, and save it again.")
    if not math.prod(shape) or shape[0] > MOST:
        raise DataError(f"`images` holds {shape[0]:,} images: from 1 to {MOST:,} can be read.")
    if max(_layout(header)[0]) > 64 * LARGEST:
        raise DataError(f"`images` has shape {shape}: images of {64 * LARGEST} pixels a side are the largest.")


def _layout(header: _Header) -> tuple[Size, bool]:
    """Returns height and width, and whether there are colours; torch's order, channels first, is known too."""
    shape = header.shape
    if len(shape) == 3:
        return (shape[1], shape[2]), False
    return ((shape[2], shape[3]), shape[1] == 3) if _first(shape) else ((shape[1], shape[2]), shape[3] == 3)


def _first(shape: tuple[int, ...]) -> bool:
    return len(shape) == 4 and shape[3] not in (1, 3)


def _blocks(archive: ZipFile, header: _Header) -> Iterator[tuple[int, NDArray[np.generic]]]:
    """Yields some images at a time and the number of the first, channels last."""
    shape, dtype = header.shape, header.dtype
    row = math.prod(shape[1:]) * dtype.itemsize
    try:
        with archive.open(IMAGES) as file:
            _begin(file)
            if header.fortran:  # the images lie across the whole file
                whole = np.frombuffer(file.read(shape[0] * row), dtype).reshape(shape[::-1]).T
            for start in range(0, shape[0], max(1, _BLOCK // row)):
                count = min(max(1, _BLOCK // row), shape[0] - start)
                if header.fortran:
                    block = whole[start : start + count]
                else:
                    block = np.frombuffer(file.read(count * row), dtype).reshape(count, *shape[1:])
                yield start, np.ascontiguousarray(np.moveaxis(block, 1, -1) if _first(shape) else block)
    except BROKEN as error:
        raise DataError(
            f"`images` is damaged or cut off ({error}). Save it again with numpy.savez_compressed, and upload that."
        ) from error


def _begin(file: IO[bytes]) -> _Header:
    """Reads a file up to where its numbers begin."""
    read = npy.read_array_header_1_0 if npy.read_magic(file) == (1, 0) else npy.read_array_header_2_0
    return _Header(*read(file))


def _sound(block: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Says of each image whether all its values are finite."""
    flat = block.reshape(len(block), -1)
    sound: NDArray[np.bool_] = np.isfinite(flat).all(1) if block.dtype.kind == "f" else np.ones(len(block), bool)
    return sound


def _extremes(archive: ZipFile, header: _Header, progress: Progress) -> Range:
    """Returns the least and the largest value of all sound images."""
    found = NOTHING
    for start, block in _blocks(archive, header):
        found = found.with_(range_of(block[_sound(block)]))
        progress((start + len(block)) / header.shape[0])
    return found if found.low <= found.high else Range(0, 0)


def _labels(
    archive: ZipFile, count: int, kept: NDArray[np.intp]
) -> tuple[NDArray[np.int64], tuple[str, ...], list[str]]:
    """Returns the labels of the images kept."""
    none = np.zeros(len(kept), np.int64)
    if LABELS not in archive.namelist():
        return none, UNLABELLED, []
    header = _header(archive, LABELS)
    if math.prod(header.shape) != count:
        raise DataError(
            f"`labels` has shape {header.shape}, and {count:,} images need ({count},): one label for each image."
        )
    try:
        with archive.open(LABELS) as file:
            values = npy.read_array(file, allow_pickle=False).reshape(count)[kept]
    except BROKEN as error:
        raise DataError(f"`labels` is damaged ({error}). Save the file again, and upload that.") from error
    if values.dtype.kind == "f" and np.array_equal(values, np.rint(values)):
        values = values.astype(np.int64)
    if values.dtype.kind not in "buiU":
        return none, UNLABELLED, [f"`labels` holds {values.dtype} and no classes: read without labels."]
    return classes([str(value) for value in values])
