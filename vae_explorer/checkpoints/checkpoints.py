"""One safetensors file a model: weights, configuration, provenance. Nothing is ever unpickled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from vae_explorer.checkpoints import probe
from vae_explorer.checkpoints.digests import digest
from vae_explorer.checkpoints.files import (
    DIGEST,
    FORMAT,
    SHIPPED,
    SUFFIX,
    CheckpointError,
    Entry,
    Missing,
    Provenance,
    delete,
    entry,
    find,
    list_all,
    named,
    parse,
    reading,
    user_folder,
)
from vae_explorer.config import ModelConfig
from vae_explorer.disk.files import reason, replacing, whole
from vae_explorer.models.arrays import Arrays
from vae_explorer.models.autoencoder import Autoencoder

__all__ = [
    "DIGEST",
    "FORMAT",
    "SHIPPED",
    "SUFFIX",
    "Checkpoint",
    "CheckpointError",
    "Entry",
    "Missing",
    "Provenance",
    "delete",
    "entry",
    "find",
    "list_all",
    "load",
    "named",
    "save",
    "user_folder",
]


class Checkpoint(NamedTuple):
    """A trained model, ready to be asked."""

    name: str
    path: Path
    config: ModelConfig
    provenance: Provenance
    model: Autoencoder
    state: dict[str, Tensor]  # what training needs to go on; empty in a finished model
    digest: str | None = None  # of all that the file holds; None where an older version wrote it

    @property
    def arrays(self) -> Arrays:
        """The model as functions on arrays: what everything but training asks."""
        return Arrays(self.model)


def save(
    path: Path,
    model: Autoencoder,
    provenance: Provenance,
    state: dict[str, Tensor] | None = None,
    *,
    anew: bool = True,
) -> None:
    """Writes a checkpoint whole or not at all.

    Arguments:
        path: The file.
        model: The weights and their configuration.
        provenance: How they came to be.
        state: What training needs to go on; none in a finished model.
        anew: Whether a folder that is missing is made.

    Raises:
        CheckpointError: If the folder cannot be written.
    """
    tensors = {f"model.{name}": value.contiguous() for name, value in model.state_dict().items()}
    tensors |= {f"training.{name}": value.contiguous() for name, value in (state or {}).items()}
    metadata = {
        "format": str(FORMAT),
        "config": json.dumps(model.config.to_json()),
        "provenance": json.dumps(provenance.to_json()),
    }
    metadata[DIGEST] = digest(metadata, tensors)
    try:
        with (whole if anew else replacing)(path) as file:
            save_file(tensors, file, metadata)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"{path} cannot be written ({reason(error)}). Choose a folder that you may write to, with space left."
        ) from error


def load(path: Path) -> Checkpoint:
    """Reads a checkpoint and rebuilds its model, in evaluation mode.

    Raises:
        CheckpointError: If the file is missing, truncated, foreign, of a newer format, or was changed
            after it was saved; if its weights do not fit its configuration, or give no finite numbers.
    """
    with reading(path), safe_open(path, framework="pt") as file:
        texts, tensors = file.metadata() or {}, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (it is no dictionary)
    config, provenance = parse(path, texts)
    weights = _weights(path, config, tensors)
    stated = texts.get(DIGEST)
    if stated is not None and stated != digest({name: texts[name] for name in texts.keys() - {DIGEST}}, tensors):
        raise CheckpointError(
            f"{path} was damaged or edited after it was saved: its weights and settings are not the ones that were "
            "written. Copy it again, or train the model again."
        )
    model = _model(config, weights)
    if ailing := probe.ailing(model.eval()):
        raise CheckpointError(
            f"{path}: {ailing} are no finite numbers. The file is damaged, or its training diverged: copy it again, "
            "or train the model again."
        )
    state = {name.removeprefix("training."): t for name, t in tensors.items() if name.startswith("training.")}
    return Checkpoint(path.stem, path, config, provenance, model, state, stated)


def _model(config: ModelConfig, weights: dict[str, Tensor]) -> Autoencoder:
    """Returns a model of given weights. None are drawn first: PyTorch's generator is one for all threads."""
    with torch.device("meta"):
        model = Autoencoder(config)
    learned = {name for name, each in model.named_parameters() if each.requires_grad}
    # copies, since what safetensors returns may be the file itself, which somebody may cut off
    model.load_state_dict({name: value.clone() for name, value in weights.items()}, assign=True)
    for name, each in model.named_parameters():  # a scale that is not learned stays fixed
        each.requires_grad_(name in learned)
    return model


def _weights(path: Path, config: ModelConfig, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Returns the model's tensors by their names in it, if they are what the configuration asks for."""
    with torch.device("meta"):  # shapes alone: a wrong configuration may ask for more memory than there is
        expected = {name: value.shape for name, value in Autoencoder(config).state_dict().items()}
    weights = {name.removeprefix("model."): t for name, t in tensors.items() if name.startswith("model.")}
    found = {name: value.shape for name, value in weights.items()}
    if wrong := sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)):
        name = wrong[0]
        raise CheckpointError(
            f"{path}: {len(wrong)} tensors do not fit the configuration in the file, first {name}: "
            f"expected {_shape(expected.get(name))}, found {_shape(found.get(name))}. "
            "The file was edited, or made by another version: train the model again."
        )
    if bad := [name for name, t in weights.items() if t.dtype != torch.float32 or not torch.isfinite(t).all()]:
        raise CheckpointError(f"{path}: {bad[0]} holds values that are not finite float32: train the model again.")
    return weights


def _shape(shape: torch.Size | None) -> str:
    return "nothing" if shape is None else " x ".join(map(str, shape)) or "one number"
