"""The rate-distortion curve of a checkpoint, measured once and kept in a file beside it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import torch

from vae_explorer.checked import Count, Finite, Meta, NotNegative
from vae_explorer.checkpoints import sidecars
from vae_explorer.checkpoints.checkpoints import Checkpoint
from vae_explorer.checkpoints.sidecars import Measured, SidecarError, demand, demand_rising
from vae_explorer.config import ModelConfig
from vae_explorer.data import Images, evenly
from vae_explorer.latent.encoding import axis_rates, encode
from vae_explorer.latent.marginal import Marginal, log_marginal
from vae_explorer.measured.evaluation import DRAWS, Averages, averages, samples_of

CurveError = SidecarError
POINTS = 17  # KL weights of a multi-rate model: four a decade from 0.001 to 10
NLL_IMAGES = 10_000  # at most
QUICK_IMAGES = 500  # at most, and as few samples of z as there may be


@dataclass(frozen=True, kw_only=True)
class Curve(Measured):
    """Averages over images at each KL weight, in nats per image."""

    KIND: ClassVar[str] = "curve"
    source: str  # one line: which data
    part: str  # of the data
    target: str  # grey, or density: what the distortion is measured against
    images: Count  # averaged over
    samples: Count  # of z an image, for the distortion
    nll_images: Annotated[int, Meta(ge=0)]  # averaged over in nll; 0 without one
    beta: tuple[NotNegative, ...]  # rising; a deterministic autoencoder's is 0
    distortion: tuple[Finite, ...]
    distortion_error: tuple[Finite, ...]  # standard error: what other samples of z would change
    rate: tuple[Finite, ...] | None  # None for a deterministic autoencoder, whose rate is infinite
    axis_rate: tuple[tuple[Finite, ...], ...] | None  # the rate's share of each latent axis; None as above
    nll: tuple[Finite, ...] | None  # -log p(x) by quadrature under the standard normal prior; 2-D only
    nll_error: tuple[Finite, ...] | None  # mean |difference| to a grid half as fine: too large once it is small

    def __post_init__(self) -> None:
        demand_rising("beta", self.beta)
        many = len(self.beta)
        for name in ("distortion", "distortion_error", "rate", "axis_rate", "nll", "nll_error"):
            row = getattr(self, name)
            demand(row is None or len(row) == many, name, f"{many} of them, one at each KL weight")
        axes = {len(row) for row in self.axis_rate or ((0.0,),)}
        demand(len(axes) == 1 and 0 not in axes, "axis_rate", "rows of one length")


def measure_curve(
    checkpoint: Checkpoint,
    images: Images,
    *,
    part: str = "test",
    quick: bool = False,
    show: Callable[[float], None] = lambda _: None,
) -> Curve:
    """Measures the curve over all images given, each KL weight with the same draws of z.

    Arguments:
        checkpoint: The model; a multi-rate one gives a curve, any other a point.
        images: What the averages are over, with grey levels as targets.
        part: Which part of the data they are.
        quick: Takes `QUICK_IMAGES` of them, and no quadrature: seconds instead of minutes.
        show: Called with the rising fraction done; 1 comes last.
    """
    model, config = checkpoint.model, checkpoint.config
    pixels = evenly(images.pixels, QUICK_IMAGES if quick else len(images.pixels))
    # An autoencoder has no prior to sample from: its log p(x) would mean nothing, and is 1.6 nats off here.
    judge = config.latent == 2 and config.kind != "autoencoder" and not quick
    judged = evenly(images.pixels, NLL_IMAGES) if judge else pixels[:0]
    samples = samples_of(config.kind, len(pixels), QUICK_IMAGES if quick else DRAWS)
    beta = betas(config)
    distortion: list[Averages] = []
    axis_rate: list[tuple[float, ...]] = []
    marginal: list[Marginal] = []
    for done, weight in enumerate(beta, 1):
        distortion.append(averages(model, torch.from_numpy(pixels), weight, samples=samples, seed=0))
        if config.kind != "autoencoder":
            axis_rate.append(tuple(axis_rates(encode(checkpoint.arrays, pixels, weight)).tolist()))
        if len(judged):
            marginal.append(log_marginal(checkpoint.arrays, judged, weight))
        show(done / len(beta))
    return Curve(
        weights=sidecars.digest(model),
        source=images.source,
        part=part,
        target="grey" if config.likelihood == "bernoulli" else "density",
        images=len(pixels),
        samples=samples,
        nll_images=len(judged),
        beta=beta,
        distortion=tuple(each.distortion for each in distortion),
        distortion_error=tuple(each.error for each in distortion),
        rate=tuple(map(math.fsum, axis_rate)) or None,
        axis_rate=tuple(axis_rate) or None,
        nll=tuple(-float(each.log_p.mean(dtype=np.float64)) for each in marginal) or None,
        nll_error=tuple(each.error for each in marginal) or None,
    )


def betas(config: ModelConfig) -> tuple[float, ...]:
    """Returns the KL weights of a curve: evenly spaced logarithms, round where the range is."""
    match config.kind:
        case "autoencoder":  # nobody pays for its rate
            return (0.0,)
        case "vae":
            return (config.beta,)
        case "multi-rate":
            between = np.geomspace(config.beta_min, config.beta_max, POINTS)[1:-1]
            return (config.beta_min, *(float(f"{weight:.12g}") for weight in between), config.beta_max)


# As `gap_tables` has them.
sidecar, find, load = Curve.beside, Curve.find, Curve.load
