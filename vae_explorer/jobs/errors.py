"""What stands in the way of a job, in words: files that cannot be read or written, and locks that others have."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from pathlib import Path

from filelock import FileLock, Timeout

from vae_explorer.disk.files import reason
from vae_explorer.disk.locks import is_held
from vae_explorer.text import shown

PATIENCE = 0.5  # seconds for which a lock is tried: whoever looks holds it for a moment


class JobError(Exception):
    """A job that cannot be made, read or started; the message says what to do."""


class JobGone(JobError):
    """A job whose folder was deleted or moved."""


def broken(folder: Path, error: Exception) -> JobError:
    """Returns why a job cannot be read."""
    if not os.path.lexists(folder):
        return gone(folder)
    why = reason(error) if isinstance(error, OSError) else str(error)
    if not folder.is_dir():
        why = "it is no folder"
    return JobError(f"The job {shown(folder.name)} cannot be read ({shown(why, 200)}). Delete it and train again.")


def unwritable(folder: Path, error: OSError) -> JobError:
    """Returns why a job cannot be written."""
    if not os.path.lexists(folder):
        return gone(folder)
    return JobError(f"{folder} cannot be written ({reason(error)}). Give it space and write permission.")


def gone(folder: Path) -> JobGone:
    """Returns that there is no such job any more."""
    return JobGone(f"The job {shown(folder.name)} is gone: its folder was deleted or moved.")


def take(
    folder: Path, lock: FileLock, stack: ExitStack, busy: str = "is being trained already", *, needed: bool = True
) -> None:
    """Takes a job's lock until the stack closes.

    Arguments:
        folder: The job's.
        lock: A file in it.
        stack: What releases it.
        busy: What is said of the job where another has it.
        needed: Whether it is an error that a lock that nobody has cannot be taken: the folder can only be read.

    Raises:
        JobError: If it cannot be taken.
    """
    if not folder.is_dir():
        raise gone(folder)
    try:
        stack.enter_context(lock.acquire(timeout=PATIENCE, poll_interval=0.01))
    except Timeout as error:
        raise JobError(f"{shown(folder.name)} {busy}.") from error
    except OSError as error:
        if needed or locked(lock):
            raise unwritable(folder, error) from error


def locked(lock: FileLock) -> bool:
    """Says whether somebody has a lock; a look leaves no file behind.

    Raises:
        JobError: If it cannot be looked at.
    """
    path = Path(lock.lock_file)
    if sys.platform == "win32":
        return _tried(lock) if path.exists() else False
    try:
        return is_held(path)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise JobError(f"{path} cannot be looked at ({reason(error)}). Check its permissions.") from error


def _tried(lock: FileLock) -> bool:
    """Says whether somebody has a lock, by trying to take it."""
    try:
        with lock.acquire(timeout=0.05, poll_interval=0.01):  # another who looks holds it for less
            return False
    except Timeout:
        return True
