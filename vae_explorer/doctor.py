"""What ails a training run: what is seen, with its numbers, why it is so, and what to try."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean
from typing import Literal, NamedTuple

from vae_explorer.records import LIVE, Order, Record, Status
from vae_explorer.training import effective_beta, reported_beta

Name = Literal["diverged", "loss scale", "posterior collapse", "over-fitting", "too early", "healthy"]

UNUSED = 0.01  # nats: an axis with less carries nothing that the decoder could use
SETTLED = 0.5  # of the planned epochs: before, axes of healthy runs pass below UNUSED as well
SMOOTH = 3  # epochs that are averaged, so that no single one decides
RISE = 0.5  # nats that the validation objective has to rise by,
JITTER = 2.0  # and so many times its usual change from one epoch to the next


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


def examine(order: Order, status: Status) -> list[Finding]:
    """Returns what there is to say of a run, the gravest first; nothing before its first epoch.

    Arguments:
        order: What was to be trained.
        status: Its records so far, and how it ended.
    """
    records = status.records
    findings = [*_diverged(order, status), *_loss_scale(order, records)]
    if records:
        findings += [*_collapse(order, records), *_over_fitting(order, records)]
    if findings or not records:
        return findings
    if records[-1].number < _settled(order):
        return [_too_early(order, records[-1])]
    return [_healthy(order, status)]


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


def _diverged(order: Order, status: Status) -> list[Finding]:
    """A loss that is no number, or one that rose further above its start than it ever fell below it."""
    done = status.records[-1].number if status.records else 0
    rate = order.training.learning_rate
    remedy = f"Train anew with a learning rate of {_round(rate / 3)} instead of {rate:g}, or a longer warm-up."
    kept = f"epoch {done} is the last good one" if done else "no epoch was whole before, so there is no model"
    if status.state == "failed" and status.cause == "TrainingDiverged":
        return [
            Finding(
                "diverged",
                f"The loss became infinite or no number in epoch {done + 1}; {kept}.",
                "A step was so large that the next gradient was larger still, and so on.",
                remedy,
            )
        ]
    train, validation = losses(order, status.records)
    if len(train) < 2 or max(train) <= train[0] + max(RISE, train[0] - min(train)):
        return []
    peak = train.index(max(train))
    best = status.records[validation.index(min(validation))].number
    return [
        Finding(
            "diverged",
            f"The training loss jumped from {train[peak - 1]:,.1f} to {train[peak]:,.1f} nats in epoch "
            f"{status.records[peak].number}, further up than it had ever come down; epoch {best} was the best.",
            "The steps are too large: they jump out of the valley that they were in, and what was learned is lost.",
            remedy,
        )
    ]


def _loss_scale(order: Order, records: Sequence[Record]) -> list[Finding]:
    """A KL weight that the mean over pixels has multiplied; a deterministic encoder pays for no rate."""
    beta = reported_beta(order.model)
    effective = effective_beta(order.model, order.training)
    if order.model.kind == "autoencoder" or effective == beta:
        return []
    so_far = ""
    if records and records[-1].validation_rate is not None:
        rate = records[-1].validation_rate
        amount = f"under {UNUSED}" if rate < UNUSED else f"{rate:.2f}"
        so_far = f" The rate is {amount} nats per image after epoch {records[-1].number}."
    pixels = math.prod(order.model.shape)
    return [
        Finding(
            "loss scale",
            f"The KL weight set is {beta:g}; the effective one is {effective:,.4g}.{so_far}",
            f"The loss averages the distortion over {pixels:,} pixels but sums the KL over the axes: "
            f"D / {pixels} + {beta:g} KL is, up to its scale, D + {effective:,.4g} KL.",
            "Sum over the pixels; or, with the mean, divide the KL weight by their number "
            f"({beta:g} / {pixels:,} = {beta / pixels:.3g}).",
        )
    ]


def _collapse(order: Order, records: Sequence[Record]) -> list[Finding]:
    """Axes whose rate has stayed under `UNUSED`, once the run has settled."""
    axes = _axis_rates(records)
    effective = effective_beta(order.model, order.training)
    settled = records[-1].number >= _settled(order) or effective != reported_beta(order.model)
    unused = [k for k, rate in enumerate(axes, 1) if rate < UNUSED]
    if not unused or not settled:
        return []
    other = "Sum the loss over the pixels"
    if order.training.reduction == "sum":
        slider = order.model.kind == "multi-rate"
        other = (
            f"{'Move the slider of Explore to' if slider else 'Take'} a KL weight below {effective:g}, or another seed"
        )
    seen = f"{_count(len(unused), len(axes))} a rate under {UNUSED} nats ({_axes(axes)})."
    if len(unused) == len(axes):
        return [
            Finding(
                "posterior collapse",
                seen,
                "The posterior is the prior whatever the image: z carries nothing, and the decoder draws the average "
                "image. What an axis could explain costs more nats of rate than it saves in distortion.",
                f"{other}.",
            )
        ]
    return [
        Finding(
            "posterior collapse",
            seen,
            "These axes are noise to the decoder: at this KL weight it found no use for them. With many axes some are "
            "always left over, which does no harm; with few, the model has stuck.",
            f"{other}; or have {len(axes) - len(unused)} in all and lose nothing.",
        )
    ]


def _over_fitting(order: Order, records: Sequence[Record]) -> list[Finding]:
    """The validation objective has risen since its best epoch while the training objective fell."""
    train, validation = losses(order, records)
    best = validation.index(min(validation))
    if len(records) - best <= SMOOTH or best == 0:
        return []
    rise = fmean(validation[-SMOOTH:]) - validation[best]
    fall = train[best] - fmean(train[-SMOOTH:])
    jitter = fmean(abs(b - a) for a, b in pairwise(validation[-2 * SMOOTH :]))
    if fall <= 0 or rise < max(RISE, JITTER * jitter):
        return []
    at, now = records[best].number, records[-1].number
    return [
        Finding(
            "over-fitting",
            f"The validation objective was best at epoch {at}, {validation[best]:.2f} nats, and is {rise:.2f} nats "
            f"worse now, at epoch {now}; the training objective fell by {fall:.2f} meanwhile.",
            "The network learns its training images by heart: what it still gains does not hold for others.",
            f"Train {at} epochs; or a larger weight decay ({order.training.weight_decay:g} now), noise on the "
            f"encoder's input ({order.training.noise:g} now), a smaller network, more images.",
        )
    ]


def _too_early(order: Order, last: Record) -> Finding:
    axes = f" ({_axes(last.axis_rate)} so far)" if last.axis_rate else ""
    return Finding(
        "too early",
        f"Epoch {last.number} of {order.training.epochs}: nothing to complain about yet.",
        f"Axes are judged from epoch {_settled(order)} on{axes}: in healthy runs, too, rates begin near 0.",
        "",
    )


def _healthy(order: Order, status: Status) -> Finding:
    last = status.records[-1]
    train, validation = losses(order, status.records)
    best = status.records[validation.index(min(validation))].number
    used = f" Rates of the axes: {_axes(last.axis_rate)}." if last.axis_rate else ""
    when = f"after {last.number} of {order.training.epochs} epochs"
    gap = ""
    if order.model.kind != "multi-rate":  # whose training objective is over all its KL weights
        gap = f", {abs(validation[-1] - train[-1]):.2f} {'above' if validation[-1] > train[-1] else 'below'} training's"
    going = " so far" if status.state in LIVE else ""
    return Finding(
        "healthy",
        f"Nothing to complain about{going}, {when}.",
        f"The validation objective is {validation[-1]:.2f} nats{gap}; its best epoch was {best}.{used}",
        "",
    )


def _settled(order: Order) -> int:
    """Returns the first epoch whose axes are judged."""
    return math.ceil(SETTLED * order.training.epochs)


def _axis_rates(records: Sequence[Record]) -> list[float]:
    """Returns each axis's largest rate over the last epochs; none where it is infinite or was not recorded."""
    rows = [each.axis_rate for each in records[-SMOOTH:] if each.axis_rate is not None]
    return [max(column) for column in zip(*rows, strict=True)]


def _axes(rates: Sequence[float], most: int = 6) -> str:
    """Says the rates of the axes, the largest first where there are many."""
    shown = rates if len(rates) <= most else sorted(rates, reverse=True)[:most]
    return f"{', '.join(f'{rate:.2f}' for rate in shown)}{', ...' if len(rates) > most else ''} nats"


def _count(some: int, of: int) -> str:
    if of == 1:
        return "The one axis has"
    if some == of:
        return f"{'Both' if of == 2 else f'All {of}'} axes have"
    return f"{some} of {of} axes {'has' if some == 1 else 'have'}"


def _round(value: float) -> str:
    return f"{value:.1g}"
