"""How the weights move: AdamW, its learning rate over a run, and the state that a run goes on from."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from vae_explorer.config import ConfigError, TrainingConfig
from vae_explorer.models.autoencoder import Autoencoder
from vae_explorer.training import private

State = dict[str, Tensor]


class AdamW(torch.optim.AdamW):
    """PyTorch's, by its functional form alone: what surrounds that takes as long as a fifth of a small step.

    The guards against `torch.compile`, which nothing here uses, import the compiler at the first step besides, which
    takes as long as importing PyTorch itself.
    """

    add_param_group = private.add_param_group

    @property
    def learned(self) -> list[Tensor]:
        """All that it moves."""
        return [parameter for group in self.param_groups for parameter in group["params"]]

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        for group in self.param_groups:
            moved = [(p, p.grad, self._moments(p)) for p in group["params"] if p.grad is not None]
            if moved:
                parameters, gradients, moments = map(list, zip(*moved, strict=True))
                mean, square, step = ([each[name] for each in moments] for name in ("exp_avg", "exp_avg_sq", "step"))
                options = {name: group[name] for name in ("lr", "weight_decay", "eps")}
                beta1, beta2 = group["betas"]
                private.fused_adamw(parameters, gradients, mean, square, step, beta1=beta1, beta2=beta2, **options)

    def _moments(self, parameter: Tensor) -> dict[str, Tensor]:
        state: dict[str, Tensor] = self.state[parameter]
        if not state:
            state["step"] = torch.zeros(())
            state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(parameter), torch.zeros_like(parameter)
        return state


def optimizer_of(model: Autoencoder, config: TrainingConfig) -> AdamW:
    learned = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in learned if p.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in learned if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return AdamW(groups, lr=config.learning_rate, betas=(0.9, 0.99))


def learning_rate(config: TrainingConfig, progress: float) -> float:
    """Returns one cycle's rate after a share of all steps: up in a cosine, then down to zero."""
    if progress < config.warmup:
        return config.learning_rate * (1 - math.cos(math.pi * progress / config.warmup)) / 2
    return config.learning_rate * (1 + math.cos(math.pi * (progress - config.warmup) / (1 - config.warmup))) / 2


def state_of(model: Autoencoder, optimizer: torch.optim.Optimizer, index: int) -> State:
    """Copies the optimiser's moments under their parameters' names; all else follows from the epoch."""
    state = {"epoch": torch.tensor(index)}
    for name, parameter in model.named_parameters():
        for moment, value in optimizer.state.get(parameter, {}).items():
            state[f"{name}:{moment}"] = value.clone()
    return state


def restore(model: Autoencoder, optimizer: torch.optim.Optimizer, state: State) -> int:
    """Puts the moments back and returns the number of epochs done."""
    learned = {name: p for name, p in model.named_parameters() if p.requires_grad}
    shapes = {"epoch": torch.Size()}
    for name, parameter in learned.items():
        shapes |= {f"{name}:step": torch.Size(), f"{name}:exp_avg": parameter.shape}
        shapes[f"{name}:exp_avg_sq"] = parameter.shape
    # A moment of another shape would be written to beyond its end: fused steps do not look.
    found = {key: value.shape for key, value in state.items() if key == "epoch" or value.dtype == torch.float32}
    wrong = sorted(key for key in shapes.keys() | state.keys() if shapes.get(key) != found.get(key))
    if wrong or state["epoch"] < 1:
        raise ConfigError(
            f"the training state ({(wrong or ['epoch'])[0]}) does not belong to this model: train it anew"
        )
    for name, parameter in learned.items():
        for moment in ("step", "exp_avg", "exp_avg_sq"):
            optimizer.state[parameter][moment] = state[f"{name}:{moment}"].clone()
    return int(state["epoch"])


def clip(gradients: list[Tensor], most: float) -> None:
    """Scales the gradient down where its norm is too large; seldom, so the pass over all of it is mostly spared."""
    norm = private.norms(gradients).norm().item()
    if norm > most:
        private.scale(gradients, most / (norm + 1e-6))
