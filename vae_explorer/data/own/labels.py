"""Labels as somebody wrote them: class numbers, names, one column for each class, or numbers of another kind."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_explorer.data.images import DataError
from vae_explorer.data.own.budget import Budget
from vae_explorer.data.own.tables import CHUNK, Table
from vae_explorer.text import shown

MOST_LABEL_BYTES = 64 * 2**20
MOST_COLUMNS = 20
NO_LABEL = "no label"  # the class of nan
_EXACT = 2.0**53  # from here on not every whole number is a double


class Labels(NamedTuple):
    """What stands beside the images."""

    classes: list[str] | None  # (N,) one name for each image
    columns: Mapping[str, NDArray[np.float64]]  # (N,) each
    notes: tuple[str, ...]


NONE = Labels(None, {}, ())


def read_labels(table: Table, count: int, names: Table | None, budget: Budget) -> Labels:
    """Reads a label for each image.

    Arguments:
        table: One label for each image, or a row of the same length for each.
        count: The number of images.
        names: The classes' names, for labels that count from 0 or 1.
        budget: Asked as the work goes on.

    Raises:
        DataError: If there are not as many labels as images, they are damaged, or take too much memory.
    """
    title = shown(table.name)
    width = _width(table, count, title)
    if table.numbers * table.dtype.itemsize > MOST_LABEL_BYTES:
        raise DataError(
            f"`{title}` would unpack to more than {MOST_LABEL_BYTES // 2**20} MB. Save a class number or a short "
            "name for each image."
        )
    if table.dtype.kind in "SU" and width == 1:
        return Labels(_texts(table, budget), {}, ())
    if not table.numeric:
        return NONE._replace(notes=(f"`{title}` holds {shown(str(table.dtype))} and no classes: read without labels.",))
    values = table.whole()
    if width == 1:
        return _numbers(values.reshape(count), title, names, budget)
    return _rows(values.reshape(count, width) if table.shape[0] == count else values.T, title, names, budget)


def _width(table: Table, count: int, title: str) -> int:
    """Returns the number of values for each image."""
    sides = [side for side in table.shape if side != 1]
    if sides in ([count], []) and table.numbers == count:
        return 1
    if len(sides) == 2 and len(table.shape) == 2 and count in sides:
        return sides[1] if sides[0] == count else sides[0]
    raise DataError(
        f"`{title}` has shape {table.shape}, and {count:,} images need ({count},): one label for each image."
    )


def _texts(table: Table, budget: Budget) -> list[str]:
    """Reads names of fixed length; what is no Unicode becomes a replacement sign."""
    found: list[str] = []
    known: dict[bytes, str] = {}
    length = table.dtype.itemsize
    if not length:
        return [""] * table.numbers
    coding = "utf-8" if table.dtype.kind == "S" else "utf-32-be" if table.dtype.byteorder == ">" else "utf-32-le"
    for chunk in table.chunks(max(1, min(CHUNK, 2**20 // length))):
        budget.check()
        content = chunk.tobytes()
        for start in range(0, len(content), length):
            raw = content[start : start + length]
            if raw not in known:
                known[raw] = _decoded(raw, coding)
            found.append(known[raw])
    return found


def _decoded(raw: bytes, coding: str) -> str:
    """Returns a text without the zeros that fill it up. Bytes that are no UTF-8 are read as Latin-1."""
    if coding == "utf-8":
        raw = raw.rstrip(b"\0")
        try:
            return raw.decode()
        except UnicodeDecodeError:
            return raw.decode("latin-1")
    return raw.decode(coding, "replace").rstrip("\0")


def _numbers(values: NDArray[np.generic], title: str, names: Table | None, budget: Budget) -> Labels:
    if values.dtype.kind != "f":
        return _named(values.astype(object if values.dtype == np.uint64 else np.int64).tolist(), names, budget)
    floats = values.astype(np.float64)
    unknown = np.isnan(floats)
    if not np.array_equal(floats[~unknown], np.rint(floats[~unknown])):
        note = f"`{title}` holds numbers with fractions and no classes: kept as numbers, read without labels."
        return Labels(None, {title: floats}, (note,))
    if unknown.all():
        return NONE._replace(notes=(f"`{title}` holds nan alone and no classes: read without labels.",))
    whole = [each if not math.isfinite(each) or abs(each) >= _EXACT else int(each) for each in floats.tolist()]
    labels = _named(whole, names, budget)
    if not unknown.any():
        return labels
    note = f"{unknown.sum():,} of the labels are nan: their class is named {NO_LABEL!r}."
    return labels._replace(notes=(*labels.notes, note))


def _named(numbers: list[float] | list[int], names: Table | None, budget: Budget) -> Labels:
    """Returns class numbers as texts, or the names that belong to them."""
    plain = [NO_LABEL if each != each else f"{each:g}" if isinstance(each, float) else str(each) for each in numbers]
    if names is None or names.dtype.kind not in "SU" or names.numbers * names.dtype.itemsize > MOST_LABEL_BYTES:
        return Labels(plain, {}, ())
    texts = _texts(names, budget)
    whole = {each for each in numbers if isinstance(each, int)}
    for first in (0, 1):
        if whole and min(whole) >= first and max(whole) < first + len(texts):
            named = [texts[each - first] if isinstance(each, int) else NO_LABEL for each in numbers]
            return Labels(named, {}, (f"The classes' names are those of `{shown(names.name)}`, counted from {first}.",))
    note = f"`{shown(names.name)}` does not fit the labels' numbers and is left out."
    return Labels(plain, {}, (note,))


def _rows(values: NDArray[np.generic], title: str, names: Table | None, budget: Budget) -> Labels:
    """Reads a row for each image: a one at the place of its class, or several numbers."""
    floats = values.astype(np.float64)
    if (((floats == 0) | (floats == 1)).all(1) & (floats.sum(1) == 1)).all():
        labels = _named([int(each) for each in floats.argmax(1)], names, budget)
        note = f"`{title}` has a column for each class: the place of the one is the class."
        return labels._replace(notes=(note, *labels.notes))
    count = floats.shape[1]
    if count > MOST_COLUMNS:
        note = f"`{title}` has {count:,} numbers for each image and no classes: read without labels."
        return NONE._replace(notes=(note,))
    columns = {f"{title} {k + 1}": floats[:, k] for k in range(count)}
    note = f"`{title}` has {count} numbers for each image and no classes: kept as numbers, read without labels."
    return Labels(None, columns, (note,))
