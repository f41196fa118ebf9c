"""How long a run will take on this machine, from half a second of it.

    python -m vae_explorer.jobs.estimates < request.json

is what `in_process` starts: a process like a job's own, with its priority, threads and memory, so that neither the
app waits nor the figure is that of the app's one thread.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import fmean, stdev

import numpy as np
import torch

from vae_explorer.checked import loads
from vae_explorer.checkpoints import checkpoints
from vae_explorer.checkpoints.checkpoints import SUFFIX, Provenance
from vae_explorer.config import ModelConfig, TrainingConfig, reported_beta
from vae_explorer.data import Images
from vae_explorer.disk.files import scratch, sweep
from vae_explorer.jobs import films, worker
from vae_explorer.jobs.job import environment
from vae_explorer.latent.encoding import decode, encode
from vae_explorer.models.arrays import Arrays
from vae_explorer.models.autoencoder import Autoencoder, build
from vae_explorer.training.allocator import keep_freed_memory
from vae_explorer.training.engine import EVALUATION_IMAGES, evaluate, fit
from vae_explorer.training.processes import use_half_the_processors

SECONDS = 0.5  # of steps that are timed
WARM_UP = 5  # first steps, or as many as SECONDS hold, that are not: memory is fetched, kernels are chosen
FEWEST = 3  # steps timed, however long they take
BLOCKS = 8  # of steps, whose means say how much the machine's speed varies
LOOP = 64  # batches of random images, used over and over
TRIED = 500  # validation images timed, at most
PATIENCE = 180.0  # seconds until a measurement is given up


class EstimateError(Exception):
    """A measurement that failed; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a process of its own is asked."""

    model: ModelConfig
    training: TrainingConfig
    counts: tuple[int, int]  # of training and validation images
    asked: float  # Unix time


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Seconds of the parts of a run."""

    step: float  # of the optimiser
    error: float  # of `step`: two standard deviations of the means of its blocks
    end: float  # of an epoch: validation, snapshot for the film, checkpoint
    start: float = 0.0  # of the process: imports
    load: float = 0.0  # programs that wanted a core, for each core, in the minute before; 0 where it is not known

    def epoch(self, images: int, batch: int) -> float:
        """Returns the seconds of one epoch of so many training images."""
        return self.step * max(1, images // batch) + self.end

    def run(self, images: int, training: TrainingConfig) -> tuple[float, float]:
        """Returns the seconds of a whole run, from its start, and their uncertainty."""
        steps = training.epochs * max(1, images // training.batch)
        return self.start + training.epochs * self.epoch(images, training.batch), steps * self.error


class _Clock:
    """Asked at every step whether to stop, it notes how long each took."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.begun = time.perf_counter()
        self.warm = 0.0  # when the first steps were over
        self.steps: list[float] = []
        self.last: float | None = None

    def skip(self) -> None:
        """Does not count what lies between the last question and the next: it is no step."""
        self.last = None

    def __call__(self) -> bool:
        now = time.perf_counter()
        if self.last is not None:
            self.steps.append(now - self.last)
        self.last = now
        if not self.warm and (len(self.steps) >= WARM_UP or (self.steps and now - self.begun > self.seconds)):
            self.warm = now
            self.steps.clear()
        return bool(self.warm) and now - self.warm > self.seconds and len(self.steps) >= FEWEST


def time_run(
    model: ModelConfig, training: TrainingConfig, images: int, validation: int, *, seconds: float = SECONDS
) -> Estimate:
    """Trains on random images for a moment, by `training.fit`, and does once what ends an epoch.

    Arguments:
        model: What would be trained.
        training: How; neither the epochs nor the learning rate matter.
        images: Number of training images.
        validation: Number of validation images.
        seconds: Of steps that are timed.
    """
    random = np.random.default_rng(0)
    batch = min(training.batch, images)
    some = _images(random, LOOP * batch, model)  # more than there are, perhaps: the end of an epoch is no step
    network = build(model, training.seed)
    clock = _Clock(seconds)
    endless = replace(training, batch=batch, epochs=1_000_000)  # so that the learning rate stays next to nothing
    for _ in fit(network, some, _images(random, 1, model), endless, should_stop=clock):
        clock.skip()
    blocks = [float(block.mean()) for block in np.array_split(clock.steps, min(BLOCKS, len(clock.steps)))]
    end = _end(network, training, _images(random, min(validation, TRIED), model), min(validation, EVALUATION_IMAGES))
    return Estimate(step=fmean(clock.steps), error=2 * stdev(blocks), end=end)


def in_process(model: ModelConfig, training: TrainingConfig, images: int, validation: int) -> Estimate:
    """Measures in a process of its own, as a job's is; takes some seconds.

    Raises:
        EstimateError: If the process fails, or takes longer than PATIENCE.
    """
    request = Request(model=model, training=training, counts=(images, validation), asked=time.time())
    command = [sys.executable, "-m", "vae_explorer.jobs.estimates"]
    try:
        done = subprocess.run(  # noqa: S603  (our own module)
            command,
            input=json.dumps(asdict(request)),
            capture_output=True,
            text=True,
            env=environment(),
            timeout=PATIENCE,
            check=False,
        )
        if done.returncode:
            reason = done.stderr.strip().splitlines() or [f"its process ended with {done.returncode}"]
            raise EstimateError(reason[-1])
        return loads(done.stdout, Estimate)
    except subprocess.TimeoutExpired as error:
        raise EstimateError(f"a few steps took longer than {PATIENCE:.0f} s") from error
    except (OSError, ValueError) as error:
        raise EstimateError(str(error)) from error


def _images(random: np.random.Generator, count: int, model: ModelConfig) -> Images:
    pixels = random.integers(0, 256, (count, *model.shape), dtype=np.uint8)
    return Images(pixels, np.zeros(count, np.int64), ("",), "random")


def _end(network: Autoencoder, training: TrainingConfig, images: Images, shown: int) -> float:
    """Returns the seconds of what a job does when an epoch is over, with `shown` validation images."""
    beta = reported_beta(network.config)
    moments = {
        f"{name}:{moment}": torch.zeros_like(parameter)
        for name, parameter in network.named_parameters()
        for moment in ("exp_avg", "exp_avg_sq")
    }
    provenance = Provenance(command="", data="", epochs=1, seconds=0, metrics={}, versions={}, training=training)
    runs = checkpoints.user_folder()
    sweep(runs)  # what a measurement that took too long left
    with scratch(runs if runs.is_dir() else Path(tempfile.gettempdir())) as folder:
        path = folder / f"last{SUFFIX}"
        start = time.perf_counter()
        model = Arrays(network)
        evaluate(network, torch.from_numpy(images.pixels), beta, seed=0)
        decode(model, encode(model, images.pixels, beta).mean[: films.FILM_IMAGES], beta)
        looked = time.perf_counter()
        checkpoints.save(path, network, provenance, moments)
        saved = time.perf_counter()
    return (looked - start) * math.ceil(shown / len(images.pixels)) + (saved - looked)


def main() -> None:
    """Reads a request from the standard input, and prints an estimate."""
    if hasattr(os, "nice"):  # not on Windows
        os.nice(worker.NICE)
    request = loads(sys.stdin.read(), Request)
    start = time.time() - request.asked
    keep_freed_memory()
    use_half_the_processors()
    load = os.getloadavg()[0] / (os.cpu_count() or 1) if hasattr(os, "getloadavg") else 0.0  # not on Windows
    estimate = time_run(request.model, request.training, *request.counts)
    print(json.dumps(asdict(replace(estimate, start=start, load=load))))


if __name__ == "__main__":
    main()
