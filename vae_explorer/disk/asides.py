"""Deleting that can be undone: what is deleted is set aside first, in the folder that it lay in.

    aside = set_aside([path])       one rename for each; at once, whatever the size
    restore(aside)                  within KEPT seconds, where nothing has taken its place
    discard(aside)                  frees the disk now

What is set aside lies in `.aside/WHEN-RANDOM/NAME`, which no list shows. It is removed for good after KEPT seconds, at
the next `empty` of that folder: whoever lists the folder calls it, and so does `set_aside`.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

FOLDER = ".aside"
KEPT = 3600.0  # seconds for which a deletion can be undone
_KEPT = re.compile(r"(\d{1,15})-[0-9a-f]{12}")


class Aside(NamedTuple):
    """What was set aside: fit for a session's state."""

    paths: tuple[Path, ...]  # where each lay
    kept: Path  # the folder that holds them now


def set_aside(paths: Sequence[Path]) -> Aside:
    """Takes files or folders away such that they can come back: all of them or, where that fails, none.

    Arguments:
        paths: Of one folder, with different names: a model and its measurements, say. What is missing is left out.

    Raises:
        FileNotFoundError: If none of them is there.
        OSError: If the folder cannot be written.
    """
    home = paths[0].parent
    present = [path for path in paths if os.path.lexists(path)]
    if not present:
        raise FileNotFoundError(f"{paths[0]} is gone already.")
    empty(home)
    kept = home / FOLDER / f"{int(time.time())}-{os.urandom(6).hex()}"
    kept.mkdir(parents=True)
    moved: list[Path] = []
    try:
        for path in present:
            path.rename(kept / path.name)
            moved.append(path)
    except OSError:
        _back(moved, kept)
        raise
    return Aside(tuple(moved), kept)


def restore(aside: Aside) -> None:
    """Puts back what was set aside: all of it or, where that fails, nothing.

    Raises:
        FileNotFoundError: If it has been removed for good meanwhile.
        FileExistsError: If something of the same name has taken its place.
        OSError: If the folder cannot be written.
    """
    missing = [path for path in aside.paths if not os.path.lexists(aside.kept / path.name)]
    if missing:
        raise FileNotFoundError(f"{missing[0].name} was removed for good.")
    if taken := [path for path in aside.paths if os.path.lexists(path)]:
        raise FileExistsError(f"There is another {taken[0].name} now.")
    moved: list[Path] = []
    try:
        for path in aside.paths:
            (aside.kept / path.name).rename(path)
            moved.append(path)
    except OSError:
        for path in moved:
            path.rename(aside.kept / path.name)
        raise
    with suppress(OSError):
        aside.kept.rmdir()


def discard(aside: Aside) -> None:
    """Removes for good what was set aside, as far as it can."""
    shutil.rmtree(aside.kept, ignore_errors=True)


def empty(folder: Path, older: float = KEPT) -> None:
    """Removes for good what was set aside in a folder so many seconds ago; never fails."""
    try:
        found = list((folder / FOLDER).iterdir())
    except OSError:
        return
    for path in found:
        if (when := _KEPT.fullmatch(path.name)) and time.time() - int(when[1]) >= older:
            shutil.rmtree(path, ignore_errors=True)


def _back(moved: Sequence[Path], kept: Path) -> None:
    for path in moved:
        (kept / path.name).rename(path)
    kept.rmdir()
