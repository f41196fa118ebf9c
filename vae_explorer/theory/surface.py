"""A decoder as a map of the plane: into pixel space, where the plane becomes a surface."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_explorer.latent.encoding import decode
from vae_explorer.latent.geometry import magnification
from vae_explorer.latent.model import Floats, Model, log_prior

Doubles = NDArray[np.float64]
SIDE = 14  # cells a side that a patch's area is summed over


class Patch(NamedTuple):
    """What the decoder makes of a square of the plane."""

    images: Floats  # (n, n, H, W)  decoded at the centres of n x n cells, the first row at the top
    element: Floats  # (SIDE, SIDE)  sqrt(det J^T J) at the centres of cells, squared intensity per squared latent unit
    area: float  # of the surface, squared intensity
    log_density: float  # log of P(z) / sqrt(det J^T J) at the centre, nats per unit of the surface


def patch(model: Model, beta: float, centre: tuple[float, float], half: float, tiles: int) -> Patch:
    r"""Returns the part of the surface that a square of z becomes.

    .. math:: A = \int \sqrt{\det J(z)^T J(z)} \, dz, \quad J = \partial f / \partial z \quad (P \times 2)

    J is no square matrix and has no determinant: what takes the place of :math:`|\det J|` is the area element. The
    images of the plane fill no volume of pixel space, so f(z) has no density there, only one on the surface,
    :math:`P(z) / \sqrt{\det J^T J}` where the surface does not meet itself. The integral is the midpoint rule's.

    Arguments:
        model: Has two axes.
        beta: The KL weight.
        centre: Of the square.
        half: Half its side, latent units.
        tiles: Images a side.

    Raises:
        ValueError: If the model does not have two axes, or the square has no area.

    References:
        | Magnification Factors for the GTM Algorithm (Bishop, Svensen & Williams, 1997)
        | Latent Space Oddity (Arvanitidis et al., 2018)
        | https://arxiv.org/abs/1710.11379
    """
    if model.axes != 2:
        raise ValueError(f"a plane has two latent axes, and this model has {model.axes}")
    if not half > 0:
        raise ValueError("the brushed square has no area: half its side must be positive")
    x, y = centre
    element = magnification(model, beta, (x - half, x + half, y - half, y + half), SIDE)
    steps = ((np.arange(tiles) + 0.5) / tiles * 2 - 1) * half
    z = np.stack(np.meshgrid(x + steps, y - steps), 2).reshape(-1, 2).astype(np.float32)
    images = decode(model, z, beta)
    at = np.array([[x, y]], np.float32)
    tiny = np.finfo(np.float32).tiny
    middle = magnification(model, beta, (x - 1e-3, x + 1e-3, y - 1e-3, y + 1e-3), 1)[0, 0]
    log_density = float(log_prior(at)[0] - np.log(max(middle, tiny)))
    area = float(element.mean(dtype=np.float64)) * 4 * half**2
    return Patch(images.reshape(tiles, tiles, *images.shape[1:]), element, area, log_density)
