"""A linear-Gaussian autoencoder in float64: all that a VAE approximates has a closed form here."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import Independent, MultivariateNormal, Normal


class LinearGaussian:
    """p(z) = N(0, I), p(x|z) = N(A z, s^2 I); the posterior is exact, or off by a factor in width."""

    def __init__(self, inputs: int = 6, latent: int = 2, scale: float = 0.5, width: float = 1.0) -> None:
        generator = torch.Generator().manual_seed(1)
        self.a = torch.randn(inputs, latent, generator=generator, dtype=torch.float64)
        self.scale, self.width = scale, width
        precision = torch.eye(latent, dtype=torch.float64) + self.a.T @ self.a / scale**2
        self.covariance = precision.inverse()

    def prior(self) -> MultivariateNormal:
        latent = self.a.shape[1]
        return MultivariateNormal(torch.zeros(latent).double(), torch.eye(latent).double())

    def posterior(self, x: Tensor, beta: Tensor) -> MultivariateNormal:
        mean = x @ self.a @ self.covariance / self.scale**2
        return MultivariateNormal(mean, self.covariance * self.width**2)

    def likelihood(self, z: Tensor, beta: Tensor) -> Independent[Normal]:
        return Independent(Normal(z @ self.a.T, self.scale), 1)

    def log_p(self, x: Tensor) -> Tensor:
        """Returns log N(x; 0, A A^T + s^2 I)."""
        inputs = len(self.a)
        covariance = self.a @ self.a.T + self.scale**2 * torch.eye(inputs).double()
        log_p: Tensor = MultivariateNormal(torch.zeros(inputs).double(), covariance).log_prob(x)
        return log_p
