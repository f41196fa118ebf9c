"""Reading an upload, whatever of the three kinds it is."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from vae_explorer.data.images import DataError
from vae_explorer.data.own import hdf5, idxs, matlab, npy
from vae_explorer.data.own.arrays import read_arrays
from vae_explorer.data.own.budget import Budget
from vae_explorer.data.own.gathering import once, read_members
from vae_explorer.data.own.members import Member, in_folder
from vae_explorer.data.own.pictures import Refused, outline_of
from vae_explorer.data.own.reading import Reading
from vae_explorer.data.own.sheets import read_sheet
from vae_explorer.data.own.stacks import Progress, Upload
from vae_explorer.data.own.tables import Tables
from vae_explorer.data.own.zips import members, open_zip
from vae_explorer.disk.files import reason

# Endings that are offered; what counts is the content.
KINDS = (
    "zip",
    "npz",
    "npy",
    "h5",
    "hdf5",
    "mat",
    "gz",
    "png",
    "jpg",
    "jpeg",
    "tif",
    "tiff",
    "webp",
    "avif",
    "gif",
    "bmp",
)
IMAGES = "images.npy"
MOST_BYTES = 8 * 2**30  # of a file
_ZIP = b"PK"
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def read(content: bytes, reading: Reading | None = None, progress: Progress = lambda _: None) -> Upload:
    """Reads a zip of images, an .npz file, or a sheet of tiles into one array of bytes.

    Nothing is written, extracted or unpickled. Sizes are checked before anything is decoded.

    Arguments:
        content: The upload.
        reading: Choices; the upload's `asks` names those that matter to it.
        progress: Called with the rising fraction done. What it raises ends the reading.

    Raises:
        DataError: If it cannot be a data set; the message says what to do.
    """
    reading, budget = reading or Reading(), Budget(len(content), progress)
    arrays = _arrays(content, budget)
    if arrays:
        return read_arrays(arrays, reading, budget)
    if not content.startswith(_ZIP):
        if _is_stack(content, budget):
            return read_members([Member("the file", len(content), lambda: BytesIO(content))], reading, budget)
        return read_sheet(content, reading, budget)
    archive = open_zip(content)
    names = archive.namelist()
    if names and (IMAGES in names or all(name.endswith(npy.ENDING) for name in names)):
        return read_arrays(npy.tables(archive, budget), reading, budget)
    if any(idxs.NAME.search(name.rpartition("/")[2]) for name in names):
        return read_arrays(idxs.tables(archive, budget), reading, budget)
    return read_members(members(archive), reading, budget)


def read_path(path: Path, reading: Reading | None = None, progress: Progress = lambda _: None) -> Upload:
    """Reads a file or a folder of this machine, as `read` reads an upload.

    Raises:
        DataError: If it is not there, or cannot be a data set; the message says what to do.
    """
    if path.is_dir():
        return read_folder(path, reading, progress)
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for, and a device never ends
            raise DataError(f"{path} is a pipe, a socket or a device. Give the path of a file or a folder.")
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise DataError(f"{path} has {size / 2**30:.1f} GB, and {MOST_BYTES // 2**30} GB are the most.")
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({reason(error)}). Give the path of a file or a folder.") from error
    return read(content, reading, progress)


def read_folder(folder: Path, reading: Reading | None = None, progress: Progress = lambda _: None) -> Upload:
    """Reads the images beneath a folder, as from a zip of it.

    Raises:
        DataError: If they cannot be a data set; the message says what to do.
    """
    found = in_folder(folder)
    return read_members(found, reading or Reading(), Budget(sum(each.size for each in found), progress))


def _arrays(content: bytes, budget: Budget) -> Tables | None:
    """Returns the arrays of a file that is made of them, by how it begins."""
    if content.startswith(npy.MAGIC):
        return Tables({"images": npy.table(content, budget)}, {}, ".npy")
    if content.startswith(matlab.MAGIC):
        return matlab.tables(content, budget)
    if hdf5.is_hdf5(content):
        return hdf5.tables(content, budget)
    if idxs.is_idx(content) or content.startswith(idxs.GZIP):
        return idxs.alone(content, budget)
    return None


def _is_stack(content: bytes, budget: Budget) -> bool:
    """Says whether this is a TIFF of many pages, each of which is an image."""
    if not content.startswith(_TIFF):
        return False
    try:
        return len(outline_of(once(BytesIO(content), budget)).pages) > 1
    except Refused:
        return False
