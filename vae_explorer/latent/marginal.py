"""log p(x) of two-dimensional models, by quadrature over the latent plane."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vae_explorer.latent.encoding import Encoding, Floats, encode
from vae_explorer.models import Autoencoder

PRIOR_REACH = 5.0  # the standard normal's mass beyond this radius is 4e-6
MARGIN = 5.0  # standard deviations kept free around the outermost codes
SPACING = 1.25  # nodes are this many standard deviations of a typical narrow posterior apart
NODES = (100, 400)  # fewest and most a side
CHUNK = 2000


class Marginal(NamedTuple):
    """log p(x) and how far the grid can be trusted."""

    log_p: Floats  # (N,)  nats
    error: float  # mean |difference| to the grid of every second node, nats: an upper estimate
    nodes: int  # decoded latent points


class Grid(NamedTuple):
    """Nodes of the trapezoidal rule, row by row."""

    x: NDArray[np.float64]  # (n,)
    y: NDArray[np.float64]  # (m,)


@torch.inference_mode()
def log_marginal(model: Autoencoder, pixels: NDArray[np.uint8], beta: float, grid: Grid | None = None) -> Marginal:
    r"""Returns log p(x) of images `(N, H, W)`, grey targets.

    .. math:: \log p(x) = \log \int p(x|z) \, p(z) \, dz
        \approx \log \sum_j h_1 h_2 \, p(x|z_j) \, p(z_j)

    The trapezoidal rule converges exponentially for such smooth integrands, once its nodes are
    closer than the posterior is wide. The nodes are decoded once for all images: every likelihood
    of this program has :math:`\log p(x|z) = x \cdot w(z) + c(z) + h(x)`, so that all images at all
    nodes are one matrix product.

    Arguments:
        model: A model with two latent axes.
        pixels: The images.
        beta: The KL weight.
        grid: The nodes; chosen from the posteriors of the images unless given.

    Raises:
        ValueError: If the model does not have two latent axes.

    References:
        | The Exponentially Convergent Trapezoidal Rule (Trefethen & Weideman, 2014)
        | https://doi.org/10.1137/130932132
    """
    if model.config.latent != 2:
        raise ValueError(f"quadrature is for two latent axes, and this model has {model.config.latent}")
    grid = grid or choose_grid(encode(model, pixels, beta), beta)
    x = torch.from_numpy(pixels).flatten(1).float() / 255
    node_y, node_x = (torch.from_numpy(axis.ravel()) for axis in np.meshgrid(grid.y, grid.x, indexing="ij"))
    z = torch.stack([node_x, node_y], 1).float()
    coarse = torch.zeros(len(grid.y), len(grid.x), dtype=torch.bool)
    coarse[::2, ::2] = True
    log_cell = math.log((grid.x[1] - grid.x[0]) * (grid.y[1] - grid.y[0]))
    fine_sum = torch.full((len(x),), -math.inf)
    coarse_sum = fine_sum.clone()
    for part, keep in zip(z.split(CHUNK), coarse.flatten().split(CHUNK), strict=True):
        weights, offset = _linear_form(model, part, beta)
        log_joint = torch.addmm(offset + model.prior().log_prob(part) + log_cell, x, weights.T)
        fine_sum = torch.logaddexp(fine_sum, log_joint.logsumexp(1))
        if keep.any():
            coarse_sum = torch.logaddexp(coarse_sum, log_joint[:, keep].logsumexp(1) + math.log(4))
    log_p = fine_sum + _base_measure(model, x, beta)
    return Marginal(log_p.numpy(), (fine_sum - coarse_sum).abs().mean().item(), len(z))


def choose_grid(codes: Encoding, beta: float) -> Grid:
    r"""Returns nodes that cover prior and codes, close enough for the true posteriors.

    The posterior that is best at a KL weight is narrower than the true one, about
    :math:`\sigma^2 = \beta \, \sigma_\text{true}^2`, so the spacing grows with
    :math:`\sigma / \sqrt\beta` at small beta. The widths of nine images in ten are resolved.
    """
    axes = []
    for mean, std in zip(codes.mean.T.astype(np.float64), codes.std.T.astype(np.float64), strict=True):
        reach = MARGIN * np.median(std)
        low, high = min(-PRIOR_REACH, mean.min() - reach), max(PRIOR_REACH, mean.max() + reach)
        width = np.quantile(std, 0.1) / math.sqrt(min(beta, 1.0)) if beta > 0 else 0.0
        wanted = (high - low) / (SPACING * width) if width > 0 else math.inf
        axes.append(np.linspace(low, high, int(np.clip(wanted, *NODES))))
    return Grid(*axes)


def finer(grid: Grid, factor: int = 2) -> Grid:
    """Returns a grid over the same rectangle with the spacing divided by `factor`."""
    return Grid(*(np.linspace(axis[0], axis[-1], (len(axis) - 1) * factor + 1) for axis in grid))


def _linear_form(model: Autoencoder, z: Tensor, beta: float) -> tuple[Tensor, Tensor]:
    """Returns w `(M, H W)` and c `(M,)` of log p(x|z) = x w(z) + c(z) + h(x), with h(0) = h(1) = 0.

    Both follow from the density of a black and of a white pixel.
    """
    likelihood = model.likelihood(z, torch.full((len(z),), beta)).base_dist
    zeros = torch.zeros(len(z), *model.config.shape)
    black, white = likelihood.log_prob(zeros).flatten(1), likelihood.log_prob(zeros + 1).flatten(1)
    return white - black, black.sum(1)


def _base_measure(model: Autoencoder, x: Tensor, beta: float) -> Tensor:
    """Returns h(x), `(N,)`: what the linear form misses of log p(x|z), the same at every z."""
    z = torch.zeros(1, model.config.latent)
    weights, offset = _linear_form(model, z, beta)
    likelihood = model.likelihood(z, torch.full((1,), beta))
    exact: Tensor = likelihood.log_prob(x.unflatten(1, model.config.shape))
    return exact - (x @ weights[0] + offset)
