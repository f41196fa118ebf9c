"""An autoencoder of PyTorch behind the interface on arrays that everything measured of a model goes through."""

from __future__ import annotations

import threading
import warnings
from functools import cache

import torch
from torch import Tensor
from torch.distributions import Normal
from torch.func import jvp, vmap

from vae_explorer.latent.model import Doubles, Encoding, Floats, Likelihood, Model, Slope
from vae_explorer.models.autoencoder import Autoencoder
from vae_explorer.models.distributions import linear_form, log_normaliser

_FORWARD = threading.Lock()  # the levels of forward mode are the process's: two threads at once end each other's


class Arrays(Model):
    """The model that a network is."""

    def __init__(self, network: Autoencoder) -> None:
        self.network = network
        self.axes, self.shape = network.config.latent, network.config.shape
        self.has_prior = network.config.kind != "autoencoder"

    @torch.inference_mode()
    def encode(self, images: Floats, beta: float) -> Encoding:
        q = self.network.posterior(torch.from_numpy(images), torch.full((len(images),), beta))
        return Encoding(q.mean.numpy(), q.stddev.numpy())

    @torch.inference_mode()
    def decode(self, z: Floats, beta: float) -> Floats:
        mean: Floats = self._mean(torch.from_numpy(z), beta).numpy()
        return mean

    @torch.no_grad()
    def jacobian(self, z: Floats, beta: float, axes: int) -> Floats:
        """Returns exact derivatives, `(M, axes, P)`: one forward pass an axis."""
        points = torch.from_numpy(z)
        directions = torch.eye(self.axes)[:axes, None].expand(-1, len(z), -1)
        along = vmap(lambda direction: jvp(lambda at: self._mean(at, beta), (points,), (direction,))[1])
        with _FORWARD:
            _load_forward_mode()
            derivatives: Floats = along(directions).flatten(2).transpose(0, 1).numpy()
        return derivatives

    @torch.inference_mode()
    def likelihood(self, z: Floats, beta: float) -> Likelihood:
        weights, offset = linear_form(self.network.likelihood(torch.from_numpy(z), torch.full((len(z),), beta)))
        return Likelihood(weights.numpy(), offset.numpy())

    @torch.inference_mode()
    def log_normaliser(self, weights: Floats) -> Floats:
        somewhere = self.network.likelihood(torch.zeros(1, self.axes), torch.ones(1))  # for the family and its sigma
        normaliser: Floats = log_normaliser(somewhere.base_dist, torch.from_numpy(weights)).numpy()
        return normaliser

    def slope(self, images: Floats, z: Floats, beta: float) -> Slope:
        """Returns log p(x|z) pair by pair, and its gradient by reverse mode: one pass forward, one back."""
        points = torch.from_numpy(z).clone().requires_grad_()
        log_p = self.network.likelihood(points, torch.full((len(z),), beta)).log_prob(torch.from_numpy(images))
        (gradient,) = torch.autograd.grad(log_p.sum(), points)
        return Slope(log_p.detach().double().numpy(), gradient.numpy())

    @torch.inference_mode()
    def base_measure(self, images: Floats) -> Doubles:
        """Returns log N(x; 0, sigma^2 I) of a Gaussian likelihood, and 0 of any other."""
        if not self.network.config.likelihood.startswith("gaussian"):
            return super().base_measure(images)
        noise = Normal(0.0, self.network.log_scale.exp().double(), validate_args=False)
        h: Doubles = noise.log_prob(torch.from_numpy(images).double()).flatten(1).sum(1).numpy()
        return h

    def _mean(self, z: Tensor, beta: float) -> Tensor:
        return self.network.likelihood(z, torch.full((len(z),), beta)).mean


@cache
def _load_forward_mode() -> None:
    """Takes a first derivative: torch then compiles rules by a function that it warns of itself."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"`torch\.jit\.script` is", DeprecationWarning)
        jvp(torch.sin, (torch.zeros(1),), (torch.ones(1),))
