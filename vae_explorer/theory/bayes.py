"""Bayes' rule over the latent plane: prior, likelihood, and their product over P(X); also of images in part hidden."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from vae_explorer.latent.model import Doubles, Encoding, Floats, Likelihood, Model, log_prior
from vae_explorer.theory.quadrature import Plane, field_of

Bools = NDArray[np.bool_]
Pattern = Literal["half", "random", "frame"]
PATTERNS: tuple[Pattern, ...] = get_args(Pattern)
NODES = 24  # of the Gauss-Hermite rule, along an axis


class Visible(Model):
    r"""A model of the visible pixels alone: :math:`P(X_{vis}|z) = \prod_{i \in vis} P(X_i|z)`.

    Pixels are independent given z, so what is hidden is left out of the product: integrated away, and not guessed.
    It takes and gives whole images; what stands in their hidden pixels counts for nothing but in the encoder, which
    knows of no hidden pixel and reads whatever stands there.
    """

    def __init__(self, model: Model, visible: Bools) -> None:
        """Makes a model of the pixels where `visible`, `(H, W)`, is true; they show all their channels.

        Raises:
            ValueError: If there is not one truth for each pixel.
        """
        if visible.shape != model.shape[:2]:
            raise ValueError(f"an image of {model.shape} has no pixels of {visible.shape} to hide")
        self.model = model
        self.axes, self.shape, self.has_prior = model.axes, model.shape, model.has_prior
        self.seen = np.broadcast_to(visible.reshape(*visible.shape, *(1 for _ in model.shape[2:])), model.shape).ravel()

    def encode(self, images: Floats, beta: float) -> Encoding:
        return self.model.encode(images, beta)

    def decode(self, z: Floats, beta: float) -> Floats:
        return self.model.decode(z, beta)

    def likelihood(self, z: Floats, beta: float) -> Likelihood:
        return self.only(self.model.likelihood(z, beta))

    def only(self, decoded: Likelihood) -> Likelihood:
        """Returns what a likelihood over all pixels is over the visible ones: weights of 0 for the others."""
        if self.seen.all():
            return decoded
        normaliser = self.model.log_normaliser(np.ascontiguousarray(decoded.weights[:, self.seen]))
        weights = np.where(self.seen, decoded.weights, np.float32(0))
        return Likelihood(weights, -normaliser.sum(1, dtype=np.float64))

    def log_normaliser(self, weights: Floats) -> Floats:
        return self.model.log_normaliser(weights)

    def base_measure(self, images: Floats) -> Doubles:
        return self.model.base_measure(np.ascontiguousarray(images.reshape(len(images), -1)[:, self.seen]))


def hidden(shape: tuple[int, ...], pattern: Pattern, share: float, seed: int = 0) -> Bools:
    """Returns which pixels of an image are hidden, `(H, W)`: more of them as the share grows, and none comes back.

    Arguments:
        shape: Of the image: H, W and perhaps channels.
        pattern: `half` hides rows from below, `frame` rings from the edge inwards, `random` pixels in any order.
        share: Of the pixels, 0 to 1; rounded to the nearest whole pixel.
        seed: Of the random order, and of the order within a ring.

    Raises:
        ValueError: If the share is not within 0 and 1, or there is no such pattern.
    """
    height, width = shape[:2]
    if not 0 <= share <= 1:
        raise ValueError(f"the share of hidden pixels must be within 0 and 1, and is {share}")
    if pattern not in PATTERNS:
        raise ValueError(f"there is no pattern {pattern!r}: choose one of {', '.join(PATTERNS)}")
    row, column = np.indices((height, width))
    rank = {
        "half": height - 1 - row,
        "random": np.zeros_like(row),
        "frame": np.minimum.reduce([row, column, height - 1 - row, width - 1 - column]),
    }[pattern]
    ties = column if pattern == "half" else np.random.default_rng(seed).permutation(height * width).reshape(rank.shape)
    order = np.lexsort((ties.ravel(), rank.ravel()))
    gone = np.zeros(height * width, bool)
    gone[order[: round(share * height * width)]] = True
    return gone.reshape(height, width)


class Fields(NamedTuple):
    """Bayes' rule at each point of a grid, all `(side, side)`, the first row at the top, in nats."""

    log_prior: Doubles  # log P(z)
    log_likelihood: Doubles  # log P(X|z)
    log_posterior: Doubles  # log P(z|X), of a density per square latent unit


def seen_on(model: Model, on: Plane, normaliser: Floats | None = None) -> Plane:
    """Returns a plane that was decoded by the model of all pixels as one of those that are visible.

    Arguments:
        model: Of the visible pixels, or of all.
        on: The plane.
        normaliser: A(w) of all its weights, where it is kept: then two products make the plane, for images whose
            hidden pixels are 0.
    """
    if not isinstance(model, Visible):
        return on
    if normaliser is None:
        return on._replace(likelihood=model.only(on.likelihood))
    offset = -(normaliser @ model.seen.astype(np.float32)).astype(np.float64)
    return on._replace(likelihood=Likelihood(on.likelihood.weights, offset))


def fields(model: Model, on: Plane, image: Floats, log_px: float) -> Fields:
    r"""Returns prior, likelihood and posterior of one image over a decoded grid.

    .. math:: P(z|X) = \frac{P(X|z) \, P(z)}{P(X)}

    Arguments:
        model: Of all pixels, or of those that are `Visible`.
        on: The grid, `seen_on` by that model.
        image: `(H, W)` or `(H, W, 3)`.
        log_px: log P(X) of the same pixels, nats.
    """
    likelihood = field_of(model, on, image)
    prior = log_prior(on.z).reshape(likelihood.shape)
    return Fields(prior, likelihood, likelihood + prior - log_px)


def kl_to_posterior(model: Model, image: Floats, q: Encoding, beta: float, log_px: float) -> float:
    r"""Returns what a Gaussian costs in place of the posterior, in nats: the gap between log P(X) and the ELBO.

    .. math:: D[Q(z) \| P(z|X)] = E_Q[\log Q(z) - \log P(X|z) - \log P(z)] + \log P(X)

    by the Gauss-Hermite rule of 24 x 24 nodes.

    Arguments:
        model: Of two latent axes.
        image: `(H, W)` or `(H, W, 3)`.
        q: One diagonal Gaussian, `(1, 2)` each.
        beta: The KL weight.
        log_px: The exact log P(X), nats.

    Raises:
        ValueError: If the model has not two axes, or Q no width.
    """
    mean, std = (each[0].astype(np.float64) for each in q)
    if len(mean) != 2 or not (std > 0).all():
        raise ValueError(
            "the cost of a Gaussian takes two latent axes and a Q(z|X) with a width: choose a VAE of two axes"
        )
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    epsilon = np.stack(np.meshgrid(nodes, nodes), -1).reshape(-1, 2)
    probability = np.outer(weights, weights).ravel() / weights.sum() ** 2
    z = (mean + std * epsilon).astype(np.float32)
    decoded = model.likelihood(z, beta)
    log_p = (decoded.weights @ image.reshape(-1)).astype(np.float64) + decoded.offset + model.base_measure(image[None])
    log_q = log_prior(epsilon.astype(np.float32)) - np.log(std).sum()
    return float(probability @ (log_q - log_p - log_prior(z)) + log_px)
