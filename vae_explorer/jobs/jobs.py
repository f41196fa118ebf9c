"""Training jobs as those who look at them see them: folders of files, and who works on them.

A job outlives who started it. The app starts each in a process of its own (`worker.py`); the command line works on
one itself.

A job's folder, `jobs/NAME` in the folder of trained models, holds

    order.json          what to train; written once
    wish.json           run, pause or stop; written by whoever watches
    status.json         what the job does, and a record for each epoch; written by the job
    word.json           why it failed, where the status could not be written: as long from the start as it will ever be
    film/               labels and originals, and for each epoch a snapshot (`films.py`)
    last.safetensors    the last whole epoch, with the optimiser's state until training is over
    starting.lock       locked until the process that was started has the next one
    alive.lock          locked as long as the process lives, however it ends
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from vae_explorer.checkpoints import checkpoints
from vae_explorer.checkpoints.checkpoints import SUFFIX
from vae_explorer.disk import asides
from vae_explorer.disk.asides import Aside, set_aside
from vae_explorer.disk.files import read_json, reason, replacing, sweep, whole_folder
from vae_explorer.jobs import films
from vae_explorer.jobs.errors import JobError as JobError
from vae_explorer.jobs.errors import JobGone as JobGone
from vae_explorer.jobs.errors import broken, gone, locked, take, unwritable
from vae_explorer.jobs.films import Frame
from vae_explorer.jobs.records import LIVE, Order, Status
from vae_explorer.text import shown

Wish = Literal["run", "pause", "stop"]

NAME = re.compile(r"[\w][\w .-]{0,79}")
WORD = 4096  # bytes of word.json
STARTS = 20.0  # seconds that a process takes to start, at most


class Job:
    """A job's folder.

    Arguments:
        folder: One that `create` made, or anything that lies in its place: then all that is asked raises JobError.
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
        return self.model_of(self.order)

    def model_of(self, order: Order) -> Path:
        return Path(order.out) if order.out else checkpoints.user_folder() / f"{self.name}{SUFFIX}"

    @property
    def order(self) -> Order:
        """Raises JobError where the file is missing or was edited."""
        try:
            return Order.from_json(read_json(self.folder / "order.json"))
        except (OSError, ValueError) as error:  # ConfigError, RecordError
            raise broken(self.folder, error) from error

    @property
    def status(self) -> Status:
        """What the job wrote last; one whose process was killed is interrupted.

        It is so only where the file says the same before and after nobody was seen at work: a process that ends well
        between two looks has written so.

        Raises:
            JobError: If the file is missing or was edited.
        """
        status = self._written()
        while status.state in LIVE and not self.alive:
            before, status = status, self._written()
            if before == status:
                return self._interrupted(status)
        return status

    @property
    def alive(self) -> bool:
        """Whether a process works on it, or is being started for it."""
        return locked(self.starting()) or locked(self.lock())  # in this order: one hands over to the other

    @property
    def at_work(self) -> bool:
        """Whether a process works on it."""
        return locked(self.lock())

    def ask(self, wish: Wish) -> None:
        """Leaves a wish, which the job follows at its next step.

        Raises:
            JobError: If it cannot be written.
        """
        self.write("wish.json", {"wish": wish})

    def write(self, file: str, values: dict[str, Any]) -> None:
        """Writes a file of the job whole, as JSON; a folder that was deleted does not come back.

        Raises:
            JobError: If it cannot be written.
        """
        try:
            write(self.folder / file, values)
        except OSError as error:
            raise unwritable(self.folder, error) from error

    def leave_word(self, message: str, cause: str) -> None:
        """Says why the job failed where nothing can be written any more: over what is there, taking no new space."""
        text = json.dumps({"message": message[: WORD // 8], "cause": cause}).ljust(WORD)  # 6 bytes for one character
        with (self.folder / "word.json").open("r+", encoding="ascii") as file:
            file.write(text)

    @contextmanager
    def joining(self) -> Iterator[None]:
        """Puts itself at the end of the queue; the block starts who works on it, and until then it counts as alive.

        Raises:
            JobError: If one is at work already, or the folder cannot be written.
        """
        with ExitStack() as stack:
            take(self.folder, self.starting(), stack)
            if self.at_work:
                raise JobError(f"{shown(self.name)} is being trained already.")
            try:
                write(self.folder / "word.json", {}, WORD)
            except OSError as error:
                raise unwritable(self.folder, error) from error
            self.ask("run")
            waiting = replace(self._written(), state="waiting", message="", cause="", since=time.time())
            self.write("status.json", asdict(waiting))
            yield

    def start(self) -> None:
        """Starts a process that trains, or goes on where training ended; it waits until it is its turn.

        Raises:
            JobError: If one is at work already, or the process cannot be started.
        """
        with self.joining():
            process = self._spawn()
            threading.Thread(target=process.wait, daemon=True).start()  # or it would stay as a zombie when it ends
            until = time.monotonic() + STARTS
            while not self.at_work and process.returncode is None and time.monotonic() < until:
                time.sleep(0.01)
        if process.returncode and self.status.state == "interrupted":
            raise JobError(f"{shown(self.name)}: its process ended at once; {self.folder / 'log.txt'} says why.")

    def labels(self) -> NDArray[np.uint8]:
        """Returns the classes of the codes of every frame; raises FilmError."""
        return films.head(self.folder).labels

    def originals(self) -> NDArray[np.uint8]:
        """Returns the images that every frame reconstructs; raises FilmError."""
        return films.head(self.folder).originals

    def frame(self, number: int) -> Frame:
        """Returns the snapshot after so many epochs; raises FilmError."""
        return films.frame(self.folder, number)

    def delete(self) -> Aside:
        """Sets the job and its film aside; the model that came of it stays.

        Raises:
            JobError: If a process is at work on it, or it cannot be removed.
        """
        with ExitStack() as stack:
            if self.folder.is_dir() and not self.folder.is_symlink():
                for lock in (self.starting(), self.lock()):
                    take(self.folder, lock, stack, "is being trained: stop it first", needed=False)
            try:
                return set_aside([self.folder])
            except FileNotFoundError as error:
                raise gone(self.folder) from error
            except OSError as error:
                raise JobError(f"{self.folder} cannot be removed ({reason(error)}). Check its permissions.") from error

    def lock(self) -> FileLock:
        """Held by the process that works on it."""
        return FileLock(self.folder / "alive.lock")

    def starting(self) -> FileLock:
        """Held by who starts that process."""
        return FileLock(self.folder / "starting.lock")

    def take(self, stack: ExitStack) -> None:
        """Takes the lock of who works on it, until the stack closes.

        Raises:
            JobError: If another has it, or the folder cannot be written.
        """
        take(self.folder, self.lock(), stack)

    def _written(self) -> Status:
        try:
            return Status.from_json(read_json(self.folder / "status.json"))
        except (OSError, ValueError) as error:
            raise broken(self.folder, error) from error

    def _interrupted(self, status: Status) -> Status:
        """Returns the status of one whose process is no more, with its last word if it left one."""
        try:
            word = read_json(self.folder / "word.json", WORD)
        except (OSError, ValueError):
            word = None
        if isinstance(word, dict) and isinstance(word.get("message"), str):
            return replace(status, state="failed", message=word["message"], cause=str(word.get("cause", ""))[:80])
        return replace(status, state="interrupted")

    def _spawn(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "vae_explorer.jobs.worker", str(self.folder.absolute())]
        try:
            # A session of its own: Ctrl-C in the server's terminal does not reach it.
            with (self.folder / "log.txt").open("ab") as log:
                return subprocess.Popen(  # noqa: S603  (our own module)
                    command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, env=environment()
                )
        except OSError as error:
            raise JobError(f"{shown(self.name)} cannot be started ({reason(error)}).") from error


class Entry(NamedTuple):
    """What a list shows of a job: its order and status, or why they cannot be read."""

    job: Job
    order: Order | None
    status: Status | None
    error: str | None


def folder() -> Path:
    """Returns the folder that holds all jobs."""
    return checkpoints.user_folder() / "jobs"


def slot(k: int) -> Path:
    """Returns the file that is locked by who trains in place `k` of `limit()`."""
    return folder() / f".slot-{k}.lock"


def limit() -> int:
    """Returns how many jobs train at once: `VAE_EXPLORER_JOBS`, else 1."""
    text = os.environ.get("VAE_EXPLORER_JOBS", "1")
    return max(1, int(text)) if text.isdecimal() and len(text) < 4 else 1


def environment() -> dict[str, str]:
    """Returns the environment that a job's process gets."""
    places = [str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
    given = {**os.environ, "PYTHONPATH": os.pathsep.join(places)}
    if os.environ.get("OMP_NUM_THREADS") == "1":  # as the app set it for itself
        del given["OMP_NUM_THREADS"]
    return given


def find_all() -> list[Job]:
    """Returns all that lies in the folder of jobs, the newest first; what has gone while it looked is left out."""
    found = []
    try:
        paths = [path for path in folder().iterdir() if not path.name.startswith(".") and not _old_lock(path)]
    except OSError:
        return []
    for path in paths:
        made = _made(path)
        if made is not None:
            found.append((-made, path))
    return [Job(path) for _, path in sorted(found)]


def survey() -> list[Entry]:
    """Returns all jobs with what can be read of them, the newest first; a broken one says why."""
    entries = []
    for job in find_all():
        try:
            if not NAME.fullmatch(job.name):
                raise JobError(f"{shown(job.name)} cannot be the name of a job. Delete it, or rename it.")  # noqa: TRY301
            entries.append(Entry(job, job.order, job.status, None))
        except JobGone:
            continue
        except JobError as error:
            entries.append(Entry(job, None, None, str(error)))
    return entries


def find(name: str) -> Job:
    """Raises JobError if there is none of that name."""
    if not NAME.fullmatch(name) or not os.path.lexists(folder() / name):
        raise JobError(f"There is no job {shown(name)!r}.")
    return Job(folder() / name)


def create(name: str, order: Order) -> Job:
    """Makes a job, whole or not at all; `start` starts it.

    Raises:
        JobError: If the name cannot be a file's, or is taken by a job, or by a model that is not its `out`.
    """
    if not NAME.fullmatch(name) or name.endswith((".", " ")):
        raise JobError(f"{shown(name)!r} cannot be a name: use letters, digits, spaces, dots and dashes, at most 80.")
    models = set() if order.out else {entry.name for entry in checkpoints.list_all()}
    taken = f"There is a model or a job {name!r} already. Choose another name, or delete it first."
    if name in models or os.path.lexists(folder() / name):
        raise JobError(taken)
    sweep(folder())
    asides.empty(folder())
    try:
        with whole_folder(folder() / name) as made:
            write(made / "word.json", {}, WORD)
            write(made / "status.json", asdict(Status(state="stopped", since=time.time())))
            write(made / "order.json", asdict(order))
    except FileExistsError as error:
        raise JobError(taken) from error
    except OSError as error:
        raise JobError(
            f"{folder() / name} cannot be written ({reason(error)}). Give it space and write permission, or set "
            "VAE_EXPLORER_RUNS to another folder."
        ) from error
    return Job(folder() / name)


def write(path: Path, values: dict[str, Any], length: int = 0) -> None:
    """Writes a file of a job whole, as JSON, with so many bytes at least; its folder has to be there."""
    with replacing(path) as file:
        file.write_text(json.dumps(values, allow_nan=False).ljust(length), encoding="utf-8")


def _made(path: Path) -> float | None:
    """Returns when a job was made, or what lies in its place; None where it has gone."""
    for each in (path / "order.json", path):
        try:
            return each.lstat().st_mtime
        except OSError:
            continue
    return None


def _old_lock(path: Path) -> bool:
    """Says whether this is a lock of before, when they lay among the jobs."""
    return re.fullmatch(r"slot-\d+\.lock", path.name) is not None and path.is_file()
