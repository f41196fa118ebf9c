"""Locks on files and folders that hold as long as their process lives, however it ends. To look changes nothing."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LONG = 24 * 3600.0  # seconds after which what nobody can lock is taken for left over

if sys.platform == "win32":  # folders cannot be opened there, nor files replaced while they are open

    @contextmanager
    def held(path: Path) -> Iterator[bool | None]:  # noqa: ARG001
        yield None

    def is_held(path: Path) -> bool:
        return time.time() - path.stat().st_mtime < LONG

else:
    import fcntl

    @contextmanager
    def held(path: Path) -> Iterator[bool | None]:
        """Locks a file or folder for the block.

        Gives True; False where another has it, or has removed it; None where the disk knows no such locks, as NFS
        does not for folders.

        Raises:
            OSError: If it cannot be opened.
        """
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        except FileNotFoundError:
            yield False
            return
        try:
            yield _taken(handle, path)
        finally:
            os.close(handle)  # and the lock is gone

    def is_held(path: Path) -> bool:
        """Says whether somebody has locked it; a look is a shared lock for a moment, which no other look sees.

        Raises:
            OSError: If it is missing or cannot be opened.
        """
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            return not _lock(handle, fcntl.LOCK_SH)
        finally:
            os.close(handle)

    def _lock(handle: int, kind: int) -> bool:
        try:
            fcntl.flock(handle, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _taken(handle: int, path: Path) -> bool | None:
        """Locks what was opened; between opening and locking it may have been swept away."""
        try:
            return _lock(handle, fcntl.LOCK_EX) and os.path.samestat(os.fstat(handle), path.stat())
        except FileNotFoundError:
            return False
        except OSError:
            return None
