"""One training job, as those who look at it see it: a folder of files, and who works on them.

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
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from vae_explorer.checkpoints import checkpoints
from vae_explorer.checkpoints.checkpoints import SUFFIX
from vae_explorer.disk.asides import Aside, set_aside
from vae_explorer.disk.files import read_json, reason, replacing
from vae_explorer.jobs import films
from vae_explorer.jobs.errors import JobError, broken, gone, locked, take, unwritable
from vae_explorer.jobs.films import Frame
from vae_explorer.jobs.records import LIVE, Order, Status, Wish, Word
from vae_explorer.text import shown

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
            return read_json(self.folder / "order.json", Order)
        except (OSError, ValueError) as error:
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
            return read_json(self.folder / "status.json", Status)
        except (OSError, ValueError) as error:
            raise broken(self.folder, error) from error

    def _interrupted(self, status: Status) -> Status:
        """Returns the status of one whose process is no more, with its last word if it left one."""
        try:
            word = read_json(self.folder / "word.json", Word, WORD)
        except (OSError, ValueError):  # there is none
            return replace(status, state="interrupted")
        return replace(status, state="failed", message=word.message, cause=word.cause[:80])

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


def environment() -> dict[str, str]:
    """Returns the environment that a job's process gets."""
    places = [str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
    given = {**os.environ, "PYTHONPATH": os.pathsep.join(places)}
    if os.environ.get("OMP_NUM_THREADS") == "1":  # as the app set it for itself
        del given["OMP_NUM_THREADS"]
    return given


def write(path: Path, values: dict[str, Any], length: int = 0) -> None:
    """Writes a file of a job whole, as JSON, with so many bytes at least; its folder has to be there."""
    with replacing(path) as file:
        file.write_text(json.dumps(values, allow_nan=False).ljust(length), encoding="utf-8")
