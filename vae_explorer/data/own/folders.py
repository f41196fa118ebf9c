"""Own data sets beneath the data folder: `own/NAME`, each written whole or not at all.

pixels.npy    uint8 (N, H, W) or (N, H, W, 3): the training images, then validation, then test
labels.npy    int64 (N,)
files.json    the user's own path of each image, where there are files
columns.npy   float64 (K, N): numbers of each image, nan where one is missing, where there are any
meta.json     classes, the number of images in each part, the columns' names, where it came from

The first format had neither files nor columns.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from tokenize import TokenError
from typing import NamedTuple

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from vae_explorer.data.idx import data_folder
from vae_explorer.data.images import PARTS, DataError, Images
from vae_explorer.data.own.choices import Choices, transformed
from vae_explorer.data.own.members import LONGEST
from vae_explorer.data.own.partition import divided
from vae_explorer.data.own.stacks import LARGEST, LEAST, MOST, MOST_CLASSES, SMALLEST, UNLABELLED, Progress, Upload
from vae_explorer.disk.asides import Aside, empty, set_aside
from vae_explorer.disk.files import read_json, reason, sweep, whole_folder

FORMAT = 2
_READABLE = (1, 2)
_MAGIC = b"\x93NUMPY"
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_BLOCK = 256  # images that are converted at once
# What files raise that are damaged, or something else than they were.
_BROKEN = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    RecursionError,
    EOFError,
    OverflowError,
    TokenError,
)


@dataclass(frozen=True, kw_only=True)
class _Meta:
    """What meta.json says; another version's has other fields too."""

    format: int
    names: tuple[str, ...]
    counts: tuple[int, ...]
    columns: tuple[str, ...] = ()
    grouped_by: str = ""
    origin: str
    choices: Choices | None = None  # for the record, as is the number of files that were left out
    skipped: int = 0


class Summary(NamedTuple):
    """What a list shows of an own data set."""

    name: str
    shape: tuple[int, ...]  # of an image
    counts: tuple[int, ...]  # of each part
    names: tuple[str, ...]
    origin: str  # the uploaded file's name
    error: str | None  # why it cannot be used
    columns: tuple[str, ...] = ()  # of numbers
    grouped_by: str = ""  # what was kept together in one part

    @property
    def labelled(self) -> bool:
        return self.names != UNLABELLED


def folder() -> Path:
    """Returns the folder that holds all own data sets; it need not exist."""
    return data_folder() / "own"


def names() -> list[str]:
    """Returns the names of all own data sets, broken ones too; removes what an `add` that was killed left."""
    sweep(folder())
    empty(folder())
    try:
        found = [path.name for path in folder().iterdir() if NAME.fullmatch(path.name) and _is_ours(path)]
    except OSError:
        return []
    return sorted(found)


def summary(name: str) -> Summary:
    """Returns what is known of an own data set without reading its images."""
    try:
        return _summary(name)
    except DataError as error:
        return Summary(name, (), (), (), "", str(error))


def read_part(name: str, part: str) -> Images:
    """Returns one part; only its own bytes are read.

    Raises:
        DataError: If the files are damaged or not there.
    """
    found = _summary(name)
    start = sum(found.counts[: PARTS.index(part)])
    stop = start + found.counts[PARTS.index(part)]
    try:
        pixels = np.array(_open(name, "pixels.npy")[start:stop])
        labels = np.array(_open(name, "labels.npy")[start:stop])
        numbers = np.array(_open(name, "columns.npy")[:, start:stop]) if found.columns else np.empty((0, stop - start))
        files = _files(name, sum(found.counts))[start:stop]
    except _BROKEN as error:
        raise _damaged(name, str(error)) from error
    if labels.min() < 0 or labels.max() >= len(found.names):
        raise _damaged(name, "labels without a class")
    kind = "in colour" if pixels.ndim == 4 else "in grey"
    source = f"{name}, your own: {sum(found.counts):,} images of {found.shape[0]} x {found.shape[1]} {kind}"
    columns = dict(zip(found.columns, numbers, strict=True))
    return Images(pixels, labels, found.names, source, files, columns)


def add(name: str, upload: Upload, choices: Choices, origin: str, progress: Progress = lambda _: None) -> None:
    """Writes an upload as a data set of its own, in fixed parts.

    Images are converted and written a block at a time, in the parts' order, so that memory holds no
    second copy of them and a part is read in one piece.

    Arguments:
        name: Of the data set in every list.
        upload: The images.
        choices: What becomes of them.
        origin: The uploaded file's name, to be shown.
        progress: Called with the rising fraction done. What it raises ends the writing and leaves nothing.

    Raises:
        DataError: If the name cannot be used or is taken, the groups are too few, or the folder cannot be written.
    """
    demand_free(name)
    parts = divided(upload.labels, upload.groups)
    order = np.concatenate([parts[part] for part in PARTS])
    shape = transformed(upload.pixels[:1], choices).shape[1:]
    meta = _Meta(
        format=FORMAT,
        names=upload.names,
        counts=tuple(len(parts[part]) for part in PARTS),
        columns=tuple(upload.columns),
        grouped_by=upload.grouped_by,
        origin=origin[:200],
        choices=choices,
        skipped=len(upload.skipped),
    )
    try:
        sweep(folder())
        with whole_folder(folder() / name) as partial:
            _write(partial / "pixels.npy", _converted(upload.pixels, order, choices, progress), (len(order), *shape))
            np.save(partial / "labels.npy", upload.labels[order], allow_pickle=False)
            if upload.columns:
                columns = np.stack([upload.columns[each][order] for each in upload.columns])
                np.save(partial / "columns.npy", columns, allow_pickle=False)
            if upload.files:
                names = json.dumps([upload.files[row] for row in order])
                (partial / "files.json").write_text(names, encoding="utf-8")
            (partial / "meta.json").write_text(json.dumps(asdict(meta)), encoding="utf-8")
    except FileExistsError as error:
        raise _taken(name) from error
    except OSError as error:
        raise DataError(
            f"Cannot write to {folder()} ({reason(error)}). Give it space and write permission, or name "
            "another folder in the environment variable VAE_EXPLORER_DATA; what was uploaded is still here."
        ) from error
    progress(1.0)


def shares(upload: Upload) -> tuple[int, ...]:
    """Returns the numbers of training, validation and test images that an upload would come to."""
    parts = divided(upload.labels, upload.groups)
    return tuple(len(parts[part]) for part in PARTS)


def delete(name: str) -> Aside:
    """Sets an own data set aside; models that were trained on it stay, and say what they lack.

    Raises:
        DataError: If there is none of that name, or it cannot be removed.
    """
    path = folder() / name
    if not NAME.fullmatch(name) or not _is_ours(path):
        raise DataError(f"There is no own data set {name!r}.")
    try:
        return set_aside([path])
    except OSError as error:
        raise DataError(f"{path} cannot be removed ({reason(error)}). Check its permissions.") from error


def demand_free(name: str) -> None:
    """Raises DataError if no data set can be added under that name."""
    if not NAME.fullmatch(name):
        raise DataError(
            f"{name!r} cannot be a name: use small letters, digits, dashes and underscores, 40 at most, "
            "and begin with a letter or digit."
        )
    if (folder() / name).exists():
        raise _taken(name)


def _converted(
    pixels: NDArray[np.uint8], order: NDArray[np.intp], choices: Choices, progress: Progress
) -> Iterator[NDArray[np.uint8]]:
    for start in range(0, len(order), _BLOCK):
        yield transformed(pixels[order[start : start + _BLOCK]], choices)
        progress(start / len(order))


def _write(path: Path, blocks: Iterator[NDArray[np.uint8]], shape: tuple[int, ...]) -> None:
    with path.open("wb") as file:
        npy.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
        for block in blocks:
            file.write(block.tobytes())


def _is_ours(path: Path) -> bool:
    """Says whether this is a folder of its own and no link to somewhere else."""
    return path.is_dir() and not path.is_symlink()


def _open(name: str, file: str) -> NDArray[np.generic]:
    path = folder() / name / file
    if path.is_symlink():
        raise ValueError(f"{file} is a link")
    if path.exists() and not path.is_file():  # a pipe would be waited for
        raise ValueError(f"{file} is no file")
    with path.open("rb") as opened:
        if opened.read(len(_MAGIC)) != _MAGIC:
            raise ValueError(f"{file} is no array")
    array: NDArray[np.generic] = np.load(path, mmap_mode="r", allow_pickle=False)
    return array


def _files(name: str, count: int) -> tuple[str, ...]:
    """Returns the names of all images' files, or none where none were kept."""
    path = folder() / name / "files.json"
    if path.is_symlink():
        raise ValueError("files.json is a link")
    if not path.exists():
        return ()
    found = read_json(path, tuple[str, ...], MOST * 6 * LONGEST)  # as JSON writes them, six letters for one at most
    if len(found) != count:
        raise ValueError("files.json does not name each image")
    return found


def _summary(name: str) -> Summary:
    """Raises DataError where the files do not belong together."""
    path = folder() / name
    if not NAME.fullmatch(name) or not _is_ours(path):
        raise DataError(f"There is no data set {name!r}. Upload it on the page Data, or choose another.")
    try:
        meta = read_json(path / "meta.json", _Meta, open_ended=True)
        found, counts, columns = meta.names, meta.counts, meta.columns
        pixels, labels = _open(name, "pixels.npy"), _open(name, "labels.npy")
        numbers = _open(name, "columns.npy") if columns else np.empty((0, sum(counts)))
    except _BROKEN as error:
        raise _damaged(name, str(error) or type(error).__name__) from error
    sound = (
        meta.format in _READABLE
        and len(counts) == len(PARTS)
        and min(counts) > 0
        and sum(counts) >= LEAST
        and 1 <= len(found) <= MOST_CLASSES
        and pixels.dtype == np.uint8
        and pixels.shape[3:] in ((), (3,))
        and pixels.ndim >= 3
        and min(pixels.shape[1:3]) >= SMALLEST
        and max(pixels.shape[1:3]) <= LARGEST
        and labels.dtype == np.int64
        and labels.shape == (sum(counts),) == pixels.shape[:1]
        and numbers.dtype == np.float64
        and numbers.shape == (len(set(columns)), sum(counts))
    )
    if not sound:
        raise _damaged(name, "its files do not belong together, or another version wrote them")
    return Summary(name, pixels.shape[1:], counts, found, meta.origin, None, columns, meta.grouped_by)


def _taken(name: str) -> DataError:
    return DataError(f"There is a data set {name!r} already. Choose another name, or delete that one first.")


def _damaged(name: str, why: str) -> DataError:
    return DataError(f"The data set {name} cannot be read ({why}). Delete it on the page Data, and upload it again.")
