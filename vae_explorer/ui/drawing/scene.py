"""A picture that the user draws or drops: what the encoder makes of it. Nothing here knows Streamlit."""

from __future__ import annotations

import base64
import binascii
import io
import math
import struct
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from vae_explorer.data import DataError, evenly
from vae_explorer.data.modality import PICTURES
from vae_explorer.data.preprocess import Prepared, ground_of, preprocess, preprocess_colours
from vae_explorer.latent.encoding import decode, encode, terms
from vae_explorer.ui.canvas.wire import pack
from vae_explorer.ui.explore.scene import Scene
from vae_explorer.ui.shell.messages import picture, rungs_of

LARGEST_SIDE = 280  # px of the pad
LARGEST = 4 * LARGEST_SIDE**2  # bytes of its PNG file, which no picture of that size exceeds by much


class Drawn(NamedTuple):
    """What the pad holds."""

    serial: int  # rises with each question of one visit
    beta: float | None  # the KL weight that the page is at, if one can be set
    picture: NDArray[np.uint8] | None  # (h, w), or (h, w, 3) in colours, or None where the pad is empty


NOTHING = Drawn(0, None, None)


def read(reported: object) -> Drawn | None:
    """Returns what the pad reported, or None for what no pad of ours would report."""
    match reported:
        case {"serial": int() as serial, "beta": int() | float() | None as beta, "picture": str() | None as png}:
            if beta is not None and not (math.isfinite(beta) and beta > 0):
                return None
            if png is None:
                return Drawn(serial, beta, None)
            pixels = _pixels(png)
            return None if pixels is None else Drawn(serial, beta, pixels)
    return None


def answer(scenes: Sequence[Scene], drawn: Drawn) -> bytes:
    """Returns what PyTorch says of the drawing under each model; all models are of the same data."""
    some = evenly(scenes[0].images.pixels, 100)
    ground = ground_of(some if some.ndim == 3 else some.mean(3).astype(np.uint8)) if len(some) else 0
    header: dict[str, object] = {
        "kind": "drawing",
        "serial": drawn.serial,
        "beta": drawn.beta,
        "ground": ground,
        "problem": "",
        "seen": None,
    }
    if drawn.picture is not None:
        try:
            prepared = _prepared(drawn.picture, scenes[0], ground)
        except DataError as error:
            header["problem"] = str(error)
        else:
            header |= {
                "seen": picture(prepared.pixels),
                "steps": prepared.steps,
                "sides": [_side(scene, prepared, drawn.beta) for scene in scenes],
            }
    return pack(header, {})


def _prepared(picture: NDArray[np.uint8], scene: Scene, ground: int) -> Prepared:
    """Preprocesses a picture: in grey, or, for a model of colours, in its own."""
    height, width, *colours = scene.config.shape
    if colours and picture.ndim == 3:
        return preprocess_colours(picture, (height, width), ground)
    grey = np.asarray(Image.fromarray(picture).convert("L"))
    prepared = preprocess(grey, scene.config.data, (height, width), ground)
    return prepared._replace(pixels=np.repeat(prepared.pixels[:, :, None], 3, 2)) if colours else prepared


def _side(scene: Scene, prepared: Prepared, asked: float | None) -> dict[str, object]:
    """Says where one model puts the picture, at the KL weight asked for and at those between which it is dragged."""
    model, pixels = scene.checkpoint.arrays, prepared.pixels[None]
    beta = _weight(scene, asked)
    mean, std = (values[0] for values in encode(model, pixels, beta))
    rungs = rungs_of(scene.config)
    ladder = [encode(model, pixels, rung) for rung in rungs]
    cost = terms(model, prepared.pixels, beta, seed=(0,))
    rate = cost.rate
    return {
        "mean": mean.tolist(),
        "std": std.tolist(),
        "decoded": picture(PICTURES.levels(decode(model, mean[None], beta)[0])),
        "distortion": cost.distortion,
        "error": cost.error,
        "rate": None if math.isinf(rate) else rate,
        "unit": scene.unit(std.tolist()),
        "nearest": scene.nearest(tuple(mean.tolist()), beta).name if scene.limits.images else "",
        "ladder": {
            "rungs": rungs,
            "mean": np.concatenate([each.mean[0] for each in ladder]).tolist(),
            "std": np.concatenate([each.std[0] for each in ladder]).tolist(),
            "latent": len(mean),
            "labels": [0],
        },
    }


def _weight(scene: Scene, asked: float | None) -> float:
    if scene.limits.beta is None:
        return scene.config.beta
    low, high = scene.limits.beta
    return min(max(asked or 1.0, low), high)


def _pixels(png: str) -> NDArray[np.uint8] | None:
    """Reads a small PNG file, and nothing else."""
    if len(png) > 4 * LARGEST // 3:
        return None
    try:
        file = base64.b64decode(png, validate=True)
        if max(struct.unpack(">II", file[16:24])) > LARGEST_SIDE:  # a PNG file's first chunk, read before Pillow does
            return None
        with Image.open(io.BytesIO(file), formats=["PNG"]) as image:
            pixels = np.asarray(image.convert("RGB"))
            return pixels if np.ptp(pixels, axis=2).any() else pixels[..., 0]
    except (binascii.Error, struct.error, UnidentifiedImageError, OSError, SyntaxError, ValueError):
        return None
