"""The figures of a trained model: averages over a split, in nats per image."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vae_explorer.config import Kind
from vae_explorer.data import Images
from vae_explorer.latent.marginal import log_marginal
from vae_explorer.models.arrays import Arrays
from vae_explorer.models.autoencoder import Autoencoder
from vae_explorer.models.objectives import objective, terms

DRAWS = 40_000  # images times samples of z, at least
FEWEST = 2  # samples of z an image: their spread is the error
BATCH = 2000


class Averages(NamedTuple):
    """Means over images and samples of z, in nats per image."""

    distortion: float
    error: float  # standard error of distortion and objective, from the samples of z and of the targets
    rate: float  # infinite for a deterministic autoencoder
    objective: float


class Evaluation(NamedTuple):
    """One row: averages over the images, in nats per image; None where a figure does not exist."""

    beta: float
    distortion: float
    distortion_error: float  # standard error: what other samples of z would change
    rate: float | None  # None for a deterministic autoencoder, whose rate is infinite
    neg_elbo: float | None  # distortion + rate, whatever beta is; its error is the distortion's
    objective: float  # distortion + beta * rate; distortion alone for an autoencoder
    nll: float | None  # -log p(x) by quadrature under the standard normal prior; 2-D models with a prior only
    nll_error: float | None  # mean |difference| to a grid half as fine: too large once it is small


def evaluations(
    model: Autoencoder, images: Images, betas: list[float], *, seed: int = 0, binarised: bool = False
) -> Iterator[Evaluation]:
    """Yields a row for each KL weight, over all images given, with `samples_of` samples of z each."""
    pixels = torch.from_numpy(images.pixels)
    kind = model.config.kind
    for beta in betas:
        samples = samples_of("vae" if binarised else kind, len(pixels))
        mean = averages(model, pixels, beta, samples=samples, seed=seed, binarised=binarised)
        quadrature = None
        if model.config.latent == 2 and kind != "autoencoder" and not binarised:
            quadrature = log_marginal(Arrays(model), images.pixels, beta)
        rate = mean.rate if math.isfinite(mean.rate) else None
        yield Evaluation(
            beta=beta,
            distortion=mean.distortion,
            distortion_error=mean.error,
            rate=rate,
            neg_elbo=None if rate is None else mean.distortion + rate,
            objective=mean.objective,
            nll=None if quadrature is None else -float(quadrature.log_p.mean()),
            nll_error=None if quadrature is None else quadrature.error,
        )


def samples_of(kind: Kind, images: int, draws: int = DRAWS) -> int:
    """Returns how many samples of z an image gets: a deterministic autoencoder's is known."""
    return 1 if kind == "autoencoder" else max(FEWEST, math.ceil(draws / images))


@torch.inference_mode()
def averages(
    model: Autoencoder,
    pixels: Tensor | NDArray[np.uint8],
    beta: float,
    *,
    samples: int,
    seed: int,
    binarised: bool = False,
) -> Averages:
    r"""Returns the mean terms of images `(N, H, W)` at one KL weight, with independent samples of z of each image.

    .. math:: \text{error}^2 = \frac{1}{N^2} \sum_i \frac{s_i^2}{S}

    :math:`s_i^2` is the variance of an image's distortion over its S samples: the images are given,
    and other images are no part of the error. One sample has none, and the error is 0.

    Arguments:
        model: The model.
        pixels: The images.
        beta: The KL weight.
        samples: Of z, an image.
        seed: Of the samples; the generator is its own.
        binarised: Draws black and white pixels as targets, with the grey levels as probabilities, each time anew.
    """
    generator = torch.Generator().manual_seed(seed)
    sums = torch.zeros(4, dtype=torch.float64)
    for part in torch.as_tensor(pixels).split(BATCH):
        x = part.float() / 255
        betas = torch.full((len(x),), beta)
        drawn = []
        for _ in range(samples):
            target = torch.bernoulli(x, generator=generator) if binarised else None
            epsilon = None
            if model.config.kind != "autoencoder":
                epsilon = torch.randn(len(x), model.config.latent, generator=generator)
            drawn.append(terms(model, x, betas, target, epsilon))
        distortion = torch.stack([each.distortion for each in drawn]).double()
        variance = distortion.var(0) / samples if samples > 1 else torch.zeros(len(x))
        mean = drawn[0]._replace(distortion=distortion.mean(0))
        values = (mean.distortion, variance, mean.rate, objective(mean, betas))
        sums += torch.stack([value.sum(dtype=torch.float64) for value in values])
    distortion_sum, variance_sum, rate, total = sums.tolist()
    count = len(pixels)
    return Averages(distortion_sum / count, math.sqrt(variance_sum) / count, rate / count, total / count)
