"""Reading an upload, whatever of the three kinds it is."""

from __future__ import annotations

from vae_explorer.data.own import npy
from vae_explorer.data.own.arrays import read_arrays
from vae_explorer.data.own.budget import Budget
from vae_explorer.data.own.pictures import Reading
from vae_explorer.data.own.sheets import read_sheet
from vae_explorer.data.own.stacks import Progress, Upload
from vae_explorer.data.own.tables import Tables
from vae_explorer.data.own.zips import open_zip, read_zip

KINDS = ("zip", "npz", "npy", "png", "jpg", "jpeg")  # endings that are offered; what counts is the content
IMAGES = "images.npy"
_ZIP = b"PK"


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
    reading, progress = reading or Reading(), Budget(len(content), progress)
    if content.startswith(npy.MAGIC):
        return read_arrays(
            Tables({"images": npy.table(content, progress)}, {}, ".npy"), len(content), reading, progress
        )
    if not content.startswith(_ZIP):
        return read_sheet(content, reading, progress)
    archive = open_zip(content)
    names = archive.namelist()
    if names and (IMAGES in names or all(name.endswith(npy.ENDING) for name in names)):
        return read_arrays(npy.tables(archive, progress), len(content), reading, progress)
    return read_zip(archive, reading, progress)
