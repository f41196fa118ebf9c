"""Reading an upload, whatever of the three kinds it is."""

from __future__ import annotations

from vae_explorer.data.images import DataError
from vae_explorer.data.own.arrays import IMAGES, read_npz
from vae_explorer.data.own.budget import Budget
from vae_explorer.data.own.pictures import Reading
from vae_explorer.data.own.sheets import read_sheet
from vae_explorer.data.own.stacks import Progress, Upload
from vae_explorer.data.own.zips import open_zip, read_zip

KINDS = ("zip", "npz", "png", "jpg", "jpeg")  # endings that are offered; what counts is the content
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
    if not content.startswith(_ZIP):
        return read_sheet(content, reading, progress)
    archive = open_zip(content)
    names = archive.namelist()
    if IMAGES in names:
        return read_npz(archive, reading, progress)
    if names and all(name.endswith(".npy") for name in names):
        raise DataError(
            f"The .npz file holds {', '.join(name.removesuffix('.npy') for name in names[:5])}, and no `images`: "
            "save it with numpy.savez_compressed(file, images=..., labels=...)."
        )
    return read_zip(archive, reading, progress)
