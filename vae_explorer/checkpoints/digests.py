"""What tells one model from all others: a digest over its weights and the texts that say what they mean."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from vae_explorer.config import ModelConfig
from vae_explorer.models.autoencoder import Autoencoder


def digest(texts: Mapping[str, str], tensors: Mapping[str, Tensor]) -> str:
    """Returns the SHA-256 of texts and tensors by name, in hexadecimal digits; their order does not matter.

    Names, types, shapes and bits all count. The texts are taken as they are written: a file's JSON is judged before
    anybody reads numbers out of it, so that no rounding and no order of its keys can matter.
    """
    sha = hashlib.sha256()
    for name, text in sorted(texts.items()):
        _add(sha, name.encode(), text.encode())
    for name, value in sorted(tensors.items()):
        bits = value.detach().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
        _add(sha, name.encode(), str(value.dtype).encode(), str(tuple(value.shape)).encode(), bits)
    return sha.hexdigest()


def of_model(model: Autoencoder) -> str:
    """Returns what a measurement of a model is bound to: its weights and its whole configuration.

    The configuration counts as a file that was loaded gives it: a whole number for a float is a float there.
    """
    config = ModelConfig.from_json(model.config.to_json())
    return digest({"config": json.dumps(config.to_json(), sort_keys=True)}, model.state_dict())


def of_values(values: Mapping[str, Any]) -> str:
    """Returns the digest of JSON values by name, whatever their order in the file.

    Floats are written with as many digits as give the same float back, so reading and writing changes nothing.
    """
    return digest({"values": json.dumps(values, sort_keys=True)}, {})


def _add(sha: hashlib._Hash, *pieces: bytes) -> None:
    """Adds pieces, each after its length: a letter that moves from one to the next changes the digest."""
    for piece in pieces:
        sha.update(len(piece).to_bytes(8, "big"))
        sha.update(piece)
