r"""log P(X) of images, and what a gradient step looks at, at states of a training.

.. math:: \nabla_\theta \log P(X) = \int P(z|X) \, \nabla_\theta \log P(X|z) \, dz

So a part of the plane has a say in the step by its share of the posterior's mass (Fisher's identity).

References:
    | Maximum Likelihood from Incomplete Data via the EM Algorithm (Dempster et al., 1977), the discussion
    | https://doi.org/10.1111/j.2517-6161.1977.tb01600.x
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vae_explorer.latent.marginal import make_grid
from vae_explorer.latent.model import Doubles, Floats, Model, log_prior

REACH = 7.0  # latent units, the largest coordinate of a node: beyond it the prior has 1e-11 of its mass
COARSE, FINE = 96, 192  # nodes an axis: for averages over hundreds of images, and for a few that may be no digits
BATCH = 128  # images at a time
NATS = 1.0  # a change or difference below it is called none


class Plane(NamedTuple):
    """A rule for integrals over the prior, the same for all images of models of 8x8 pixels."""

    z: Floats  # (M, 2)  nodes, latent units
    log_weights: Doubles  # (M,)  log of the cells' areas times P(z)
    checkerboard: NDArray[np.bool_]  # (M,)  every second node


class Decoded(NamedTuple):
    """A model at the nodes of a rule, decoded once for many images: log P(X|z) P(z) w is linear in X."""

    rule: Plane
    slopes: Tensor  # (P, M)
    constant: Tensor  # (M,)

    def joints(self, x: Floats) -> Iterator[Tensor]:
        """Yields log P(X|z) P(z) w, short of h(X), of `(N, H, W)` images some at a time, `(n, M)`, float32."""
        for images in torch.from_numpy(x.reshape(len(x), -1)).split(BATCH):
            yield torch.addmm(self.constant, images, self.slopes)


class LogPx(NamedTuple):
    """log P(X) by quadrature, nats."""

    log_px: Doubles  # (N,)
    error: Doubles  # (N,)  its difference to every second node: too large once it is small


class Average(NamedTuple):
    """A mean over images, nats."""

    mean: float
    error: float  # standard error: what other images would change


def plane(side: int, reach: float = REACH) -> Plane:
    """Returns the trapezoidal rule of `latent.marginal` with so many nodes an axis, packed where codes are dense.

    Raises:
        ValueError: If there are fewer than two nodes an axis.
    """
    if side < 2:
        raise ValueError(f"a rule needs two nodes an axis at least, not {side}")
    nodes, log_width = (each.double().numpy() for each in make_grid(side, reach))
    x, y = np.meshgrid(nodes, nodes, indexing="xy")
    z = np.stack([x.ravel(), y.ravel()], 1).astype(np.float32)
    area = (log_width[:, None] + log_width).ravel()
    checkerboard = (np.arange(side)[:, None] + np.arange(side)).ravel() % 2 == 0
    return Plane(z, area + log_prior(z), checkerboard)


def decoded(model: Model, rule: Plane, beta: float = 1.0) -> Decoded:
    """Returns a model at the nodes of a rule.

    Raises:
        ValueError: If the model does not have two latent axes, or no likelihood.
    """
    if model.axes != 2:
        raise ValueError(f"quadrature is for two latent axes, and this model has {model.axes}")
    weights, offset = model.likelihood(rule.z, beta)
    return Decoded(rule, torch.from_numpy(weights).T, torch.from_numpy(offset + rule.log_weights).float())


def log_px(at: Decoded, x: Floats) -> LogPx:
    r"""Returns log P(X) of images `(N, H, W)` under a Bernoulli likelihood.

    .. math:: \log P(X) \approx \log \sum_j w_j \, P(X|z_j) \, P(z_j)
    """
    every_second = torch.from_numpy(at.rule.checkerboard)
    each = [(joint.logsumexp(1), joint[:, every_second].logsumexp(1)) for joint in at.joints(x)]
    whole, half = (torch.cat(parts).double().numpy() for parts in zip(*each, strict=True))
    return LogPx(whole, np.abs(whole - half - math.log(2)))


def average(values: Doubles) -> Average:
    """Returns the mean of `(N,)` images, and its standard error; nan for a single one."""
    error = float(values.std(ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else math.nan
    return Average(float(values.mean()), error)


def posterior(at: Decoded, x: Floats, log_p: Doubles) -> Doubles:
    """Returns the density P(z|X), averaged over images `(N, H, W)`, at the nodes of `points`, per unit of area.

    Arguments:
        at: The model at `points`.
        x: The images.
        log_p: log P(X) of the images, `(N,)`.
    """
    evidence = torch.from_numpy(log_p).split(BATCH)
    density = np.zeros(len(at.rule.z))
    for joint, normaliser in zip(at.joints(x), evidence, strict=True):
        density += (joint.double() - normaliser[:, None]).exp().sum(0).numpy()
    return density / len(x)


def shares(density: Doubles, tiles: int, area: float) -> Doubles:
    r"""Returns what share of the gradient of log P(X) each part of the plane has: its posterior mass.

    .. math:: \int_{\text{tile}} P(z|X) \, dz

    Arguments:
        density: P(z|X) at the centres of an even grid's square cells, row by row, `(S * S,)`.
        tiles: How many along an axis, T; cells do not cross their edges.
        area: Of a cell.

    Returns:
        `(T, T)`, in the grid's order; 1 less their sum lies outside.

    Raises:
        ValueError: If the tiles cut cells.
    """
    side = math.isqrt(len(density))
    if side * side != len(density) or side % tiles:
        raise ValueError(f"{tiles} tiles an axis cut the cells of a grid of {len(density)}")
    blocks = density.reshape(tiles, side // tiles, tiles, side // tiles)
    mass: Doubles = area * blocks.sum((1, 3))
    return mass


def points(z: Floats) -> Plane:
    """Returns points `(M, 2)` of which each counts for itself, as `posterior` takes them."""
    return Plane(z, log_prior(z), np.zeros(len(z), bool))


def no_digits(digit: NDArray[np.uint8], seed: int) -> dict[str, NDArray[np.uint8]]:
    """Returns images that are made of a digit, `(H, W)` of levels 0 and 255, or of nothing, by name.

    shuffled: its pixels in random order; noise: as many white ones on average as the digit has, each by its own draw.
    """
    generator = np.random.default_rng((seed, 1))
    ink = float((digit > 0).mean())
    images = {
        "shifted": np.roll(digit, 1, 1) * (np.arange(digit.shape[1]) > 0),
        "upside down": digit[::-1],
        "inverted": 255 - digit,
        "shuffled": generator.permutation(digit.ravel()).reshape(digit.shape),
        "noise": np.where(generator.random(digit.shape) < ink, 255, 0),
        "blank": np.zeros_like(digit),
    }
    return {name: np.ascontiguousarray(image, np.uint8) for name, image in images.items()}


def uniform(pixels: int) -> float:
    """Returns log P(X) where every black and white image of so many pixels is equally likely, nats."""
    return -pixels * math.log(2)


def verdict(before: float, after: float, even: float, digits: float) -> str:
    """Says in words what training did to log P(X) of an image.

    Arguments:
        before: log P(X) of the untrained model, nats.
        after: Of the one that is looked at.
        even: Where all images are equally likely.
        digits: Average over the test digits, of the one that is looked at.
    """
    change = after - before
    if abs(change) < NATS:
        moved = f"as likely as before training ({change:+.1f} nats)"
    else:
        moved = f"{'more' if change > 0 else 'less'} likely than before training ({change:+.1f} nats)"
    if abs(digits - even) < NATS and abs(after - even) < NATS:
        place = "as likely as any other image"
    elif after >= digits - NATS:
        place = "as likely as an average digit, or more"
    elif after > even + NATS:
        place = "less likely than an average digit, more than if all images were equal"
    elif after >= even - NATS:
        place = "about as likely as if all images were equal"
    else:
        place = "less likely than if all images were equal"
    return f"{moved}; {place}"
