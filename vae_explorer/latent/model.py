"""A model as functions on arrays: all that this room asks of one, whatever it is made of."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
STEP = 1e-2  # latent units, of a difference that stands for a derivative


class Encoding(NamedTuple):
    """The posteriors of many images, in latent units."""

    mean: Floats  # (N, D)  the codes
    std: Floats  # (N, D)  zero for a deterministic autoencoder


class Likelihood(NamedTuple):
    r"""p(x|z) at many latent points: :math:`\log p(x|z) = x \cdot w(z) + c(z) + h(x)`, in nats."""

    weights: Floats  # (M, P)  w, over the pixels and channels of an image
    offset: Doubles  # (M,)    c


class Slope(NamedTuple):
    r"""log p(x|z) of images at latent points, pair by pair, and how it rises."""

    log_p: Doubles  # (M,)  nats
    gradient: Floats  # (M, D)  along the axes, nats per latent unit


class Model(ABC):
    """What a model of images is to those who ask: numpy in, numpy out, many at a time, at one KL weight.

    Images are float32, `(N, H, W)` or `(N, H, W, 3)`, in [0, 1]; latent points `(M, D)`. The prior is standard
    normal, or there is none. `encode` and `decode` suffice; a model that knows its likelihood also gives log p(x).
    """

    axes: int  # D
    shape: tuple[int, ...]  # of an image: H, W and, in colours, 3
    has_prior: bool  # none: a deterministic autoencoder

    @abstractmethod
    def encode(self, images: Floats, beta: float) -> Encoding:
        """Returns the posteriors of images."""

    @abstractmethod
    def decode(self, z: Floats, beta: float) -> Floats:
        """Returns the mean images, `(M, H, W)`, of latent points."""

    def jacobian(self, z: Floats, beta: float, axes: int) -> Floats:
        r"""Returns the derivatives `(M, axes, P)` of the mean images along the first axes.

        .. math:: \frac{\partial f}{\partial z_d} \approx \frac{f(z + h e_d) - f(z - h e_d)}{2 h}

        unless a model has them exactly.
        """
        steps = STEP * np.eye(axes, self.axes, dtype=np.float32)
        each = (self.decode(z + step, beta) - self.decode(z - step, beta) for step in steps)
        return np.stack([(difference / (2 * STEP)).reshape(len(z), -1) for difference in each], 1)

    def likelihood(self, z: Floats, beta: float) -> Likelihood:
        """Returns p(x|z) at latent points.

        Raises:
            NotImplementedError: If the model does not know it.
        """
        raise NotImplementedError(f"{type(self).__name__} knows no likelihood")

    def slope(self, images: Floats, z: Floats, beta: float) -> Slope:
        r"""Returns log p(x|z) of M images at M latent points, and its gradient.

        .. math:: \frac{\partial \log p(x|z)}{\partial z_d} \approx
            \frac{\log p(x | z + h e_d) - \log p(x | z - h e_d)}{2 h}

        unless a model has it exactly.

        Raises:
            NotImplementedError: If the model does not know its likelihood.
        """
        x = images.reshape(len(images), -1).astype(np.float64)

        def at(points: Floats) -> Doubles:
            weights, offset = self.likelihood(points, beta)
            log_p: Doubles = np.einsum("mp,mp->m", x, weights.astype(np.float64)) + offset
            return log_p

        steps = STEP * np.eye(self.axes, dtype=np.float32)
        gradient = np.stack([(at(z + step) - at(z - step)) / (2 * STEP) for step in steps], 1)
        return Slope(at(z) + self.base_measure(images), gradient.astype(np.float32))

    def log_normaliser(self, weights: Floats) -> Floats:
        """Returns A(w), pixel by pixel: `likelihood`'s offset is minus its sum, so that pixels can be left out of both.

        Raises:
            NotImplementedError: If the model does not know its likelihood.
        """
        raise NotImplementedError(f"{type(self).__name__} knows no likelihood")

    def base_measure(self, images: Floats) -> Doubles:
        """Returns h(x), `(N,)`: the part of log p(x|z) that is the same at every z; 0 unless a model says otherwise.

        Of any pixels, `(N, ...)`: those of whole images, or of some.
        """
        return np.zeros(len(images))


def log_prior(z: Floats) -> Doubles:
    r"""Returns the standard normal prior's :math:`\log p(z) = -\frac12 (|z|^2 + D \log 2 \pi)`, `(M,)`."""
    log_p: Doubles = -0.5 * (np.square(z, dtype=np.float64).sum(1) + z.shape[1] * math.log(2 * math.pi))
    return log_p
