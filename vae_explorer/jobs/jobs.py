"""All training jobs: the folders in `jobs`, in the folder of trained models, and how many train at once."""

from __future__ import annotations

import os
import re
import time
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

from vae_explorer.checkpoints import checkpoints
from vae_explorer.disk import asides
from vae_explorer.disk.files import reason, sweep, whole_folder
from vae_explorer.jobs.errors import JobError, JobGone
from vae_explorer.jobs.job import WORD, Job, write
from vae_explorer.jobs.records import Order, Status
from vae_explorer.text import shown

NAME = re.compile(r"[\w][\w .-]{0,79}")


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
            write(made / "status.json", asdict(Status(state="stopped", records=(), since=time.time())))
            write(made / "order.json", asdict(order))
    except FileExistsError as error:
        raise JobError(taken) from error
    except OSError as error:
        raise JobError(
            f"{folder() / name} cannot be written ({reason(error)}). Give it space and write permission, or set "
            "VAE_EXPLORER_RUNS to another folder."
        ) from error
    return Job(folder() / name)


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
