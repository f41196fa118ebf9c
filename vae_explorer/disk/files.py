"""Files and folders that are written whole or not at all, and what a process that was killed left of them.

What is being written lies beside its place as `.partial-...`, locked by its writer. `sweep` removes what no living
process has locked.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from vae_explorer import checked
from vae_explorer.disk.locks import held

T = TypeVar("T")

LONG = 24 * 3600.0  # seconds after which what nobody can lock is taken for left over
PARTIAL = ".partial-"
TRIES = 100  # to make a file that nobody sweeps away before it is locked
PLAIN = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk's quota is used up",
    errno.EACCES: "there is no permission",
    errno.EPERM: "there is no permission",
    errno.EROFS: "it can only be read",
}


def expanded(path: str) -> Path:
    """Returns a path that was given by the environment or the command line; `~` is the user's home folder.

    A shell does not always expand it: not in quotes, after `=`, or in a file of settings. What names no user stays.
    """
    return Path(os.path.expanduser(path))  # noqa: PTH111  (Path.expanduser raises for users that are not there)


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Gives the block a file to write, which takes the place of `path` when the block ends well.

    Whoever reads `path` finds the old file or the new one, never a part; the folder is made.

    Raises:
        OSError: If the folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        yield temporary


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """As `whole`, in a folder that has to be there: one that was deleted does not come back.

    Raises:
        OSError: If the folder is missing or cannot be written.
    """
    with _partial(lambda: _new_file(path.parent)) as temporary:
        yield temporary
        temporary.chmod(0o644)  # mkstemp keeps others out
        temporary.replace(path)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Gives the block a folder to fill, which takes the place of `path`, where nothing lies, when the block ends well.

    Raises:
        OSError: If the folder above cannot be written, or something has come to lie there: FileExistsError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with scratch(path.parent) as temporary:
        yield temporary
        temporary.chmod(0o755)  # mkdtemp keeps others out
        try:
            temporary.rename(path)
        except OSError as error:
            if os.path.lexists(path):  # systems name it in several ways
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from error
            raise


@contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """Gives the block a folder within another, and removes what is left of it.

    Raises:
        OSError: If the folder cannot be written.
    """
    with _partial(lambda: Path(tempfile.mkdtemp(dir=folder, prefix=PARTIAL))) as temporary:
        yield temporary


def sweep(folder: Path) -> None:
    """Removes what writers that are no more have left in a folder; never fails, for it is no one's purpose."""
    try:
        left = [path for path in folder.iterdir() if path.name.startswith(PARTIAL)]
    except OSError:
        return
    for path in left:
        try:
            with held(path) as ours:
                if ours or (ours is None and time.time() - path.stat().st_mtime > LONG):
                    remove(path)
        except OSError:
            continue


def read_json(path: Path, wanted: type[T], most: int = 64 * 2**20, *, open_ended: bool = False) -> T:
    """Returns what a JSON file holds; pipes and devices are not waited for.

    Arguments:
        path: The file.
        wanted: As what; see `checked`.
        most: Bytes that are read.
        open_ended: Lets pass fields that nobody knows.

    Raises:
        ValueError: If it is no file, is longer, is no JSON or does not fit; the message says which.
        OSError: If it is missing or cannot be read.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise ValueError(f"{path.name} is no file")
    with path.open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise ValueError(f"{path.name} is longer than {most:,} bytes")
    return checked.loads(content, wanted, open_ended=open_ended)


def remove(path: Path) -> None:
    """Removes a file, or a folder with all that it holds, as far as it can; a link, not what it leads to."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def reason(error: BaseException) -> str:
    """Returns why a file could not be written or read, in plain words where there are some."""
    number = error.errno if isinstance(error, OSError) else None
    if number is None and "os error 28" in str(error):  # as safetensors says it
        number = errno.ENOSPC
    return PLAIN.get(number or 0, "") or getattr(error, "strerror", None) or str(error) or type(error).__name__


def _new_file(folder: Path) -> Path:
    handle, name = tempfile.mkstemp(dir=folder, prefix=PARTIAL)
    os.close(handle)
    return Path(name)


@contextmanager
def _partial(make: Callable[[], Path]) -> Iterator[Path]:
    """Makes what nobody else has, and locks it; removes what is left of it."""
    for _ in range(TRIES):
        path = make()
        with held(path) as ours:
            if ours is False:  # swept away before it was locked
                continue
            try:
                yield path
            finally:
                remove(path)
            return
    raise OSError(errno.EBUSY, "others remove what is written there")
