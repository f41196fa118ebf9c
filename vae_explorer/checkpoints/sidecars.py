"""What was measured of a checkpoint, kept in a JSON file beside it: never shown for other weights or settings.

The file ends with a digest of all that it says: a figure that was changed in it is not taken for a measured one.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from vae_explorer.checked import convert
from vae_explorer.checkpoints import digests
from vae_explorer.checkpoints.checkpoints import Checkpoint
from vae_explorer.disk.files import read_json, whole
from vae_explorer.models.autoencoder import Autoencoder

DIGEST = "digest"  # the field that tells whether the others are what was measured


class SidecarError(Exception):
    """A measurement that cannot be read or written; the message names the file and what to do."""


def digest(model: Autoencoder) -> str:
    """Returns what tells this model from all others: of its weights and its configuration."""
    return digests.of_model(model)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A measurement: a dataclass's further fields are what the file says, their types what is read from it."""

    KIND: ClassVar[str]  # NAME.KIND.json, and the subcommand that measures it
    weights: str  # digest of the model's weights and configuration

    def to_json(self) -> dict[str, Any]:
        """Returns JSON types; a named tuple becomes a list."""
        return asdict(self)

    @classmethod
    def beside(cls, checkpoint: Path) -> Path:
        """Returns the file beside a checkpoint that keeps it."""
        return checkpoint.with_name(f"{checkpoint.stem}.{cls.KIND}.json")

    def save(self, path: Path) -> None:
        """Writes it whole or not at all, with its digest.

        Raises:
            SidecarError: If a figure is not finite, or the folder cannot be written.
        """
        values = self.to_json()
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

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads a file of this kind.

        Raises:
            SidecarError: If it is missing, makes no sense, or was changed after it was written.
        """
        try:
            return cls._checked(read_json(path, dict[str, Any]))
        except (OSError, ValueError) as error:
            name = path.name.removesuffix(f".{cls.KIND}.json")
            raise SidecarError(
                f"{path} cannot be read ({error}). Measure it again: python -m vae_explorer {cls.KIND} {name}"
            ) from error

    @classmethod
    def find(cls, checkpoint: Checkpoint) -> Self | None:
        """Returns what is kept beside a checkpoint, unless there is none, or it is broken, or of another model.

        Other weights make another model, and so does another configuration.
        """
        try:
            measured = cls.load(cls.beside(checkpoint.path))
        except SidecarError:
            return None
        return measured if measured.weights == digest(checkpoint.model) else None

    @classmethod
    def _checked(cls, values: dict[str, Any]) -> Self:
        """Converts first, since what makes no sense has the plainer message."""
        said = {name: value for name, value in values.items() if name != DIGEST}
        measured = convert(said, cls)
        stated = values.get(DIGEST)
        if stated != digests.of_values(said):
            raise ValueError("an older version wrote it" if stated is None else "it was changed after it was measured")
        return measured


def demand(holds: bool, name: str, wanted: str) -> None:
    """Raises ValueError where a field does not hold what is wanted."""
    if not holds:
        raise ValueError(f"{name}: expected {wanted}")


def demand_rising(name: str, weights: tuple[float, ...]) -> None:
    """Demands KL weights that do not fall, one at least."""
    demand(weights != () and list(weights) == sorted(weights), name, "rising numbers, one at least")
