"""A process that works on a training job: it trains, leaves snapshots, and does what is wished."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, nullcontext, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray
from safetensors.numpy import save_file

from vae_explorer.checkpoints import checkpoints
from vae_explorer.checkpoints.checkpoints import CheckpointError
from vae_explorer.config import ConfigError, effective_beta, reported_beta
from vae_explorer.data import DataError, Images, Shards, evenly, load, stream
from vae_explorer.data.modality import PICTURES
from vae_explorer.disk.files import read_json, reason, replacing, sweep
from vae_explorer.jobs import films, runs
from vae_explorer.jobs.errors import JobError, JobGone
from vae_explorer.jobs.films import FILM_IMAGES
from vae_explorer.jobs.job import Job, write
from vae_explorer.jobs.jobs import find_all, limit, slot
from vae_explorer.jobs.records import LONGEST, Record, Rung, Status, Wish, Wished
from vae_explorer.jobs.runs import Run
from vae_explorer.latent.encoding import axis_rates, decode, encode
from vae_explorer.latent.model import Encoding
from vae_explorer.measured.baselines import best_linear, explained, mean_image
from vae_explorer.measured.evaluation import averages
from vae_explorer.models.arrays import Arrays
from vae_explorer.training.engine import Epoch, TrainingDiverged
from vae_explorer.training.processes import ALONE, Processes, ProcessesError

FILM_CODES = 2000  # validation images whose codes a snapshot holds, at most
JUDGED = 500  # of these are decoded after each epoch, to see how much of them is explained
FITTED = 500  # training images that a linear model is fitted to
RUNGS = 5  # KL weights at which a multi-rate model is measured at the end
LOOK = 0.1  # seconds from one look at the queue to the next, and at the wish while paused
GLANCE = 0.03  # seconds from one look at the wish to the next while it trains
NICE = 10  # a click in the app comes before a training step
NOTHING = b""  # to train, for the other processes
# What ends a job with a message that is fit for a screen.
EXPECTED = (
    *(CheckpointError, ConfigError, DataError, JobError, ProcessesError, TrainingDiverged),
    *(OSError, MemoryError),
)


def work(
    job: Job,
    *,
    joined: bool = False,
    watch: Callable[[Status], None] = lambda _: None,
    interrupted: Callable[[], bool] = lambda: False,
    processes: Processes = ALONE,
) -> Status:
    """Trains in this process until it is over, stopped or failed; returns the last status, which says which.

    Arguments:
        job: What to train.
        joined: Whether who started this process has put the job into the queue already.
        watch: Called with each new status.
        interrupted: Asked at every step; yes is a wish to stop.
        processes: Those that train with this one, and `runs.follow` it.

    Raises:
        JobError: If another process is at work on it, or its folder cannot be written.
    """
    with ExitStack() as stack:
        with nullcontext() if joined else job.joining():
            job.take(stack)
        worker = _Worker(job, watch, interrupted, processes)
        worker.work()
        return worker.status


class _Worker:
    """The process's own view of its job."""

    def __init__(
        self,
        job: Job,
        watch: Callable[[Status], None],
        interrupted: Callable[[], bool],
        processes: Processes,
    ) -> None:
        self.job = job
        self.watch = watch
        self.interrupted = interrupted
        self.processes = processes
        self.status = job.status
        self.order = job.order
        self.home = job.folder.stat()
        self.stack = ExitStack()
        self.wished: Wish = "run"
        self.looked = -math.inf  # when the wish was read

    def work(self) -> None:
        try:
            with self.stack:
                self.wait_turn()
                if self.should_stop():
                    self.processes.tell(NOTHING)
                    return self.tell(state="stopped")
                run = self.begin()
                if run is None:
                    self.processes.tell(NOTHING)
                else:
                    runs.train(run, self.job.last, self.show, self.should_stop, self.processes)
                finished = self.publish()
                self.tell(state="done" if finished else "stopped")
        except EXPECTED as error:
            self.fail(_message(error), type(error).__name__)
        except Exception as error:
            self.fail(f"{type(error).__name__}: {error}. The job's log.txt says where."[:LONGEST])
            raise

    def begin(self) -> Run | None:
        """Returns where training starts from, or None where it is over; forgets what came after."""
        self.tell(state="training")
        order = self.order
        for folder in (self.job.folder, self.job.folder / "film", checkpoints.user_folder()):
            sweep(folder)  # what a process that was killed left
        run = None
        done = 0
        if self.job.last.exists():
            kept = checkpoints.load(self.job.last)
            done = kept.provenance.epochs
            run = Run.resumed(self.job.last) if kept.state else None
        else:
            run = Run.fresh(order.model, order.training, order.command)
        self.status = replace(self.status, records=tuple(each for each in self.status.records if each.number <= done))
        if run is not None:
            self.model = run.model
            self.prepare_film(order.model.data)
        return run

    def prepare_film(self, data: str) -> None:
        validation = load(data, "validation")
        self.film = evenly(validation.pixels, FILM_CODES)
        labels = evenly(validation.labels.astype(np.uint8), FILM_CODES)
        self.demand_home()
        films.head_file(self.job.folder).parent.mkdir(exist_ok=True)
        with replacing(films.head_file(self.job.folder)) as file:
            save_file({"labels": labels, "originals": self.film[:FILM_IMAGES]}, file)
        some = _some(stream(data, "train"))
        self.mean = mean_image(some)
        self.judged = _places(len(self.film), JUDGED)
        model, training = self.order.model, self.order.training
        beta = 0.0 if model.kind == "autoencoder" else effective_beta(model, training)
        best = best_linear(some, self.film[self.judged], model, beta)
        self.tell(pca=best.pca, linear=best.linear)

    def show(self, epoch: Epoch) -> None:
        """Leaves a snapshot and a record, before the checkpoint: after a kill they are ahead, never behind."""
        model, config = Arrays(self.model), self.model.config
        beta = reported_beta(config)
        codes = encode(model, self.film, beta)
        arrays: dict[str, NDArray[Any]] = {
            "codes": codes.mean.astype(np.float16),
            "images": PICTURES.levels(decode(model, codes.mean[:FILM_IMAGES], beta)),
        }
        with replacing(films.frame_file(self.job.folder, epoch.number)) as file:
            save_file(arrays, file)
        decoded = decode(model, codes.mean[self.judged], beta)
        record = replace(_record(epoch, codes), explained=explained(self.film[self.judged], decoded, self.mean))
        self.tell(records=(*self.status.records, record))
        if epoch.number == epoch.epochs and config.kind == "multi-rate":
            self.tell(ladder=self.ladder())
        self.demand_home()  # who watches may have moved it: the checkpoint is not to lie in another's folder

    def ladder(self) -> tuple[Rung, ...]:
        """Measures a multi-rate model over its range of KL weights."""
        config = self.order.model
        rungs = []
        for beta in np.geomspace(config.beta_min, config.beta_max, RUNGS).tolist():
            mean = averages(self.model, self.film[self.judged], beta, samples=1, seed=0)
            rungs.append(Rung(beta=beta, distortion=mean.distortion, rate=mean.rate))
        return tuple(rungs)

    def publish(self) -> bool:
        """Puts the model of the last whole epoch into every list; says whether training is over."""
        if not self.job.last.exists():
            self.tell(message="Stopped before the first epoch was whole: there is no model yet.")
            return False
        kept = checkpoints.load(self.job.last)
        self.demand_home()
        checkpoints.save(self.job.model_of(self.order), kept.model, kept.provenance)
        return not kept.state

    # The queue, and what is wished ------------------------------------------------------------

    def wait_turn(self) -> None:
        """Waits for one of the slots; those who have waited longer go first."""
        self.tell(state="waiting")
        while self.wish() != "stop":
            if self.first_in_line():
                for k in range(limit()):
                    with suppress(Timeout):
                        self.stack.enter_context(FileLock(slot(k), timeout=0))
                        return
            time.sleep(LOOK)

    def first_in_line(self) -> bool:
        for other in find_all():
            if other.name == self.job.name:
                continue
            try:
                status = other.status
            except JobError:
                continue
            if status.state == "waiting" and (status.since, other.name) < (self.status.since, self.job.name):
                return False
        return True

    def wish(self) -> str:
        """Returns what is wished, read every GLANCE seconds; what makes no sense changes nothing."""
        if self.interrupted():
            return "stop"
        if time.monotonic() - self.looked >= GLANCE:
            self.looked = time.monotonic()
            try:
                self.wished = read_json(self.job.folder / "wish.json", Wished, 1000).wish
            except (OSError, ValueError):
                self.demand_home()
        return self.wished

    def should_stop(self) -> bool:
        """Asked at every step: holds it while a pause is wished, and gives the slot to others meanwhile."""
        if self.wish() == "pause":
            self.stack.close()
            self.tell(state="paused")
            while self.wish() == "pause":
                time.sleep(LOOK)
            self.wait_turn()
            self.tell(state="training")
        return self.wish() == "stop"

    def tell(self, **changes: Any) -> None:
        """Writes the new status; one of a folder that was deleted or moved is written nowhere."""
        self.status = replace(self.status, **changes)
        self.demand_home()
        write(self.job.folder / "status.json", asdict(self.status))
        self.watch(self.status)

    def fail(self, message: str, cause: str = "") -> None:
        """Says why it failed: in the status, or where the disk is full in a word that takes no new space."""
        try:
            self.tell(state="failed", message=message, cause=cause)
        except JobGone as error:
            self.status = replace(self.status, state="failed", message=str(error), cause=JobGone.__name__)
            self.watch(self.status)
        except OSError as error:
            print(f"{message}\n{error}", file=sys.stderr)  # the job's log.txt
            with suppress(OSError):
                self.job.leave_word(message, cause)
            self.watch(self.status)

    def demand_home(self) -> None:
        """Raises JobGone where another folder, or none, lies where the job's did."""
        try:
            if os.path.samestat(self.home, self.job.folder.stat()):
                return
        except OSError:
            pass
        raise JobGone(f"The folder of {self.job.name} was deleted or moved while it trained: training has ended.")


def _message(error: Exception) -> str:
    """Returns an error's message for the screen; what the disk refuses is said in words."""
    if isinstance(error, OSError):
        return f"{error.filename or 'A file'} cannot be written or read: {reason(error)}."[:LONGEST]
    return (str(error) or type(error).__name__)[:LONGEST]


def _record(epoch: Epoch, codes: Encoding) -> Record:
    rates = axis_rates(codes).round(4)  # all digits of 64 axes would double the file
    return Record(
        number=epoch.number,
        distortion=epoch.train.distortion,
        rate=_finite(epoch.train.rate),
        validation_distortion=epoch.validation.distortion,
        validation_rate=_finite(epoch.validation.rate),
        validation_objective=epoch.validation.objective,
        images_per_second=epoch.images_per_second,
        seconds=epoch.seconds,
        seconds_left=epoch.seconds_left,
        objective=epoch.train.objective,
        axis_rate=tuple(rates.tolist()) if np.isfinite(rates).all() else None,
    )


def _some(images: Images | Shards) -> NDArray[np.uint8]:
    """Returns training images to fit a linear model to: of shards, the first one's."""
    if isinstance(images, Images):
        return evenly(images.pixels, FITTED)
    count = min(FITTED, images.lengths[0])
    pixels = np.empty((count, *images.shape), np.uint8)
    images.read(0, _places(images.lengths[0], count), pixels)
    return pixels


def _places(length: int, most: int) -> NDArray[np.int64]:
    """Returns so many positions at most, from all over."""
    return np.linspace(0, length - 1, min(length, most)).round().astype(np.int64)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


if __name__ == "__main__":
    if hasattr(os, "nice"):  # not on Windows
        os.nice(NICE)
    work(Job(Path(sys.argv[1])), joined=True)
