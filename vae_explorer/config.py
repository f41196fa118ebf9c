"""Frozen configurations: exactly what rebuilds a model or repeats a training run."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

from vae_explorer import checked

Kind = Literal["autoencoder", "vae", "multi-rate"]
Backbone = Literal["dense", "convolutional"]
Likelihood = Literal["bernoulli", "continuous-bernoulli", "gaussian", "gaussian-learned"]
Target = Literal["grey", "binarised"]
Precision = Literal["auto", "float32", "bfloat16"]
Reduction = Literal["sum", "mean"]

# What no sensible model exceeds: a file that asks for more is refused before any memory is taken, and
# numbers stay within float32.
WIDEST, DEEPEST, LARGEST_SIDE, HEAVIEST = 65_536, 64, 4096, 1e6
# How `TrainingConfig.focus` draws KL weights, chosen on MNIST's validation part: FOCUS is where one network for all is
# furthest from one for each, FOCUS_END the share of the steps that it is favoured for, EDGE in units of log beta.
FOCUS, FOCUS_END, EDGE = (0.01, 1.0), 0.8, 0.3


class ConfigError(ValueError):
    """A setting that cannot work; the message names it and says what would."""


class _Json:
    """To and from the JSON types, refusing what does not fit."""

    def to_json(self) -> dict[str, Any]:
        """Returns the fields as JSON types (tuples become lists)."""
        return asdict(self)  # type: ignore[call-overload, no-any-return]

    @classmethod
    def from_json(cls, values: object) -> Self:
        """Rebuilds a configuration; a field that an older version did not write takes its default.

        Raises:
            ConfigError: If a field is missing, unknown, or of the wrong type.
        """
        try:
            return checked.convert(values, cls)
        except checked.Misfit as error:
            raise ConfigError(f"{cls.__name__}: {error}") from error


@dataclass(frozen=True, kw_only=True)
class ModelConfig(_Json):
    """Everything that rebuilds an untrained model.

    Arguments:
        kind: A deterministic autoencoder, a VAE at one KL weight, or one network for a range of them.
        data: The data set that it is meant for.
        shape: Height and width of an image, in pixels; for colours, 3 after them.
        latent: Number of latent axes.
        backbone: Dense layers, or convolutions followed by one dense layer.
        encoder: Units (dense) or channels (convolutional) of the encoder's hidden layers.
        decoder: The same for the decoder, from z to the image.
        likelihood: What a decoded image is the mean of.
        scale: Standard deviation of the Gaussian likelihood, in units of full intensity; where it
            is learned, the value that learning starts from.
        beta: The KL weight that a VAE is trained for.
        beta_min: Least KL weight of a multi-rate model.
        beta_max: Largest KL weight of a multi-rate model.
    """

    kind: Kind
    data: str
    shape: tuple[int, ...]
    latent: int = 2
    backbone: Backbone = "dense"
    encoder: tuple[int, ...] = (512, 384, 384)
    decoder: tuple[int, ...] = (384, 384, 384, 384, 384)
    likelihood: Likelihood = "bernoulli"
    scale: float = 0.1
    beta: float = 1.0
    beta_min: float = 1e-3
    beta_max: float = 10.0

    def __post_init__(self) -> None:
        checks = {
            f"latent must be at least 1, and {WIDEST} at most": 1 <= self.latent <= WIDEST,
            f"shape must be two positive numbers of {LARGEST_SIDE} at most, and 3 after them for colours": (
                len(self.shape) >= 2
                and self.shape[2:] in ((), (3,))
                and min(self.shape) >= 1
                and max(self.shape) <= LARGEST_SIDE
            ),
            f"encoder and decoder need 1 to {DEEPEST} hidden layers each, of 1 to {WIDEST} units": all(
                len(widths) in range(1, DEEPEST + 1) and min(widths) >= 1 and max(widths) <= WIDEST
                for widths in (self.encoder, self.decoder)
            ),
            f"scale must lie between {1 / HEAVIEST:g} and {HEAVIEST:g}": 1 / HEAVIEST <= self.scale <= HEAVIEST,
            f"beta must lie between 0 and {HEAVIEST:g}": 0 <= self.beta <= HEAVIEST,
            f"beta_min and beta_max must lie between {1 / HEAVIEST:g} and {HEAVIEST:g}, the second the larger": (
                1 / HEAVIEST <= self.beta_min < self.beta_max <= HEAVIEST
            ),
            "a convolutional backbone halves the image once a layer: fewer layers, or larger images": (
                self.backbone == "dense" or min(self.size) >= 2 ** max(len(self.encoder), len(self.decoder))
            ),
        }
        for message, holds in checks.items():
            if not holds:
                raise ConfigError(f"{message} (got {self})")

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of an image, in pixels."""
        return self.shape[0], self.shape[1]

    @property
    def channels(self) -> int:
        """1 for grey images, 3 for colours."""
        return self.shape[2] if len(self.shape) > 2 else 1

    @property
    def condition(self) -> tuple[float, float]:
        """Mean and standard deviation of log beta over the range that a multi-rate model knows."""
        low, high = math.log(self.beta_min), math.log(self.beta_max)
        return (low + high) / 2, (high - low) / math.sqrt(12)


@dataclass(frozen=True, kw_only=True)
class TrainingConfig(_Json):
    """Everything that repeats a training run.

    Arguments:
        epochs: Passes over the training part.
        batch: Images per step.
        learning_rate: Peak of the one-cycle schedule.
        weight_decay: Decoupled decay of the weight matrices.
        warmup: Share of the steps that the learning rate rises in.
        clip: Largest norm of a step's gradient, in nats per image.
        noise: Standard deviation of the normal noise on what the encoder sees, in units of full
            intensity; the decoder still has to match the clean image. It keeps the encoder from
            fitting the training images more closely than others (Shu et al., Amortized Inference
            Regularization, 2018).
        balance: A multi-rate model's loss of an image is divided by (1 + beta) to this power, so that the
            images drawn with a large KL weight do not rule the weights that all share. The default was
            chosen on MNIST's validation part.
        focus: Share of a multi-rate model's images whose KL weight is drawn from FOCUS over the first FOCUS_END of
            the steps, the others' from the whole range. From then on the ends of the range are drawn more often.
            With 0, all are drawn evenly over the range, in the logarithm.
        target: Grey levels as they are, or pixels drawn from them afresh at every step.
        seed: Of initialisation, order, noise and the KL weights drawn.
        precision: Of the matrix products; `auto` takes bfloat16 where the processor multiplies it
            in hardware, and float32 elsewhere. Weights and losses are always float32.
        reduction: Of the distortion over an image's pixels, in the loss that is trained alone: `mean`
            is the famous mistake, which multiplies the KL weight by the number of pixels. What is
            reported is always the sum, in nats per image.
    """

    epochs: int = 30
    batch: int = 250
    learning_rate: float = 4e-3
    weight_decay: float = 0.01
    warmup: float = 0.1
    clip: float = 200.0
    noise: float = 0.0
    balance: float = 0.25
    focus: float = 0.0
    target: Target = "grey"
    seed: int = 0
    precision: Precision = "auto"
    reduction: Reduction = "sum"

    def __post_init__(self) -> None:
        checks = {
            "epochs must be at least 1": self.epochs >= 1,
            "batch must be at least 1": self.batch >= 1,
            "learning_rate must be a positive number": 0 < self.learning_rate < math.inf,
            "weight_decay must be a number from 0 up": 0 <= self.weight_decay < math.inf,
            "warmup must lie between 0 and 1": 0 < self.warmup < 1,
            "clip must be a positive number": self.clip > 0,
            "noise must be a number from 0 up": 0 <= self.noise < math.inf,
            "balance must be a number from 0 up": 0 <= self.balance < math.inf,
            "focus must lie between 0 and 1": 0 <= self.focus <= 1,
            "seed must be a number from 0 up": 0 <= self.seed < 2**31,
        }
        for message, holds in checks.items():
            if not holds:
                raise ConfigError(f"{message} (got {self})")


def reported_beta(config: ModelConfig) -> float:
    """Returns the KL weight that a run is followed at: 1 where the range holds it."""
    if config.kind == "multi-rate":
        return min(max(1.0, config.beta_min), config.beta_max)
    return config.beta


def effective_beta(model: ModelConfig, config: TrainingConfig) -> float:
    """Returns the KL weight that `reported_beta` amounts to in the loss that is trained."""
    return reported_beta(model) * (math.prod(model.shape) if config.reduction == "mean" else 1)
