"""For decoders that the browser cannot run: images of a grid of the plane, which it blends, and how far that is off."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_explorer.data.modality import PICTURES
from vae_explorer.latent.encoding import decode
from vae_explorer.latent.model import Model

MOST_BYTES = 1_600_000
TRIED = 48  # points at which the error is measured
Extent = tuple[float, float, float, float]


def tiles(
    model: Model,
    rungs: list[float],
    extent: Extent,
    codes: NDArray[np.float32],
) -> tuple[dict[str, Any], NDArray[np.uint8]]:
    """Decodes a grid of the plane at few KL weights, as fine as the bytes allow.

    Arguments:
        model: The model; axes that the plane does not show are 0.
        rungs: The KL weights.
        extent: Left, right, bottom and top of the plane.
        codes: `(N, D)`; the error is measured where some of them lie.

    Returns:
        What the browser needs to know of the grid, `error` among it: the mean absolute difference of a blended
        image from the decoder's own, in grey levels. And the tiles, `(rungs, side, side, *shape)`, the first
        row at the top.
    """
    side = int(np.clip((MOST_BYTES / (len(rungs) * np.prod(model.shape))) ** 0.5, 4, 32))
    left, right, bottom, top = extent
    x, y = np.meshgrid(np.linspace(left, right, side), np.linspace(top, bottom, side))
    z = _on_plane(np.stack([x.ravel(), y.ravel()], 1), model.axes)
    images = np.stack([PICTURES.levels(decode(model, z, beta)) for beta in rungs])
    made = images.reshape(len(rungs), side, side, *model.shape)
    grid = {"rungs": rungs, "side": side, "extent": extent}
    return {**grid, "error": _error(model, made, rungs, extent, codes)}, made


def blended(made: NDArray[np.uint8], extent: Extent, xy: NDArray[np.floating]) -> NDArray[np.floating]:
    """Returns the images at some points `(N, 2)` of the plane, bilinear between the tiles of one KL weight."""
    side = len(made)
    left, right, bottom, top = extent
    column = ((xy[:, 0] - left) / (right - left) * (side - 1)).clip(0, side - 1.001)
    row = ((top - xy[:, 1]) / (top - bottom) * (side - 1)).clip(0, side - 1.001)
    i, j = row.astype(int), column.astype(int)
    down, across = ((at % 1).reshape(-1, *[1] * (made.ndim - 2)) for at in (row, column))
    upper = (1 - across) * made[i, j] + across * made[i, j + 1]
    lower = (1 - across) * made[i + 1, j] + across * made[i + 1, j + 1]
    mixed: NDArray[np.floating] = (1 - down) * upper + down * lower
    return mixed


def _error(
    model: Model, made: NDArray[np.uint8], rungs: list[float], extent: Extent, codes: NDArray[np.float32]
) -> float:
    """Measures at each KL weight of the grid, and half-way to the next, where two grids are blended."""
    left, right, bottom, top = extent
    if len(codes) == 0:  # a model without its images: where its prior lies
        codes = np.random.default_rng(0).standard_normal((TRIED, codes.shape[1])).astype(np.float32)
    some = codes[:: max(1, len(codes) // TRIED)][:TRIED]
    xy = np.zeros((len(some), 2))
    xy[:, : some.shape[1]] = some[:, :2]
    xy = xy.clip([left, bottom], [right, top])
    z = _on_plane(xy, codes.shape[1])
    shown = [blended(each, extent, xy) for each in made]
    pairs = list(zip(rungs, shown, strict=True))
    between = [(float(np.sqrt(a * b)), (one + other) / 2) for (a, one), (b, other) in pairwise(pairs)]
    return float(np.mean([np.abs(image - 255.0 * decode(model, z, beta)).mean() for beta, image in pairs + between]))


def _on_plane(xy: NDArray[np.floating], latent: int) -> NDArray[np.float32]:
    z = np.zeros((len(xy), max(2, latent)), np.float32)
    z[:, :2] = xy
    return z[:, :latent]
