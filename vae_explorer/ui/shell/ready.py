"""What a shipped model is first seen with, kept for the next server: the map is there before PyTorch is.

A file for each model and part in the user's cache folder, of this very program, checkpoint and images: what is of
others is made anew. Nothing is lost with it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import platformdirs

from vae_explorer import checked
from vae_explorer.disk.files import whole

PACKAGE = Path(__file__).parents[2]


class FirstView(NamedTuple):
    """The default view of a model, and where its map begins."""

    home: tuple[float, float, float]
    said: dict[str, Any]  # what PyTorch says of the point that a page opens with
    world: bytes


@dataclass(frozen=True, kw_only=True)
class Head:
    """What a file says before the world comes."""

    of: str  # digest of what it was made from
    home: tuple[float, float, float]
    said: dict[str, Any]


def find(of: Sequence[object], *made_from: str | None) -> FirstView | None:
    """Returns what is kept of a checkpoint, as `keep` was given it, or None."""
    try:
        content = _file(of).read_bytes()
    except OSError:
        return None
    stated, _, rest = content.partition(b"\n")
    if stated != hashlib.sha256(rest).hexdigest().encode():
        return None
    line, _, world = rest.partition(b"\n")
    try:
        head = checked.loads(line.decode(), Head)
    except (checked.Misfit, UnicodeDecodeError):
        return None
    return FirstView(head.home, head.said, world) if head.of == _digest(of, *made_from) else None


def keep(view: FirstView, of: Sequence[object], *made_from: str | None) -> None:
    """Keeps a view; a disk that refuses is no reason to stop.

    Arguments:
        view: What is kept.
        of: The checkpoint's file, when it was written, the part of its images.
        made_from: Digests of what the view was made from besides.
    """
    head = Head(of=_digest(of, *made_from), home=view.home, said=view.said)
    content = json.dumps(asdict(head)).encode() + b"\n" + view.world
    with suppress(OSError), whole(_file(of)) as file:
        file.write_bytes(hashlib.sha256(content).hexdigest().encode() + b"\n" + content)


def _file(of: Sequence[object]) -> Path:
    path, _, part = of
    folder = platformdirs.user_cache_path("vae-explorer", appauthor=False) / "first-views"
    return folder / f"{Path(str(path)).stem}.{part}"


def _digest(of: Sequence[object], *made_from: str | None) -> str:
    return hashlib.sha256(json.dumps([*of, *made_from, _program()]).encode()).hexdigest()


@cache
def _program() -> str:
    """Returns a digest of the package's source: another version may mean something else by the same bytes."""
    sha = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        sha.update(path.read_bytes())
    return sha.hexdigest()
