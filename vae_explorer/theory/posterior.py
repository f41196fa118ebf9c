"""The exact posterior as a density over small cells: to draw from, and for what it holds."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.polynomial.legendre import leggauss
from scipy.interpolate import BarycentricInterpolator
from scipy.special import logsumexp

from vae_explorer.latent.model import Doubles, log_prior
from vae_explorer.theory.cells import ORDER
from vae_explorer.theory.quadrature import Mass
from vae_explorer.theory.sampling import Cells

FINER = 12  # small cells along each side of one of the quadrature's
FAINT = 25.0  # nats below the heaviest: a cell of the quadrature that is left out


class Moments(NamedTuple):
    """What of the posterior fits into a few numbers."""

    mean: Doubles  # (2,)  latent units
    covariance: Doubles  # (2, 2)
    rate: float  # D[P(z|X) || P(z)], nats
    log_scatter: float  # log E[P(X|z)^2] / P(X)^2 over the prior: a draw's relative variance is its exponential less 1


def moments(mass: Mass) -> Moments:
    r"""Returns mean, covariance and divergence from the prior of a posterior, and what drawing from the prior costs.

    .. math:: D[P(z|X) \| P(z)] = E_{P(z|X)}[\log P(X|z)] - \log P(X), \quad
        \frac{E_{P(z)}[P(X|z)^2]}{P(X)^2} = E_{P(z|X)}\left[\frac{P(X|z)}{P(X)}\right]
    """
    z, shares = mass.nodes.astype(np.float64), mass.shares
    log_ratio = mass.log_joint - log_prior(mass.nodes) - mass.log_px
    mean = shares @ z
    covariance = (z - mean).T @ ((z - mean) * shares[:, None])
    return Moments(mean, covariance, float(shares @ log_ratio), float(logsumexp(log_ratio, b=shares)))


def posterior_cells(mass: Mass) -> Cells:
    """Returns the posterior as constant over small cells: the quadrature's, each cut into `FINER` squared.

    Within a cell of the quadrature log P(X, z) is the polynomial through the rule's nodes, so a small cell's density is
    that of its centre. The cells' masses sum to 1.
    """
    at, order = leggauss(ORDER)[0], ORDER
    nodes = mass.nodes.astype(np.float64).reshape(-1, order, order, 2)  # rows along the second axis, columns the first
    joint = mass.log_joint.reshape(-1, order, order)
    weight = logsumexp((mass.log_joint + mass.log_weights).reshape(-1, order * order), axis=1)
    kept = weight > weight.max() - FAINT
    nodes, joint = nodes[kept], joint[kept]
    centre = nodes.mean((1, 2))
    half = np.stack([nodes[:, 0, -1, 0] - nodes[:, 0, 0, 0], nodes[:, -1, 0, 1] - nodes[:, 0, 0, 1]], 1) / (2 * at[-1])
    edges = np.linspace(-1, 1, FINER + 1)
    through = BarycentricInterpolator(at, np.eye(order))((edges[1:] + edges[:-1]) / 2)  # (FINER, order)
    fine = np.einsum("ij,cjk,lk->cil", through, joint, through)
    step = np.stack(np.meshgrid(edges[:-1], edges[:-1]), -1)
    low = centre[:, None, None] + step * half[:, None, None]
    size = np.broadcast_to((2 * half / FINER)[:, None, None], low.shape)
    log_mass = fine + np.log(size).sum(-1)
    return Cells(low.reshape(-1, 2), size.reshape(-1, 2), (log_mass - logsumexp(log_mass)).ravel())
