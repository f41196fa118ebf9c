"""An array inside an upload, whatever the kind of file: what it is, and its numbers as a stream."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_explorer.data.images import DataError

Flat = NDArray[np.generic]

CHUNK = 2**17  # numbers that are in memory at once, as they come and as doubles
MOST_SIDES = 32  # axes that NumPy can hold in full
_NUMBERS = "buif"


@dataclass(frozen=True, kw_only=True)
class Table:
    """An array that has not been read.

    Arguments:
        name: As the file has it.
        shape: The lengths of its axes, as its owner sees them.
        dtype: Of its numbers or texts.
        fortran: Whether the first axis changes fastest as the numbers come.
        chunks: Yields all numbers in turn, so many at a time at most, each time from the first one. Raises DataError
            where the file is damaged.
        transposed: Whether its owner writes the columns of an image one after another, as MATLAB does.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    fortran: bool
    chunks: Callable[[int], Iterator[Flat]]
    transposed: bool = False

    @property
    def numbers(self) -> int:
        return math.prod(self.shape)

    @property
    def numeric(self) -> bool:
        """Whether it holds real numbers, and no texts, dates or records."""
        return self.dtype.kind in _NUMBERS

    def whole(self) -> Flat:
        """Returns all its numbers in memory, in its own shape. The caller has looked how many there are."""
        flat = np.concatenate([np.empty(0, self.dtype), *self.chunks(CHUNK)])
        return flat.reshape(self.shape, order="F" if self.fortran else "C")


class Tables(NamedTuple):
    """All arrays of a file."""

    found: dict[str, Table]
    flaws: dict[str, DataError]  # of arrays that cannot be read, by name; said only where one of them is needed
    kind: str = ".npz"
    any_name: bool = False  # whether the one array of images may have any name


def held(name: str, values: Flat, *, transposed: bool = False) -> Table:
    """Returns an array in memory as a table."""

    def chunks(most: int) -> Iterator[Flat]:
        flat = values.ravel(order="F" if fortran else "C")  # no copy: it lies in this order
        for start in range(0, flat.size, most):
            yield flat[start : start + most]

    fortran = not values.flags.c_contiguous
    return Table(
        name=name, shape=values.shape, dtype=values.dtype, fortran=fortran, chunks=chunks, transposed=transposed
    )


def exactly(read: Callable[[int], bytes], count: int) -> bytes:
    """Returns so many bytes.

    Raises:
        EOFError: If there are fewer.
    """
    content = read(count)
    if len(content) < count:
        raise EOFError("it ends too early")
    return content
