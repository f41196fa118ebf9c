"""What ails a training run: what is seen, with its numbers, why it is so, and what to try."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean

from vae_explorer.config import effective_beta, reported_beta
from vae_explorer.jobs.findings import RISE, SMOOTH, Finding, losses, settled
from vae_explorer.jobs.fitting import backwards, jumped, remedy, still_falling, under_fitting
from vae_explorer.jobs.records import LIVE, Order, Record, Status

UNUSED = 0.01  # nats: an axis with less carries nothing that the decoder could use,
SHARE = 0.02  # nor one with less than this share of the rate
JITTER = 2.0  # so many times its usual change from one epoch to the next the validation objective has to rise by


def examine(order: Order, status: Status) -> list[Finding]:
    """Returns what there is to say of a run, the gravest first; nothing before its first epoch.

    Arguments:
        order: What was to be trained.
        status: Its records so far, and how it ended.
    """
    records = status.records
    findings = [*_diverged(order, status), *_loss_scale(order, records)]
    if records:
        stuck = under_fitting(order, status)  # of whose axes nothing can be said
        findings += stuck or _collapse(order, records)
        findings += [*_over_fitting(order, records), *backwards(status)]
        if not any(each.name == "diverged" for each in findings):
            findings += still_falling(order, status)
    if findings or not records:
        return findings
    if records[-1].number < settled(order):
        return [_too_early(order, records[-1])]
    return [_healthy(order, status)]


def _diverged(order: Order, status: Status) -> list[Finding]:
    """A loss that is no number, or one that jumped."""
    if status.state != "failed" or status.cause != "TrainingDiverged":
        return jumped(order, status)
    done = status.records[-1].number if status.records else 0
    kept = f"epoch {done} is the last good one" if done else "no epoch was whole before, so there is no model"
    return [
        Finding(
            "diverged",
            f"The loss became infinite or no number in epoch {done + 1}; {kept}.",
            "A step was so large that the next gradient was larger still, and so on.",
            remedy(order),
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
    """Axes whose rate has stayed under `UNUSED`, or a small share of all, once the run has settled."""
    axes = _axis_rates(records)
    effective = effective_beta(order.model, order.training)
    judged = records[-1].number >= settled(order) or effective != reported_beta(order.model)
    least = max(UNUSED, SHARE * sum(axes))
    unused = [k for k, rate in enumerate(axes, 1) if rate < least]
    if not unused or not judged:
        return []
    other = "Sum the loss over the pixels"
    if order.training.reduction == "sum":
        slider = order.model.kind == "multi-rate"
        other = (
            f"{'Move the slider of Explore to' if slider else 'Take'} a KL weight below {effective:g}, or another seed"
        )
    seen = f"{_count(len(unused), len(axes))} a rate under {least:.1g} nats ({_axes(axes)})."
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
        f"Axes are judged from epoch {settled(order)} on{axes}: in healthy runs, too, rates begin near 0.",
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
