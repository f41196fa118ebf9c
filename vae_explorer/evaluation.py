"""The figures of a trained model: averages over a split, in nats per image."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch

from vae_explorer.data import Images
from vae_explorer.latent.marginal import log_marginal
from vae_explorer.models import Autoencoder
from vae_explorer.training import evaluate


class Figures(NamedTuple):
    """One row: averages over the images, in nats per image; None where a figure does not exist."""

    beta: float
    distortion: float  # one sample of z an image
    rate: float | None  # None for a deterministic autoencoder, whose rate is infinite
    neg_elbo: float | None  # distortion + rate, whatever beta is
    objective: float  # distortion + beta * rate; distortion alone for an autoencoder
    nll: float | None  # -log p(x) by quadrature under the standard normal prior; 2-D only
    nll_error: float | None  # mean |difference| to a grid half as fine


def figures(
    model: Autoencoder, images: Images, betas: list[float], *, seed: int = 0, binarised: bool = False
) -> Iterator[Figures]:
    """Yields a row for each KL weight, over all images given."""
    pixels = torch.from_numpy(images.pixels)
    for beta in betas:
        mean = evaluate(model, pixels, beta, seed=seed, binarised=binarised)
        quadrature = None
        if model.config.latent == 2 and not binarised:
            quadrature = log_marginal(model, images.pixels, beta)
        rate = mean.rate if math.isfinite(mean.rate) else None
        yield Figures(
            beta=beta,
            distortion=mean.distortion,
            rate=rate,
            neg_elbo=None if rate is None else mean.distortion + rate,
            objective=mean.objective,
            nll=None if quadrature is None else -float(quadrature.log_p.mean()),
            nll_error=None if quadrature is None else quadrature.error,
        )
