"""A CSV file beside images: which row is which image, and what its columns hold."""

from __future__ import annotations

import csv
import io
import itertools
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

ENDINGS = (".csv", ".tsv", ".txt")
MOST_BYTES = 16 * 2**20
MOST_ROWS = 200_000
MOST_COLUMNS = 64  # that are kept
_LEAST = 0.5  # of the images must have a row
_LONGEST = 1_000  # characters of a cell
_MANY = 1_000  # texts in a column, from which it is no class


class Table(NamedTuple):
    """What a file says of the images, in their order."""

    file: str
    texts: Mapping[str, tuple[str, ...]]  # columns by name; "" where a row or a cell is missing
    numbers: Mapping[str, NDArray[np.float64]]  # those that hold numbers; nan where one is missing
    matched: int  # images that have a row


def read_table(
    file: str, content: bytes, paths: Sequence[str], check: Callable[[], None] = lambda: None
) -> Table | None:
    """Returns a table of the images, or None where it names less than half of them.

    With or without a line of headings; between the cells commas, semicolons, tabs or bars; in UTF-8, UTF-16 or
    Windows' Latin. An image is named by its path, by the end of its path, or without its ending.

    Arguments:
        file: The table's path.
        content: Its bytes.
        paths: The images'.
        check: Called often; what it raises ends the reading.
    """
    rows = list(itertools.islice(_rows(_text(content)), MOST_ROWS))
    if not rows or not paths:
        return None
    known = _names(paths)
    width = max(len(row) for row in rows[:1_000])
    hits = [_hits(rows, column, known, file, check) for column in range(min(width, MOST_COLUMNS))]
    column = max(range(len(hits)), key=lambda k: len(set(hits[k].values())))
    by_image = {image: row for row, image in reversed(hits[column].items())}
    if len(by_image) < _LEAST * len(paths):
        return None
    headed = 0 not in hits[column]
    names = _headings(rows[0] if headed else [], width)
    texts: dict[str, tuple[str, ...]] = {}
    numbers: dict[str, NDArray[np.float64]] = {}
    empty: list[str] = []
    for k in [k for k in range(width) if k != column][:MOST_COLUMNS]:
        check()
        cells = [(rows[by_image[image]] if image in by_image else empty) for image in range(len(paths))]
        values = tuple(row[k].strip()[:_LONGEST] if k < len(row) else "" for row in cells)
        if (parsed := _numbers(values)) is not None:
            numbers[names[k]] = parsed
        if parsed is None or len(set(values)) <= _MANY:
            texts[names[k]] = values
    return Table(file, texts, numbers, len(by_image))


def _text(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _rows(text: str) -> Iterator[list[str]]:
    """Yields the rows that hold something; none where a row cannot be read."""
    first = list(itertools.islice((line for line in io.StringIO(text) if line.strip()), 20))
    between = max(
        ",;\t|", key=lambda each: (min((line.count(each) for line in first), default=0), -",;\t|".index(each))
    )
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=between, skipinitialspace=True):
            if any(cell.strip() for cell in row):
                yield row
    except csv.Error:  # a cell of more than 131,072 characters, or a NUL: what came before counts
        return


def _plain(name: str) -> str:
    tidy = "/".join(part for part in name.strip().replace("\\", "/").split("/") if part not in ("", "."))
    return unicodedata.normalize("NFC", tidy).casefold()


def _names(paths: Sequence[str]) -> dict[str, int]:
    """Returns images by each end of their paths, with and without the ending; what names two names none."""
    found: dict[str, int] = {}
    twice: set[str] = set()
    for image, path in enumerate(paths):
        parts = _plain(path).split("/")
        for k in range(len(parts)):
            end = "/".join(parts[k:])
            for name in {end, end.rpartition(".")[0] or end}:
                if found.setdefault(name, image) != image:
                    twice.add(name)
    return {name: image for name, image in found.items() if name not in twice}


def _hits(
    rows: list[list[str]], column: int, known: Mapping[str, int], file: str, check: Callable[[], None]
) -> dict[int, int]:
    """Returns the images that a column names, by row."""
    beside = _plain(file).rpartition("/")[0]
    found: dict[int, int] = {}
    for k, row in enumerate(rows):
        check()
        name = _plain(row[column][:_LONGEST]) if column < len(row) else ""
        image = known.get(f"{beside}/{name}" if beside else name, known.get(name)) if name else None
        while image is None and "/" in name:
            name = name.partition("/")[2]
            image = known.get(name)
        if image is not None:
            found[k] = image
        if k == 200 and not found:  # such a column holds no names
            break
    return found


def _headings(row: list[str], width: int) -> list[str]:
    """Returns a name for each column, no two alike."""
    taken: Counter[str] = Counter()
    names = []
    for k in range(width):
        name = " ".join(row[k].split())[:80] if k < len(row) else ""
        name = name or f"column {k + 1}"
        taken[name] += 1
        names.append(name if taken[name] == 1 else f"{name} ({taken[name]})")
    return names


def _numbers(cells: tuple[str, ...]) -> NDArray[np.float64] | None:
    """Returns cells as numbers, or None where one is none. A comma may be the decimal sign."""
    values = np.full(len(cells), np.nan)
    for k, cell in enumerate(cells):
        if cell and cell.lower() not in ("na", "n/a", "nan", "null", "none", "-"):
            try:
                values[k] = float(cell.replace(",", ".") if cell.count(",") == 1 else cell)
            except ValueError:
                return None
    values[~np.isfinite(values)] = np.nan
    return values if np.isfinite(values).any() else None
