"""The MNIST family: four IDX files in the data folder, in torchvision's layout."""

from __future__ import annotations

import math
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import platformdirs
from numpy.typing import NDArray

from vae_explorer.data.images import DataError, Images
from vae_explorer.disk.files import expanded

_UNSIGNED_BYTE = 0x08  # the format's code for uint8, third byte of the file


def data_folder() -> Path:
    """Returns the folder named by `VAE_EXPLORER_DATA`, else a cache folder of the user's.

    The folder need not exist.
    """
    named = os.environ.get("VAE_EXPLORER_DATA")
    return expanded(named) if named else platformdirs.user_cache_path("vae-explorer", appauthor=False)


class Flaw(NamedTuple):
    """Why a file cannot be read as part of a data set."""

    path: Path
    text: str
    missing: bool


@dataclass(frozen=True, kw_only=True)
class IdxFiles:
    """Where a data set lies in the data folder, and what its files must hold."""

    title: str
    folder: str  # also the name of torchvision's class
    names: tuple[str, ...]
    megabytes: int  # of the download, packed; on disk some three times as much
    prefixes: tuple[str, str] = ("train", "t10k")
    counts: tuple[int, int] = (60_000, 10_000)  # training and test images
    side: int = 28  # pixels
    transposed: bool = False  # rows and columns are swapped in the files

    @property
    def source(self) -> str:
        return f"{self.title}, full: {self.counts[0]:,} + {self.counts[1]:,} images"

    def raw(self, root: Path) -> Path:
        return root / self.folder / "raw"

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Returns the shape of the array in each file, by file name."""
        shapes: dict[str, tuple[int, ...]] = {}
        for prefix, count in zip(self.prefixes, self.counts, strict=True):
            shapes[f"{prefix}-images-idx3-ubyte"] = (count, self.side, self.side)
            shapes[f"{prefix}-labels-idx1-ubyte"] = (count,)
        return shapes

    def flaws(self, root: Path) -> list[Flaw]:
        """Returns what is wrong with the files; empty if they can be read. Looks at sizes and headers only."""
        found = (_flaw(self.raw(root) / name, shape) for name, shape in self.shapes().items())
        return [flaw for flaw in found if flaw is not None]

    def damage(self, root: Path) -> str | None:
        """Returns the first flaw's text, or None: then the files are either whole or not there at all."""
        flaws = self.flaws(root)
        absent = len(flaws) == len(self.shapes()) and all(flaw.missing for flaw in flaws)
        return flaws[0].text if flaws and not absent else self.misplaced(root) if absent else None

    def misplaced(self, root: Path) -> str | None:
        """Returns what to do with a file that lies near its place, or is packed, or has the name of another mirror."""
        raw = self.raw(root)
        near = (raw, raw.parent, root, raw / "raw", raw / self.folder / "raw", raw.parent / self.folder / "raw")
        for name in self.shapes():
            for folder in near:
                for other in (name, name.replace("-idx", ".idx"), f"{name}.gz", name.replace("-ubyte", "")):
                    if (folder / other).is_file():
                        done = "unpack it to" if other.endswith(".gz") else "move or rename it to"
                        return f"{folder / other} is not where it is looked for: {done} {raw / name}, and so the others"
        return None

    def read(self, root: Path, part: str) -> Images:
        """Returns one part: the last twelfth of the training images is the validation part.

        Raises:
            DataError: If a file is missing or damaged; it is named.
        """
        training, test = self.counts
        cut = training - training // 12
        start, stop = {"train": (0, cut), "validation": (cut, training), "test": (0, test)}[part]
        prefix = self.prefixes[part == "test"]
        shapes = self.shapes()
        images, labels = f"{prefix}-images-idx3-ubyte", f"{prefix}-labels-idx1-ubyte"
        pixels = read_idx(self.raw(root) / images, shapes[images], start, stop)
        classes = read_idx(self.raw(root) / labels, shapes[labels], start, stop).astype(np.int64)
        if classes.max() >= len(self.names):
            raise DataError(
                f"{self.raw(root) / labels} is damaged: it holds class {classes.max()}, and the last is "
                f"{len(self.names) - 1}. Delete the file, then download the data set again."
            )
        if self.transposed:
            pixels = np.ascontiguousarray(pixels.transpose(0, 2, 1))
        return Images(pixels, classes, self.names, self.source)


def read_idx(path: Path, shape: tuple[int, ...], start: int, stop: int) -> NDArray[np.uint8]:
    """Reads the rows from `start` to `stop` of an IDX file of bytes.

    NumPy reads them and not torchvision, whose import takes longer than a second and whose reader
    always reads the whole file: the app opens on MNIST.

    Arguments:
        path: The file.
        shape: The shape that the file must have.
        start: The first row.
        stop: The row after the last.

    Raises:
        DataError: If the file is missing, or is not such a file; it is named.

    References:
        | The IDX file format (LeCun et al.)
        | http://yann.lecun.com/exdb/mnist/
    """
    flaw = _flaw(path, shape)
    if flaw is not None:
        raise DataError(flaw.text)
    row = math.prod(shape[1:])
    pixels = np.fromfile(path, np.uint8, count=(stop - start) * row, offset=len(_header(shape)) + start * row)
    return pixels.reshape(stop - start, *shape[1:])


def _header(shape: tuple[int, ...]) -> bytes:
    return struct.pack(f">{1 + len(shape)}I", _UNSIGNED_BYTE << 8 | len(shape), *shape)


def _flaw(path: Path, shape: tuple[int, ...]) -> Flaw | None:
    header = _header(shape)
    size = len(header) + math.prod(shape)
    try:
        with path.open("rb") as file:
            start = file.read(len(header))
            found = os.fstat(file.fileno()).st_size
    except (FileNotFoundError, NotADirectoryError):
        return Flaw(path, f"{path} is missing", missing=True)
    except OSError as error:
        return Flaw(path, f"{path} cannot be read ({error.strerror})", missing=False)
    if found != size:
        return Flaw(path, f"{path} is damaged: it has {found:,} bytes instead of {size:,}", missing=False)
    if start != header:
        shown = "x".join(map(str, shape))
        return Flaw(path, f"{path} is damaged: it does not start like an IDX file of {shown} bytes", missing=False)
    return None
