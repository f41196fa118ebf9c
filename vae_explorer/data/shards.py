"""Data sets in shards, `shards/NAME` in the data folder: training reads one file after another.

The folder holds

    meta.json                  {"names": ["cat", "dog"], "shape": [64, 64], "source": "...",
                                "parts": {"train": ["train-00000.npy", ...], "validation": [...], "test": [...]}}
    train-00000.npy            grey levels, (N, H, W) uint8; or with the shape [64, 64, 3] colours, (N, H, W, 3)
    train-00000.labels.npy     classes, (N,), as positions in `names`; not needed where there is one name

Only a part for training may be larger than the memory; the others are read whole. Images within a
file are shuffled and so are the files, but images of different files meet in few batches: cut a data
set that is sorted by class only after shuffling it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vae_explorer.data.idx import data_folder
from vae_explorer.data.images import PARTS, DataError, Images
from vae_explorer.disk.files import read_json, reason, sweep, whole_folder

PREFIX = "shards/"  # of the names of these data sets
_NAME = re.compile(r"\w[\w .-]{0,59}")  # in UTF-8 it fits the 255 bytes that a folder's name may have
_TOGETHER = 1000  # images copied at a time
_FILE = re.compile(r"\w[\w.-]{0,199}\.npy")


@dataclass(frozen=True, kw_only=True)
class Shards:
    """One part of a data set, left in its files."""

    files: tuple[Path, ...]
    lengths: tuple[int, ...]  # images in each
    shape: tuple[int, ...]  # of an image: height and width in pixels; for colours, 3 after them
    names: tuple[str, ...]
    source: str

    def read(self, shard: int, rows: NDArray[np.int64], pixels: NDArray[np.uint8]) -> None:
        """Writes so many images of one file to `pixels`, `(N, *shape)`, in the order of `rows`; reads no others.

        Raises:
            DataError: If the file has been changed since, or cannot be read.
        """
        stored = _array(self.files[shard], (self.lengths[shard], *self.shape))
        order = np.argsort(rows)  # the file is read from its start to its end
        for start in range(0, len(rows), _TOGETHER):
            some = order[start : start + _TOGETHER]
            pixels[some] = stored[rows[some]]

    def whole(self) -> Images:
        """Reads all images and labels into memory."""
        pixels = [np.array(_array(path, (n, *self.shape))) for path, n in zip(self.files, self.lengths, strict=True)]
        labels = [self._labels(path, n) for path, n in zip(self.files, self.lengths, strict=True)]
        return Images(np.concatenate(pixels), np.concatenate(labels), self.names, self.source)

    def _labels(self, path: Path, length: int) -> NDArray[np.int64]:
        if len(self.names) == 1:
            return np.zeros(length, np.int64)
        path = path.with_suffix(".labels.npy")
        labels = np.array(_array(path, (length,), integers=True), np.int64)
        if not 0 <= labels.min() <= labels.max() < len(self.names):
            raise DataError(f"{path} holds classes outside 0 to {len(self.names) - 1}, the positions in meta.json.")
        return labels


@dataclass(frozen=True, kw_only=True)
class _Meta:
    """What meta.json says; whoever writes one by hand may add to it."""

    names: tuple[str | int, ...]
    shape: tuple[int, ...]
    parts: dict[str, tuple[str, ...]]
    source: str | None = None

    def __post_init__(self) -> None:
        if len(self.shape) not in (2, 3) or self.shape[2:] not in ((), (3,)):
            raise ValueError(f"a shape is [height, width], or [height, width, 3] for colours, and not {self.shape}")


def open_shards(name: str, part: str) -> Shards:
    """Opens one part of a data set, reading its description and the heads of its files alone.

    Arguments:
        name: `shards/NAME`.
        part: One of `PARTS`.

    Raises:
        DataError: If there is no such data set, or it is not as described above; the file is named.
    """
    plain = name.removeprefix(PREFIX)
    folder = data_folder() / "shards" / plain
    if not _NAME.fullmatch(plain) or not (folder / "meta.json").is_file():
        raise DataError(f"There is no data set {name!r}: {folder / 'meta.json'} is missing.")
    try:
        meta = read_json(folder / "meta.json", _Meta, open_ended=True)
        files = meta.parts[part]
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{folder / 'meta.json'} does not describe a data set ({error}); see README.") from error
    if odd := [file for file in files if not _FILE.fullmatch(file)]:
        raise DataError(f"{folder / 'meta.json'} names {odd[0]!r}: only names of .npy files in its folder are read.")
    if not files or not meta.names:
        raise DataError(f"{folder / 'meta.json'} names no {'class' if files else f'file for the {part} part'}.")
    paths = tuple(folder / file for file in files)
    lengths = tuple(len(_array(path, (None, *meta.shape))) for path in paths)
    names = tuple(map(str, meta.names))
    return Shards(files=paths, lengths=lengths, shape=meta.shape, names=names, source=meta.source or name)


def cut(name: str, load: Callable[[str], Images], images: int) -> Path:
    """Writes a data set as shards, whole or not at all, and returns its folder.

    Arguments:
        name: Of the new data set, without `shards/`.
        load: Gives each part.
        images: In a shard, at most.

    Raises:
        DataError: If the name cannot be a folder's or is taken, or the data folder cannot be written.
    """
    target = data_folder() / "shards" / name
    if not _NAME.fullmatch(name):
        raise DataError(f"{name!r} cannot be a name: use letters, digits, spaces, dots and dashes, at most 60.")
    if target.exists():
        raise DataError(f"{target} exists already. Choose another name, or delete it first.")
    try:
        sweep(target.parent)
        with whole_folder(target) as folder:
            parts = {part: _write(folder, part, load(part), images) for part in PARTS}
            some = load("validation")
            meta = {"names": some.names, "shape": some.pixels.shape[1:], "source": some.source, "parts": parts}
            (folder / "meta.json").write_text(json.dumps(meta), encoding="utf-8")
    except OSError as error:
        raise DataError(
            f"Cannot write to the data folder {data_folder()} ({reason(error)}). Give it space and write "
            "permission, or name another folder in the environment variable VAE_EXPLORER_DATA."
        ) from error
    return target


def _write(folder: Path, part: str, whole: Images, images: int) -> list[str]:
    files: list[str] = []
    for start in range(0, len(whole.pixels), images):
        file = f"{part}-{len(files):05}.npy"
        np.save(folder / file, whole.pixels[start : start + images])
        np.save((folder / file).with_suffix(".labels.npy"), whole.labels[start : start + images])
        files.append(file)
    return files


def _array(path: Path, shape: tuple[int | None, ...], *, integers: bool = False) -> NDArray[np.uint8]:
    """Opens an array where it lies; what is not one of the wanted shape and type is refused."""
    try:
        array = np.lib.format.open_memmap(path, mode="r")
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read ({error}). Copy it again, or write the data set anew.") from error
    fits = array.ndim == len(shape) and all(n in (None, m) for n, m in zip(shape, array.shape, strict=True))
    if not fits or not len(array) or not (array.dtype.kind in "iu" if integers else array.dtype == np.uint8):
        wanted = ", ".join("N" if n is None else str(n) for n in shape)
        kind = "whole numbers" if integers else "uint8"
        raise DataError(f"{path} holds {array.dtype} of shape {array.shape}; needed are {kind} of shape ({wanted}).")
    return array
