"""A few questions that every usable model answers with finite numbers, whatever it was trained on."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.distributions import kl_divergence

from vae_explorer.config import ModelConfig
from vae_explorer.models.autoencoder import Autoencoder

WEIGHTS = 5  # KL weights over a multi-rate model's range, both ends among them
LEVELS = (0.0, 0.5, 1.0)  # images of one grey level; one of noise comes after them
SPREADS = (0.0, 1.0, 3.0)  # standard deviations of the prior at which latent points are drawn


@torch.inference_mode()
def ailing(model: Autoencoder) -> str | None:
    """Returns the first of a model's answers that is no finite number, in words, or None where all are.

    Finite weights do not suffice: sums of large ones overflow.
    """
    beta = _betas(model.config)
    for name, values in _answers(model, beta):
        each = values.reshape(len(beta), -1).isfinite().all(1)
        if not each.all():
            weight = float(beta[int((~each).nonzero()[0])])
            at = f" at KL weight {weight:g}" if model.config.kind == "multi-rate" else ""
            return f"{name}{at}"
    return None


def _answers(model: Autoencoder, beta: Tensor) -> Iterator[tuple[str, Tensor]]:
    """Yields what is asked, and the answers of all KL weights in turn."""
    x = _images(model.config)
    q = model.posterior(x.repeat(len(beta), *[1] * (x.ndim - 1)), beta.repeat_interleave(len(x)))
    yield "the codes of images", q.mean
    yield "the widths of the posteriors", q.stddev
    if model.config.kind != "autoencoder":
        yield "the rates of images", kl_divergence(q, model.prior())
    z = torch.cat([q.mean.reshape(len(beta), len(x), -1), _points(model.config).expand(len(beta), -1, -1)], 1)
    z, each = z.flatten(0, 1), beta.repeat_interleave(z.shape[1])
    yield "decoded images", model.decoder(z, model.condition(each))  # before a sigmoid, which hides infinity
    p = model.likelihood(z, each)
    yield "decoded images", p.mean
    for level in LEVELS[:: len(LEVELS) - 1]:
        yield "the distortion of images", p.log_prob(torch.full_like(p.mean, level))


def _betas(config: ModelConfig) -> Tensor:
    if config.kind != "multi-rate":
        return torch.tensor([config.beta])
    low, high = torch.tensor([config.beta_min, config.beta_max], dtype=torch.float64).log()
    return torch.linspace(float(low), float(high), WEIGHTS, dtype=torch.float64).exp().float()


def _images(config: ModelConfig) -> Tensor:
    """Returns images, `(len(LEVELS) + 1, H, W)` or with colours, the same each time."""
    noise = torch.rand(config.shape, generator=torch.Generator().manual_seed(0))
    return torch.stack([*(torch.full(config.shape, level) for level in LEVELS), noise])


def _points(config: ModelConfig) -> Tensor:
    """Returns latent points, `(len(SPREADS), D)`, the same each time."""
    noise = torch.randn(len(SPREADS), config.latent, generator=torch.Generator().manual_seed(0))
    return torch.tensor(SPREADS)[:, None] * noise
