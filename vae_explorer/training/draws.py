"""What a training step draws besides its images: KL weights, and what z is made of."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from vae_explorer.config import EDGE, FOCUS, FOCUS_END, ModelConfig
from vae_explorer.training.processes import Share


def draw_beta(config: ModelConfig, n: int, focus: float, progress: float) -> Tensor:
    """Draws one KL weight per image, log-uniformly over a multi-rate model's range.

    With a focus, that share is drawn from FOCUS instead, until FOCUS_END; from there on all are drawn from a range
    wider by EDGE and brought back into it, since its ends learn from neighbours on one side only.
    """
    if config.kind != "multi-rate":
        return torch.full((n,), config.beta)
    low, high = math.log(config.beta_min), math.log(config.beta_max)
    if not focus:
        return torch.empty(n).uniform_(low, high).exp()
    place, chosen = torch.rand(n), torch.rand(n) < focus

    def even(first: float, last: float) -> Tensor:
        return first + (last - first) * place

    if progress > FOCUS_END:
        return even(low - EDGE, high + EDGE).clamp(low, high).exp()
    first, last = (min(max(math.log(edge), low), high) for edge in FOCUS)
    return torch.where(chosen, even(first, last), even(low, high)).exp()


def draw_epsilon(config: ModelConfig, share: Share) -> Tensor | None:
    """Draws what z is made of, where others see a part of the batch; else the posterior draws it, the same."""
    return None if share.whole or config.kind == "autoencoder" else share.normal(config.latent)
