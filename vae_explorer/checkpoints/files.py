"""The checkpoint files there are, and what their heads say: without weights, and without PyTorch."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError, safe_open

from vae_explorer.checked import Misfit, loads
from vae_explorer.config import ModelConfig, TrainingConfig
from vae_explorer.disk.asides import Aside, set_aside
from vae_explorer.disk.files import expanded, reason
from vae_explorer.text import shown

FORMAT = 1
TEXTS = {"format", "config", "provenance"}  # what every file says of itself
DIGEST = "digest"  # over these and all tensors; older versions wrote none
SUFFIX = ".safetensors"
SHIPPED = Path(__file__).parents[2] / "pretrained"
_NO_TEXT = "its name is no text (UTF-8). Rename the file."


class CheckpointError(Exception):
    """A file that is no usable checkpoint; the message names it and the reason."""


class Missing(CheckpointError):
    """There is no such file, or no longer."""


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """How a checkpoint came to be."""

    command: str  # what repeats it
    data: str  # one line: source, part, number of images
    epochs: int  # done
    seconds: float  # of training
    metrics: dict[str, float]  # nats per image; a name says over which validation images
    versions: dict[str, str]  # of the libraries that matter
    training: TrainingConfig
    images: dict[str, str] = field(default_factory=dict)  # fingerprints by part; older versions kept none

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


class Entry(NamedTuple):
    """What a list shows of a file without reading its weights."""

    name: str
    path: Path
    config: ModelConfig | None
    provenance: Provenance | None
    error: str | None  # why it cannot be opened
    digest: str | None = None  # as in `Checkpoint`; whether the file agrees with it is found when it is opened


def find(name_or_path: str) -> Path:
    """Returns the file that a name from the list, or a path, stands for.

    Raises:
        CheckpointError: If there is none; the message lists those that there are.
    """
    if name_or_path.endswith(SUFFIX) or os.sep in name_or_path:
        path = expanded(name_or_path)
        if not path.is_file():
            raise _missing(path)
        return path
    return named(name_or_path)


def named(name: str) -> Path:
    """Returns the file of a name from the list, and of nothing else: links name models too.

    Raises:
        CheckpointError: If there is none of that name; the message lists those that there are.
    """
    known = {_title(path): path for path in _files()}
    if name not in known:
        raise CheckpointError(f"There is no model {name!r}. Known: {', '.join(sorted(known)) or 'none'}.")
    if name != known[name].stem:  # no cache takes such a path
        raise CheckpointError(f"{name!r}: {_NO_TEXT}")
    return known[name]


def list_all() -> list[Entry]:
    """Returns the shipped checkpoints and the user's own, broken ones with their error.

    What is deleted while the list is made is not in it.
    """
    found = []
    for path in _files():
        with suppress(Missing):
            found.append(entry(path))
    return found


def delete(name: str) -> Aside:
    """Sets one of the user's own checkpoints aside, with all that was measured of it.

    Raises:
        CheckpointError: If there is none of that name, it came with the program, or the folder cannot be written.
    """
    path = {_title(path): path for path in _files()}.get(name)
    if path is None:
        raise CheckpointError(f"There is no model {name!r} any more.")
    if path.parent == SHIPPED:
        raise CheckpointError(f"{name} came with the program and stays.")
    measured = sorted(each for each in path.parent.iterdir() if _is_of(each.name, path.stem))
    try:
        return set_aside([path, *measured])
    except OSError as error:
        raise CheckpointError(f"{path} cannot be deleted ({reason(error)}). Check its permissions.") from error


def _is_of(file: str, name: str) -> bool:
    """Says whether a file of this name keeps a measurement of a checkpoint: NAME.KIND.json."""
    return file.startswith(f"{name}.") and file.endswith(".json") and file.count(".") == name.count(".") + 2


def user_folder() -> Path:
    """Returns the folder that training writes to: `VAE_EXPLORER_RUNS`, else `runs` here."""
    return expanded(os.environ.get("VAE_EXPLORER_RUNS") or "runs")


def _files() -> Iterator[Path]:
    """Yields the shipped files first, so that a user's file of the same name does not hide one."""
    seen: set[str] = set()
    for folder in (SHIPPED, user_folder()):
        for path in _inside(folder):
            if _title(path) not in seen:
                seen.add(_title(path))
                yield path


def _title(path: Path) -> str:
    """Returns a file's name as text: bytes that are none, which no screen, link or widget takes, as question marks."""
    return path.stem.encode("utf-8", "replace").decode()


def _inside(folder: Path) -> list[Path]:
    try:
        return sorted(folder.glob(f"*{SUFFIX}"))
    except OSError:  # deleted a moment ago, or nobody may look into it
        return []


def entry(path: Path) -> Entry:
    """Returns what a list shows of a file; raises Missing where there is none."""
    if (name := _title(path)) != path.stem:
        return Entry(name, path, None, None, f"{path.with_stem(name)}: {_NO_TEXT}")
    try:
        texts = metadata(path)
        config, provenance = parse(path, texts)
    except Missing:
        raise
    except CheckpointError as error:
        return Entry(path.stem, path, None, None, str(error))
    return Entry(path.stem, path, config, provenance, None, texts.get(DIGEST))


def metadata(path: Path) -> dict[str, str]:
    """Returns the texts of a file's head; no weight is read.

    Raises:
        CheckpointError: If it is no safetensors file; Missing, if there is none.
    """
    with reading(path), safe_open(path, framework="np") as file:
        return file.metadata() or {}


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Says in words why a file cannot be read, around what reads it."""
    if not path.is_file():  # asked before it is opened: a pipe by this name would be waited for
        raise _missing(path)
    try:
        yield
    except FileNotFoundError as error:
        raise _missing(path) from error
    except (OSError, SafetensorError, RuntimeError) as error:  # the last from PyTorch, which opens it once more
        if "No such file" in str(error):
            raise _missing(path) from error
        raise CheckpointError(
            f"{path} is no safetensors file, or was cut off ({error}). Copy it again, or train the model again; "
            "files of other formats, pickles above all, are never opened."
        ) from error


def parse(path: Path, texts: dict[str, str]) -> tuple[ModelConfig, Provenance]:
    """Returns what the texts of a file's head say, or raises CheckpointError."""
    version = texts.get("format", "")
    if not version.isdecimal() or len(version) > 9 or not texts.keys() >= TEXTS:
        raise CheckpointError(f"{path} is a safetensors file, but none of VAE Explorer's: it holds no configuration.")
    if int(version) > FORMAT:
        raise CheckpointError(
            f"{path} has format {version}; this program reads formats up to {FORMAT}. Update VAE Explorer."
        )
    if DIGEST not in texts and (unknown := texts.keys() - TEXTS):  # the digest by another name, perhaps
        raise CheckpointError(f"{path} was damaged or edited: nobody knows what its {shown(min(unknown))} is.")
    try:
        return loads(texts["config"], ModelConfig), loads(texts["provenance"], Provenance)
    except Misfit as error:
        raise CheckpointError(f"{path}: its configuration does not make sense ({shown(str(error), 300)}).") from error


def _missing(path: Path) -> Missing:
    return Missing(f"{path}: there is no such file. Check the path.")
