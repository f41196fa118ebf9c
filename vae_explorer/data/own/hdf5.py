"""HDF5 files (.h5, and .mat of version 7.3): only what lies in the file itself is read, a slab at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from importlib import import_module
from io import BytesIO
from typing import Any

import numpy as np

from vae_explorer.data.images import DataError
from vae_explorer.data.own.budget import Budget
from vae_explorer.data.own.pictures import BROKEN
from vae_explorer.data.own.stacks import MOST
from vae_explorer.data.own.tables import MOST_SIDES, Flat, Table, Tables, held
from vae_explorer.text import shown

MAGIC = b"\x89HDF\r\n\x1a\n"
MATLAB = b"MATLAB 7.3 MAT-file"
MATLAB_HEADER = 512  # bytes before the HDF5 file proper
MOST_BYTES = 4 * 2**30  # of an array, unpacked
_MOST_SLAB = 64 * 2**20  # bytes that are unpacked at once: a chunk of the file, or a row
_MOST_OBJECTS, _MOST_DEPTH = 1000, 5
_MOST_TEXT = 200  # bytes of a label
_TEXTS_AT_ONCE = 1000


def is_hdf5(content: bytes) -> bool:
    """Says whether this is such a file."""
    return content.startswith((MAGIC, MATLAB))


def tables(content: bytes, budget: Budget) -> Tables:
    """Returns the arrays of a file: no links out of it, no data in other files, no objects.

    Raises:
        DataError: If it is damaged, or h5py is not installed.
    """
    try:
        h5py = import_module("h5py")
    except ImportError as error:
        raise DataError(
            "Reading HDF5 files (.h5, and .mat of version 7.3) needs h5py: run `python -m pip install h5py`, start "
            "the app again, and upload the file; or save the arrays with numpy.savez_compressed."
        ) from error
    matlab = content.startswith(MATLAB)
    found: dict[str, Table] = {}
    flaws: dict[str, DataError] = {}
    try:
        file = h5py.File(BytesIO(content), "r", rdcc_nbytes=_MOST_SLAB)
        for name, dataset in _datasets(h5py, file, "", [_MOST_OBJECTS]):
            budget.check()
            try:
                table = _table(h5py, name, dataset, matlab, budget)
            except DataError as error:
                flaws[name] = error
                continue
            if table is not None:
                found[name] = table
    except (*BROKEN, MemoryError, RecursionError) as error:
        raise _damaged("The HDF5 file", error) from error
    return Tables(found, flaws, ".mat" if matlab else ".h5", any_name=True)


def _datasets(h5py: Any, group: Any, path: str, left: list[int], depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Yields what lies in a group and below; links that lead elsewhere are not followed."""
    for name in group:
        left[0] -= 1
        if left[0] < 0:
            return
        if name.startswith("#") or not isinstance(group.get(name, getlink=True), h5py.HardLink):
            continue
        inner = group[name]
        if isinstance(inner, h5py.Group) and depth < _MOST_DEPTH:
            yield from _datasets(h5py, inner, f"{path}{name}/", left, depth + 1)
        elif isinstance(inner, h5py.Dataset):
            yield f"{path}{name}", inner


def _table(h5py: Any, name: str, dataset: Any, matlab: bool, budget: Budget) -> Table | None:
    """Returns a table of numbers or texts; None of what is neither."""
    shape, dtype = dataset.shape, dataset.dtype
    if not shape or len(shape) > MOST_SIDES:
        return None
    title = shown(name)
    if dataset.external or dataset.is_virtual:
        raise DataError(f"`{title}` lies in another file: save it into this one, and upload that.")
    row = math.prod(shape[1:]) * dtype.itemsize
    chunk = math.prod(dataset.chunks or ()) * dtype.itemsize
    if math.prod(shape) * dtype.itemsize > MOST_BYTES or max(row, chunk) > _MOST_SLAB:
        raise DataError(
            f"`{title}` would unpack to more than {MOST_BYTES / 2**30:.0f} GB, or {_MOST_SLAB // 2**20} MB at once. "
            "Save fewer or smaller images, with the images along the first axis."
        )
    if h5py.check_string_dtype(dtype) and dtype.kind == "O":
        return held(name, _texts(dataset, budget)) if len(shape) == 1 and shape[0] <= MOST else None
    if dtype.kind not in "buifSU":
        return None

    def chunks(most: int) -> Iterator[Flat]:
        step = max(1, most * dtype.itemsize // max(1, row))
        try:
            for start in range(0, shape[0], step):
                slab = dataset[start : start + step]
                budget.inflated(slab.nbytes)
                yield slab.ravel()
        except BROKEN as error:
            raise _damaged(f"`{title}`", error) from error

    own_shape = shape[::-1] if matlab else shape
    return Table(name=name, shape=own_shape, dtype=dtype, fortran=matlab, chunks=chunks, transposed=matlab)


def _texts(dataset: Any, budget: Budget) -> Flat:
    """Returns texts of any length as bytes of one."""
    texts: list[bytes] = []
    for start in range(0, len(dataset), _TEXTS_AT_ONCE):
        texts += [bytes(text)[:_MOST_TEXT] for text in dataset[start : start + _TEXTS_AT_ONCE]]
        budget.check()
    return np.array(texts or [b""], "S")


def _damaged(what: str, error: BaseException) -> DataError:
    why = shown(str(error) or type(error).__name__)
    return DataError(f"{what} is damaged or cut off ({why}). Save it again, and upload that.")
