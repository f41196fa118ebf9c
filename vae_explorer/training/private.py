"""What is used of PyTorch that it does not promise to keep; `tests/test_private.py` says when an update has taken it.

torchvision's import beside a PyTorch that it was not built for is the other: `data/torchvision_cpu.py`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.optim.adamw import adamw

# Without the guards against `torch.compile`, which import the compiler at the first step.
add_param_group: Callable[..., None] = inspect.unwrap(torch.optim.Optimizer.add_param_group)


def has_tiles() -> bool:
    """Says whether the processor has tiles (AMX) and is not held back (`ATEN_CPU_CAPABILITY`) to what came before."""
    return torch.backends.cpu.get_cpu_capability() == "AVX512" and torch.cpu._is_amx_tile_supported()


def fused_adamw(
    parameters: list[Tensor],
    gradients: list[Tensor],
    means: list[Tensor],
    squares: list[Tensor],
    steps: list[Tensor],
    **options: Any,
) -> None:
    """Moves parameters, and their moments in place: one call for all, without what surrounds it in an optimiser.

    Arguments:
        parameters: What is moved.
        gradients: One for each.
        means: First moments.
        squares: Second moments.
        steps: Of each, its steps done.
        options: lr, beta1, beta2, weight_decay, eps.
    """
    none: list[Tensor] = []  # the largest second moments, of amsgrad
    adamw(parameters, gradients, means, squares, none, steps, fused=True, amsgrad=False, maximize=False, **options)


def norms(tensors: list[Tensor]) -> Tensor:
    """Returns the Euclidean norm of each, by one call for all."""
    return torch.stack(torch._foreach_norm(tensors))


def scale(tensors: list[Tensor], factor: float) -> None:
    """Multiplies all in place, by one call."""
    torch._foreach_mul_(tensors, factor)
