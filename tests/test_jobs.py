"""Training jobs: processes that talk through files, survive anything, and end with the same weights."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from vae_explorer.checkpoints import checkpoints
from vae_explorer.checkpoints.checkpoints import CheckpointError
from vae_explorer.config import ModelConfig, TrainingConfig
from vae_explorer.data import load
from vae_explorer.jobs import films, jobs, worker
from vae_explorer.jobs.errors import JobError
from vae_explorer.jobs.job import Job
from vae_explorer.jobs.records import Order
from vae_explorer.latent.encoding import encode

MODEL = ModelConfig(kind="multi-rate", data="digits", shape=(8, 8), encoder=(32,), decoder=(32,))


def order(epochs: int = 6) -> Order:
    return Order(model=MODEL, training=TrainingConfig(epochs=epochs, batch=10), command="test")


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VAE_EXPLORER_RUNS", str(tmp_path))
    return tmp_path


def until(holds: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def weights(job: Job) -> dict[str, torch.Tensor]:
    return dict(checkpoints.load(job.last).model.state_dict())


def pid(job: Job) -> int:
    """The process whose command line names the job's folder."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(job.folder.absolute()) in path.read_text():
                return int(path.parent.name)
        except OSError:
            continue
    raise AssertionError("no process")


def test_a_finished_job_leaves_a_model_a_record_an_epoch_and_a_film(runs: Path) -> None:
    job = jobs.create("first", order(3))
    worker.work(job)
    status = job.status
    assert (status.state, status.message) == ("done", "")
    assert [each.number for each in status.records] == [1, 2, 3]
    assert status.records[-1].seconds_left == 0
    published = checkpoints.load(runs / "first.safetensors")
    assert not published.state
    assert published.provenance.seconds == pytest.approx(sum(each.seconds for each in status.records))
    assert weights(job).keys() == published.model.state_dict().keys()
    # The film's last frame is what the model itself says of the same images.
    validation = load("digits", "validation")
    mean = encode(published.arrays, validation.pixels, 1.0).mean
    frame = job.frame(3)
    assert np.allclose(frame.codes, mean, atol=2e-3)
    assert np.array_equal(job.labels(), validation.labels)
    assert np.array_equal(job.originals(), validation.pixels[: films.FILM_IMAGES])
    assert frame.images.shape == job.originals().shape


@pytest.mark.skipif(not Path("/proc").exists(), reason="finds the process in /proc")
def test_a_job_killed_at_any_moment_goes_on_and_ends_with_the_same_weights() -> None:
    whole = jobs.create("whole", order(7))
    worker.work(whole)
    killed = jobs.create("killed", order(7))
    for at in (2, 4):
        killed.start()
        until(lambda at=at: len(killed.status.records) >= at)  # type: ignore[misc]
        os.kill(pid(killed), signal.SIGKILL)
        until(lambda: not killed.alive)
        assert killed.status.state == "interrupted"
    killed.start()
    until(lambda: killed.status.state == "done")
    assert [each.number for each in killed.status.records] == list(range(1, 8))
    for name, value in weights(whole).items():
        assert torch.equal(value, weights(killed)[name]), name
    ours, theirs = (
        [(each.distortion, each.validation_objective) for each in job.status.records] for job in (whole, killed)
    )
    assert ours == theirs
    assert np.array_equal(whole.frame(7).codes, killed.frame(7).codes)


def test_pause_resume_and_stop_are_followed_within_a_second() -> None:
    job = jobs.create("long", order(100_000))
    job.start()
    until(lambda: len(job.status.records) >= 1)
    job.ask("pause")
    until(lambda: job.status.state == "paused", 1)
    epochs = len(job.status.records)
    time.sleep(0.3)
    assert len(job.status.records) == epochs
    job.ask("run")
    until(lambda: job.status.state == "training", 1)
    until(lambda: len(job.status.records) > epochs)
    job.ask("stop")
    until(lambda: job.status.state == "stopped", 1)
    until(lambda: not job.alive)
    kept = checkpoints.load(checkpoints.user_folder() / "long.safetensors")
    assert kept.provenance.epochs == len(job.status.records)
    assert checkpoints.load(job.last).state, "it can go on from where it stopped"


def test_a_pause_is_not_training_time(monkeypatch: pytest.MonkeyPatch) -> None:
    job = jobs.create("paused", order(1))
    asked = iter([False] * 5 + [True])
    usual, clock = worker._Worker.should_stop, time.perf_counter
    paused = 0.0

    def slow(at_work: worker._Worker) -> bool:
        nonlocal paused
        if next(asked, False):
            paused = 1000.0
        return usual(at_work)

    monkeypatch.setattr(worker._Worker, "should_stop", slow)
    monkeypatch.setattr(time, "perf_counter", lambda: clock() + paused)
    worker.work(job)
    assert paused
    assert job.status.records[0].seconds < 500


def test_a_second_job_waits_and_the_older_one_goes_first() -> None:
    first, second, third = (jobs.create(name, order(100_000)) for name in ("one", "two", "three"))
    for job in (first, second, third):
        job.start()
        until(lambda job=job: job.status.state != "interrupted")  # type: ignore[misc]
    until(lambda: first.status.state == "training")
    until(lambda: second.status.state == third.status.state == "waiting")
    time.sleep(0.3)
    assert second.status.state == third.status.state == "waiting"
    first.ask("pause")  # a paused job gives its place to others
    until(lambda: second.status.state == "training", 10)
    assert third.status.state == "waiting"
    third.ask("stop")
    until(lambda: third.status.state == "stopped", 10)
    second.ask("stop")
    first.ask("run")
    until(lambda: first.status.state == "training", 10)
    first.ask("stop")
    until(lambda: not any(job.alive for job in (first, second, third)), 10)


def test_more_than_one_job_at_once_where_the_configuration_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAE_EXPLORER_JOBS", "2")
    pair = [jobs.create(name, order(100_000)) for name in ("one", "two")]
    for job in pair:
        job.start()
    until(lambda: all(job.status.state == "training" for job in pair))
    for job in pair:
        job.ask("stop")
    until(lambda: not any(job.alive for job in pair), 10)


def test_a_name_is_taken_once_and_is_a_plain_file_name(runs: Path) -> None:
    jobs.create("taken", order())
    with pytest.raises(JobError, match="already"):
        jobs.create("taken", order())
    with pytest.raises(JobError, match="already"):
        jobs.create("mnist-vae-2d", order())
    for name in ("", "../out", "/etc/x", "a/b", ".hidden", "dot.", "x" * 81, "a\nb"):
        with pytest.raises(JobError, match="cannot be a name"):
            jobs.create(name, order())
    assert [job.name for job in jobs.find_all()] == ["taken"]
    assert {path.name for path in runs.iterdir()} == {"jobs"}


def test_a_job_at_work_is_neither_started_again_nor_deleted() -> None:
    job = jobs.create("busy", order(100_000))
    job.start()
    with pytest.raises(JobError, match="already"):
        job.start()
    with pytest.raises(JobError, match="stop it first"):
        job.delete()
    job.ask("stop")
    until(lambda: not job.alive)
    job.delete()
    assert jobs.find_all() == []
    with pytest.raises(JobError, match="no job"):
        jobs.find("busy")


def test_a_full_disk_fails_with_a_message_and_the_last_epoch_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    job = jobs.create("full", order(5))
    usual = checkpoints.save
    saves = iter(range(100))

    def save(*arguments: object, **options: object) -> None:
        if next(saves) == 2:
            raise CheckpointError("No space left on device. Choose a folder with space left.")
        usual(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(checkpoints, "save", save)
    worker.work(job)
    assert job.status.state == "failed"
    assert "space left" in job.status.message
    assert checkpoints.load(job.last).provenance.epochs == 2
    worker.work(job)  # there is space again
    assert str(job.status.state) == "done"
    assert [each.number for each in job.status.records] == [1, 2, 3, 4, 5]


def test_a_loss_that_diverges_says_what_to_change() -> None:
    diverging = Order(
        # The product of two layers' weights is beyond float32 and bfloat16, whatever the seed and the processor.
        model=MODEL,
        training=TrainingConfig(epochs=3, learning_rate=1e30, clip=1e9, warmup=0.01),
        command="test",
    )
    job = jobs.create("wild", diverging)
    worker.work(job)
    assert job.status.state == "failed"
    assert "lower learning rate" in job.status.message


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"model": 1}', "\x00"])
def test_a_folder_that_was_edited_is_refused_with_its_name(text: str) -> None:
    job = jobs.create("edited", order())
    (job.folder / "order.json").write_text(text)
    with pytest.raises(JobError, match="edited cannot be read"):
        _ = job.order
    (job.folder / "status.json").write_text(text)
    with pytest.raises(JobError, match="edited cannot be read"):
        _ = job.status


def test_files_hold_json_without_infinities() -> None:
    autoencoder = ModelConfig(kind="autoencoder", data="digits", shape=(8, 8), encoder=(16,), decoder=(16,))
    job = jobs.create("point", Order(model=autoencoder, training=TrainingConfig(epochs=1), command="test"))
    worker.work(job)
    record = json.loads((job.folder / "status.json").read_text())["records"][0]
    assert record["rate"] is None
    assert record["validation_rate"] is None
    assert record["distortion"] > 0
