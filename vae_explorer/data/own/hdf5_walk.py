"""What of an HDF5 file may be read, and a trial of reading it, run as a program of its own.

The HDF5 library is compiled, and damage to a file may end the program that reads it, or make it take all memory. So a
file is first read here, in a process that may be lost: `python hdf5_walk.py MEGABYTES < FILE`. This file imports
nothing of ours, which keeps that short.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any

MOST_BYTES = 4 * 2**30  # of an array, unpacked
MOST_SLAB = 64 * 2**20  # bytes that are unpacked at once: a chunk of the file, or a row
CHUNK = 2**17  # numbers that are read at once
_MOST_OBJECTS, _MOST_DEPTH = 1000, 5
TOO_MUCH = 3  # exit status: out of memory


def opened(h5py: Any, content: bytes) -> Any:
    """Returns the file, with room for one chunk."""
    return h5py.File(BytesIO(content), "r", rdcc_nbytes=MOST_SLAB)


def datasets(
    h5py: Any, group: Any, path: str = "", left: list[int] | None = None, depth: int = 0
) -> Iterator[tuple[str, Any]]:
    """Yields what lies in a group and below; links that lead elsewhere are not followed."""
    left = [_MOST_OBJECTS] if left is None else left
    for name in group:
        left[0] -= 1
        if left[0] < 0:
            return
        if name.startswith("#") or not isinstance(group.get(name, getlink=True), h5py.HardLink):
            continue
        inner = group[name]
        if isinstance(inner, h5py.Group) and depth < _MOST_DEPTH:
            yield from datasets(h5py, inner, f"{path}{name}/", left, depth + 1)
        elif isinstance(inner, h5py.Dataset):
            yield f"{path}{name}", inner


def is_elsewhere(dataset: Any) -> bool:
    """Says whether the numbers lie in another file."""
    return bool(dataset.external or dataset.is_virtual)


def is_bounded(dataset: Any) -> bool:
    """Says whether it can be read slab by slab."""
    size = dataset.dtype.itemsize
    slab = max(math.prod(dataset.shape[1:]), math.prod(dataset.chunks or ())) * size
    return bool(math.prod(dataset.shape) * size <= MOST_BYTES and slab <= MOST_SLAB)


def slabs(dataset: Any, most: int) -> Iterator[Any]:
    """Yields some rows at a time, of so many numbers if a row is not longer."""
    step = max(1, most // max(1, math.prod(dataset.shape[1:])))
    for start in range(0, dataset.shape[0], step):
        yield dataset[start : start + step]


def _bound_memory(megabytes: int) -> None:
    """Lets this process take so much more than it has; where the system cannot, nothing."""
    try:
        resource: Any = import_module("resource")
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except (ImportError, OSError):
        return
    most = pages * resource.getpagesize() + megabytes * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _try(megabytes: int) -> int:
    h5py = import_module("h5py")
    content = sys.stdin.buffer.read()
    _bound_memory(megabytes)
    known = (OSError, ValueError, LookupError, TypeError, RuntimeError, OverflowError, AttributeError)
    try:
        for _, dataset in datasets(h5py, opened(h5py, content)):
            if dataset.shape and not is_elsewhere(dataset) and is_bounded(dataset):
                try:
                    sum(1 for _ in slabs(dataset, CHUNK))
                except known as error:  # the other process will say so where it matters
                    if "alloc" in str(error):
                        return TOO_MUCH
    except MemoryError:
        return TOO_MUCH
    except known as error:
        return TOO_MUCH if "alloc" in str(error) else 0
    return 0


if __name__ == "__main__":
    sys.exit(_try(int(sys.argv[1])))
