"""Jobs while others look, delete, move, or fill the disk: each interleaving is forced, none is waited for."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from vae_explorer.config import ModelConfig, TrainingConfig
from vae_explorer.disk import asides, files, locks
from vae_explorer.jobs import films, jobs, worker
from vae_explorer.jobs import job as one
from vae_explorer.jobs.errors import JobError
from vae_explorer.jobs.job import Job, write
from vae_explorer.jobs.records import LIVE, Order, Status

MODEL = ModelConfig(kind="vae", data="digits", shape=(8, 8), encoder=(8,), decoder=(8,))
ORDER = Order(model=MODEL, training=TrainingConfig(epochs=3, batch=200), command="test")
# Makes a job, and stays in the middle of it until it is killed.
CREATES = """
import time
from vae_explorer.jobs import jobs
from tests.test_job_races import ORDER
def write(*_):
    print("creating", flush=True)
    time.sleep(60)
jobs.write = write
jobs.create("killed", ORDER)
"""


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VAE_EXPLORER_RUNS", str(tmp_path))
    return tmp_path


def put(job: Job, status: Status) -> None:
    write(job.folder / "status.json", asdict(status))


# Looks ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", LIVE)
@pytest.mark.parametrize("end", ["done", "stopped", "failed"])
def test_a_run_that_ends_between_two_looks_is_never_interrupted(
    state: str, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = jobs.create("ends", ORDER)
    put(job, Status(state=state, records=()))  # type: ignore[arg-type]
    usual, looks = Job._written, list[Status]()

    def written(self: Job) -> Status:
        looks.append(usual(self))
        if len(looks) == 1:  # its process writes its end and is gone before the lock is looked at
            put(job, Status(state=end, records=()))  # type: ignore[arg-type]
        return looks[-1]

    monkeypatch.setattr(Job, "_written", written)
    assert job.status.state == end


def test_a_run_that_is_being_started_waits_for_all_who_look(monkeypatch: pytest.MonkeyPatch) -> None:
    job = jobs.create("starts", ORDER)
    seen = [jobs.find("starts").status.state]
    usual = Job._spawn

    def spawn(self: Job) -> subprocess.Popen[bytes]:
        seen.append(jobs.find("starts").status.state)  # by another, before there is a process
        with pytest.raises(JobError, match="already"):
            jobs.find("starts").start()
        return usual(self)

    monkeypatch.setattr(Job, "_spawn", spawn)
    job.start()
    seen.append(job.status.state)
    job.ask("stop")
    assert seen[:2] == ["stopped", "waiting"]
    assert seen[2] in ("waiting", "training", "done")
    while job.alive:
        seen.append(job.status.state)
    assert "interrupted" not in [*seen, job.status.state]


def test_a_process_that_ends_at_once_is_said_to(monkeypatch: pytest.MonkeyPatch) -> None:
    job = jobs.create("ends", ORDER)
    monkeypatch.setattr(Job, "_spawn", lambda _: subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"]))
    with pytest.raises(JobError, match=r"ended at once; .*log\.txt"):
        job.start()
    assert job.status.state == "interrupted"


def test_a_look_makes_nothing_and_sees_no_other_look(runs: Path) -> None:
    job = jobs.create("seen", ORDER)
    before = sorted(path.name for path in job.folder.iterdir())
    assert not job.alive
    assert sorted(path.name for path in job.folder.iterdir()) == before
    assert not Job(runs / "gone").alive
    assert not (runs / "gone").exists()
    with job.lock():
        assert job.alive


@pytest.mark.parametrize("at", ["time", "order"])
def test_a_job_deleted_while_all_are_listed_is_left_out(at: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("stays", "goes"):
        jobs.create(name, ORDER)
    made, read = jobs._made, files.read_json

    def remove(path: Path) -> None:
        if "goes" in path.parts and path.parts[-1] in ("goes", "order.json"):
            shutil.rmtree(jobs.folder() / "goes", ignore_errors=True)

    def slow_made(path: Path) -> float | None:
        remove(path)
        return made(path)

    def slow_read(path: Path, *how: Any) -> Any:
        remove(path)
        return read(path, *how)

    monkeypatch.setattr(*((jobs, "_made", slow_made) if at == "time" else (one, "read_json", slow_read)))
    assert [entry.job.name for entry in jobs.survey()] == ["stays"]


# Making -----------------------------------------------------------------------------------------


def test_of_two_who_make_one_name_one_does_and_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    usual, theirs = files.sweep, replace(ORDER, command="theirs")

    def between(folder: Path) -> None:  # after the name was looked for
        monkeypatch.setattr(jobs, "sweep", usual)
        jobs.create("name", theirs)

    monkeypatch.setattr(jobs, "sweep", between)
    with pytest.raises(JobError, match="already"):
        jobs.create("name", ORDER)
    assert jobs.find("name").order == theirs


@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_disk_that_is_full_while_a_job_is_made_leaves_the_name_free(
    after: int, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual, writes = write, iter(range(9))

    def full(*arguments: object) -> None:
        if next(writes) >= after:
            raise OSError(errno.ENOSPC, "No space left on device")
        usual(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(jobs, "write", full)
        with pytest.raises(JobError, match="the disk is full"):
            jobs.create("name", ORDER)
    assert list((runs / "jobs").iterdir()) == []
    assert jobs.create("name", ORDER).order == ORDER


def test_what_a_process_killed_while_it_made_a_job_left_goes_with_the_next(runs: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", CREATES], stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"creating\n"
        process.send_signal(signal.SIGKILL)
    assert len(list((runs / "jobs").iterdir())) == 1
    assert jobs.find_all() == []
    jobs.create("killed", ORDER)
    assert [path.name for path in (runs / "jobs").iterdir()] == ["killed"]


# Deleting and moving ----------------------------------------------------------------------------


@pytest.mark.parametrize("then", ["nothing", "another"])
def test_the_folder_of_a_run_that_is_moved_or_deleted_does_not_come_back(then: str, runs: Path) -> None:
    job = jobs.create("moved", ORDER)

    def move(status: Status) -> None:
        if len(status.records) == 1 and not (runs / "elsewhere").exists():
            job.folder.rename(runs / "elsewhere")
            if then == "another":
                jobs.create("moved", replace(ORDER, command="another's"))

    status = worker.work(job, watch=move)
    assert (status.state, status.cause) == ("failed", "JobGone")
    assert "deleted or moved" in status.message
    assert not (runs / "moved.safetensors").exists()
    if then == "nothing":
        assert jobs.find_all() == []
    else:
        assert (job.order.command, job.status.records) == ("another's", ())
        assert not (job.folder / "film").exists()
        assert not job.last.exists()


def test_a_checkpoint_does_not_make_the_folder_that_was_deleted_before_it(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = jobs.create("late", ORDER)
    usual = worker._Worker.show

    def show(self: worker._Worker, epoch: worker.Epoch) -> None:  # type: ignore[name-defined]
        usual(self, epoch)
        shutil.rmtree(job.folder)  # between the snapshot and the checkpoint

    monkeypatch.setattr(worker._Worker, "show", show)
    assert worker.work(job).state == "failed"
    assert not job.folder.exists()


def test_a_job_is_not_deleted_between_a_start_and_its_process() -> None:
    job = jobs.create("starts", ORDER)
    with job.joining(), pytest.raises(JobError, match="stop it first"):
        job.delete()
    assert job.folder.exists()


# Disks ------------------------------------------------------------------------------------------


def full(*_: object, **__: object) -> Iterator[Path]:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_disk_that_is_full_for_the_status_too_is_named_when_it_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    job = jobs.create("full", ORDER)
    seen: list[Status] = []

    def watch(status: Status) -> None:
        seen.append(status)
        if len(status.records) == 2:
            for module in (one, worker):
                patch.setattr(module, "replacing", full)

    with monkeypatch.context() as patch:
        status = worker.work(job, watch=watch)
    assert status == seen[-1]
    for said in (status, job.status):  # in the process, and from the disk
        assert (said.state, said.cause) == ("failed", "OSError")
        assert "the disk is full" in said.message
    assert worker.work(job).state == "done", "there is space again"
    assert (job.status.message, job.status.state) == ("", "done")


@pytest.fixture
def disk() -> Iterator[Path]:
    """A disk of half a megabyte."""
    with tempfile.TemporaryDirectory() as folder:
        mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "none", folder]
        if not shutil.which("mount") or subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("may not mount a small disk")
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "-l", folder], check=True)


def test_on_a_disk_that_is_really_full_the_reason_is_read(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAE_EXPLORER_RUNS", str(disk))
    job = jobs.create("full", ORDER)

    def fill(status: Status) -> None:
        if len(status.records) == 1:
            handle = os.open(disk / "rubbish", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            with suppress(OSError):
                while True:
                    os.write(handle, bytes(4096))
            os.close(handle)

    assert worker.work(job, watch=fill).state == "failed"
    assert job.status.state == "failed"
    assert "disk is full" in job.status.message
    with pytest.raises(JobError, match="the disk is full"):
        job.start()
    with pytest.raises(JobError, match="the disk is full"):
        jobs.create("another", ORDER)
    assert [each.name for each in jobs.find_all()] == ["full"]
    (disk / "rubbish").unlink()
    assert worker.work(job).state == "done"


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that others may enter, and nobody who asks there is root."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="not on Windows")
def test_in_folders_that_can_only_be_read_all_is_said_in_words(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAE_EXPLORER_RUNS", str(shared))
    job = jobs.create("locked", ORDER)
    put(job, Status(state="training", records=()))
    paths = [job.folder, *job.folder.iterdir(), jobs.folder(), shared]
    root = os.geteuid() == 0
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    if root:
        os.seteuid(65534)
    try:
        assert job.status.state == "interrupted"
        assert [each.error for each in jobs.survey()] == [None]
        for action in (lambda: job.ask("stop"), job.start, job.delete, lambda: jobs.create("another", ORDER)):
            with pytest.raises(JobError, match="there is no permission"):
                action()
        with pytest.raises(JobError, match="there is no permission"):
            worker.work(job)
    finally:
        if root:
            os.seteuid(0)
        for path in paths:
            path.chmod(0o755)
    assert [each.name for each in jobs.find_all()] == ["locked"]


def test_what_a_killed_run_left_half_written_goes_when_it_goes_on(runs: Path) -> None:
    job = jobs.create("killed", ORDER)
    films.head_file(job.folder).parent.mkdir()
    left = [job.folder / ".partial-a", job.folder / "film" / ".partial-b", runs / ".partial-c"]
    for path in left:
        path.touch()
    assert worker.work(job).state == "done"
    assert not any(path.exists() for path in left)
    asides.discard(job.delete())
    assert list((runs / "jobs" / asides.FOLDER).iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="folders cannot be opened there")
def test_a_lock_on_what_was_replaced_between_opening_and_locking_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, lock = tmp_path / "folder", locks._lock
    path.mkdir()

    def late(handle: int, kind: int) -> bool:
        path.rename(tmp_path / "swept")
        path.mkdir()
        return lock(handle, kind)

    with locks.held(path) as first:
        assert first
    monkeypatch.setattr(locks, "_lock", late)
    with locks.held(path) as mine:
        assert mine is False
