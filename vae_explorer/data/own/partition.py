"""Which images train, validate and test: every class in its share, or whole groups, always the same."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vae_explorer.data.bundled import split
from vae_explorer.data.images import PARTS, DataError

_SEED = 20_131_220

Rows = NDArray[np.intp]


def part_sizes(count: int) -> tuple[int, int, int]:
    """Returns the numbers of training, validation and test images: 80, 10 and 10 %, but enough to measure on."""
    validation, test = max(10, count // 10), max(20, count // 10)
    return count - validation - test, validation, test


def divided(labels: NDArray[np.int64], groups: NDArray[np.int64] | None) -> dict[str, Rows]:
    """Returns the rows of each part.

    Without groups every class is in every part in its overall share. With groups each goes to one part as a whole,
    and the parts come as near to their sizes as that allows.

    Arguments:
        labels: The classes, with shape `(N,)`.
        groups: The group of each image, with shape `(N,)`.

    Raises:
        DataError: If there are fewer than three groups.
    """
    sizes = part_sizes(len(labels))
    if groups is None:
        return split(labels, sizes)
    # RandomState and not default_rng: NumPy promises that its stream never changes (NEP 19).
    random = np.random.RandomState(_SEED)
    names, counts = np.unique(groups, return_counts=True)
    if len(names) < len(PARTS):
        raise DataError(f"{len(names)} groups cannot be kept whole in three parts: choose another group, or none.")
    left = [int(each) for each in random.permutation(len(names))]
    rows: dict[str, Rows] = {}
    for part, size in (("test", sizes[2]), ("validation", sizes[1])):
        reserve = 2 if part == "test" else 1  # groups that the parts after this one need
        taken = _nearest(left, counts, size, len(left) - reserve)
        left = [each for each in left if each not in taken]
        rows[part] = _rows(groups, names[taken], random)
    rows["train"] = _rows(groups, names[left], random)
    return {part: rows[part] for part in PARTS}


def _nearest(left: list[int], counts: NDArray[np.intp], size: int, most: int) -> list[int]:
    """Returns groups, one at least, that come to about so many images: each is taken if that brings them nearer."""
    first = min(left, key=lambda each: abs(int(counts[each]) - size)) if min(counts[left]) > size else None
    taken = [] if first is None else [first]
    total = sum(int(counts[each]) for each in taken)
    for each in left:
        count = int(counts[each])
        if each not in taken and len(taken) < most and abs(total + count - size) < abs(total - size):
            taken.append(each)
            total += count
    return taken


def _rows(groups: NDArray[np.int64], chosen: NDArray[np.int64], random: np.random.RandomState) -> Rows:
    (rows,) = np.nonzero(np.isin(groups, chosen))
    return random.permutation(rows)
