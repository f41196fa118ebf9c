"""The identity behind the ELBO, each of its four terms by a rule of its own, and what Q's gap is made of."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp

from vae_explorer.latent.model import Doubles, Floats, Model, log_prior
from vae_explorer.theory.best_gaussian import Gaussian, best_gaussians, covering_mixture, hermite
from vae_explorer.theory.quadrature import Mass, Plane, mass, plane_for

ORDER = 24  # of Gauss and Hermite's rule over Q
SPACING, RADIUS = 0.45, 5.4  # of the trapezoidal rule, in whitened coordinates
WIDER = 1.3  # the covering mixture's covariances, times the fitted ones: its tails must hold the posterior's


class Terms(NamedTuple):
    r"""The four terms of one image, nats.

    .. math:: \log P(X) - D[Q(z|X) \| P(z|X)] = E_Q[\log P(X|z)] - D[Q(z|X) \| P(z)]
    """

    log_px: float
    kl_q_posterior: float
    expected_log_likelihood: float
    rate: float

    @property
    def elbo(self) -> float:
        """The right side, which needs no integral over the plane."""
        return self.expected_log_likelihood - self.rate

    @property
    def imbalance(self) -> float:
        """The left side less the right one: the rules' error."""
        return self.log_px - self.kl_q_posterior - self.elbo


class Gaps(NamedTuple):
    """What of log P(X) the ELBO misses, and why, nats."""

    log_px: float
    elbo: float  # of the encoder's Q
    diagonal_elbo: float  # of the best Gaussian of its family
    full_elbo: float  # of the best with any covariance

    @property
    def approximation(self) -> float:
        """log P(X) less the best ELBO of the encoder's family: what no encoder could mend."""
        return self.log_px - self.diagonal_elbo

    @property
    def full_approximation(self) -> float:
        """The same with any covariance."""
        return self.log_px - self.full_elbo

    @property
    def amortization(self) -> float:
        """The best ELBO of the encoder's family less the encoder's: what this encoder misses for this image."""
        return self.diagonal_elbo - self.elbo


class Best(NamedTuple):
    diagonal: Gaussian
    full: Gaussian
    diagonal_elbo: float
    full_elbo: float


class Identity(NamedTuple):
    """One image's terms, the encoder's Q beside the best Gaussians, and what the gap between them is made of."""

    terms: Terms
    mass: Mass
    q: Gaussian  # the encoder's
    diagonal: Gaussian  # the best of the encoder's family
    full: Gaussian  # the best with any covariance
    diagonal_elbo: float  # nats
    full_elbo: float

    @property
    def gaps(self) -> Gaps:
        return Gaps(self.terms.log_px, self.terms.elbo, self.diagonal_elbo, self.full_elbo)


def identity(model: Model, image: Floats, beta: float, plane: Plane | None = None) -> Identity:
    """Returns the four terms of an image, and its gaps.

    log P(X) is by cells of Gauss and Legendre, its place in the KL by trapezoids over a mixture that covers the
    posterior, E_Q by Gauss and Hermite, Q's cross entropy to the posterior by trapezoids, the rate in closed form. The
    networks are conditioned on beta; the ELBO is the bound on log P(X), which weighs the rate by 1, so that at another
    beta the amortization gap has in it that the encoder was trained for another sum.

    Arguments:
        model: A model of two axes with prior and likelihood.
        image: `(H, W)` or `(H, W, 3)`, float32 in [0, 1].
        beta: The KL weight.
        plane: `coarse_plane` of the same model and KL weight, where it is kept.

    Raises:
        ValueError: If the model has not two axes, no prior or no likelihood, or the image is not of its shape.

    References:
        | Auto-Encoding Variational Bayes (Kingma & Welling, 2014)
        | https://arxiv.org/abs/1312.6114
        | Inference Suboptimality in Variational Autoencoders (Cremer et al., 2018)
        | https://arxiv.org/abs/1801.03558
    """
    found = mass(model, image, beta, plane)
    q = encoded(model, image, beta)
    log_weights, components = covering_mixture(found.nodes, found.shares)
    normaliser = log_evidence(model, image, beta, log_weights, components)
    terms = Terms(
        found.log_px,
        cross_entropy(model, image, beta, q) + normaliser,
        expected_log_likelihood(model, image, beta, q),
        q.rate,
    )
    return Identity(terms, found, q, *best_of(model, image, beta, q, terms.elbo, found, components))


def gaps(model: Model, image: Floats, beta: float, plane: Plane | None = None) -> Gaps:
    """Returns an image's gaps alone, for tables over many: without the terms that they do not need.

    Raises:
        ValueError: If the model has not two axes, no prior or no likelihood, or the image is not of its shape.
    """
    found = mass(model, image, beta, plane)
    q = encoded(model, image, beta)
    elbo = expected_log_likelihood(model, image, beta, q) - q.rate
    _, components = covering_mixture(found.nodes, found.shares)
    best = best_of(model, image, beta, q, elbo, found, components)
    return Gaps(found.log_px, elbo, best.diagonal_elbo, best.full_elbo)


def many_gaps(model: Model, images: Floats, beta: float) -> Iterator[Gaps]:
    """Yields the gaps of each image, `(N, H, W)` or `(N, H, W, 3)`; the coarse grid is decoded once for all.

    Raises:
        ValueError: If the model has not two axes, no prior or no likelihood.
    """
    plane = plane_for(model, images, beta)
    for image in images:
        yield gaps(model, image, beta, plane)


def best_of(
    model: Model, image: Floats, beta: float, q: Gaussian, elbo: float, found: Mass, components: list[Gaussian]
) -> Best:
    """Returns the best Gaussians with their ELBOs; each family has the smaller one's in it, and the encoder's."""
    mean: Doubles = found.shares @ found.nodes.astype(np.float64)
    away = found.nodes - mean
    covariance: Doubles = (found.shares[:, None] * away).T @ away + 1e-10 * np.eye(2)
    starts = [q, Gaussian(mean, np.linalg.cholesky(covariance).astype(np.float64)), *components[:3]]
    diagonal, full = best_gaussians(model, image, beta, starts)
    diagonal_elbo, full_elbo = (
        expected_log_likelihood(model, image, beta, each) - each.rate for each in (diagonal, full)
    )
    if elbo > diagonal_elbo:
        diagonal, diagonal_elbo = q, elbo
    if diagonal_elbo > full_elbo:
        full, full_elbo = diagonal, diagonal_elbo
    return Best(diagonal, full, diagonal_elbo, full_elbo)


def identities(model: Model, images: Floats, beta: float) -> Iterator[Identity]:
    """Yields the identity of each image, `(N, H, W)` or `(N, H, W, 3)`; the coarse grid is decoded once for all.

    Raises:
        ValueError: If the model has not two axes, no prior or no likelihood.
    """
    plane = plane_for(model, images, beta)
    for image in images:
        yield identity(model, image, beta, plane)


def encoded(model: Model, image: Floats, beta: float) -> Gaussian:
    """Returns the encoder's Q(z|X)."""
    mean, std = (values[0].astype(np.float64) for values in model.encode(image[None], beta))
    return Gaussian(mean, np.diag(std))


def expected_log_likelihood(model: Model, image: Floats, beta: float, q: Gaussian) -> float:
    """Returns E_Q[log P(X|z)], nats, by Gauss and Hermite's rule."""
    u, weights = hermite(ORDER)
    return float(weights @ _log_likelihood(model, image, beta, q.at(u)))


def cross_entropy(model: Model, image: Floats, beta: float, q: Gaussian) -> float:
    """Returns E_Q[log Q(z|X) - log P(X, z)], nats, by the trapezoidal rule in Q's whitened coordinates."""
    u, log_weights = _trapezoids()
    z = q.at(u)
    shares = np.exp(log_weights - 0.5 * (u**2).sum(1) - math.log(2 * math.pi))
    joint = _log_likelihood(model, image, beta, z) + log_prior(z.astype(np.float32))
    return float(shares @ (q.log_density(z) - joint) / shares.sum())


def log_evidence(model: Model, image: Floats, beta: float, log_weights: Doubles, components: list[Gaussian]) -> float:
    r"""Returns log P(X), nats, by trapezoids over each component of a mixture R that covers the posterior.

    .. math:: P(X) = \sum_k r_k \int R_k(z) \, \frac{P(X|z) P(z)}{R(z)} \, dz
    """
    u, log_areas = _trapezoids()
    wide = [Gaussian(each.mean, each.factor * math.sqrt(WIDER)) for each in components]
    z = np.concatenate([each.at(u) for each in wide])
    log_r = np.stack([each.log_density(z) for each in wide], 1) + log_weights
    own = np.repeat(log_weights, len(u)) + np.tile(log_areas - 0.5 * (u**2).sum(1) - math.log(2 * math.pi), len(wide))
    joint = _log_likelihood(model, image, beta, z) + log_prior(z.astype(np.float32))
    return float(logsumexp(own + joint - logsumexp(log_r, axis=1)))


@cache
def _trapezoids() -> tuple[Doubles, Doubles]:
    """Returns an even grid's points within a disc, `(M, 2)`, and the logarithms of their areas."""
    at = np.arange(-RADIUS, RADIUS + SPACING / 2, SPACING)
    u = np.stack(np.meshgrid(at, at), -1).reshape(-1, 2)
    u = u[(u**2).sum(1) <= RADIUS**2]
    return u, np.full(len(u), 2 * math.log(SPACING))


def _log_likelihood(model: Model, image: Floats, beta: float, z: Doubles) -> Doubles:
    """Returns log P(X|z) at points, `(M,)` nats."""
    weights, offset = model.likelihood(z.astype(np.float32), beta)
    log_p: Doubles = weights @ image.ravel() + offset + model.base_measure(image[None])
    return log_p
