"""Networks, and the autoencoder as three distributions: prior, posterior, likelihood."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, Independent, Normal

from vae_explorer.config import ModelConfig
from vae_explorer.models.distributions import (
    DiagonalGaussian,
    Dirac,
    ExactContinuousBernoulli,
    GreyBernoulli,
    StandardNormal,
)


class FullPrecisionLinear(nn.Linear):
    """A layer that autocast leaves in the precision of its weights.

    Codes at a small KL weight differ by less than bfloat16's eight bits can tell, so the layers
    that write and read z never round them.
    """

    def forward(self, x: Tensor) -> Tensor:
        if not torch.is_autocast_enabled(x.device.type):
            return super().forward(x)
        with torch.autocast(x.device.type, enabled=False):
            return super().forward(x.to(self.weight.dtype))


class Modulation(nn.Module):
    r"""Scales and shifts a hidden layer by the KL weight.

    .. math:: h \mapsto (1 + a(t)) \, h + b(t), \quad t = \text{standardised} \log \beta

    It starts as the identity. The first axis of `h` is the image, the second the unit or channel.

    References:
        | FiLM: Visual Reasoning with a General Conditioning Layer (Perez et al., 2018)
        | https://arxiv.org/abs/1709.07871
        | Multi-Rate VAE (Bae et al., 2023)
        | https://arxiv.org/abs/2212.03905
    """

    def __init__(self, units: int, hidden: int = 32) -> None:
        super().__init__()
        self.hidden = nn.Linear(1, hidden)
        self.out = nn.Linear(hidden, 2 * units)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, h: Tensor, t: Tensor) -> Tensor:
        scale, shift = self.out(nn.functional.silu(self.hidden(t))).chunk(2, -1)
        trailing = (1,) * (h.ndim - 2)
        return torch.addcmul(shift.unflatten(-1, (-1, *trailing)), h, 1 + scale.unflatten(-1, (-1, *trailing)))


class Stack(nn.Module):
    """Hidden layers, each: weights, modulation (if any), SiLU.

    No normalisation: it cost 1 to 2 nats on MNIST, where the first layer reads two numbers.
    """

    def __init__(self, layers: list[nn.Module], units: tuple[int, ...], modulated: bool) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.modulations = nn.ModuleList(Modulation(n) for n in units if modulated)

    def forward(self, h: Tensor, t: Tensor) -> Tensor:
        for i, layer in enumerate(self.layers):
            h = layer(h)
            if self.modulations:
                h = self.modulations[i](h, t)
            h = nn.functional.silu(h)
        return h


def _dense_encoder(config: ModelConfig, outputs: int, modulated: bool) -> Encoder:
    sizes = [math.prod(config.shape), *config.encoder]
    layers: list[nn.Module] = [nn.Linear(a, b) for a, b in pairwise(sizes)]
    return Encoder(nn.Flatten(1), Stack(layers, config.encoder, modulated), FullPrecisionLinear(sizes[-1], outputs))


def _dense_decoder(config: ModelConfig, modulated: bool) -> Decoder:
    widths = config.decoder
    layers: list[nn.Module] = [FullPrecisionLinear(config.latent, widths[0])]
    layers += [nn.Linear(a, b) for a, b in pairwise(widths)]
    out = nn.Linear(widths[-1], math.prod(config.shape))
    return Decoder(Stack(layers, widths, modulated), out, config.shape)


def _halved(shape: tuple[int, int], times: int) -> tuple[int, int]:
    """Returns the size that is left after so many convolutions of stride two."""
    for _ in range(times):
        shape = ((shape[0] + 1) // 2, (shape[1] + 1) // 2)
    return shape


def _convolutional_encoder(config: ModelConfig, outputs: int, modulated: bool) -> Encoder:
    channels = [config.channels, *config.encoder]
    layers: list[nn.Module] = [nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in pairwise(channels)]
    features = channels[-1] * math.prod(_halved(config.size, len(config.encoder)))
    head = nn.Sequential(nn.Flatten(1), FullPrecisionLinear(features, outputs))
    return Encoder(ChannelsFirst(), Stack(layers, config.encoder, modulated), head)


def _convolutional_decoder(config: ModelConfig, modulated: bool) -> Decoder:
    channels = list(config.decoder)
    sizes = [_halved(config.size, k) for k in range(len(channels), -1, -1)]
    seed = nn.Sequential(
        FullPrecisionLinear(config.latent, channels[0] * math.prod(sizes[0])),
        nn.Unflatten(1, (channels[0], *sizes[0])),
    )
    ups = [_up(a, b, small, large) for (a, b), (small, large) in zip(pairwise(channels), pairwise(sizes), strict=False)]
    out = _up(channels[-1], config.channels, sizes[-2], sizes[-1])
    return Decoder(Stack([seed, *ups], config.decoder, modulated), out, config.shape)


def _up(a: int, b: int, small: tuple[int, int], large: tuple[int, int]) -> nn.ConvTranspose2d:
    """Doubles an image; the padding makes odd sizes come out right."""
    padding = (large[0] - 2 * small[0] + 1, large[1] - 2 * small[1] + 1)
    return nn.ConvTranspose2d(a, b, 3, stride=2, padding=1, output_padding=padding)


class ChannelsFirst(nn.Module):
    """Images `(N, H, W)` or `(N, H, W, 3)` as convolutions want them, `(N, C, H, W)`."""

    def forward(self, x: Tensor) -> Tensor:
        return x.movedim(-1, 1) if x.ndim > 3 else x[:, None]


class Encoder(nn.Module):
    """Images `(N, H, W)` or `(N, H, W, 3)` and conditions `(N, 1)` to the posterior's parameters `(N, outputs)`."""

    def __init__(self, entry: nn.Module, stack: Stack, head: nn.Module) -> None:
        super().__init__()
        self.entry, self.stack, self.head = entry, stack, head

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        return cast(Tensor, self.head(self.stack(self.entry(x), t)))


class Decoder(nn.Module):
    """Latent points `(N, D)` and conditions `(N, 1)` to one real number a pixel, `(N, H, W)`, or three."""

    def __init__(self, stack: Stack, out: nn.Module, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.stack, self.out, self.shape = stack, out, shape

    def forward(self, z: Tensor, t: Tensor) -> Tensor:
        eta: Tensor = self.out(self.stack(z, t))
        if eta.ndim > 2:  # convolutions put the channels first
            eta = eta.movedim(1, -1)
        return eta.reshape(len(z), *self.shape).to(z.dtype)


class Autoencoder(nn.Module):
    """Three distributions: `prior()` of z, `posterior(x, beta)` of z, `likelihood(z, beta)` of x.

    Images are float tensors `(N, H, W)` or `(N, H, W, 3)` in [0, 1], latent points `(N, D)`, KL weights `(N,)`.
    Only a multi-rate model looks at the KL weight.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        modulated = config.kind == "multi-rate"
        outputs = config.latent if config.kind == "autoencoder" else 2 * config.latent
        if config.backbone == "dense":
            self.encoder = _dense_encoder(config, outputs, modulated)
            self.decoder = _dense_decoder(config, modulated)
        else:
            self.encoder = _convolutional_encoder(config, outputs, modulated)
            self.decoder = _convolutional_decoder(config, modulated)
        learned = config.likelihood == "gaussian-learned"
        self.log_scale = nn.Parameter(torch.tensor(math.log(config.scale)), requires_grad=learned)

    def prior(self) -> Independent[Distribution]:
        """Returns the standard normal distribution of `D` axes."""
        return StandardNormal(self.config.latent, self.log_scale)

    def posterior(self, x: Tensor, beta: Tensor) -> Dirac | DiagonalGaussian:
        """Returns q(z|x): a diagonal Gaussian, or a point for a deterministic autoencoder."""
        parameters = self.encoder(x, self.condition(beta))
        if self.config.kind == "autoencoder":
            return Dirac(parameters)
        return DiagonalGaussian(*parameters.chunk(2, -1))

    def likelihood(self, z: Tensor, beta: Tensor) -> Independent[Distribution]:
        r"""Returns p(x|z), independent over the pixels, and over their channels.

        Every choice has the form :math:`\log p(x|z) = x \cdot w(z) + c(z) + h(x)`, which
        `latent.marginal` relies on.
        """
        eta = self.decoder(z, self.condition(beta))
        pixels = len(self.config.shape)
        match self.config.likelihood:
            case "bernoulli":
                return GreyBernoulli(eta, pixels)
            case "continuous-bernoulli":
                return Independent(ExactContinuousBernoulli(logits=eta, validate_args=False), pixels)
            case "gaussian" | "gaussian-learned":
                scale = self.log_scale.exp().expand_as(eta)
                return Independent(Normal(eta.sigmoid(), scale, validate_args=False), pixels)

    def condition(self, beta: Tensor) -> Tensor:
        """Returns log beta, `(N, 1)`, standardised over the range that a multi-rate model knows; others never look."""
        if self.config.kind != "multi-rate":
            return beta[:, None]
        shift, scale = self.config.condition
        t = beta.clamp(self.config.beta_min, self.config.beta_max).log()
        return ((t - shift) / scale)[:, None]


def parameters(config: ModelConfig) -> int:
    """Returns how many numbers a model learns, without making it."""
    with torch.device("meta"):
        return sum(p.numel() for p in Autoencoder(config).parameters() if p.requires_grad)


def build(config: ModelConfig, seed: int) -> Autoencoder:
    """Returns an untrained model whose first weights depend on `seed` alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Autoencoder(config)
