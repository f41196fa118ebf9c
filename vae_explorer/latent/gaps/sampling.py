"""Where decoded images are drawn from: the sampling distributions, the same for every model as far as it has them."""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np

from vae_explorer.checked import Finite, NotNegative
from vae_explorer.latent.gaps.measures import SMALLEST
from vae_explorer.latent.model import Floats

COMPONENTS = 30  # of a mixture
FITTED = 10_000  # codes at most that a mixture is fitted to
GOLDEN = (5**0.5 - 1) / 2  # its multiples fill the unit interval evenly, however many there are

SAMPLINGS = {
    "prior": "the standard normal prior",
    "fitted": "the Gaussian fitted to the codes",
    "mixture": f"a mixture of {COMPONENTS} Gaussians fitted to the training codes",
}


class Mixture(NamedTuple):
    r"""Gaussians :math:`N(\mu_k, L_k L_k^T)` with weights that sum to 1."""

    weights: tuple[NotNegative, ...]  # (K,)
    means: tuple[tuple[Finite, ...], ...]  # (K, D)  latent units
    roots: tuple[tuple[Finite, ...], ...]  # (K, D * D)  rows of L one after the other, latent units


def samplings(has_prior: bool) -> tuple[str, ...]:
    """Returns what a model is sampled from; one without a prior also by what describes its codes better."""
    return tuple(name for name in SAMPLINGS if name != "mixture" or not has_prior)


def fit_mixture(codes: Floats, seed: int = 0) -> Mixture:
    """Returns a mixture of `COMPONENTS` Gaussians fitted to codes `(N, D)`, or to `FITTED` from all over them.

    Fewer codes than components get one Gaussian each.

    References:
        | From Variational to Deterministic Autoencoders (Ghosh et al., 2020)
        | https://arxiv.org/abs/1903.12436
    """
    from sklearn.exceptions import ConvergenceWarning  # type: ignore[import-untyped]  # here: its import takes long
    from sklearn.mixture import GaussianMixture  # type: ignore[import-untyped]

    scale = np.maximum(codes.std(0, dtype=np.float64), SMALLEST)
    some = codes[np.linspace(0, len(codes) - 1, min(FITTED, len(codes))).round().astype(int)] / scale
    model = GaussianMixture(min(COMPONENTS, len(some)), random_state=seed, max_iter=100)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # near the best is good enough, and codes may coincide
        model.fit(some)
    roots = scale[:, None] * np.linalg.cholesky(model.covariances_)
    return Mixture(
        weights=tuple(model.weights_.tolist()),
        means=tuple(map(tuple, (model.means_ * scale).tolist())),
        roots=tuple(map(tuple, roots.reshape(len(roots), -1).tolist())),
    )


def draw(sampling: str, codes: Floats, count: int, seed: int, mixture: Mixture | None = None) -> Floats:
    """Returns points `(count, D)`; a seed gives the same standard normal numbers to every model.

    Arguments:
        sampling: A key of `SAMPLINGS`.
        codes: The model's codes, `(N, D)`.
        count: How many.
        seed: Of the standard normal numbers.
        mixture: What the sampling of that name draws from.
    """
    noise = np.random.default_rng(seed).standard_normal((count, codes.shape[1]), np.float32)
    return points(sampling, codes, noise, mixture)


def points(sampling: str, codes: Floats, noise: Floats, mixture: Mixture | None = None) -> Floats:
    """Returns the points `(M, D)` that standard normal numbers `(M, D)` stand for; arguments as for `draw`.

    Raises:
        ValueError: If the mixture is asked for and not given.
    """
    match sampling:
        case "prior":
            return noise
        case "fitted":
            return _fitted(codes, noise)
        case _ if mixture is not None:
            return _mixed(mixture, noise)
    raise ValueError(f"{sampling} needs a fitted mixture")


def _fitted(codes: Floats, noise: Floats) -> Floats:
    r"""Returns :math:`\mu + L \epsilon`, with the codes' mean and their covariance :math:`L L^T`."""
    values, vectors = np.linalg.eigh(np.cov(codes.T.astype(np.float64), ddof=0).reshape(codes.shape[1], -1))
    root = vectors * np.sqrt(values.clip(0))
    drawn: Floats = (codes.mean(0, dtype=np.float64) + noise @ (root @ vectors.T)).astype(np.float32)
    return drawn


def _mixed(mixture: Mixture, noise: Floats) -> Floats:
    r"""Returns :math:`\mu_k + L_k \epsilon`, where the shares of the components :math:`k` are their weights.

    Which one a draw comes from is evenly spread over the draws and not random: so many of each as there should be.
    """
    count, axes = noise.shape
    place = (0.5 + GOLDEN * np.arange(count)) % 1
    chosen = np.searchsorted(np.cumsum(mixture.weights)[:-1], place, side="right")
    roots = np.array(mixture.roots).reshape(-1, axes, axes)[chosen]
    drawn: Floats = (np.array(mixture.means)[chosen] + np.einsum("nij,nj->ni", roots, noise)).astype(np.float32)
    return drawn
