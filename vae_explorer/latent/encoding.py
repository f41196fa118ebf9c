"""Images to the latent space and back, in numpy arrays, in batches that fit the cache."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.distributions import kl_divergence

from vae_explorer.latent.noise import normal_sets
from vae_explorer.models.autoencoder import Autoencoder

Floats = NDArray[np.float32]
BATCH = 1000
SAMPLES = 128  # of z, for the distortion of one image
SETS = 8  # of them, whose spread is its error


class Encoding(NamedTuple):
    """The posteriors of many images, in latent units."""

    mean: Floats  # (N, D)  the codes
    std: Floats  # (N, D)  zero for a deterministic autoencoder


class Measured(NamedTuple):
    """Both terms of the negative ELBO of one image, in nats."""

    distortion: float
    error: float  # standard error of the distortion, from the samples of z; 0 where z is known
    rate: float  # infinite for a deterministic autoencoder


@torch.inference_mode()
def encode(model: Autoencoder, pixels: NDArray[np.uint8], beta: float) -> Encoding:
    """Returns the posteriors of images `(N, H, W)` at one KL weight."""
    parts = []
    for part in torch.from_numpy(pixels).split(BATCH):
        q = model.posterior(part.float() / 255, torch.full((len(part),), beta))
        parts.append((q.mean, q.stddev))
    mean, std = (torch.cat(each).numpy() for each in zip(*parts, strict=True))
    return Encoding(mean, std)


def axis_rates(encoding: Encoding) -> NDArray[np.float64]:
    r"""Returns each latent axis's part of the mean rate, `(D,)` nats; infinite for a deterministic autoencoder.

    .. math:: KL_d = \tfrac12 \left( \mu_d^2 + \sigma_d^2 - 1 \right) - \log \sigma_d
    """
    mean, std = (each.astype(np.float64) for each in encoding)
    with np.errstate(divide="ignore"):
        rates: NDArray[np.float64] = (0.5 * (mean**2 + std**2 - 1) - np.log(std)).mean(0)
    return rates


@torch.inference_mode()
def decode(model: Autoencoder, z: Floats, beta: float) -> Floats:
    """Returns the mean images `(M, H, W)`, in [0, 1], of latent points `(M, D)`."""
    points = torch.from_numpy(np.ascontiguousarray(z, dtype=np.float32))
    parts = [model.likelihood(part, torch.full((len(part),), beta)).mean for part in points.split(BATCH)]
    means: Floats = torch.cat(parts).numpy()
    return means


@torch.inference_mode()
def measure(model: Autoencoder, pixels: NDArray[np.uint8], beta: float, seed: tuple[int, ...]) -> Measured:
    """Returns distortion (grey targets) and rate of one image `(H, W)`, with the error of `SAMPLES` samples of z.

    Arguments:
        model: The model.
        pixels: The image.
        beta: The KL weight.
        seed: Of the samples, as `noise.normal_sets` takes it.
    """
    x = torch.from_numpy(pixels)[None].float() / 255
    q = model.posterior(x, torch.full((1,), beta))
    sets, samples = (SETS, SAMPLES // SETS) if q.stddev.any() else (1, 1)
    z = q.mean + q.stddev * torch.from_numpy(normal_sets(sets, samples, q.mean.shape[1], seed)).flatten(0, 1).float()
    parts = [model.likelihood(part, torch.full((len(part),), beta)).log_prob(x) for part in z.split(BATCH)]
    means = -torch.cat(parts).double().reshape(sets, samples).mean(1)
    error = means.std().item() / math.sqrt(sets) if sets > 1 else 0.0
    return Measured(means.mean().item(), error, kl_divergence(q, model.prior()).item())


def atlas(model: Autoencoder, beta: float, extent: tuple[float, float, float, float], tiles: int) -> NDArray[np.uint8]:
    """Returns one picture of decoded images on a square grid over the first two latent axes.

    Arguments:
        model: The model; axes beyond the second are held at 0.
        beta: The KL weight.
        extent: Left, right, bottom and top of the picture, in latent units. A tile shows the
            image of its own centre.
        tiles: Images a side.

    Returns:
        `(tiles * H, tiles * W)`, the first row at the top.
    """
    z = plane(model.config.latent, extent, tiles)
    return mosaic(grey_levels(decode(model, z.reshape(tiles * tiles, -1), beta)))


def plane(axes: int, extent: tuple[float, float, float, float], side: int) -> Floats:
    """Returns a grid of latent points over the first two axes.

    Arguments:
        axes: Latent axes of the points; those beyond the second are 0.
        extent: Left, right, bottom and top, in latent units.
        side: Cells a side; a point is the centre of its cell.

    Returns:
        `(side, side, axes)`, the first row at the top.
    """
    left, right, bottom, top = extent
    centres = (np.arange(side) + 0.5) / side
    both = np.stack(np.meshgrid(left + centres * (right - left), top - centres * (top - bottom)), 2)
    z = np.zeros((side, side, axes), np.float32)
    z[:, :, :2] = both[:, :, :axes]
    return z


def grey_levels(means: Floats) -> NDArray[np.uint8]:
    """Returns images in [0, 1] as grey levels from 0 to 255, rounded to the nearest."""
    levels: NDArray[np.uint8] = np.rint(255 * means).clip(0, 255).astype(np.uint8)
    return levels


def mosaic(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Returns a square number of images `(side * side, H, W)` as one picture `(side * H, side * W)`, row by row.

    Colours, a last axis of 3, stay.
    """
    count, height, width, *channels = images.shape
    side = math.isqrt(count)
    rows = images.reshape(side, side, height, width, *channels).swapaxes(1, 2)
    return rows.reshape(side * height, side * width, *channels)
