"""A process that works on a training job: it trains, leaves snapshots, and does what is wished."""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray
from safetensors.numpy import save_file

from vae_explorer import checkpoints, runs
from vae_explorer.checkpoints import CheckpointError
from vae_explorer.config import ConfigError
from vae_explorer.data import DataError, load, spread
from vae_explorer.files import whole
from vae_explorer.jobs import FILM_IMAGES, Job, JobError, Record, Status, find_all, folder, limit, write
from vae_explorer.latent.encoding import Encoding, axis_rates, decode, encode, grey_levels
from vae_explorer.processes import ALONE, Processes, ProcessesError
from vae_explorer.runs import Run
from vae_explorer.training import Epoch, TrainingDiverged, reported_beta

FILM_CODES = 2000  # validation images whose codes a snapshot holds, at most
LOOK = 0.1  # seconds from one look at the wish or the queue to the next
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
    watch: Callable[[Status], None] = lambda _: None,
    interrupted: Callable[[], bool] = lambda: False,
    processes: Processes = ALONE,
) -> None:
    """Trains in this process until it is over, stopped or failed; the status says which.

    Arguments:
        job: What to train; `join_queue` came before.
        watch: Called with each new status.
        interrupted: Asked at every step; yes is a wish to stop.
        processes: Those that train with this one, and `runs.follow` it.

    Raises:
        JobError: If another process is at work on it.
    """
    try:
        alive = job.lock().acquire(timeout=2)  # whoever looks whether it is alive holds it for a moment
    except Timeout as error:
        raise JobError(f"{job.name} is being trained already.") from error
    with alive:
        _Worker(job, watch, interrupted, processes).work()


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
        self.stack = ExitStack()
        self.wish_read = (-1, "run")

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
            self.tell(state="failed", message=str(error) or type(error).__name__, cause=type(error).__name__)
        except Exception as error:
            self.tell(state="failed", message=f"{type(error).__name__}: {error}. The job's log.txt says where.")
            raise

    def begin(self) -> Run | None:
        """Returns where training starts from, or None where it is over; forgets what came after."""
        self.tell(state="training")
        order = self.job.order
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
        self.film = spread(validation.pixels, FILM_CODES)
        labels = spread(validation.labels.astype(np.uint8), FILM_CODES)
        path = self.job.folder / "film" / "labels.safetensors"
        with whole(path) as file:
            save_file({"labels": labels, "originals": self.film[:FILM_IMAGES]}, file)

    def show(self, epoch: Epoch) -> None:
        """Leaves a snapshot and a record, before the checkpoint: after a kill they are ahead, never behind."""
        model = self.model
        beta = reported_beta(model.config)
        codes = encode(model, self.film, beta)
        arrays: dict[str, NDArray[Any]] = {
            "codes": codes.mean.astype(np.float16),
            "images": grey_levels(decode(model, codes.mean[:FILM_IMAGES], beta)),
        }
        with whole(self.job.frame_file(epoch.number)) as file:
            save_file(arrays, file)
        self.tell(records=(*self.status.records, _record(epoch, codes)))

    def publish(self) -> bool:
        """Puts the model of the last whole epoch into every list; says whether training is over."""
        if not self.job.last.exists():
            self.tell(message="Stopped before the first epoch was whole: there is no model yet.")
            return False
        kept = checkpoints.load(self.job.last)
        checkpoints.save(self.job.model, kept.model, kept.provenance)
        return not kept.state

    # The queue, and what is wished ------------------------------------------------------------

    def wait_turn(self) -> None:
        """Waits for one of the slots; those who have waited longer go first."""
        self.tell(state="waiting")
        while self.wish() != "stop":
            if self.first_in_line():
                for k in range(limit()):
                    try:
                        self.stack.enter_context(FileLock(folder() / f"slot-{k}.lock", timeout=0))
                    except Timeout:
                        continue
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
        """Reads what is wished, where the file has changed."""
        if self.interrupted():
            return "stop"
        path = self.job.folder / "wish.json"
        try:
            stamp = path.stat().st_mtime_ns
            if stamp != self.wish_read[0]:
                self.wish_read = (stamp, str(json.loads(path.read_text(encoding="utf-8"))["wish"]))
        except (OSError, ValueError, KeyError, TypeError):
            return "run" if self.job.folder.exists() else "stop"
        return self.wish_read[1]

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
        self.status = replace(self.status, **changes)
        write(self.job.folder / "status.json", asdict(self.status))
        self.watch(self.status)


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


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


if __name__ == "__main__":
    if hasattr(os, "nice"):  # not on Windows
        os.nice(NICE)
    work(Job(Path(sys.argv[1])))
