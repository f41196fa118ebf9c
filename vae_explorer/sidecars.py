"""What was measured of a checkpoint, kept in a JSON file beside it: never shown for other weights."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

from vae_explorer.checkpoints import Checkpoint
from vae_explorer.files import whole
from vae_explorer.models import Autoencoder


class SidecarError(Exception):
    """A measurement that cannot be read or written; the message names the file and what to do."""


class Measured(Protocol):
    """A measurement, and the digest of the weights that it belongs to."""

    @property
    def weights(self) -> str: ...


M = TypeVar("M", bound=Measured)


def digest(model: Autoencoder) -> str:
    """Returns what tells these weights from all others."""
    sha = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        sha.update(f"{name} {tuple(value.shape)}".encode())
        sha.update(value.numpy().tobytes())
    return sha.hexdigest()


def beside(checkpoint: Path, kind: str) -> Path:
    """Returns the file beside a checkpoint that keeps one kind of measurement: NAME.KIND.json."""
    return checkpoint.with_name(f"{checkpoint.stem}.{kind}.json")


def save(path: Path, values: dict[str, Any]) -> None:
    """Writes a measurement whole or not at all.

    Raises:
        SidecarError: If the folder cannot be written.
    """
    try:
        with whole(path) as file:
            file.write_text(json.dumps(values, indent=1, allow_nan=False), encoding="utf-8")
    except OSError as error:
        raise SidecarError(
            f"{path} cannot be written ({error}). Choose a checkpoint in a folder that you may write to, "
            "with space left."
        ) from error


def load(path: Path, parse: Callable[[object], M]) -> M:
    """Reads a measurement.

    Arguments:
        path: NAME.KIND.json; the subcommand that measures it anew is called as the kind.
        parse: From the JSON types; raises SidecarError where they make no sense.

    Raises:
        SidecarError: If the file is missing, or makes no sense.
    """
    try:
        return parse(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError, SidecarError) as error:
        name, kind, _ = path.name.rsplit(".", 2)
        raise SidecarError(
            f"{path} cannot be read ({error}). Measure it again: python -m vae_explorer {kind} {name}"
        ) from error


def find(checkpoint: Checkpoint, kind: str, parse: Callable[[object], M]) -> M | None:
    """Returns what is kept beside a checkpoint, unless there is none, or it is broken or of other weights."""
    try:
        measured = load(beside(checkpoint.path, kind), parse)
    except SidecarError:
        return None
    return measured if measured.weights == digest(checkpoint.model) else None


def demand(holds: bool, name: str, wanted: str, value: object) -> None:
    """Raises SidecarError where a field does not hold what is wanted."""
    if not holds:
        raise SidecarError(f"{name}: expected {wanted}, got {str(value)[:60]}")


def texts(values: dict[str, Any], *names: str) -> None:
    """Demands text."""
    for name in names:
        demand(isinstance(values[name], str), name, "text", values[name])


def count(values: dict[str, Any], name: str, least: int) -> None:
    """Demands a whole number from `least` up."""
    demand(type(values[name]) is int and least <= values[name] < 2**53, name, "a count", values[name])


def numbers(name: str, value: Any, length: int | None = None) -> tuple[float, ...]:
    """Returns a list of finite numbers as a tuple; at least one, or so many as asked for."""
    fits = isinstance(value, list | tuple) and len(value) == (length or max(1, len(value)))
    fits = fits and all(type(each) in (int, float) and abs(each) < 2**53 for each in value)
    demand(fits, name, "a list of finite numbers" if length is None else f"{length} finite numbers", value)
    return tuple(map(float, value))


def rising(name: str, value: Any) -> tuple[float, ...]:
    """Returns KL weights as a tuple: numbers from 0 up that do not fall."""
    weights = numbers(name, value)
    demand(list(weights) == sorted(weights) and weights[0] >= 0, name, "rising numbers from 0 up", weights)
    return weights
