"""Images to the latent space and back, in numpy arrays, in batches that fit the cache."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from vae_explorer.models import Autoencoder
from vae_explorer.objectives import terms

Floats = NDArray[np.float32]
BATCH = 1000


class Encoding(NamedTuple):
    """The posteriors of many images, in latent units."""

    mean: Floats  # (N, D)  the codes
    std: Floats  # (N, D)  zero for a deterministic autoencoder


class PerImage(NamedTuple):
    """Both terms of the negative ELBO, in nats per image."""

    distortion: Floats  # (N,)
    rate: Floats  # (N,)  infinite for a deterministic autoencoder


@torch.inference_mode()
def encode(model: Autoencoder, pixels: NDArray[np.uint8], beta: float) -> Encoding:
    """Returns the posteriors of images `(N, H, W)` at one KL weight."""
    parts = []
    for part in torch.from_numpy(pixels).split(BATCH):
        q = model.posterior(part.float() / 255, torch.full((len(part),), beta))
        parts.append((q.mean, q.stddev))
    mean, std = (torch.cat(each).numpy() for each in zip(*parts, strict=True))
    return Encoding(mean, std)


@torch.inference_mode()
def decode(model: Autoencoder, z: Floats, beta: float) -> Floats:
    """Returns the mean images `(M, H, W)`, in [0, 1], of latent points `(M, D)`."""
    points = torch.from_numpy(np.ascontiguousarray(z, dtype=np.float32))
    parts = [model.likelihood(part, torch.full((len(part),), beta)).mean for part in points.split(BATCH)]
    means: Floats = torch.cat(parts).numpy()
    return means


@torch.inference_mode()
def measure(model: Autoencoder, pixels: NDArray[np.uint8], beta: float, seed: int) -> PerImage:
    """Returns distortion (grey targets, one seeded sample of z) and rate of images `(N, H, W)`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        batches = torch.from_numpy(pixels).split(BATCH)
        parts = [terms(model, part.float() / 255, torch.full((len(part),), beta)) for part in batches]
    distortion, rate = (torch.cat(each).numpy() for each in zip(*parts, strict=True))
    return PerImage(distortion, rate)


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
    left, right, bottom, top = extent
    centres = (np.arange(tiles) + 0.5) / tiles
    x, y = np.meshgrid(left + centres * (right - left), top - centres * (top - bottom))
    z = np.zeros((tiles * tiles, model.config.latent), np.float32)
    z[:, 0] = x.ravel()
    z[:, 1:2] = y.reshape(-1, 1)[:, : model.config.latent - 1]
    images = decode(model, z, beta)
    height, width = images.shape[1:]
    grid = images.reshape(tiles, tiles, height, width).transpose(0, 2, 1, 3)
    return (grid.reshape(tiles * height, tiles * width) * 255).round().astype(np.uint8)
