r"""What the best linear model explains of images, with as many axes and at the same KL weight as a network.

In units of the noise, a linear VAE at KL weight :math:`\beta` uses the principal components whose variance
:math:`\lambda` exceeds :math:`\beta`, and reconstructs each from its code's mean as :math:`1 - \beta / \lambda` of
itself (Lucas et al., *Don't Blame the ELBO!*, 2019, for :math:`\beta = 1`). With :math:`\beta = 0` that is PCA.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_explorer.config import ModelConfig

LEAST = 0.02  # variance of a Bernoulli pixel, below which it is not taken for certain


class Explained(NamedTuple):
    """R2 of reconstructions: the share of the variance around the training images' mean."""

    pca: float
    linear: float  # at the KL weight


def explained(pixels: NDArray[np.uint8], decoded: NDArray[np.floating], mean: NDArray[np.float64]) -> float:
    """Returns R2 of decoded images, `(N, H, W)` in units of full intensity, around a mean image, `(H W,)`."""
    x = _flat(pixels)
    return _r2(x, decoded.reshape(len(x), -1).astype(np.float64), mean)


def mean_image(train: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Returns the mean of images, `(H W,)`, in units of full intensity."""
    mean: NDArray[np.float64] = _flat(train).mean(0)
    return mean


def best_linear(train: NDArray[np.uint8], pixels: NDArray[np.uint8], config: ModelConfig, beta: float) -> Explained:
    """Returns what linear models fitted to training images explain of others.

    Arguments:
        train: `(N, H, W)`; a thousand will do.
        pixels: The images that are explained.
        config: Axes and likelihood.
        beta: The KL weight in the loss that is trained; 0 for an autoencoder.
    """
    mean, x, y = mean_image(train), _flat(train), _flat(pixels)
    pca = _r2(y, _reconstructed(x - mean, y - mean, config.latent, 0.0) + mean, mean)
    noise = _noise(config, x - mean, mean)
    linear = _reconstructed((x - mean) / noise, (y - mean) / noise, config.latent, beta) * noise + mean
    return Explained(pca, _r2(y, linear, mean))


def _reconstructed(train: NDArray[np.float64], x: NDArray[np.float64], axes: int, beta: float) -> NDArray[np.float64]:
    _, singular, axis = np.linalg.svd(train, full_matrices=False)
    variance = singular[:axes] ** 2 / len(train)
    kept = np.maximum(0.0, 1 - beta / np.maximum(variance, 1e-12))
    reconstructed: NDArray[np.float64] = (x @ axis[:axes].T * kept) @ axis[:axes]
    return reconstructed


def _noise(config: ModelConfig, centred: NDArray[np.float64], mean: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns each pixel's standard deviation under the likelihood; the learned one is what PCA leaves over."""
    if config.likelihood == "gaussian":
        return np.full(mean.shape, config.scale)
    if config.likelihood == "gaussian-learned":
        left = np.linalg.svd(centred, compute_uv=False)[config.latent :] ** 2 / len(centred)
        return np.full(mean.shape, max(1e-3, float(left.sum() / len(mean)) ** 0.5))
    return np.sqrt(np.maximum(mean * (1 - mean), LEAST))


def _flat(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    return pixels.reshape(len(pixels), -1).astype(np.float64) / 255


def _r2(x: NDArray[np.float64], reconstructed: NDArray[np.float64], mean: NDArray[np.float64]) -> float:
    total = float(((x - mean) ** 2).sum())
    return 1 - float(((x - reconstructed) ** 2).sum()) / total if total else 0.0
