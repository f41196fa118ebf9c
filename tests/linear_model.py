"""The linear-Gaussian model behind the interface on arrays: images of 2 x 3 pixels, all in closed form."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch.distributions import MultivariateNormal

from tests.linear_gaussian import LinearGaussian
from vae_explorer.latent.model import Doubles, Encoding, Floats, Likelihood, Model

Bools = NDArray[np.bool_]


class LinearModel(Model):
    """p(x|z) = N(A z, s^2 I); Q is the posterior without its correlation."""

    def __init__(self, scale: float = 0.5, shape: tuple[int, ...] = (2, 3)) -> None:
        self.exact = LinearGaussian(inputs=math.prod(shape), scale=scale)
        self.axes, self.shape, self.has_prior, self.scale = 2, shape, True, scale
        self.a = self.exact.a.numpy()

    def images(self, count: int) -> Floats:
        rng = np.random.default_rng(4)
        x = rng.standard_normal((count, 2)) @ self.a.T + self.scale * rng.standard_normal((count, len(self.a)))
        images: Floats = x.reshape(count, *self.shape).astype(np.float32)
        return images

    def posterior(self, image: Floats, seen: Bools | None = None) -> MultivariateNormal:
        """Returns P(z|X), or P(z|X_vis) of the pixels that are seen, in float64."""
        rows = np.ones(len(self.a), bool) if seen is None else seen.ravel()
        a = torch.from_numpy(self.a[rows])
        covariance = (torch.eye(2).double() + a.T @ a / self.scale**2).inverse()
        mean = covariance @ a.T @ torch.from_numpy(image.ravel()[rows]).double() / self.scale**2
        return MultivariateNormal(mean, covariance)

    def log_p(self, image: Floats, seen: Bools | None = None) -> float:
        rows = np.ones(len(self.a), bool) if seen is None else seen.ravel()
        a = torch.from_numpy(self.a[rows])
        covariance = a @ a.T + self.scale**2 * torch.eye(len(a)).double()
        x = torch.from_numpy(image.ravel()[rows]).double()
        return float(MultivariateNormal(torch.zeros(len(a)).double(), covariance).log_prob(x))

    def encode(self, images: Floats, beta: float) -> Encoding:
        exact = [self.posterior(image) for image in images]
        mean = np.stack([each.mean.numpy() for each in exact])
        std = np.stack([each.covariance_matrix.diagonal().sqrt().numpy() for each in exact])
        return Encoding(mean.astype(np.float32), std.astype(np.float32))

    def decode(self, z: Floats, beta: float) -> Floats:
        mean: Floats = (z @ self.a.T).reshape(len(z), *self.shape).astype(np.float32)
        return mean

    def likelihood(self, z: Floats, beta: float) -> Likelihood:
        mean = z.astype(np.float64) @ self.a.T
        weights = mean / self.scale**2
        return Likelihood(weights.astype(np.float32), -np.square(mean).sum(1) / (2 * self.scale**2))

    def log_normaliser(self, weights: Floats) -> Floats:
        return (np.square(weights) * self.scale**2 / 2).astype(np.float32)

    def base_measure(self, images: Floats) -> Doubles:
        x = images.reshape(len(images), -1).astype(np.float64)
        constant = x.shape[1] * math.log(2 * math.pi * self.scale**2)
        h: Doubles = -np.square(x).sum(1) / (2 * self.scale**2) - constant / 2
        return h
