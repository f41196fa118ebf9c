"""log p(x) of two-dimensional models, by quadrature over the latent plane."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vae_explorer.data.modality import PICTURES
from vae_explorer.latent.encoding import encode
from vae_explorer.latent.model import Floats, Model, log_prior

SIDE = 448  # nodes along an axis: twice as many change log p(x) by less than 0.02 nats on average
TILE = 16  # nodes a side of the blocks that are skipped or summed as one
STRIDE = 4  # every fourth node an axis decides which blocks matter
NEGLIGIBLE = 25.0  # nats below an image's best coarse node


class Marginal(NamedTuple):
    """log p(x) and how far the grid can be trusted."""

    log_p: Floats  # (N,)  nats
    error: float  # mean |difference| to every second node (a checkerboard), nats: too large once it is small


class Grid(NamedTuple):
    """Nodes and weights of a rule for both axes; the cells' areas are products of the weights."""

    nodes: Tensor  # (n,)  latent units
    log_weights: Tensor  # (n,)


@torch.inference_mode()
def log_marginal(model: Model, pixels: NDArray[np.uint8], beta: float, grid: Grid | None = None) -> Marginal:
    r"""Returns log p(x) of images `(N, H, W)`, grey targets, under the standard normal prior.

    .. math:: \log p(x) = \log \int p(x|z) \, p(z) \, dz
        \approx \log \sum_j w_j \, p(x|z_j) \, p(z_j)

    The nodes are decoded once for all images: every likelihood of this program has
    :math:`\log p(x|z) = x \cdot w(z) + c(z) + h(x)`, so that many images at many nodes are one
    matrix product. A first look at every fourth node finds the blocks of the plane that hold
    an image's posterior mass, all its modes; only those are summed.

    Arguments:
        model: A model with two latent axes.
        pixels: The images.
        beta: The KL weight.
        grid: The rule; `SIDE` nodes an axis over prior and codes unless given.

    Raises:
        ValueError: If the model does not have two latent axes, or the nodes do not fill blocks.
    """
    if model.axes != 2:
        raise ValueError(f"quadrature is for two latent axes, and this model has {model.axes}")
    grid = grid or make_grid(SIDE, reach_of(encode(model, pixels, beta).mean))
    if len(grid.nodes) % TILE:
        raise ValueError(f"the number of nodes must be a multiple of {TILE}")
    images = PICTURES.normalised(pixels)
    x = torch.from_numpy(images).flatten(1)
    z, log_weights = _plane(grid)
    log_weights += torch.from_numpy(log_prior(z.flatten(0, 1).numpy())).float().reshape(log_weights.shape)
    coarse = torch.cat([_log_joint(model, x, *part, beta) for part in _coarse(z, log_weights)], 1)
    matters = coarse > coarse.amax(1, keepdim=True) - NEGLIGIBLE
    matters = matters.unflatten(1, (len(z), -1)).any(2)
    log_p = torch.full((2, len(x)), -math.inf)
    checkerboard = torch.arange(TILE)[:, None].add(torch.arange(TILE)).flatten() % 2 == 0
    for block, weights, chosen in zip(z, log_weights, matters.T, strict=True):
        rows = chosen.nonzero()[:, 0]
        if len(rows):
            log_joint = _log_joint(model, x[rows], block, weights, beta)
            half = log_joint[:, checkerboard].logsumexp(1) + math.log(2)
            log_p[:, rows] = torch.logaddexp(log_p[:, rows], torch.stack([log_joint.logsumexp(1), half]))
    error = (log_p[0] - log_p[1]).abs().mean().item()
    return Marginal((log_p[0].double().numpy() + model.base_measure(images)).astype(np.float32), error)


def reach_of(codes: Floats) -> float:
    """Returns the largest coordinate, latent units, of all but one code in a thousand.

    A single code far out would stretch the grid and cost all the other images their accuracy.
    """
    return float(np.quantile(np.abs(codes).max(1), 0.999))


def make_grid(side: int, reach: float) -> Grid:
    r"""Returns the trapezoidal rule in a coordinate u that packs the nodes where codes are dense.

    .. math:: z = \frac{\sinh(\kappa u)}{\sinh \kappa} r, \quad u \in [-1, 1]

    The rule converges exponentially for smooth integrands once its nodes are closer than a
    posterior is wide; posteriors are several times wider in the thinly coded rim of the plane
    than in its middle, and :math:`\kappa = 2` makes the spacing follow.

    Arguments:
        side: Number of nodes.
        reach: Largest coordinate that is covered, latent units; the prior's 5 is always covered.

    References:
        | The Exponentially Convergent Trapezoidal Rule (Trefethen & Weideman, 2014)
        | https://doi.org/10.1137/130932132
    """
    kappa, reach = 2.0, max(reach, 5.0)
    u = torch.linspace(-1, 1, side, dtype=torch.float64)
    slope = kappa * torch.cosh(kappa * u) / math.sinh(kappa) * reach
    return Grid((torch.sinh(kappa * u) / math.sinh(kappa) * reach).float(), (slope * (u[1] - u[0])).log().float())


def _plane(grid: Grid) -> tuple[Tensor, Tensor]:
    """Returns nodes `(B, TILE^2, 2)` and log weights `(B, TILE^2)`, in square blocks."""

    def blocks(values: Tensor) -> Tensor:
        tiled = values.unfold(0, TILE, TILE).unfold(1, TILE, TILE)
        return tiled.reshape(-1, TILE * TILE)

    x, y = torch.meshgrid(grid.nodes, grid.nodes, indexing="xy")
    return torch.stack([blocks(x), blocks(y)], -1), blocks(grid.log_weights[:, None] + grid.log_weights)


def _coarse(z: Tensor, log_weights: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Yields every fourth node along both axes of a few blocks at a time, centred in its cell."""
    index = torch.arange(STRIDE // 2, TILE, STRIDE)
    keep = (index[:, None] * TILE + index).flatten()
    for nodes, weights in zip(z[:, keep].split(64), log_weights[:, keep].split(64), strict=True):
        yield nodes.flatten(0, 1), weights.flatten()


def _log_joint(model: Model, x: Tensor, z: Tensor, log_weights: Tensor, beta: float) -> Tensor:
    """Returns the logarithms `(N, M)` of the sum's terms, short of h(x)."""
    weights, offset = map(torch.from_numpy, model.likelihood(z.numpy(), beta))
    return torch.addmm(offset.float() + log_weights, x, weights.T)
