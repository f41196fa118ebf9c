"""Training: an iterator of epochs. No printing, no saving, no screen."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from vae_explorer.config import ConfigError, TrainingConfig, reported_beta
from vae_explorer.data import DataError, Images, Shards
from vae_explorer.models.autoencoder import Autoencoder
from vae_explorer.models.objectives import objective, pixel_mean_objective, terms
from vae_explorer.training import draws
from vae_explorer.training.batches import batches
from vae_explorer.training.optimizer import AdamW, State, clip, learning_rate, optimizer_of, restore, state_of
from vae_explorer.training.private import has_tiles
from vae_explorer.training.processes import ALONE, Processes, Share

EVALUATION_IMAGES = 2000


class TrainingDiverged(RuntimeError):
    """The loss is no number any more; the message says what to change."""


class MeanTerms(NamedTuple):
    """Terms averaged over images, in nats per image; a multi-rate model is validated at beta 1."""

    distortion: float
    rate: float
    objective: float


class Epoch(NamedTuple):
    """What one pass over the training part has led to."""

    number: int  # epochs done, from 1
    epochs: int  # epochs planned
    train: MeanTerms  # averaged while the weights moved, at the KL weights drawn
    validation: MeanTerms  # at most EVALUATION_IMAGES images, at the KL weight of `reported_beta`
    images_per_second: float
    seconds: float  # spent on the training images, without pauses
    seconds_left: float
    state: State  # what `fit` needs to go on from here, bit for bit


def fit(
    model: Autoencoder,
    train: Images | Shards,
    validation: Images,
    config: TrainingConfig,
    *,
    state: State | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    processes: Processes = ALONE,
) -> Iterator[Epoch]:
    """Trains `model` in place and yields a record after each epoch.

    All randomness of an epoch comes from `(seed, epoch)`, so a run that goes on from the model
    and state of an epoch ends with the same weights, bit for bit, as one never interrupted
    (same machine, same number of threads and processes).

    Several processes take a step together: each sees its share of the batch, and their gradients are
    added up. The batch, the order, and all that is drawn are those of a process alone, and so are
    the losses, up to the order in which numbers are added.

    Arguments:
        model: The model, the same in all processes; a resumed run needs the weights that belong to `state`.
        train: Images to learn from, as bytes, in memory or in shards; a batch is a slice of their shuffled order.
        validation: Images that are only looked at.
        config: Settings.
        state: `Epoch.state` of an earlier run with the same settings.
        should_stop: Asked at every step; once it says yes, in one process or another, the iterator
            ends without a record of the epoch that was under way.
        processes: This one among those that train together.

    Raises:
        TrainingDiverged: If a loss is not finite. The records up to then stay valid.
        ConfigError: If `state` belongs to another model, or a batch has fewer images than there are processes.
        DataError: If the processes do not hold the same data.
        ProcessesError: If another process has ended.
    """
    held_out = torch.from_numpy(validation.pixels[:EVALUATION_IMAGES])
    images = sum(train.lengths)
    batch = min(config.batch, images)
    steps = images // batch
    share = processes.share(batch)
    _demand_together(train, validation, batch, processes)
    optimizer = optimizer_of(model, config)
    done = 0 if state is None else restore(model, optimizer, state)
    for index in range(done + 1, config.epochs + 1):
        start = time.perf_counter()
        sums = torch.zeros(3)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(_seed(config.seed, index))
            for i, pixels in enumerate(batches(train, batch, _seed(config.seed, index), share.part)):
                asked = time.perf_counter()
                wished = should_stop()
                start += time.perf_counter() - asked  # a question may hold the run for a pause
                if processes.anyone(wished):
                    return
                progress = (index - 1 + (i + 1) / steps) / config.epochs
                for group in optimizer.param_groups:
                    group["lr"] = learning_rate(config, progress)
                sums += _step(model, optimizer, pixels, config, progress, share, processes)
        seconds = time.perf_counter() - start
        beta = reported_beta(model.config)
        held_out_terms = evaluate(model, held_out, beta, seed=config.seed, processes=processes)
        _demand_finite(held_out_terms.objective, config)
        yield Epoch(
            number=index,
            epochs=config.epochs,
            train=MeanTerms(*(sums / steps).tolist()),
            validation=held_out_terms,
            images_per_second=steps * batch / seconds,
            seconds=seconds,
            seconds_left=seconds * (config.epochs - index),
            state=state_of(model, optimizer, index),
        )


@torch.inference_mode()
def evaluate(
    model: Autoencoder,
    pixels: Tensor,
    beta: float,
    *,
    seed: int,
    binarised: bool = False,
    batch: int = 2000,
    processes: Processes = ALONE,
) -> MeanTerms:
    """Returns the mean terms at one KL weight, with one sample of z an image, in float32.

    Processes that evaluate together share each batch; all return the same.
    """
    sums = torch.zeros(3, dtype=torch.float64)
    generator = torch.Generator().manual_seed(seed)  # its own: the global one belongs to all threads of a server
    for part in pixels.split(batch):
        share = processes.share(len(part))
        x = part[share.part].float() / 255
        betas = torch.full((len(x),), beta)
        target = share.bernoulli(x, generator) if binarised else None
        epsilon = None if model.config.kind == "autoencoder" else share.normal(model.config.latent, generator=generator)
        each = terms(model, x, betas, target, epsilon)
        values = (*each, objective(each, betas))
        sums += torch.stack([value.sum(dtype=torch.float64) for value in values])
    processes.add([sums])
    return MeanTerms(*(sums / len(pixels)).tolist())


def autocast(precision: str) -> torch.autocast:
    """Returns the context that matrix products run in.

    Bfloat16 pays only where the processor has tiles for it (AMX): 5 to 7 times the speed there.
    """
    return torch.autocast(
        "cpu", torch.bfloat16, enabled=precision == "bfloat16" or (precision == "auto" and has_tiles())
    )


def _demand_together(train: Images | Shards, validation: Images, batch: int, processes: Processes) -> None:
    if batch < processes.size:
        raise ConfigError(f"batch must be at least {processes.size}, an image for each process (got {batch})")
    held = train.pixels if isinstance(train, Images) else np.array(train.lengths)
    if not processes.agree(held, validation.pixels):
        raise DataError(
            "The processes do not hold the same images: give every machine the same data folder (VAE_EXPLORER_DATA)."
        )


def _step(
    model: Autoencoder,
    optimizer: AdamW,
    pixels: Tensor,
    config: TrainingConfig,
    progress: float,
    share: Share,
    processes: Processes,
) -> Tensor:
    """Moves the weights once and returns the batch's mean distortion, rate and objective."""
    x = pixels.float().div_(255)
    target = share.bernoulli(x) if config.target == "binarised" else x
    seen = x + config.noise * share.normal(*x.shape[1:]) if config.noise else x
    beta = draws.draw_beta(model.config, share.images, config.focus, progress)[share.part]
    epsilon = draws.draw_epsilon(model.config, share)
    with autocast(config.precision):
        each = terms(model, seen, beta, target, epsilon)
    reported = objective(each, beta)
    # The objective is what is made small, unless the famous mistake is asked for.
    loss = pixel_mean_objective(each, beta, x[0].numel()) if config.reduction == "mean" else reported
    if model.config.kind == "multi-rate":
        loss = loss * (1 + beta) ** -config.balance
    learned = optimizer.learned
    for parameter in learned:
        parameter.grad = None
    # Sums over this process's images, divided by the number of all: added up, they are the batch's means.
    (loss.sum() / share.images).backward()
    with torch.no_grad():
        means = torch.stack((*each, reported)).sum(1).div_(share.images)
    gradients = [p.grad for p in learned if p.grad is not None]
    processes.add([*gradients, means])
    clip(gradients, config.clip)
    _demand_finite(means[2].item(), config)
    optimizer.step()
    return means


def _demand_finite(loss: float, config: TrainingConfig) -> None:
    if not math.isfinite(loss):
        raise TrainingDiverged(
            f"The loss became {loss:.3g}. Checkpoints of earlier epochs are good; train again from the last or anew "
            f"with a lower learning rate (it was {config.learning_rate:g}; try a third), or a longer warm-up."
        )


def _seed(seed: int, index: int) -> int:
    return seed * 1_000_003 + index
