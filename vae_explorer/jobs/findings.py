"""What the doctor says, and what it looks at: shared by its checks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

from vae_explorer.config import effective_beta
from vae_explorer.jobs.records import Order, Record

Name = Literal[
    "diverged",
    "loss scale",
    "under-fitting",
    "posterior collapse",
    "over-fitting",
    "backwards",
    "still falling",
    "too early",
    "healthy",
]

SETTLED = 0.5  # of the planned epochs: before, axes of healthy runs pass below UNUSED as well
SMOOTH = 3  # epochs that are averaged, so that no single one decides
RISE = 0.5  # nats that an objective has to change by to count


class Finding(NamedTuple):
    """One thing to say of a run; sentences for the screen."""

    name: Name
    seen: str
    why: str
    remedy: str  # what to try; empty where nothing has to be


class Losses(NamedTuple):
    """What the run makes small, one value an epoch, in nats per image."""

    train: list[float]
    validation: list[float]


def losses(order: Order, records: Sequence[Record]) -> Losses:
    r"""Returns the objective that was trained, in nats per image.

    .. math:: \text{distortion} + \beta_\text{effective} \, \text{rate}

    Under the pixel mean that is `P` times the loss, as in `objectives.pixel_mean_objective`. A multi-rate
    model's weights differ between images, so the training part's term is what it recorded of them.
    """
    beta = effective_beta(order.model, order.training)
    scale = math.prod(order.model.shape) if order.training.reduction == "mean" else 1
    train = []
    for each in records:
        paid = beta / scale * (each.rate or 0) if each.objective is None else each.objective - each.distortion
        train.append(each.distortion + scale * paid)
    return Losses(train, [each.validation_distortion + beta * (each.validation_rate or 0) for each in records])


def settled(order: Order) -> int:
    """Returns the first epoch whose axes are judged."""
    return math.ceil(SETTLED * order.training.epochs)
