"""What the files of a training job say: an order, and a status with a record for each epoch. Nothing is taken on trust.

All numbers are finite, as JSON has them; None stands for infinite, or for what files of before did not hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Literal

from vae_explorer.checked import Meta
from vae_explorer.config import WIDEST, ModelConfig, TrainingConfig

State = Literal["waiting", "training", "paused", "stopped", "done", "failed", "interrupted"]
Wish = Literal["run", "pause", "stop"]

LIVE: tuple[State, ...] = ("waiting", "training", "paused")  # a process is at work, or was when it was killed
LONGEST = 10_000  # characters of a text
LARGEST = 1e12  # seconds, epochs and images a second
LOSSES = 1e39  # nats: what float32 can hold

Text = Annotated[str, Meta(max_length=LONGEST)]
Amount = Annotated[float, Meta(ge=-LARGEST, le=LARGEST)]
Loss = Annotated[float, Meta(ge=-LOSSES, le=LOSSES)]
Axes = Annotated[tuple[Loss, ...], Meta(max_length=WIDEST)]


@dataclass(frozen=True, kw_only=True)
class Order:
    """What to train."""

    model: ModelConfig
    training: TrainingConfig
    command: Text  # that does the same on the command line
    out: Text | None = None  # absolute path of the model that comes of it; else NAME in the folder of trained models


@dataclass(frozen=True, kw_only=True)
class Record:
    """What one epoch led to, in nats per image; JSON types alone."""

    number: Annotated[int, Meta(ge=1, le=int(LARGEST))]
    distortion: Loss  # on training images, while the weights moved
    rate: Loss | None  # None: infinite, of a deterministic encoder
    validation_distortion: Loss
    validation_rate: Loss | None
    validation_objective: Loss
    images_per_second: Amount
    seconds: Amount  # of training in this epoch, without pauses
    seconds_left: Amount
    objective: Loss | None = None  # on training images, at the KL weights drawn; None in files of before
    axis_rate: Axes | None = None  # of the film's images, each axis's part; None: infinite, or of before
    explained: Loss | None = None  # R2 of the film's images, decoded from their codes; None in files of before


@dataclass(frozen=True, kw_only=True)
class Rung:
    """A multi-rate model at one KL weight, on validation images, in nats per image."""

    beta: Loss
    distortion: Loss
    rate: Loss


@dataclass(frozen=True, kw_only=True)
class Status:
    """What a job does now."""

    state: State
    message: Text = ""  # for the screen: why it failed
    cause: Text = ""  # the error's name
    since: Amount = 0.0  # Unix time at which it was put into the queue
    records: Annotated[tuple[Record, ...], Meta(max_length=10**6)]
    pca: Loss | None = None  # R2 of as many principal components as the model has axes, on the film's images
    linear: Loss | None = None  # the same of the best linear model at the KL weight that is trained
    ladder: Annotated[tuple[Rung, ...], Meta(max_length=1000)] = ()  # of a multi-rate model that is done

    def __post_init__(self) -> None:
        if not all(a.number < b.number for a, b in pairwise(self.records)):
            raise ValueError("records: the epochs do not rise")
        if len({len(each.axis_rate) for each in self.records if each.axis_rate is not None}) > 1:
            raise ValueError("records: not all of one number of axes")


@dataclass(frozen=True)
class Wished:
    """What whoever watches a job wants of it."""

    wish: Wish


@dataclass(frozen=True)
class Word:
    """Why a job failed, where its status could not be written."""

    message: Text
    cause: Text = ""
