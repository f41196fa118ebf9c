"""Images to the latent space and back, in numpy arrays, in batches that fit the cache."""

from __future__ import annotations

import math
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from vae_explorer.data.modality import PICTURES
from vae_explorer.latent.model import Encoding, Floats, Model
from vae_explorer.latent.noise import normal_sets

Scalar = TypeVar("Scalar", bound=np.generic)
BATCH = 1000
SAMPLES = 128  # of z, for the distortion of one image
SETS = 8  # of them, whose spread is its error


class Terms(NamedTuple):
    """Both terms of the negative ELBO of one image, in nats."""

    distortion: float
    error: float  # standard error of the distortion, from the samples of z; 0 where z is known
    rate: float  # infinite for a deterministic autoencoder


def encode(model: Model, pixels: NDArray[np.uint8], beta: float) -> Encoding:
    """Returns the posteriors of images `(N, H, W)` at one KL weight."""
    parts = [model.encode(PICTURES.normalised(part), beta) for part in batches(pixels)]
    mean, std = (np.concatenate(each) for each in zip(*parts, strict=True))
    return Encoding(mean, std)


def axis_rates(encoding: Encoding) -> NDArray[np.float64]:
    r"""Returns each latent axis's part of the mean rate, `(D,)` nats; infinite for a deterministic autoencoder.

    .. math:: KL_d = \tfrac12 \left( \mu_d^2 + \sigma_d^2 - 1 \right) - \log \sigma_d
    """
    mean, std = (each.astype(np.float64) for each in encoding)
    with np.errstate(divide="ignore"):
        rates: NDArray[np.float64] = (0.5 * (mean**2 + std**2 - 1) - np.log(std)).mean(0)
    return rates


def decode(model: Model, z: Floats, beta: float) -> Floats:
    """Returns the mean images `(M, H, W)`, in [0, 1], of latent points `(M, D)`."""
    points = np.ascontiguousarray(z, dtype=np.float32)
    means: Floats = np.concatenate([model.decode(part, beta) for part in batches(points)])
    return means


def terms(model: Model, pixels: NDArray[np.uint8], beta: float, seed: tuple[int, ...]) -> Terms:
    """Returns distortion (grey targets) and rate of one image `(H, W)`, with the error of `SAMPLES` samples of z.

    Arguments:
        model: The model.
        pixels: The image.
        beta: The KL weight.
        seed: Of the samples, as `noise.normal_sets` takes it.
    """
    x = PICTURES.normalised(pixels[None])
    q = model.encode(x, beta)
    sets, samples = (SETS, SAMPLES // SETS) if q.std.any() else (1, 1)
    noise = normal_sets(sets, samples, model.axes, seed).astype(np.float32)
    likelihood = model.likelihood((q.mean + q.std * noise).reshape(-1, model.axes), beta)
    log_p = likelihood.weights @ x.ravel().astype(np.float64) + likelihood.offset + model.base_measure(x)
    means = -log_p.reshape(sets, samples).mean(1)
    error = float(means.std(ddof=1)) / math.sqrt(sets) if sets > 1 else 0.0
    return Terms(float(means.mean()), error, float(axis_rates(q).sum()))


def atlas(model: Model, beta: float, extent: tuple[float, float, float, float], tiles: int) -> NDArray[np.uint8]:
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
    z = plane(model.axes, extent, tiles)
    return PICTURES.sheet(PICTURES.levels(decode(model, z.reshape(tiles * tiles, -1), beta)))


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


def batches(rows: NDArray[Scalar]) -> list[NDArray[Scalar]]:
    """Returns rows in parts that fit the cache; no rows are one part of none."""
    return [rows[start : start + BATCH] for start in range(0, max(1, len(rows)), BATCH)]
