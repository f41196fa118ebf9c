"""What was measured of a checkpoint, kept in a JSON file beside it: never shown for other weights or settings.

The file ends with a digest of all that it says: a figure that was changed in it is not taken for a measured one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

from vae_explorer.checkpoints import digests
from vae_explorer.checkpoints.checkpoints import Checkpoint
from vae_explorer.disk.files import read_json, whole
from vae_explorer.models.autoencoder import Autoencoder

DIGEST = "digest"  # the field that tells whether the others are what was measured


class SidecarError(Exception):
    """A measurement that cannot be read or written; the message names the file and what to do."""


class Measured(Protocol):
    """A measurement, and the digest of the model that it belongs to."""

    @property
    def weights(self) -> str: ...


M = TypeVar("M", bound=Measured)


def digest(model: Autoencoder) -> str:
    """Returns what tells this model from all others: of its weights and its configuration."""
    return digests.of_model(model)


def beside(checkpoint: Path, kind: str) -> Path:
    """Returns the file beside a checkpoint that keeps one kind of measurement: NAME.KIND.json."""
    return checkpoint.with_name(f"{checkpoint.stem}.{kind}.json")


def save(path: Path, values: dict[str, Any]) -> None:
    """Writes a measurement whole or not at all, with its digest.

    Raises:
        SidecarError: If a figure is not finite, or the folder cannot be written.
    """
    try:
        text = json.dumps(values | {DIGEST: digests.of_values(values)}, indent=1, allow_nan=False)
    except ValueError as error:
        raise SidecarError(
            f"{path.name} is not written: some of the figures are not finite numbers. The model diverged, or its "
            "file is damaged: train it again."
        ) from error
    try:
        with whole(path) as file:
            file.write_text(text, encoding="utf-8")
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
        SidecarError: If the file is missing, makes no sense, or was changed after it was written.
    """
    try:
        return _checked(read_json(path), parse)
    except (OSError, ValueError, RecursionError, SidecarError) as error:
        name, kind, _ = path.name.rsplit(".", 2)
        raise SidecarError(
            f"{path} cannot be read ({error}). Measure it again: python -m vae_explorer {kind} {name}"
        ) from error


def find(checkpoint: Checkpoint, kind: str, parse: Callable[[object], M]) -> M | None:
    """Returns what is kept beside a checkpoint, unless there is none, or it is broken, or of another model.

    Other weights make another model, and so does another configuration.
    """
    try:
        measured = load(beside(checkpoint.path, kind), parse)
    except SidecarError:
        return None
    return measured if measured.weights == digest(checkpoint.model) else None


def _checked(values: object, parse: Callable[[object], M]) -> M:
    """Parses first, since what makes no sense has the plainer message."""
    if not isinstance(values, dict):
        return parse(values)
    said = {name: value for name, value in values.items() if name != DIGEST}
    measured = parse(said)
    stated = values.get(DIGEST)
    if stated != digests.of_values(said):
        how = "an older version wrote it" if stated is None else "it was changed after it was measured"
        raise SidecarError(how)
    return measured


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
