"""One safetensors file a model: weights, configuration, provenance. Nothing is ever unpickled."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from vae_explorer.checked import Misfit, loads
from vae_explorer.checkpoints import probe
from vae_explorer.checkpoints.digests import digest
from vae_explorer.config import ModelConfig, TrainingConfig
from vae_explorer.disk.asides import Aside, set_aside
from vae_explorer.disk.files import expanded, reason, replacing, whole
from vae_explorer.models.arrays import Arrays
from vae_explorer.models.autoencoder import Autoencoder
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


class Entry(NamedTuple):
    """What a list shows of a file without reading its weights."""

    name: str
    path: Path
    config: ModelConfig | None
    provenance: Provenance | None
    error: str | None  # why it cannot be opened
    digest: str | None = None  # as in `Checkpoint`; whether the file agrees with it is found when it is opened


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
    metadata, tensors = _read(path, weights=True)
    config, provenance = _parse(path, metadata)
    weights = _weights(path, config, tensors)
    stated = metadata.get(DIGEST)
    if stated is not None and stated != digest({name: metadata[name] for name in metadata.keys() - {DIGEST}}, tensors):
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
        metadata = _read(path, weights=False)[0]
        config, provenance = _parse(path, metadata)
    except Missing:
        raise
    except CheckpointError as error:
        return Entry(path.stem, path, None, None, str(error))
    return Entry(path.stem, path, config, provenance, None, metadata.get(DIGEST))


def _read(path: Path, *, weights: bool) -> tuple[dict[str, str], dict[str, Tensor]]:
    if not path.is_file():  # asked before it is opened: a pipe by this name would be waited for
        raise _missing(path)
    try:
        with safe_open(path, framework="pt") as file:
            return file.metadata() or {}, {name: file.get_tensor(name) for name in (file.keys() if weights else ())}
    except FileNotFoundError as error:
        raise _missing(path) from error
    except (OSError, SafetensorError, RuntimeError) as error:  # the last from PyTorch, which opens it once more
        if "No such file" in str(error):
            raise _missing(path) from error
        raise CheckpointError(
            f"{path} is no safetensors file, or was cut off ({error}). Copy it again, or train the model again; "
            "files of other formats, pickles above all, are never opened."
        ) from error


def _parse(path: Path, metadata: dict[str, str]) -> tuple[ModelConfig, Provenance]:
    version = metadata.get("format", "")
    if not version.isdecimal() or len(version) > 9 or not metadata.keys() >= TEXTS:
        raise CheckpointError(f"{path} is a safetensors file, but none of VAE Explorer's: it holds no configuration.")
    if int(version) > FORMAT:
        raise CheckpointError(
            f"{path} has format {version}; this program reads formats up to {FORMAT}. Update VAE Explorer."
        )
    if DIGEST not in metadata and (unknown := metadata.keys() - TEXTS):  # the digest by another name, perhaps
        raise CheckpointError(f"{path} was damaged or edited: nobody knows what its {shown(min(unknown))} is.")
    try:
        return loads(metadata["config"], ModelConfig), loads(metadata["provenance"], Provenance)
    except Misfit as error:
        raise CheckpointError(f"{path}: its configuration does not make sense ({shown(str(error), 300)}).") from error


def _missing(path: Path) -> Missing:
    return Missing(f"{path}: there is no such file. Check the path.")


def _shape(shape: torch.Size | None) -> str:
    return "nothing" if shape is None else " x ".join(map(str, shape)) or "one number"
