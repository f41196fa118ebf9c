"""HDF5 files (.h5, and .mat of version 7.3): only what lies in the file itself is read, a slab at a time."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from typing import IO, Any

import numpy as np

from vae_explorer.data.images import DataError
from vae_explorer.data.own import hdf5_walk
from vae_explorer.data.own.budget import BEAT, Budget
from vae_explorer.data.own.hdf5_walk import MOST_BYTES, MOST_SLAB
from vae_explorer.data.own.pictures import BROKEN
from vae_explorer.data.own.stacks import MOST
from vae_explorer.data.own.tables import MOST_SIDES, Flat, Table, Tables, held
from vae_explorer.text import shown

MAGIC = b"\x89HDF\r\n\x1a\n"
MATLAB = b"MATLAB 7.3 MAT-file"
_MOST_TEXT = 200  # bytes of a label
_TEXTS_AT_ONCE = 1000
_PATIENCE, _PATIENCE_A_BYTE = 15.0, 1e-7  # seconds that the trial may take
_TRIAL_MEGABYTES = 400


def is_hdf5(content: bytes) -> bool:
    """Says whether this is such a file."""
    return content.startswith((MAGIC, MATLAB))


def tables(content: bytes, budget: Budget) -> Tables:
    """Returns the arrays of a file: no links out of it, no data in other files, no objects.

    Raises:
        DataError: If it is damaged, or h5py is not installed.
    """
    try:
        h5py = import_module("h5py")
    except ImportError as error:
        raise DataError(
            "Reading HDF5 files (.h5, and .mat of version 7.3) needs h5py: run `python -m pip install h5py`, start "
            "the app again, and upload the file; or save the arrays with numpy.savez_compressed."
        ) from error
    _demand_harmless(content, budget)
    matlab = content.startswith(MATLAB)
    found: dict[str, Table] = {}
    flaws: dict[str, DataError] = {}
    try:
        for name, dataset in hdf5_walk.datasets(h5py, hdf5_walk.opened(h5py, content)):
            budget.check()
            try:
                table = _table(h5py, name, dataset, matlab, budget)
            except DataError as error:
                flaws[name] = error
                continue
            if table is not None:
                found[name] = table
    except (*BROKEN, MemoryError, RecursionError, AttributeError) as error:
        raise _damaged("The HDF5 file", str(error) or type(error).__name__) from error
    return Tables(found, flaws, ".mat" if matlab else ".h5", any_name=True)


def _demand_harmless(content: bytes, budget: Budget) -> None:
    """Has the file read by a process that may be lost.

    Raises:
        DataError: If that one ends, or takes too much time or memory.
    """
    command = [sys.executable, "-I", hdf5_walk.__file__, str(_TRIAL_MEGABYTES)]
    until = time.monotonic() + _PATIENCE + _PATIENCE_A_BYTE * len(content)
    with subprocess.Popen(  # noqa: S603 - our own file, and nothing of the upload's
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    ) as trial:
        threading.Thread(target=_give, args=(trial.stdin, content), daemon=True).start()  # it waits for the reader
        try:
            while trial.returncode is None:
                try:
                    trial.wait(BEAT)
                except subprocess.TimeoutExpired:
                    budget.check()
                    if time.monotonic() > until:
                        raise _damaged("The HDF5 file", "reading it does not end") from None
        finally:
            trial.kill()
    if trial.returncode:
        took = trial.returncode == hdf5_walk.TOO_MUCH
        raise _damaged("The HDF5 file", "reading it takes too much memory" if took else "it cannot be read")


def _give(pipe: IO[bytes], content: bytes) -> None:
    with suppress(OSError), pipe:  # of a reader that has ended
        pipe.write(content)


def _table(h5py: Any, name: str, dataset: Any, matlab: bool, budget: Budget) -> Table | None:
    """Returns a table of numbers or texts; None of what is neither."""
    shape, dtype, title = dataset.shape, dataset.dtype, shown(name)
    if not shape or len(shape) > MOST_SIDES:
        return None
    if hdf5_walk.is_elsewhere(dataset):
        raise DataError(f"`{title}` lies in another file: save it into this one, and upload that.")
    if not hdf5_walk.is_bounded(dataset):
        raise DataError(
            f"`{title}` would unpack to more than {MOST_BYTES / 2**30:.0f} GB, or {MOST_SLAB // 2**20} MB at once. "
            "Save fewer or smaller images, with the images along the first axis."
        )
    if h5py.check_string_dtype(dtype) and dtype.kind == "O":
        return held(name, _texts(dataset, budget)) if len(shape) == 1 and shape[0] <= MOST else None
    if dtype.kind not in "buifSU":
        return None

    def chunks(most: int) -> Iterator[Flat]:
        try:
            for slab in hdf5_walk.slabs(dataset, most):
                budget.inflated(slab.nbytes)
                yield slab.ravel()
        except BROKEN as error:
            raise _damaged(f"`{title}`", str(error)) from error

    own_shape = shape[::-1] if matlab else shape
    return Table(name=name, shape=own_shape, dtype=dtype, fortran=matlab, chunks=chunks, transposed=matlab)


def _texts(dataset: Any, budget: Budget) -> Flat:
    """Returns texts of any length as bytes of one."""
    texts: list[bytes] = []
    for slab in hdf5_walk.slabs(dataset, _TEXTS_AT_ONCE):
        texts += [bytes(text)[:_MOST_TEXT] for text in slab]
        budget.check()
    return np.array(texts or [b""], "S")


def _damaged(what: str, why: str) -> DataError:
    return DataError(f"{what} is damaged or cut off ({shown(why)}). Save it again, and upload that.")
