"""Training jobs: processes that talk through files in a folder, and outlive who looks at them.

The app starts each in a process of its own; the command line works on one itself.

A job's folder, `jobs/NAME` in the folder of trained models, holds

    order.json          what to train; written once
    wish.json           run, pause or stop; written by whoever watches
    status.json         what the job does, and a record for each epoch; written by the job
    film/               labels and originals, and for each epoch a snapshot
    last.safetensors    the last whole epoch, with the optimiser's state until training is over
    alive.lock          locked as long as the process lives, however it ends
"""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from vae_explorer import checkpoints, runs
from vae_explorer.checkpoints import SUFFIX, CheckpointError
from vae_explorer.config import ConfigError, ModelConfig, TrainingConfig
from vae_explorer.data import DataError, load, spread
from vae_explorer.files import whole
from vae_explorer.latent.encoding import Encoding, axis_rates, decode, encode, grey_levels
from vae_explorer.processes import ALONE, Processes, ProcessesError
from vae_explorer.runs import Run
from vae_explorer.training import Epoch, TrainingDiverged, reported_beta

Wish = Literal["run", "pause", "stop"]
State = Literal["waiting", "training", "paused", "stopped", "done", "failed", "interrupted"]

LIVE: tuple[State, ...] = ("waiting", "training", "paused")  # a process is at work, or was when it was killed
NAME = re.compile(r"[\w][\w .-]{0,79}")
FILM_CODES = 2000  # validation images whose codes a snapshot holds, at most
FILM_IMAGES = 8  # of them, reconstructed
LOOK = 0.1  # seconds from one look at the wish or the queue to the next
NICE = 10  # a click in the app comes before a training step
NOTHING = b""  # to train, for the other processes


class JobError(Exception):
    """A job that cannot be made, read or started; the message says what to do."""


# What ends a job with a message that is fit for a screen.
EXPECTED = (
    *(CheckpointError, ConfigError, DataError, JobError, ProcessesError, TrainingDiverged),
    *(OSError, MemoryError),
)


@dataclass(frozen=True, kw_only=True)
class Order:
    """What to train."""

    model: ModelConfig
    training: TrainingConfig
    command: str  # that does the same on the command line
    out: str | None = None  # absolute path of the model that comes of it; else NAME in the folder of trained models


@dataclass(frozen=True, kw_only=True)
class Record:
    """What one epoch led to, in nats per image; JSON types alone."""

    number: int
    distortion: float  # on training images, while the weights moved
    rate: float | None  # None: infinite, of a deterministic encoder
    validation_distortion: float
    validation_rate: float | None
    validation_objective: float
    images_per_second: float
    seconds: float  # of training in this epoch, without pauses
    seconds_left: float
    objective: float | None = None  # on training images, at the KL weights drawn; None in files of before
    axis_rate: tuple[float, ...] | None = None  # of the film's images, each axis's part; None: infinite, or of before

    @classmethod
    def of(cls, epoch: Epoch, codes: Encoding) -> Self:
        rates = axis_rates(codes).round(4)  # all digits of 64 axes would double the file
        return cls(
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

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        rates = values.get("axis_rate")
        return cls(**values | {"axis_rate": None if rates is None else tuple(rates)})


@dataclass(frozen=True, kw_only=True)
class Status:
    """What a job does now."""

    state: State = "waiting"
    message: str = ""  # for the screen: why it failed
    cause: str = ""  # the error's name
    since: float = 0.0  # Unix time at which it was put into the queue
    records: tuple[Record, ...] = ()


class Frame(NamedTuple):
    """A snapshot of the film."""

    codes: NDArray[np.float16]  # (N, D)  in latent units
    images: NDArray[np.uint8]  # (FILM_IMAGES, H, W)  reconstructions of the originals


class Job:
    """A job's folder.

    Arguments:
        folder: An existing one that `create` made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def last(self) -> Path:
        """The checkpoint of the last whole epoch."""
        return self.folder / f"last{SUFFIX}"

    @property
    def model(self) -> Path:
        """The checkpoint that comes of it, for every list."""
        out = self.order.out
        return Path(out) if out else checkpoints.user_folder() / f"{self.name}{SUFFIX}"

    @property
    def order(self) -> Order:
        """Raises JobError where the file is missing or was edited."""
        try:
            values = json.loads((self.folder / "order.json").read_text(encoding="utf-8"))
            model, training = ModelConfig.from_json(values["model"]), TrainingConfig.from_json(values["training"])
            out = values.get("out")
            return Order(model=model, training=training, command=str(values["command"]), out=out and str(out))
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:  # ConfigError is a ValueError
            raise JobError(f"The job {self.name} cannot be read ({error}). Delete it and train again.") from error

    @property
    def status(self) -> Status:
        """What the job wrote last; one whose process was killed is interrupted."""
        try:
            values = json.loads((self.folder / "status.json").read_text(encoding="utf-8"))
            records = tuple(Record.from_json(each) for each in values.pop("records"))
            status = Status(**values, records=records)
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise JobError(f"The job {self.name} cannot be read ({error}). Delete it and train again.") from error
        if status.state in LIVE and not self.alive:
            return replace(status, state="interrupted")
        return status

    @property
    def alive(self) -> bool:
        """Whether a process works on it."""
        lock = self._lock()
        try:
            with lock.acquire(timeout=0.05, poll_interval=0.01):  # another who looks holds it for less
                return False
        except Timeout:
            return True

    def ask(self, wish: Wish) -> None:
        """Leaves a wish, which the job follows at its next step."""
        _write(self.folder / "wish.json", {"wish": wish})

    def join_queue(self) -> None:
        """Puts itself at the end of the queue, for a process that will `work` on it.

        Raises:
            JobError: If one is at work already.
        """
        if self.alive:
            raise JobError(f"{self.name} is being trained already.")
        self.ask("run")
        waiting = replace(self.status, state="waiting", message="", cause="", since=time.time())
        _write(self.folder / "status.json", asdict(waiting))

    def start(self) -> None:
        """Starts a process that trains, or goes on where training ended; it waits until it is its turn.

        Raises:
            JobError: If one is at work already.
        """
        self.join_queue()
        log = (self.folder / "log.txt").open("ab")
        command = [sys.executable, "-m", "vae_explorer.jobs", str(self.folder.absolute())]
        with log:  # a session of its own: Ctrl-C in the server's terminal does not reach it
            process = subprocess.Popen(  # noqa: S603  (our own module)
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, env=environment()
            )
        threading.Thread(target=process.wait, daemon=True).start()  # or it would stay as a zombie when it ends
        until = time.monotonic() + 20
        while not self.alive and time.monotonic() < until:
            time.sleep(0.01)

    def labels(self) -> NDArray[np.uint8]:
        """Returns the classes of the codes of every frame."""
        labels: NDArray[np.uint8] = load_file(self.folder / "film" / "labels.safetensors")["labels"]
        return labels

    def originals(self) -> NDArray[np.uint8]:
        """Returns the images that every frame reconstructs."""
        originals: NDArray[np.uint8] = load_file(self.folder / "film" / "labels.safetensors")["originals"]
        return originals

    def frame(self, number: int) -> Frame:
        """Returns the snapshot after so many epochs."""
        arrays = load_file(self._frame(number))
        return Frame(arrays["codes"], arrays["images"])

    def delete(self) -> None:
        """Removes the job and its film; the model that came of it stays.

        Raises:
            JobError: If a process is at work on it.
        """
        if self.alive:
            raise JobError(f"{self.name} is being trained: stop it first.")
        shutil.rmtree(self.folder)

    def _lock(self) -> FileLock:
        return FileLock(self.folder / "alive.lock")

    def _frame(self, number: int) -> Path:
        return self.folder / "film" / f"{number:05}.safetensors"


def folder() -> Path:
    """Returns the folder that holds all jobs."""
    return checkpoints.user_folder() / "jobs"


def limit() -> int:
    """Returns how many jobs train at once: `VAE_EXPLORER_JOBS`, else 1."""
    text = os.environ.get("VAE_EXPLORER_JOBS", "1")
    return max(1, int(text)) if text.isdecimal() else 1


def environment() -> dict[str, str]:
    """Returns the environment that a job's process gets."""
    places = [str(Path(__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    given = {**os.environ, "PYTHONPATH": os.pathsep.join(places)}
    if os.environ.get("OMP_NUM_THREADS") == "1":  # as the app set it for itself
        del given["OMP_NUM_THREADS"]
    return given


def find_all() -> list[Job]:
    """Returns all jobs, the newest first."""
    found = [path.parent for path in folder().glob("*/order.json")]
    return [Job(path) for path in sorted(found, key=lambda path: -path.joinpath("order.json").stat().st_mtime)]


def find(name: str) -> Job:
    """Raises JobError if there is none of that name."""
    if not NAME.fullmatch(name) or not (folder() / name / "order.json").is_file():
        raise JobError(f"There is no job {name!r}.")
    return Job(folder() / name)


def create(name: str, order: Order) -> Job:
    """Makes a job; `start` starts it.

    Raises:
        JobError: If the name cannot be a file's, or is taken by a job, or by a model that is not its `out`.
    """
    if not NAME.fullmatch(name) or name.endswith((".", " ")):
        raise JobError(f"{name!r} cannot be a name: use letters, digits, spaces, dots and dashes, at most 80.")
    models = set() if order.out else {entry.name for entry in checkpoints.list_all()}
    if name in models or (folder() / name).exists():
        raise JobError(f"There is a model or a job {name!r} already. Choose another name, or delete it first.")
    try:
        folder().mkdir(parents=True, exist_ok=True)
        (folder() / name).mkdir()
        job = Job(folder() / name)
        _write(job.folder / "status.json", asdict(Status(since=time.time())))
        _write(job.folder / "order.json", asdict(order))
    except OSError as error:
        raise JobError(f"{folder() / name} cannot be written ({error}). Set VAE_EXPLORER_RUNS to a folder.") from error
    return job


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
        alive = job._lock().acquire(timeout=2)  # whoever looks whether it is alive holds it for a moment
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
        with whole(self.job._frame(epoch.number)) as file:
            save_file(arrays, file)
        self.tell(records=(*self.status.records, Record.of(epoch, codes)))

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
        _write(self.job.folder / "status.json", asdict(self.status))
        self.watch(self.status)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _write(path: Path, values: dict[str, Any]) -> None:
    with whole(path) as file:
        file.write_text(json.dumps(values, allow_nan=False), encoding="utf-8")


if __name__ == "__main__":
    if hasattr(os, "nice"):  # not on Windows
        os.nice(NICE)
    work(Job(Path(sys.argv[1])))
