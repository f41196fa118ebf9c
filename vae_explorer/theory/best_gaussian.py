"""Gaussians on the plane: mixtures that cover a posterior, and the Gaussian Q nearest to it."""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from vae_explorer.latent.model import Doubles, Floats, Model

ORDER = 6  # of Gauss and Hermite's rule while Q is looked for
STEPS = 14  # natural gradient steps: a quadratic log joint takes two
COMPONENTS = 6  # of a mixture that covers a posterior
SWEEPS = 15  # of expectation and maximisation


class Gaussian(NamedTuple):
    """N(mean, factor factor^T)."""

    mean: Doubles  # (2,)  latent units
    factor: Doubles  # (2, 2)  lower triangular

    @property
    def covariance(self) -> Doubles:
        covariance: Doubles = self.factor @ self.factor.T
        return covariance

    def at(self, u: Doubles) -> Doubles:
        """Returns the points whose whitened coordinates are given, `(M, 2)`."""
        points: Doubles = self.mean + u @ self.factor.T
        return points

    def log_density(self, z: Doubles) -> Doubles:
        u = np.linalg.solve(self.factor, (z - self.mean).T)
        log_q: Doubles = -0.5 * (u**2).sum(0) - np.log(np.diag(self.factor)).sum() - math.log(2 * math.pi)
        return log_q

    @property
    def rate(self) -> float:
        r"""D[Q||P(z)] to the standard normal prior, nats.

        .. math:: \tfrac12 (\operatorname{tr} \Sigma + |\mu|^2 - 2 - \log \det \Sigma)
        """
        log_det = 2 * np.log(np.diag(self.factor)).sum()
        return float(((self.factor**2).sum() + self.mean @ self.mean - 2 - log_det) / 2)


class Fit(NamedTuple):
    """The best Gaussians for one image."""

    diagonal: Gaussian  # of the encoder's family
    full: Gaussian  # with any covariance


@cache
def hermite(order: int) -> tuple[Doubles, Doubles]:
    """Returns Gauss and Hermite's nodes `(order^2, 2)` and weights for averages over N(0, I)."""
    at, weights = np.polynomial.hermite_e.hermegauss(order)
    weights = weights / weights.sum()
    return np.stack(np.meshgrid(at, at), -1).reshape(-1, 2), np.outer(weights, weights).ravel()


def covering_mixture(nodes: Floats, shares: Doubles, seed: int = 0) -> tuple[Doubles, list[Gaussian]]:
    """Fits a mixture of Gaussians to points of which each has a share, by expectation and maximisation.

    Returns:
        The logarithms of the components' weights, heaviest first, and the components.
    """
    keep = shares > 1e-6 * shares.max()
    z, shares = nodes[keep].astype(np.float64), shares[keep] / shares[keep].sum()
    generator = np.random.default_rng(seed)
    means = z[generator.choice(len(z), min(COMPONENTS, len(z)), p=shares)]
    away = z - shares @ z
    floor = 1e-10 * np.eye(2)
    covariances = np.repeat(((shares[:, None] * away).T @ away / 8 + floor)[None], len(means), 0)
    log_weights = np.full(len(means), -math.log(len(means)))
    for _ in range(SWEEPS):
        each = [Gaussian(m, np.linalg.cholesky(c)) for m, c in zip(means, covariances, strict=True)]
        log_joint = log_weights + np.stack([g.log_density(z) for g in each], 1)
        member = shares[:, None] * np.exp(log_joint - logsumexp(log_joint, axis=1, keepdims=True))
        weights = member.sum(0) + 1e-12
        log_weights = np.log(weights / weights.sum())
        means = member.T @ z / weights[:, None]
        apart = z[:, None] - means
        covariances = np.einsum("mk,mki,mkj->kij", member, apart, apart) / weights[:, None, None] + floor
    order = np.argsort(-log_weights)
    return log_weights[order], [Gaussian(means[k], np.linalg.cholesky(covariances[k])) for k in order]


def best_gaussians(model: Model, image: Floats, beta: float, starts: list[Gaussian]) -> Fit:
    r"""Finds the Gaussians that maximise the ELBO, diagonal and with full covariance.

    .. math:: \Sigma^{-1} \leftarrow (1 - \rho) \Sigma^{-1} - \rho \, E_Q[\nabla^2 \log P(X, z)], \quad
        \mu \leftarrow \mu + \rho \, \Sigma \, E_Q[\nabla \log P(X, z)], \quad
        E_Q[\nabla^2 f] = \Sigma^{-1} E_Q[(z - \mu) \nabla f^T]

    natural gradient steps, whose averages are Gauss and Hermite's: the reparameterization trick without noise. All
    starts climb at once; a step that lowers the ELBO is taken back and halved.

    Arguments:
        model: A model of two axes with prior and likelihood.
        image: `(H, W)` or `(H, W, 3)`.
        beta: The KL weight that the networks are conditioned on; the ELBO itself weighs the rate by 1.
        starts: Where to begin; the diagonal family takes the inverse of the precision's diagonal.

    References:
        | The Variational Gaussian Approximation Revisited (Opper & Archambeau, 2009)
        | https://doi.org/10.1162/neco.2008.08-07-592
        | Conjugate-Computation Variational Inference (Khan & Lin, 2017)
        | https://arxiv.org/abs/1703.04265
    """
    families = np.repeat([True, False], len(starts))  # diagonal or not
    mean = np.tile(np.stack([q.mean for q in starts]), (2, 1))
    precision = np.tile(np.stack([np.linalg.inv(q.covariance) for q in starts]), (2, 1, 1))
    precision[families] *= np.eye(2)
    step = np.ones(len(mean))
    best, gradient, curvature = _climbed(model, image, beta, mean, precision)
    for number in range(STEPS):
        wanted = (1 - step)[:, None, None] * precision + step[:, None, None] * _positive(curvature, precision, families)
        moved = mean + step[:, None] * np.linalg.solve(wanted, gradient[..., None])[..., 0]
        elbo, new_gradient, new_curvature = _climbed(model, image, beta, moved, wanted)
        up = elbo > best - 1e-6
        mean[up], precision[up], best[up] = moved[up], wanted[up], elbo[up]
        gradient[up], curvature[up] = new_gradient[up], new_curvature[up]
        step = np.where(up, np.minimum(1, 1.5 * step), step / 3)
        if number in (2, 6):  # the two best of each family go on, then the best one
            count = 2 if number == 2 else 1
            kept = np.concatenate([_first(best, families == family, count) for family in (True, False)])
            mean, precision, best, step = mean[kept], precision[kept], best[kept], step[kept]
            gradient, curvature, families = gradient[kept], curvature[kept], families[kept]
    found = []
    for family in (True, False):
        k = _first(best, families == family, 1)[0]
        found.append(Gaussian(mean[k], np.linalg.cholesky(np.linalg.inv(precision[k]))))
    return Fit(*found)


def _first(values: Doubles, among: NDArray[np.bool_], count: int) -> NDArray[np.intp]:
    rows = np.flatnonzero(among)
    return rows[np.argsort(-values[rows])][:count]


def _positive(curvature: Doubles, precision: Doubles, families: NDArray[np.bool_]) -> Doubles:
    """Returns what the precision is to become, kept positive: at least a fifth of what it is."""
    wanted = (curvature + curvature.transpose(0, 2, 1)) / 2
    wanted[families] *= np.eye(2)
    root = np.linalg.cholesky(precision)
    inverse = np.linalg.inv(root)
    values, vectors = np.linalg.eigh(inverse @ wanted @ inverse.transpose(0, 2, 1))
    scaled = vectors * np.clip(values, 0.2, 50)[:, None]
    kept: Doubles = root @ scaled @ vectors.transpose(0, 2, 1) @ root.transpose(0, 2, 1)
    return kept


def _climbed(
    model: Model, image: Floats, beta: float, mean: Doubles, precision: Doubles
) -> tuple[Doubles, Doubles, Doubles]:
    """Returns the ELBO `(K,)`, E[gradient] `(K, 2)` and -E[Hessian] `(K, 2, 2)` of log P(X, z) over K Gaussians."""
    u, weights = hermite(ORDER)
    factor = np.linalg.cholesky(np.linalg.inv(precision))
    z = mean[:, None] + np.einsum("nj,kij->kni", u, factor)
    points = z.reshape(-1, 2).astype(np.float32)
    images = np.broadcast_to(image, (len(points), *image.shape))
    log_p, slope = model.slope(np.ascontiguousarray(images), points, beta)
    joint = log_p.reshape(z.shape[:2]) - 0.5 * (z**2).sum(2) - math.log(2 * math.pi)
    slopes = slope.reshape(z.shape).astype(np.float64) - z
    gradient = np.einsum("n,kni->ki", weights, slopes)
    hessian = np.einsum("kai,n,na,knj->kij", np.linalg.inv(factor), weights, u, slopes - gradient[:, None])
    entropy = np.log(np.einsum("kii->ki", factor)).sum(1) + 1 + math.log(2 * math.pi)
    return joint @ weights + entropy, gradient, -hessian
