"""Whether a run has learned what it could: against the best linear model, against its own jumps, and to its end."""

from __future__ import annotations

import math
from itertools import pairwise

from vae_explorer.jobs.findings import RISE, SMOOTH, Finding, losses, settled
from vae_explorer.jobs.records import LIVE, Order, Rung, Status

JUMP = 0.1  # of the best loss, and of what it had come down by: what a jump exceeds
FEW = 0.05  # R2: where a linear model explains less, there is nothing to learn at this KL weight
FITS = 0.5  # of what a linear model explains: healthy runs reach 0.7 and more, most of them more than all of it
FALLING = 0.02  # of the objective: a fall over the last SMOOTH epochs from which a longer run is worth its time
KNOWS_NOTHING = 2.0  # times the loss of grey images: what a loss exceeds that blew up before its first record


def jumped(order: Order, status: Status) -> list[Finding]:
    """A loss that rose far above the best so far, or was beyond all measure before the first record."""
    train, validation = losses(order, status.records)
    if not train:
        return []
    best = status.records[validation.index(min(validation))].number
    rises = [(train[k] - min(train[:k]), k) for k in range(1, len(train)) if _jump(train[: k + 1])]
    seen = ""
    if rises:
        rise, k = max(rises)
        seen = f"jumped from {train[k] - rise:,.1f} to {train[k]:,.1f} nats in epoch {status.records[k].number}"
    elif order.model.likelihood == "bernoulli" and train[0] > KNOWS_NOTHING * _grey(order):
        seen = (
            f"was {train[0]:,.1f} nats in epoch {status.records[0].number}, where grey images have {_grey(order):,.1f}"
        )
    if not seen:
        return []
    return [
        Finding(
            "diverged",
            f"The training loss {seen}; epoch {best} was the best.",
            "The steps are too large: they jump out of the valley that they were in, and what was learned is lost.",
            remedy(order),
        )
    ]


def remedy(order: Order) -> str:
    """Returns what helps against steps that are too large."""
    rate = order.training.learning_rate
    return f"Train anew with a learning rate of {rate / 3:.1g} instead of {rate:g}, or a longer warm-up."


def under_fitting(order: Order, status: Status) -> list[Finding]:
    """A run that is over and explains much less than the best linear model of as many axes and the same KL weight."""
    last = status.records[-1]
    known, linear, pca = last.explained, status.linear, status.pca
    if known is None or linear is None or pca is None or status.state in LIVE or last.number < settled(order):
        return []
    if linear < FEW or known >= FITS * linear:
        return []
    here = "" if linear > 0.98 * pca else f", {linear:.0%} at this KL weight"
    axes = order.model.latent
    widths = f"{_widths(order.model.encoder)} and {_widths(order.model.decoder)}"
    return [
        Finding(
            "under-fitting",
            f"The reconstructions explain {max(0.0, known):.0%} of the validation images' variance; {axes} principal "
            f"component{'s' if axes > 1 else ''} would explain {pca:.0%}{here}.",
            "The network has not learned what a linear model can. It was trained too briefly, its steps were too small "
            "or too large, or a layer is too narrow; nothing can be said of its axes yet.",
            f"Train longer ({last.number} epochs now), with another learning rate ({order.training.learning_rate:g} "
            f"now), or with wider layers ({widths} now).",
        )
    ]


def still_falling(order: Order, status: Status) -> list[Finding]:
    """A run that came to its end while the validation objective was falling fast."""
    validation = losses(order, status.records).validation
    if status.records[-1].number < order.training.epochs or len(validation) <= SMOOTH:
        return []
    fall = validation[-1 - SMOOTH] - validation[-1]
    if fall <= max(RISE, FALLING * abs(validation[-1]), FALLING * (validation[0] - validation[-1])):
        return []
    epochs = order.training.epochs
    return [
        Finding(
            "still falling",
            f"The validation objective fell by {fall:.2f} nats in the last {SMOOTH} epochs, to {validation[-1]:.2f}.",
            "The run ended before it had settled: what it holds is not yet what this network can do.",
            f"Train longer: {2 * epochs} epochs instead of {epochs}.",
        )
    ]


def backwards(status: Status) -> list[Finding]:
    """A rate-distortion curve that runs backwards: as the KL weight rises, rate has to fall and distortion to rise."""
    for low, high in pairwise(status.ladder):
        for name, change, start, end in _wrong_ways(low, high):
            if change > max(RISE, FALLING * abs(start)):
                way = "rises" if name == "rate" else "falls"
                return [
                    Finding(
                        "backwards",
                        f"From KL weight {low.beta:.3g} to {high.beta:.3g} the {name} {way} from {start:.2f} to "
                        f"{end:.2f} nats.",
                        "A larger KL weight has to save rate and cost distortion. Where it does not, the network has "
                        "not learned to tell its KL weights apart.",
                        "Train longer, or a narrower range of KL weights.",
                    )
                ]
    return []


def _wrong_ways(low: Rung, high: Rung) -> tuple[tuple[str, float, float, float], ...]:
    return (
        ("rate", high.rate - low.rate, low.rate, high.rate),
        ("distortion", low.distortion - high.distortion, low.distortion, high.distortion),
    )


def _jump(train: list[float]) -> bool:
    """Says whether the last loss lies far above the best before."""
    *before, now = train
    best = min(before)
    return now - best > max(RISE, JUMP * abs(best), JUMP * (max(before) - best))


def _grey(order: Order) -> float:
    """Returns the loss of a model that decodes grey whatever it sees, in nats: log 2 a pixel."""
    return math.prod(order.model.shape) * math.log(2)


def _widths(widths: tuple[int, ...]) -> str:
    return "-".join(map(str, widths))
