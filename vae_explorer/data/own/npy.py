"""NumPy's files, .npz and .npy: headers are read by a grammar of their own, in memory, and never evaluated.

NumPy's reader hands the header to Python's parser, which fails in many ways at what is no header; nothing is unpickled.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from io import BytesIO
from typing import IO, NamedTuple
from zipfile import ZipFile

import numpy as np

from vae_explorer.data.images import DataError
from vae_explorer.data.own.budget import Budget
from vae_explorer.data.own.pictures import BROKEN
from vae_explorer.data.own.tables import MOST_SIDES, Flat, Table, Tables, exactly
from vae_explorer.text import shown

MAGIC = b"\x93NUMPY"
ENDING = ".npy"
MOST_BYTES = 4 * 2**30  # of an array, unpacked
MOST_HEADER = 10_000  # bytes; NumPy refuses longer ones too
_AGAIN = "Save it again with numpy.savez_compressed, and upload that."
_ITEM = re.compile(
    r"""\s*(?:
        (?P<descr>['"]descr['"])\s*:\s*(?:['"](?P<type>[^'"\\]*)['"]|(?P<records>\[.*\](?=\s*,\s*['"]fortran_order)))
      | (?P<order>['"]fortran_order['"])\s*:\s*(?P<fortran>True|False)
      | (?P<shape>['"]shape['"])\s*:\s*\((?P<sides>[\d\sL,]*)\)
    )\s*(?P<end>,|\Z)""",
    re.VERBOSE | re.ASCII,
)
_SIDE = re.compile(r"\s*(\d{1,18})L?\s*")
_TYPE = re.compile(r"[<>=|]?[?bBhHiuIlLqQefdgFDGSUVOMmc]\d{0,10}(\[[\w/]{1,8}\])?", re.ASCII)


class _Header(NamedTuple):
    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[np.generic]


def tables(archive: ZipFile, budget: Budget) -> Tables:
    """Returns the arrays of an .npz file, by their headers.

    Two members of one name are an error of that name, since nobody knows which is meant.
    """
    found: dict[str, Table] = {}
    flaws: dict[str, DataError] = {}
    for info in archive.infolist():
        if not info.filename.endswith(ENDING):
            continue
        name = info.filename.rpartition("/")[2].removesuffix(ENDING)
        if name in found or name in flaws:
            found.pop(name, None)
            flaws[name] = DataError(f"The .npz file holds `{shown(name)}` twice. {_AGAIN}")
            continue
        try:
            found[name] = _table(name, lambda info=info: archive.open(info), budget)  # type: ignore[misc]
        except DataError as error:
            flaws[name] = error
        budget.check()
    return Tables(found, flaws)


def table(content: bytes, budget: Budget) -> Table:
    """Returns the array of an .npy file.

    Raises:
        DataError: If it is damaged, or holds objects or too much.
    """
    return _table("images", lambda: BytesIO(content), budget)


def _table(name: str, opened: Callable[[], AbstractContextManager[IO[bytes]]], budget: Budget) -> Table:
    try:
        with opened() as file:
            header = _read_header(file, name)
    except (*BROKEN, MemoryError) as error:
        raise _damaged(name, error) from error

    def chunks(most: int) -> Iterator[Flat]:
        left = math.prod(header.shape)
        try:
            with opened() as file:
                _read_header(file, name)
                while left:
                    content = exactly(file.read, min(most, left) * header.dtype.itemsize)
                    budget.inflated(len(content))
                    yield np.frombuffer(content, header.dtype)
                    left -= min(most, left)
        except (*BROKEN, MemoryError) as error:
            raise _damaged(name, error) from error

    return Table(name=name, shape=header.shape, dtype=header.dtype, fortran=header.fortran, chunks=chunks)


def _read_header(file: IO[bytes], name: str) -> _Header:
    """Reads a file up to where its numbers begin.

    Raises:
        ValueError: If it is no such file.
        DataError: If it is one and holds objects, or too much.
    """
    start = exactly(file.read, len(MAGIC) + 2)
    if not start.startswith(MAGIC) or start[-2] not in (1, 2, 3) or start[-1]:
        raise ValueError("it does not begin like a NumPy file of version 1, 2 or 3")
    length = int.from_bytes(exactly(file.read, 2 if start[-2] == 1 else 4), "little")
    if length > MOST_HEADER:
        raise ValueError(f"its header has {length:,} bytes")
    return parse_header(exactly(file.read, length).decode("utf-8" if start[-2] == 3 else "latin-1"), name)


def parse_header(text: str, name: str) -> _Header:
    """Returns what a header says: a Python dictionary of three known keys, in any order.

    Raises:
        ValueError: If it is no header.
        DataError: If the array holds objects, records or too much.
    """
    inner = re.fullmatch(r"\s*\{(.*)\}\s*", text, re.DOTALL)
    parts: dict[str, str] = {}
    at, body = 0, inner[1].rstrip() if inner else ""
    while at < len(body):
        item = _ITEM.match(body, at)
        if item is None:
            break
        for key in ("type", "records", "fortran", "sides"):
            if item[key] is not None:
                parts[key] = item[key] if key not in parts else "?"
        at = item.end()
    if at < len(body) or len(parts) != 3 or "?" in parts.values():
        raise ValueError("its header cannot be read")
    title = shown(name)
    if "records" in parts:
        raise DataError(f"`{title}` holds records, and plain numbers are needed: save each field as an array.")
    return _checked(_Header(_shape(parts["sides"]), parts["fortran"] == "True", _dtype(parts["type"], title)), title)


def _shape(text: str) -> tuple[int, ...]:
    sides = text.split(",")
    if len(sides) > 1 and not sides[-1].strip():
        sides.pop()
    found = [_SIDE.fullmatch(side) for side in sides] if text.strip() else []
    if len(found) > MOST_SIDES or None in found or (len(found) == 1 and "," not in text):
        raise ValueError("its shape cannot be read")
    return tuple(int(side[1]) for side in found if side)


def _dtype(text: str, title: str) -> np.dtype[np.generic]:
    if not _TYPE.fullmatch(text):
        raise ValueError(f"its type {shown(text, 20)!r} cannot be read")
    try:
        dtype = np.dtype(text)
    except TypeError as error:
        raise ValueError(f"its type {shown(text, 20)!r} cannot be read") from error
    if dtype.hasobject:
        raise DataError(
            f"`{title}` holds Python objects, which could run code and are never opened. Save plain numbers: "
            f"numpy.savez_compressed(file, {title}=numpy.stack(...).astype('uint8'))"
            + (", or texts: numpy.array(labels).astype('U')." if title.startswith(("l", "y")) else ".")
        )
    return dtype


def _checked(header: _Header, title: str) -> _Header:
    if math.prod(header.shape) * header.dtype.itemsize > MOST_BYTES:
        raise DataError(f"`{title}` would unpack to more than {MOST_BYTES / 2**30:.0f} GB. Save fewer or smaller ones.")
    return header


def _damaged(name: str, error: BaseException) -> DataError:
    why = shown(str(error) or type(error).__name__)
    return DataError(f"`{shown(name)}` is damaged or cut off ({why}). {_AGAIN}")
