"""Frozen configurations: exactly what rebuilds a model or repeats a training run.

A field's type and the few words beside it are what files are checked against, and make an option of the command line.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal, Self

from vae_explorer import checked
from vae_explorer.checked import words

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
_FOCUS_WORDS = (
    f"multi-rate: share of images drawn from KL weights of {FOCUS[0]:g} to {FOCUS[1]:g} over the first {FOCUS_END:.0%} "
    "of the steps"
)


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

    More of some fields:
        shape: Height and width of an image, in pixels; for colours, 3 after them.
        scale: Where it is learned, the value that learning starts from.
    """

    kind: Annotated[Kind, words("deterministic autoencoder; VAE at one KL weight; or one network for a range of them")]
    data: Annotated[str, words("the data set that it is meant for")]
    shape: tuple[int, ...]
    latent: Annotated[int, words("latent axes")] = 2
    backbone: Annotated[Backbone, words("dense layers, or convolutions followed by one dense layer")] = "dense"
    encoder: Annotated[tuple[int, ...], words("hidden units; channels, if convolutional")] = (
        512,
        384,
        384,
    )
    decoder: Annotated[tuple[int, ...], words("the same, from z to the image")] = (384,) * 5
    likelihood: Annotated[Likelihood, words("what a decoded image is the mean of")] = "bernoulli"
    scale: Annotated[float, words("std of the Gaussian likelihood, in units of full intensity")] = 0.1
    beta: Annotated[float, words("KL weight of a VAE")] = 1.0
    beta_min: Annotated[float, words("least KL weight, multi-rate")] = 1e-3
    beta_max: Annotated[float, words("largest KL weight, multi-rate")] = 10.0

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

    More of some fields:
        noise: The decoder still has to match the clean image. It keeps the encoder from fitting the training images
            more closely than others (Shu et al., Amortized Inference Regularization, 2018).
        balance: So the images drawn with a large KL weight do not rule the weights that all share. The default was
            chosen on MNIST's validation part.
        focus: The others are drawn from the whole range, and from then on its ends more often. With 0, all are drawn
            evenly over the range, in the logarithm.
        precision: Of the matrix products; `auto` takes bfloat16 where the processor multiplies it
            in hardware, and float32 elsewhere. Weights and losses are always float32.
        reduction: Of the distortion over an image's pixels, in the loss that is trained alone: `mean`
            is the famous mistake, which multiplies the KL weight by the number of pixels. What is
            reported is always the sum, in nats per image.
    """

    epochs: Annotated[int, words("passes over the training images")] = 30
    batch: Annotated[int, words("images per step")] = 250
    learning_rate: Annotated[float, words("peak of the one-cycle schedule")] = 4e-3
    weight_decay: Annotated[float, words("of the weight matrices, decoupled")] = 0.01
    warmup: Annotated[float, words("share of the steps that the learning rate rises in")] = 0.1
    clip: Annotated[float, words("largest gradient norm, nats per image")] = 200.0
    noise: Annotated[float, words("std of the normal noise on what the encoder sees, in units of full intensity")] = 0.0
    balance: Annotated[float, words("multi-rate: an image's loss is divided by (1 + beta) to this power")] = 0.25
    focus: Annotated[float, words(_FOCUS_WORDS)] = 0.0
    target: Annotated[Target, words("grey levels as they are, or pixels drawn from them afresh at every step")] = "grey"
    seed: Annotated[int, words("of initialisation, order, noise and KL weights")] = 0
    precision: Annotated[Precision, words("of matrix products")] = "auto"
    reduction: Annotated[
        Reduction,
        words("over pixels, in the loss; mean is the famous mistake that multiplies beta by their number"),
    ] = "sum"

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
