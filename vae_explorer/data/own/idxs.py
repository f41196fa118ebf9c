"""Uploaded IDX files, as MNIST comes: alone, packed by gzip, or images and labels together in a zip."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from io import BytesIO
from typing import IO, BinaryIO, cast
from zipfile import ZipFile

import numpy as np

from vae_explorer.data.images import DataError
from vae_explorer.data.own.budget import Budget
from vae_explorer.data.own.pictures import BROKEN
from vae_explorer.data.own.tables import Flat, Table, Tables, exactly
from vae_explorer.text import shown

GZIP = b"\x1f\x8b"
NAME = re.compile(r"idx[1-4]|ubyte", re.IGNORECASE)
_TYPES = {0x08: "|u1", 0x09: "|i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_MOST_AXES = 4
_PARTS = {"train": "train", "t10k": "test", "test": "test", "val": "validation"}

Opened = Callable[[], AbstractContextManager[IO[bytes]]]


def is_idx(start: bytes) -> bool:
    """Says whether a file begins like an IDX file: two zeros, a type, the number of axes."""
    return len(start) >= 4 and start[:2] == b"\0\0" and start[2] in _TYPES and 1 <= start[3] <= _MOST_AXES


def alone(content: bytes, budget: Budget) -> Tables:
    """Returns the array of a file that may be packed.

    Raises:
        DataError: If it is none, or damaged.
    """
    return Tables({"images": _table("images", lambda: BytesIO(content), budget)}, {}, "IDX")


def tables(archive: ZipFile, budget: Budget) -> Tables:
    """Returns the IDX files of a zip, packed or not, by what their names say."""
    found: dict[str, Table] = {}
    flaws: dict[str, DataError] = {}
    for info in archive.infolist():
        file = info.filename.rpartition("/")[2]
        if info.is_dir() or file.startswith(".") or not NAME.search(file):
            continue
        name = _plain(file)
        if name in found:  # torchvision keeps the packed file beside the other
            continue
        try:
            found[name] = _table(file, lambda info=info: archive.open(info), budget)  # type: ignore[misc]
            flaws.pop(name, None)
        except DataError as error:
            flaws[name] = error
        budget.check()
    return Tables(found, flaws, ".zip")


def _plain(file: str) -> str:
    """Returns a name such as `train_images` for `train-images-idx3-ubyte.gz`."""
    lower = file.lower()
    part = next((plain for word, plain in _PARTS.items() if word in lower), "")
    what = "labels" if "label" in lower or "idx1" in lower else "images"
    return f"{part}_{what}" if part else what


def _table(name: str, opened: Opened, budget: Budget) -> Table:
    try:
        unpacked = _unpacking(opened)
        with unpacked() as file:
            shape, dtype = _read_header(file)
    except BROKEN as error:
        raise _damaged(name, error) from error

    def chunks(most: int) -> Iterator[Flat]:
        left = int(np.prod(shape, dtype=object))
        try:
            with unpacked() as file:
                _read_header(file)
                while left:
                    count = min(most, left)
                    content = exactly(file.read, count * dtype.itemsize)
                    budget.inflated(len(content))
                    yield np.frombuffer(content, dtype)
                    left -= count
        except BROKEN as error:
            raise _damaged(name, error) from error

    return Table(name=name, shape=shape, dtype=dtype, fortran=False, chunks=chunks)


def _unpacking(opened: Opened) -> Opened:
    """Returns how the file is opened, through gzip where it is packed."""
    with opened() as file:
        packed = file.read(2) == GZIP

    def unpacked() -> AbstractContextManager[IO[bytes]]:
        return cast(BinaryIO, gzip.GzipFile(fileobj=cast(BinaryIO, opened())))

    return unpacked if packed else opened


def _read_header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[np.generic]]:
    start = exactly(file.read, 4)
    if not is_idx(start):
        raise ValueError("it does not begin like an IDX file")
    sides = np.frombuffer(exactly(file.read, 4 * start[3]), ">u4")
    return tuple(int(side) for side in sides), np.dtype(_TYPES[start[2]])


def _damaged(name: str, error: BaseException) -> DataError:
    why = shown(str(error) or type(error).__name__)
    return DataError(f"`{shown(name)}` is no IDX file, or damaged or cut off ({why}). Download or save it again.")
