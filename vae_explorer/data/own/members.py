"""The files of an archive or a folder, before any is opened: what each is called, and which are nobody's images."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import IO, NamedTuple

from vae_explorer.data.images import DataError
from vae_explorer.data.own.stacks import MOST
from vae_explorer.disk.files import reason

# What systems put beside everybody's files.
_BY_SYSTEMS = re.compile(r"(^|/)(__MACOSX/|\._|\.DS_Store$|Thumbs\.db$|desktop\.ini$)", re.IGNORECASE)
LONGEST, DEEPEST = 1_000, 32  # characters and folders of a path
_ICON = "Icon\r"  # of a folder on a Mac
_HIDDEN = re.compile(r"(^|/)\.[^/]")


class Member(NamedTuple):
    """A file, unopened."""

    path: str  # with a slash between folders, and neither "." nor empty parts
    size: int  # bytes that it declares
    open: Callable[[], IO[bytes]]
    refused: str | None = None  # why it must not be opened

    @property
    def hidden(self) -> bool:
        """Whether it or a folder of it has a name that systems do not show."""
        return bool(_HIDDEN.search(self.path))


def tidy(path: str) -> str:
    """Returns a path with slashes, without `.` and empty parts."""
    return "/".join(part for part in path.replace("\\", "/").split("/") if part not in ("", "."))


def by_systems(path: str) -> bool:
    """Says whether a file was put there by a system, and holds nothing of the user's."""
    return bool(_BY_SYSTEMS.search(path))


def flaw(path: str) -> str | None:
    """Returns why a path cannot be that of an image."""
    if not path:
        return "without a name"
    if len(path) > LONGEST or path.count("/") > DEEPEST:
        return f"a path of {len(path):,} characters and {path.count('/')} folders: {LONGEST} and {DEEPEST} are the most"
    if path.rpartition("/")[2] == _ICON:
        return "a folder's icon on a Mac, and no image"
    return None


def in_folder(folder: Path) -> list[Member]:
    """Returns the files beneath a folder, in the order of their paths; links are not followed.

    Raises:
        DataError: If it cannot be read, or holds too many.
    """

    def fail(error: OSError) -> None:
        raise DataError(f"{error.filename} cannot be read ({error.strerror}). Check its permissions.") from error

    found = []
    for root, folders, files in os.walk(folder, onerror=fail):
        folders.sort()
        for name in sorted(files):
            path = Path(root, name)
            inside = path.relative_to(folder).as_posix()
            if by_systems(inside):
                continue
            size, why = _look(path)
            found.append(Member(inside, size, lambda path=path: path.open("rb"), why or flaw(inside)))  # type: ignore[misc]
        if len(found) > MOST:
            raise DataError(
                f"{folder} holds more than {MOST:,} files. Use a folder of fewer, for instance every tenth."
            )
    return found


def _look(path: Path) -> tuple[int, str | None]:
    """Returns a file's size, and why it must not be opened: a pipe would be waited for, a device never ends."""
    try:
        status = path.lstat()
    except OSError as error:  # deleted a moment ago
        return 0, f"cannot be read ({reason(error)})"
    if stat.S_ISLNK(status.st_mode):
        return 0, "a link: put the image itself there"
    if not stat.S_ISREG(status.st_mode):
        return 0, "a pipe, a socket or a device, and no file"
    return status.st_size, None
