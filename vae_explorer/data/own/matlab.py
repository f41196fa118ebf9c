"""MATLAB's .mat files of version 5 to 7: plain numbers alone are read, as a stream.

The format is small, and SciPy's reader, which is compiled, ends the whole program at some damaged files.

References:
    | MAT-File Format (The MathWorks), chapter 1, level 5
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import IO, NamedTuple

import numpy as np

from vae_explorer.data.images import DataError
from vae_explorer.data.own.budget import Budget
from vae_explorer.data.own.pictures import BROKEN
from vae_explorer.data.own.tables import MOST_SIDES, Flat, Table, Tables, exactly
from vae_explorer.text import shown

MAGIC = b"MATLAB 5.0 MAT-file"
MOST_BYTES = 4 * 2**30  # of an array, unpacked
_HEADER = 128  # bytes of words at the file's beginning; the last two say the order of bytes
_MATRIX, _COMPRESSED = 14, 15
_NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_OTHERS, _CLASSES = range(1, 6), range(6, 16)  # cells, structures, objects, texts and sparse arrays; numbers
_COMPLEX = 0x800
_MOST_NAME, _MOST_ARRAYS = 200, 1000


class _Tag(NamedTuple):
    """Says what comes next."""

    type: int
    size: int  # bytes
    small: bytes | None  # the content, where it lies in the tag itself


class _Matrix(NamedTuple):
    """An array up to where its numbers begin."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    start: bytes  # numbers that lie in the tag itself


class _Inflating:
    """Reads a compressed element; `read` alone is there."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file, self._left, self._inflate, self._rest = file, size, zlib.decompressobj(), b""

    def read(self, count: int) -> bytes:
        """Returns so many bytes, fewer at the end."""
        out = [b""]
        while count > 0 and not self._inflate.eof:
            if not self._rest:
                self._rest = self._file.read(min(2**16, self._left))
                self._left -= len(self._rest)
                if not self._rest:
                    break
            out.append(self._inflate.decompress(self._rest, count))
            self._rest = self._inflate.unconsumed_tail
            count -= len(out[-1])
        return b"".join(out)


Read = Callable[[int], bytes]


def tables(content: bytes, budget: Budget) -> Tables:
    """Returns the numeric arrays of a file.

    Raises:
        DataError: If it is damaged.
    """
    found: dict[str, Table] = {}
    flaws: dict[str, DataError] = {}
    order = ">" if content[_HEADER - 2 : _HEADER] == b"MI" else "<"
    at = _HEADER
    try:
        while at + 8 <= len(content) and len(found) < _MOST_ARRAYS:
            kind, size = struct.unpack_from(f"{order}II", content, at)
            start, at = at, at + 8 + size
            budget.check()
            if kind not in (_MATRIX, _COMPRESSED):
                continue
            matrix = _matrix(_opened(content, start, order), order)
            if matrix is None:
                continue
            title = shown(matrix.name)
            if matrix.dtype.hasobject:
                flaws[matrix.name] = DataError(
                    f"`{title}` holds texts, cells, structures, or sparse or complex numbers. Save plain numbers, such "
                    "as uint8 for images and class numbers for labels."
                )
            elif math.prod(matrix.shape) * matrix.dtype.itemsize > MOST_BYTES:
                flaws[matrix.name] = DataError(f"`{title}` would unpack to more than 4 GB: save less.")
            else:
                found[matrix.name] = _table(matrix, content, start, order, budget)
    except BROKEN as error:
        raise _damaged("The .mat file", error) from error
    return Tables(found, flaws, ".mat", any_name=True)


def _table(matrix: _Matrix, content: bytes, start: int, order: str, budget: Budget) -> Table:
    def chunks(most: int) -> Iterator[Flat]:
        left = math.prod(matrix.shape)
        try:
            read = _opened(content, start, order)
            again = _matrix(read, order)
            rest = again.start if again else b""
            while left:
                count = min(most, left)
                block = rest + exactly(read, count * matrix.dtype.itemsize - len(rest))
                rest = b""
                budget.inflated(len(block))
                yield np.frombuffer(block, matrix.dtype)
                left -= count
        except BROKEN as error:
            raise _damaged(f"`{shown(matrix.name)}`", error) from error

    return Table(name=matrix.name, shape=matrix.shape, dtype=matrix.dtype, fortran=True, chunks=chunks, transposed=True)


def _opened(content: bytes, start: int, order: str) -> Read:
    """Returns what reads an element from behind its tag on."""
    kind, size = struct.unpack_from(f"{order}II", content, start)
    file = BytesIO(content)
    file.seek(start + 8)
    if kind == _MATRIX:
        return file.read
    read = _Inflating(file, size).read
    if _tag(read, order).type != _MATRIX:
        raise ValueError("a compressed element is no array")
    return read


def _matrix(read: Read, order: str) -> _Matrix | None:
    """Reads an array up to its numbers, or its name if it has no plain ones; None if it has no name either."""
    flags = np.frombuffer(_element(read, order, 8), f"{order}u4")
    kind = int(flags[0]) & 0xFF if flags.size == 2 else 0
    if kind not in (*_OTHERS, *_CLASSES):
        return None
    shape = tuple(np.frombuffer(_element(read, order, 4 * MOST_SIDES), f"{order}i4").tolist())
    name = _element(read, order, _MOST_NAME).decode("latin-1")
    if kind in _OTHERS or int(flags[0]) & _COMPLEX:
        return _Matrix(name, shape, np.dtype(object), b"")
    tag = _tag(read, order)
    if not shape or min(shape) < 0 or tag.type not in _NUMBERS:
        raise ValueError("an array without a shape or numbers")
    dtype = np.dtype(order + _NUMBERS[tag.type])
    start = tag.small or b""
    held = len(start) if tag.small is not None else tag.size
    if held != math.prod(shape) * dtype.itemsize:
        raise ValueError("an array with more or fewer numbers than its shape says")
    return _Matrix(name, shape, dtype, start)


def _element(read: Read, order: str, most: int) -> bytes:
    """Returns a short element's content."""
    tag = _tag(read, order)
    if tag.small is not None:
        return tag.small
    if tag.size > most:
        raise ValueError(f"an element of {tag.size:,} bytes where {most} are the most")
    content = exactly(read, tag.size)
    exactly(read, -tag.size % 8)
    return content


def _tag(read: Read, order: str) -> _Tag:
    content = exactly(read, 8)
    kind, size = struct.unpack(f"{order}II", content)
    if kind >> 16:  # up to four bytes lie in the tag itself
        count = kind >> 16
        if count > 4:
            raise ValueError("a tag that holds more than four bytes")
        return _Tag(kind & 0xFFFF, count, content[4 : 4 + count])
    return _Tag(kind, size, None)


def _damaged(what: str, error: BaseException) -> DataError:
    why = shown(str(error) or type(error).__name__)
    return DataError(f"{what} is damaged or cut off ({why}). Save it again, and upload that.")
