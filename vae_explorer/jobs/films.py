"""A film: what a training job leaves of each epoch, and how its files are read. A damaged one is refused, not shown.

film/labels.safetensors     classes (N,), originals (FILM_IMAGES, H, W) or (FILM_IMAGES, H, W, 3)
film/00001.safetensors      codes (N, D) float16, images as the originals, after epoch 1
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from vae_explorer.disk.files import reason

FILM_IMAGES = 8  # that a snapshot holds reconstructed


class FilmError(Exception):
    """A film, or a frame of it, that cannot be read; the message names the file."""


class Frame(NamedTuple):
    """A snapshot of the film."""

    codes: NDArray[np.float16]  # (N, D)  in latent units
    images: NDArray[np.uint8]  # (FILM_IMAGES, H, W)  reconstructions of the originals


class Head(NamedTuple):
    """What all frames share."""

    labels: NDArray[np.uint8]  # (N,)
    originals: NDArray[np.uint8]  # (FILM_IMAGES, H, W)


def head_file(job: Path) -> Path:
    return job / "film" / "labels.safetensors"


def frame_file(job: Path, number: int) -> Path:
    """Where the snapshot after so many epochs lies."""
    return job / "film" / f"{number:05}.safetensors"


def head(job: Path) -> Head:
    """Raises FilmError."""
    path = head_file(job)
    arrays = _read(path, {"labels": (np.uint8, (1,)), "originals": (np.uint8, (3, 4))})
    if arrays["originals"].shape[3:] not in ((), (3,)):
        raise FilmError(f"{path} does not hold images.")
    return Head(arrays["labels"], arrays["originals"])


def frame(job: Path, number: int) -> Frame:
    """Returns the snapshot after so many epochs.

    Raises:
        FilmError: If it is missing, damaged, or holds a code that is not finite.
    """
    path = frame_file(job, number)
    arrays = _read(path, {"codes": (np.float16, (2,)), "images": (np.uint8, (3, 4))})
    if not np.isfinite(arrays["codes"]).all():
        raise FilmError(f"{path} holds codes that are not finite.")
    return Frame(arrays["codes"], arrays["images"])


def _read(path: Path, wanted: Mapping[str, tuple[type[np.generic], tuple[int, ...]]]) -> dict[str, NDArray[Any]]:
    """Returns the arrays of a file: of these names, types and numbers of axes, none of them empty."""
    if not path.is_file():
        raise FilmError(f"{path} is missing.")
    try:
        arrays = load_file(path)
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:  # types that NumPy lacks, too
        raise FilmError(f"{path} cannot be read ({reason(error)}).") from error
    for name, (kind, axes) in wanted.items():
        array = arrays.get(name)
        if array is None or array.dtype != kind or array.ndim not in axes or not array.size:
            raise FilmError(f"{path} does not hold {name}.")
    return arrays
