"""KL between Gaussians: closed form, Monte Carlo, and both directions where P is a mixture."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from vae_explorer.latent.model import Encoding

Doubles = NDArray[np.float64]

MOST = 1_000_000  # draws
FINE, COARSE = 160, 40  # nodes an axis: of a number that is shown, and while a Gaussian is fitted
SPAN = 6.0  # standard deviations that the rule covers to either side
FITTING = 60  # steps at most


class Gaussian(NamedTuple):
    """N(mean, covariance)."""

    mean: Doubles  # (D,)
    covariance: Doubles  # (D, D)


class Mixture(NamedTuple):
    """A weighted sum of Gaussians."""

    weights: Doubles  # (K,)  positive, add up to 1
    means: Doubles  # (K, D)
    covariances: Doubles  # (K, D, D)


class Terms(NamedTuple):
    """The parts of D[Q||P], in nats; their sum is the divergence."""

    mean: float  # what the distance between the means costs
    width: float  # what Q's width against P's costs: negative where Q is narrower
    log: float  # half the logarithm of the ratio of both volumes: what narrowness costs

    @property
    def total(self) -> float:
        """D[Q||P], nats."""
        return self.mean + self.width + self.log


class Running(NamedTuple):
    """A Monte Carlo estimate of D[Q||P] as draws are added, in nats."""

    n: NDArray[np.int64]  # (S,)  draws so far
    estimate: Doubles  # (S,)
    error: Doubles  # (S,)  standard error; inf for a single draw


class Best(NamedTuple):
    """The Gaussians that are nearest to a mixture, in either direction."""

    forward: Gaussian  # the least D[P||Q]: the moments of P
    reverse: tuple[Gaussian, ...]  # local minima of D[Q||P], the least first
    forward_kl: float  # nats, D[P||Q] of the first
    reverse_kl: tuple[float, ...]  # nats, D[Q||P] of each


def diagonal(mean: Doubles, std: Doubles) -> Gaussian:
    """Returns the Gaussian with independent axes.

    Raises:
        ValueError: If a standard deviation is not positive: a point has no density.
    """
    if not (np.isfinite(mean).all() and np.isfinite(std).all() and (std > 0).all()):
        raise ValueError("widths must be positive: a Gaussian of width zero is a point, without a density")
    return Gaussian(np.asarray(mean, float), np.diag(np.square(np.asarray(std, float))))


def standard(axes: int) -> Gaussian:
    """Returns N(0, I), the prior."""
    return Gaussian(np.zeros(axes), np.eye(axes))


def rate_terms(mean: Doubles, std: Doubles) -> Doubles:
    r"""Returns the parts of D[N(mu, diag sigma^2) || N(0, I)], axis by axis: `(..., D, 3)` nats for `(..., D)`.

    .. math:: \tfrac12 \mu_d^2, \quad \tfrac12 (\sigma_d^2 - 1), \quad -\log \sigma_d

    A width of 0 costs infinitely much.

    Raises:
        ValueError: If a width is negative.

    References:
        | Auto-Encoding Variational Bayes (Kingma & Welling, 2014), appendix B
        | https://arxiv.org/abs/1312.6114
    """
    mean, std = np.asarray(mean, np.float64), np.asarray(std, np.float64)
    if (std < 0).any():
        raise ValueError("a standard deviation cannot be negative")
    with np.errstate(divide="ignore"):
        terms: Doubles = np.stack([0.5 * mean**2, 0.5 * (std**2 - 1), -np.log(std)], -1)
    return terms


def image_rates(encoding: Encoding) -> Doubles:
    """Returns each image's KL on each axis, `(N, D)` nats.

    Raises:
        ValueError: If the model is a deterministic autoencoder, whose codes are points: D[Q||P] is infinite.
    """
    if not encoding.std.all():
        raise ValueError("an autoencoder's codes are points, and D[Q||P] is infinite: choose a VAE")
    rates: Doubles = rate_terms(encoding.mean.astype(np.float64), encoding.std.astype(np.float64)).sum(-1)
    return rates


def divergence(q: Gaussian, p: Gaussian) -> Terms:
    r"""Returns D[Q||P] of two Gaussians in closed form.

    .. math:: \tfrac12 (\mu_P - \mu_Q)^T \Sigma_P^{-1} (\mu_P - \mu_Q)
        + \tfrac12 \left( \mathrm{tr} \, \Sigma_P^{-1} \Sigma_Q - D \right)
        + \tfrac12 \log \frac{\det \Sigma_P}{\det \Sigma_Q}

    Raises:
        ValueError: If a covariance is not positive definite.

    References:
        | Tutorial on Variational Autoencoders (Doersch, 2016), equation 7
        | https://arxiv.org/abs/1606.05908
    """
    root_q, root_p = _root(q.covariance), _root(p.covariance)
    away = np.linalg.solve(root_p, p.mean - q.mean)
    ratio = np.linalg.solve(root_p, root_q)
    log = np.log(np.diag(root_p)).sum() - np.log(np.diag(root_q)).sum()
    return Terms(float(0.5 * away @ away), float(0.5 * (np.square(ratio).sum() - len(away))), float(log))


def log_density(p: Gaussian | Mixture, z: Doubles) -> Doubles:
    """Returns log p(z) of points `(N, D)`, `(N,)` nats.

    Raises:
        ValueError: If a covariance is not positive definite.
    """
    if isinstance(p, Gaussian):
        root = _root(p.covariance)
        whitened = np.linalg.solve(root, (z - p.mean).T)
        log_p: Doubles = -0.5 * np.square(whitened).sum(0) - np.log(np.diag(root)).sum()
        return log_p - 0.5 * len(root) * math.log(2 * math.pi)
    mixed: Doubles = np.logaddexp.reduce(_log_joint(p, z), axis=0)
    return mixed


def monte_carlo(q: Gaussian, p: Gaussian | Mixture, most: int, seed: int) -> Running:
    r"""Returns the running estimate of D[Q||P] at numbers of draws evenly spaced on a log axis.

    .. math:: \frac1n \sum_i \log Q(z_i) - \log P(z_i), \quad z_i \sim Q

    Arguments:
        q: What is drawn from.
        p: A Gaussian or a mixture.
        most: Draws in all, 1 to `MOST`.
        seed: Of the draws; the first n of them are the same whatever `most`.

    Raises:
        ValueError: If there are too few draws or too many, or a covariance is not positive definite.
    """
    if not 1 <= most <= MOST:
        raise ValueError(f"the number of draws must lie between 1 and {MOST:,}, and it is {most:,}")
    noise = np.random.default_rng(seed).standard_normal((most, len(q.mean)))
    z = q.mean + noise @ _root(q.covariance).T
    values = log_density(q, z) - log_density(p, z)
    n = np.unique(np.geomspace(1, most, 97).round().astype(np.int64))
    estimate = values.cumsum()[n - 1] / n
    # sums of squares about the mean of all, so that nothing cancels
    centred = values - values.mean()
    squares = np.square(centred).cumsum()[n - 1] - n * np.square(centred.cumsum()[n - 1] / n)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.where(n > 1, np.sqrt(squares.clip(0) / (n - 1) / n), np.inf)
    return Running(n, estimate, error)


def pair(apart: float) -> Mixture:
    """Returns the example of forward against reverse: two Gaussians of the plane whose means lie so far apart."""
    away = apart / 2 * np.array([math.cos(math.pi / 6), math.sin(math.pi / 6)])
    return Mixture(np.array([0.6, 0.4]), np.stack([-away, away]), np.stack([0.36 * np.eye(2), 0.25 * np.eye(2)]))


def moments(p: Mixture) -> Gaussian:
    r"""Returns mean and covariance of a mixture: the Gaussian with the least D[P||Q].

    The minimum of :math:`-E_P \log Q` over a family of Gaussians matches the moments that the family has.

    References:
        | Pattern Recognition and Machine Learning (Bishop, 2006), section 10.7
    """
    mean = p.weights @ p.means
    away = p.means - mean
    spread = np.einsum("k,kd,ke->de", p.weights, away, away)
    return Gaussian(mean, np.einsum("k,kde->de", p.weights, p.covariances) + spread)


def forward_kl(p: Mixture, q: Gaussian) -> float:
    r"""Returns D[P||Q] in nats for a mixture of the plane, by quadrature component by component.

    .. math:: \sum_k w_k E_{P_k} [\log P(z) - \log Q(z)]

    The trapezoidal rule in each component's own coordinates, `FINE` nodes an axis over `SPAN` standard deviations.

    Raises:
        ValueError: If a covariance is not positive definite.
    """
    u, weights = _plane(FINE)
    total = 0.0
    for weight, mean, covariance in zip(p.weights, p.means, p.covariances, strict=True):
        z = mean + u @ _root(covariance).T
        total += float(weight * (weights @ (log_density(p, z) - log_density(q, z))))
    return total


def reverse_kl(q: Gaussian, p: Mixture) -> float:
    r"""Returns :math:`D[Q||P] = E_Q[\log Q(z) - \log P(z)]` in nats for a mixture of the plane, by quadrature.

    Raises:
        ValueError: If a covariance is not positive definite.
    """
    u, weights = _plane(FINE)
    z = q.mean + u @ _root(q.covariance).T
    return float(weights @ (log_density(q, z) - log_density(p, z)))


def best(p: Mixture, *, full: bool = True) -> Best:
    r"""Returns the Gaussians nearest to a mixture of the plane in both directions.

    Forward, D[P||Q], has a closed form: the moments of P. Reverse, D[Q||P], is minimised over mean and root of the
    covariance by BFGS, from each component: what it finds seeks a mode, or covers those that lie close together.

    Arguments:
        p: The mixture.
        full: Whether Q's axes may depend on each other; otherwise its covariance is diagonal, as an encoder's.

    Raises:
        ValueError: If a covariance is not positive definite.

    References:
        | Divergence Measures and Message Passing (Minka, 2005)
        | https://www.microsoft.com/en-us/research/publication/divergence-measures-and-message-passing/
    """
    forward = moments(p)
    if not full:
        forward = Gaussian(forward.mean, np.diag(np.diag(forward.covariance)))
    found: list[tuple[float, Gaussian]] = []
    for start in map(Gaussian, p.means, p.covariances):
        q = _fitted(p, start, full)
        value = reverse_kl(q, p)
        if not any(_same(q, other) for _, other in found):
            found.append((value, q))
    found.sort(key=lambda each: each[0])
    return Best(forward, tuple(q for _, q in found), forward_kl(p, forward), tuple(value for value, _ in found))


def _fitted(p: Mixture, start: Gaussian, full: bool) -> Gaussian:
    """Returns a local minimum of D[Q||P]: the rule's nodes move with Q, z = mean + L u, and so does the gradient."""
    u, weights = _plane(COARSE)
    inverse_roots = np.linalg.inv(np.stack([_root(each) for each in p.covariances]))
    precisions = inverse_roots.swapaxes(1, 2) @ inverse_roots

    def lower(free: Doubles) -> Doubles:
        return np.array([[math.exp(free[2]), 0.0], [free[4] if full else 0.0, math.exp(free[3])]])

    def loss(free: Doubles) -> tuple[float, Doubles]:
        root = lower(free)
        z = free[:2] + u @ root.T
        pulls = np.einsum("kde,kne->knd", precisions, p.means[:, None] - z)
        parts = _log_joint(p, z)
        log_p = np.logaddexp.reduce(parts, axis=0)
        slope = -weights[:, None] * np.einsum("kn,knd->nd", np.exp(parts - log_p), pulls)
        by_root = slope.T @ u
        by_log = by_root.diagonal() * root.diagonal() - 1
        gradient = np.concatenate([slope.sum(0), by_log, by_root[1, :1] * full])
        return float(-free[2] - free[3] - weights @ log_p), gradient

    root = _root(start.covariance if full else np.diag(np.diag(start.covariance)))
    free = np.array([*start.mean, *np.log(root.diagonal()), root[1, 0]])
    root = lower(free := optimize.minimize(loss, free, jac=True, method="BFGS", options={"maxiter": FITTING}).x)
    return Gaussian(free[:2], root @ root.T)


def _log_joint(p: Mixture, z: Doubles) -> Doubles:
    """Returns log of weight times density, component by component, `(K, N)`."""
    each = [log_density(Gaussian(*one), z) for one in zip(p.means, p.covariances, strict=True)]
    return np.stack(each) + np.log(p.weights)[:, None]


def _same(q: Gaussian, other: Gaussian) -> bool:
    return np.allclose(q.mean, other.mean, atol=1e-2) and np.allclose(q.covariance, other.covariance, atol=1e-2)


@lru_cache(maxsize=2)
def _plane(side: int) -> tuple[Doubles, Doubles]:
    """Returns nodes `(side^2, 2)` and weights of the trapezoidal rule for a mean over N(0, I)."""
    u: Doubles = np.linspace(-SPAN, SPAN, side)
    weights: Doubles = np.exp(-0.5 * u**2)
    weights = weights / weights.sum()
    nodes = np.stack(np.meshgrid(u, u, indexing="ij"), 2).reshape(-1, 2)
    return nodes, np.outer(weights, weights).ravel()


def _root(covariance: Doubles) -> Doubles:
    """Returns Cholesky's root."""
    try:
        root: Doubles = np.linalg.cholesky(np.asarray(covariance, np.float64))
    except np.linalg.LinAlgError:
        raise ValueError("a covariance must be positive definite: no width may be zero") from None
    return root
