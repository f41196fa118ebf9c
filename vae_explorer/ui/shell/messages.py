"""What the browser is sent once for a checkpoint. Nothing here knows Streamlit."""

from __future__ import annotations

import base64
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vae_explorer import text
from vae_explorer.checkpoints.files import CheckpointError
from vae_explorer.config import ModelConfig
from vae_explorer.data import Images
from vae_explorer.data.modality import PICTURES
from vae_explorer.figures import theme
from vae_explorer.latent.encoding import atlas, encode
from vae_explorer.latent.geometry import magnification
from vae_explorer.latent.model import Encoding
from vae_explorer.ui.canvas.wire import pack
from vae_explorer.ui.shell.tiles import tiles
from vae_explorer.ui.state.limits import Limits

if TYPE_CHECKING:
    from vae_explorer.checkpoints.checkpoints import Checkpoint

RUNGS_PER_DECADE = 1  # codes on straight lines between them err by 0.004 latent units: benchmarks.live
FIELD_RUNGS = 5
MAGNIFICATION_RUNGS = 13  # between them, on straight lines of its logarithm, that of mnist-vae-2d errs by 2 % (median)
BEND = 0.05  # of that logarithm, median over the plane: where it errs by more half-way, rungs are put between,
HALVINGS = 2  # so many times at most: a model that collapses within a narrow range of KL weights needs them
BEND_SIDE = 8  # points a side that are looked at
LEAST = 1e-30  # of a magnification; the twin of map_layers.js
ATLAS_TILES = 24
MAGNIFICATION_SIDE = 48
TILE_RUNGS = 3  # for a decoder that the browser cannot run
FILE_LETTERS = 60  # of a file's name on the map

Arrays = dict[str, NDArray[Any]]


def world(checkpoint: Checkpoint, images: Images, limits: Limits) -> bytes:
    """Returns the codes at a ladder of KL weights, the decoder, and what else the map never changes.

    Arrays: `mean` and `std`, float16 `(rungs, N, D)`, in latent units; `labels`, uint8 `(N,)`;
    `weights`, float16, as `models.dense` lists them; or else `tiles`, uint8 `(rungs, side, side, H, W)`:
    decoded images over the plane, the first row at the top. Where all parts are there, `parts`, uint8 `(N,)`;
    for each column of numbers `column0` and so on, float32 `(N,)`, nan where one is missing.
    """
    from vae_explorer.models.dense import dense_decoder  # here, as PyTorch: what is kept ready does without

    config, model = checkpoint.config, checkpoint.arrays
    rungs = rungs_of(config)
    none = Encoding(*np.zeros((2, 0, config.latent), np.float32))
    encodings = [encode(model, images.pixels, beta) if len(images.labels) else none for beta in rungs]
    arrays: Arrays = {
        "mean": _halves(checkpoint, [each.mean for each in encodings]),
        "std": _halves(checkpoint, [each.std for each in encodings]),
        "labels": images.labels.astype(np.uint8),
    }
    if images.parts is not None:
        arrays["parts"] = images.parts.astype(np.uint8)
    for k, values in enumerate(images.columns.values()):
        arrays[f"column{k}"] = values.astype(np.float32)
    dense = dense_decoder(checkpoint.model)
    grid = None
    if dense:
        arrays["weights"] = _halves(checkpoint, [dense.weights])[0]
    else:
        codes = encodings[len(encodings) // 2].mean
        rungs_sent, plane = ladder(config, TILE_RUNGS), extent_of(limits)
        grid, arrays["tiles"] = tiles(model, rungs_sent, plane, codes)
    header = {
        "kind": "world",
        "model": checkpoint.name,
        "part": limits.part,
        "files": [text.shown(name, FILE_LETTERS) for name in images.files],
        "columns": list(images.columns),
        "scale": theme.SCALE,
        "names": class_names(images),
        "colours": theme.class_colours(len(images.names)),
        "marks": theme.class_marks(len(images.names)),
        "axes": ("axis 1", "axis 2" if config.latent > 1 else ""),
        "latent": config.latent,
        "shape": config.shape,
        "home": limits.home,
        "beta_range": limits.beta,
        "switches": limits.layers,
        "rungs": rungs,
        "decoder": dense.plan if dense else None,
        "grid": grid,
        "prior": config.kind != "autoencoder",
    }
    return pack(header, arrays)


def class_names(images: Images) -> list[str]:
    """Returns the classes' names as every page shows them: one line each, however long they are."""
    return [text.shown(name) for name in images.names]


def _halves(checkpoint: Checkpoint, values: list[NDArray[Any]]) -> NDArray[np.float16]:
    """Returns arrays on top of each other as float16.

    Raises:
        CheckpointError: If float16 does not hold them: the browser would draw nothing.
    """
    with np.errstate(over="ignore"):
        halves: NDArray[np.float16] = np.stack(values).astype(np.float16)
    if not np.isfinite(halves).all():
        raise CheckpointError(
            f"{checkpoint.name} cannot be shown: its weights or codes are larger than {np.finfo(np.float16).max:,.0f}. "
            "The file is damaged, or its training diverged: copy it again, or train the model again."
        )
    return halves


def atlases(checkpoint: Checkpoint, limits: Limits) -> bytes:
    """Returns the atlas at a few KL weights, one PNG file each."""
    rungs = ladder(checkpoint.config, FIELD_RUNGS)
    extent = extent_of(limits)
    pictures = [PICTURES.exported(atlas(checkpoint.arrays, beta, extent, ATLAS_TILES)) for beta in rungs]
    arrays: Arrays = {f"atlas{k}": np.frombuffer(picture, np.uint8) for k, picture in enumerate(pictures)}
    coloured = checkpoint.config.channels > 1
    return pack({"kind": "atlas", "rungs": rungs, "extent": extent, "coloured": coloured}, arrays)


def magnifications(checkpoint: Checkpoint, limits: Limits) -> bytes:
    """Returns the magnification at a few KL weights, float32 `(rungs, side, side)`."""
    extent = extent_of(limits)
    rungs = magnification_rungs(checkpoint, extent)
    grids = [magnification(checkpoint.arrays, beta, extent, MAGNIFICATION_SIDE) for beta in rungs]
    header = {"kind": "magnification", "rungs": rungs, "extent": extent, "side": MAGNIFICATION_SIDE}
    return pack(header, {"values": np.stack(grids).astype(np.float32)})


def magnification_rungs(checkpoint: Checkpoint, extent: tuple[float, float, float, float]) -> list[float]:
    """Returns KL weights between which the logarithm of the magnification runs straight, as far as `HALVINGS` go."""
    rungs = ladder(checkpoint.config, MAGNIFICATION_RUNGS)

    def logarithm(beta: float) -> NDArray[Any]:
        return np.log(np.maximum(magnification(checkpoint.arrays, beta, extent, BEND_SIDE), LEAST))

    def between(low: float, high: float, halvings: int) -> list[float]:
        middle = float(np.sqrt(low * high))
        if not halvings:
            return [high]
        bend = (logarithm(low) + logarithm(high)) / 2 - logarithm(middle)
        if np.median(np.abs(bend)) <= BEND:
            return [high]
        return between(low, middle, halvings - 1) + between(middle, high, halvings - 1)

    return rungs[:1] + [beta for low, high in pairwise(rungs) for beta in between(low, high, HALVINGS)]


def ladder(config: ModelConfig, rungs: int) -> list[float]:
    """Returns KL weights evenly spread over the logarithm of the range; one alone where none can be set."""
    if config.kind != "multi-rate":
        return [config.beta]
    return [float(beta) for beta in np.geomspace(config.beta_min, config.beta_max, max(2, rungs))]


def rungs_of(config: ModelConfig) -> list[float]:
    """Returns the KL weights that codes are sent at."""
    return ladder(config, 1 + round(RUNGS_PER_DECADE * np.log10(config.beta_max / config.beta_min)))


def extent_of(limits: Limits) -> tuple[float, float, float, float]:
    """Returns left, right, bottom and top of the square that the map begins with."""
    x, y, half = limits.home
    return (x - half, x + half, y - half, y + half)


def picture(image: NDArray[np.uint8]) -> str:
    """Returns an image `(H, W)` or `(H, W, 3)` as a PNG file in base64, as a message's header takes it."""
    return base64.b64encode(PICTURES.exported(image)).decode()
