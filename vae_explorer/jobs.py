"""Training jobs as those who look at them see them: folders of files, and who works on them.

A job outlives who started it. The app starts each in a process of its own (`worker.py`); the command line works on
one itself.

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
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray
from safetensors.numpy import load_file

from vae_explorer import checkpoints
from vae_explorer.checkpoints import SUFFIX
from vae_explorer.config import ModelConfig, TrainingConfig
from vae_explorer.files import whole

Wish = Literal["run", "pause", "stop"]
State = Literal["waiting", "training", "paused", "stopped", "done", "failed", "interrupted"]

LIVE: tuple[State, ...] = ("waiting", "training", "paused")  # a process is at work, or was when it was killed
NAME = re.compile(r"[\w][\w .-]{0,79}")
FILM_IMAGES = 8  # that a snapshot holds reconstructed


class JobError(Exception):
    """A job that cannot be made, read or started; the message says what to do."""


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
        lock = self.lock()
        try:
            with lock.acquire(timeout=0.05, poll_interval=0.01):  # another who looks holds it for less
                return False
        except Timeout:
            return True

    def ask(self, wish: Wish) -> None:
        """Leaves a wish, which the job follows at its next step."""
        write(self.folder / "wish.json", {"wish": wish})

    def join_queue(self) -> None:
        """Puts itself at the end of the queue, for a process that will work on it.

        Raises:
            JobError: If one is at work already.
        """
        if self.alive:
            raise JobError(f"{self.name} is being trained already.")
        self.ask("run")
        waiting = replace(self.status, state="waiting", message="", cause="", since=time.time())
        write(self.folder / "status.json", asdict(waiting))

    def start(self) -> None:
        """Starts a process that trains, or goes on where training ended; it waits until it is its turn.

        Raises:
            JobError: If one is at work already.
        """
        self.join_queue()
        log = (self.folder / "log.txt").open("ab")
        command = [sys.executable, "-m", "vae_explorer.worker", str(self.folder.absolute())]
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
        arrays = load_file(self.frame_file(number))
        return Frame(arrays["codes"], arrays["images"])

    def delete(self) -> None:
        """Removes the job and its film; the model that came of it stays.

        Raises:
            JobError: If a process is at work on it.
        """
        if self.alive:
            raise JobError(f"{self.name} is being trained: stop it first.")
        shutil.rmtree(self.folder)

    def lock(self) -> FileLock:
        """Held by the process that works on it."""
        return FileLock(self.folder / "alive.lock")

    def frame_file(self, number: int) -> Path:
        """Where the snapshot after so many epochs lies."""
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
        write(job.folder / "status.json", asdict(Status(since=time.time())))
        write(job.folder / "order.json", asdict(order))
    except OSError as error:
        raise JobError(f"{folder() / name} cannot be written ({error}). Set VAE_EXPLORER_RUNS to a folder.") from error
    return job


def write(path: Path, values: dict[str, Any]) -> None:
    """Writes a file of a job whole, as JSON."""
    with whole(path) as file:
        file.write_text(json.dumps(values, allow_nan=False), encoding="utf-8")
