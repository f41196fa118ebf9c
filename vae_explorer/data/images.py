"""What every loader returns, and how it fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

Scalar = TypeVar("Scalar", bound=np.generic)

PARTS = ("train", "validation", "test")
ALL = "all"  # the three parts, one after another


class Images(NamedTuple):
    """One part of a data set, or all of it."""

    pixels: NDArray[np.uint8]  # (N, H, W) grey levels, 0 is black; or (N, H, W, 3) red, green and blue
    labels: NDArray[np.int64]  # (N,)       index into names
    names: tuple[str, ...]  #                 class names
    source: str  #                            one line for the screen: which data this is
    files: tuple[str, ...] = ()  #            the user's own name of each image's file; none where there are no files
    columns: Mapping[str, NDArray[np.float64]] = {}  # numbers by name, (N,), nan where one is missing
    parts: NDArray[np.int8] | None = None  #  (N,)   index into PARTS, where all of them are here

    @property
    def lengths(self) -> tuple[int, ...]:
        """Images in each shard: all of them lie in one, in memory."""
        return (len(self.pixels),)


class DataError(Exception):
    """The data cannot be had; the message is for the user and says what to do."""


def joined(parts: Sequence[Images]) -> Images:
    """Returns all parts of a data set one after another, in the order of `PARTS`."""
    first = parts[0]
    return first._replace(
        pixels=np.concatenate([part.pixels for part in parts]),
        labels=np.concatenate([part.labels for part in parts]),
        files=sum((part.files for part in parts), ()),
        columns={name: np.concatenate([part.columns[name] for part in parts]) for name in first.columns},
        parts=np.repeat(np.arange(len(parts), dtype=np.int8), [len(part.pixels) for part in parts]),
    )


def demand_shape(images: Images, shape: tuple[int, ...]) -> None:
    """Refuses images of another shape than a model was made for: own data may have been made anew.

    Raises:
        DataError: If they have another one.
    """
    if images.pixels.shape[1:] != shape:
        found, wanted = (" x ".join(map(str, each)) for each in (images.pixels.shape[1:], shape))
        raise DataError(
            f"The model was made for images of {wanted}, and these are {found} ({images.source}): the data set is no "
            "longer the one that it was trained on. Upload that again under this name, or train a new model."
        )


def nothing(shape: tuple[int, ...], source: str) -> Images:
    """Returns no images, of a shape: what a model is shown with whose own are not here."""
    return Images(np.zeros((0, *shape), np.uint8), np.zeros(0, np.int64), (), source)


def evenly(rows: NDArray[Scalar], count: int) -> NDArray[Scalar]:
    """Returns so many images, or codes, at most, from all over them: the first ones need not be like the rest."""
    chosen: NDArray[Scalar] = rows[np.linspace(0, len(rows) - 1, min(count, len(rows))).round().astype(int)]
    return chosen
