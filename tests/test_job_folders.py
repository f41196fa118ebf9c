"""Folders of jobs that were damaged, edited, deleted or moved: each is named, can be deleted, and hurts no other."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from benchmarks._mutations import BYTES, JSON, mutants
from vae_explorer import data
from vae_explorer.config import ModelConfig, TrainingConfig
from vae_explorer.disk import asides
from vae_explorer.jobs import films, jobs, worker
from vae_explorer.jobs.doctor import examine
from vae_explorer.jobs.errors import JobError
from vae_explorer.jobs.estimates import Estimate
from vae_explorer.jobs.films import FilmError
from vae_explorer.jobs.job import Job, write
from vae_explorer.jobs.records import Order
from vae_explorer.training.processes import ALONE
from vae_explorer.ui.train import film as training
from vae_explorer.ui.train import forecast

MODEL = ModelConfig(kind="multi-rate", data="digits", shape=(8, 8), encoder=(16,), decoder=(16,))
ORDER = Order(model=MODEL, training=TrainingConfig(epochs=2, batch=100), command="test")
FOLDERS = 500  # mutated


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VAE_EXPLORER_RUNS", str(tmp_path))
    monkeypatch.setattr(forecast, "in_process", lambda *_: Estimate(step=1.0, error=0.1, end=2.0))
    return tmp_path


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a run that is well."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VAE_EXPLORER_RUNS", str(tmp_path_factory.mktemp("original")))
        job = jobs.create("original", ORDER)
        assert worker.work(job).state == "done"
        yield job.folder.absolute()


def copied(original: Path, name: str) -> Job:
    return Job(Path(shutil.copytree(original, jobs.folder() / name)))


def page() -> AppTest:
    def show() -> None:
        from vae_explorer.ui.train.page import page

        page()

    test = AppTest.from_function(show, default_timeout=60).run()
    assert not test.exception, test.exception
    return test


def look(entry: jobs.Entry) -> None:
    """All that a page makes of a job; only the errors that it shows may be raised."""
    if entry.error is not None:
        assert entry.job.name[:20] in entry.error
        return
    assert entry.order
    assert entry.status
    examine(entry.order, entry.status)
    training.progress(entry.status, entry.order.training.epochs)
    training.history(entry.status.records)
    try:
        training.film(entry.job, entry.status.records)
    except FilmError:
        return
    for record in entry.status.records:
        training.newest(entry.job, record.number)


def damage(job: Job, text: str, file: str = "status.json") -> None:
    (job.folder / file).write_text(text)


def as_pipe(job: Job) -> None:
    (job.folder / "status.json").unlink()
    os.mkfifo(job.folder / "status.json")


def as_file(job: Job) -> None:
    shutil.rmtree(job.folder)
    job.folder.write_text("no folder")


def as_folder(job: Job) -> None:
    (job.folder / "status.json").unlink()
    (job.folder / "status.json").mkdir()


def emptied(job: Job) -> None:
    shutil.rmtree(job.folder)
    job.folder.mkdir()


def as_link(job: Job) -> None:
    shutil.rmtree(job.folder)
    job.folder.symlink_to("nowhere")


def renamed(job: Job, name: bytes) -> None:
    job.folder.rename(job.folder.with_name(os.fsdecode(name)))


DAMAGES: dict[str, Callable[[Job], None]] = {
    "null": lambda job: damage(job, "null"),
    "a number": lambda job: damage(job, "7"),
    "records of numbers": lambda job: damage(job, '{"state": "done", "records": [1]}'),
    "text for a number": lambda job: damage(
        job, (job.folder / "status.json").read_text().replace('"number": 1', '"number": "1"')
    ),
    "no such state": lambda job: damage(job, '{"state": "happy", "records": []}'),
    "bytes": lambda job: damage(job, "\x00\x01"),
    "no order": lambda job: (job.folder / "order.json").unlink(),
    "no status": lambda job: (job.folder / "status.json").unlink(),
    "status is a folder": as_folder,
    "status is a pipe": as_pipe,
    "empty": emptied,
    "a file": as_file,
    "a link to nowhere": as_link,
    "no name": lambda job: renamed(job, b"<b>*x*" + b"y" * 100),
    "bytes for a name": lambda job: renamed(job, b"bad\xff\n"),
}


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_broken_folder_is_named_can_be_deleted_and_hurts_no_other(kind: str, original: Path) -> None:
    well, ill = copied(original, "well"), copied(original, "ill")
    DAMAGES[kind](ill)
    found = {entry.error is None: entry for entry in jobs.survey()}
    assert len(found) == 2
    assert found[True].job.name == "well"
    test = page()
    assert test.selectbox(key="train_job").options == ["well"]
    (error,) = test.error
    assert "cannot be" in error.value
    delete = [each for each in test.button if each.label == "Delete" and str(each.key).startswith("train_broken")]
    delete[0].click().run()
    assert not test.exception, test.exception
    assert [job.name for job in jobs.find_all()] == ["well"]
    next(each for each in test.button if each.label == "Undo").click().run()
    assert not test.exception, test.exception
    assert len(jobs.find_all()) == 2, "it came back as it was"
    other = jobs.create("another", ORDER)
    assert worker.work(other).state == "done"
    assert well.status.state == "done"


def test_a_run_with_a_damaged_film_shows_all_the_rest(original: Path) -> None:
    job = copied(original, "first")
    films.frame_file(job.folder, 1).write_bytes(b"damaged")
    header = training.film(job, job.status.records)
    assert b'"epochs":[2]' in header.replace(b" ", b"")
    shutil.rmtree(job.folder / "film")
    test = page()
    assert "There is no film" in test.warning[0].value
    assert "Run" in [each.label for each in test.selectbox]


@pytest.mark.parametrize("file", ["status.json", "order.json", "word.json", "film/labels", "film/00002"])
def test_mutated_folders_raise_nothing_but_what_a_page_shows(
    file: str, original: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = data.load("digits", "validation")
    monkeypatch.setattr(training, "load", lambda *_: known)  # a read takes longer than all the rest
    well = copied(original, "well")
    job = copied(original, "mutated")
    path = next(job.folder.glob(f"{file}*"))
    kinds = JSON if path.suffix == ".json" else BYTES
    before = path.read_bytes()
    for mutant in mutants(before, kinds, FOLDERS // 5, seed=12):
        path.write_bytes(mutant.content)
        entries = {entry.job.name: entry for entry in jobs.survey()}
        look(entries[job.name])
        assert entries[well.name].error is None
    job.delete()
    assert [each.name for each in jobs.find_all()] == ["well"]


def test_a_mutated_wish_is_followed_or_left_alone(original: Path) -> None:
    job = jobs.create("wished", ORDER)
    at_work = worker._Worker(job, lambda _: None, lambda: False, ALONE)
    job.ask("pause")
    assert at_work.wish() == "pause"
    for mutant in mutants((job.folder / "wish.json").read_bytes(), JSON, 50, seed=12):
        (job.folder / "wish.json").write_bytes(mutant.content)
        at_work.looked = -1.0
        assert at_work.wish() in ("run", "pause", "stop")


def test_what_is_no_run_is_not_asked_for_by_name(original: Path) -> None:
    for name in ("../original", "", "a\nb", ".aside", "x" * 300):
        with pytest.raises(JobError, match="no job"):
            jobs.find(name)


def test_a_deleted_run_comes_back_unless_its_name_is_taken(original: Path) -> None:
    job = copied(original, "first")
    before = job.status
    aside = job.delete()
    assert jobs.find_all() == []
    other = jobs.create("first", ORDER)
    with pytest.raises(FileExistsError, match="another first"):
        asides.restore(aside)
    other.delete()
    asides.restore(aside)
    assert jobs.find("first").status == before


def test_the_page_undoes_a_deletion(original: Path) -> None:
    copied(original, "first")
    test = page()
    next(each for each in test.button if each.label == "Delete").click().run()
    assert jobs.find_all() == []
    assert "The run first was deleted" in " ".join(each.value for each in test.markdown)
    next(each for each in test.button if each.label == "Undo").click().run()
    assert not test.exception, test.exception
    assert test.selectbox(key="train_job").value == "first"


def test_one_button_holds_a_run_or_lets_it_go_on(original: Path) -> None:
    job = copied(original, "first")
    for state, expected in (("stopped", "Resume"), ("failed", "Resume"), ("done", None)):
        write(job.folder / "status.json", asdict(replace(job.status, state=state)))  # type: ignore[arg-type]
        labels = [each.label for each in page().button if each.label in ("Pause", "Resume")]
        assert labels == [expected] * (expected is not None)
    with job.lock():
        for state, expected in (("training", "Pause"), ("waiting", "Pause"), ("paused", "Resume")):
            write(job.folder / "status.json", asdict(replace(job.status, state=state)))  # type: ignore[arg-type]
            assert [each.label for each in page().button if each.label in ("Pause", "Resume")] == [expected]


@pytest.mark.parametrize("name", ["gone", "<b>*gone*", "kmnist"])
def test_a_link_to_a_data_set_that_is_not_there_says_so_and_trains_no_other(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAE_EXPLORER_DATA", str(tmp_path))

    def show() -> None:
        from vae_explorer.ui.train.page import page

        page()

    test = AppTest.from_function(show, default_timeout=60)
    test.query_params["data"] = name
    test.run()
    assert not test.exception, test.exception
    assert ("downloaded" if name == "kmnist" else "is gone") in test.warning[0].value
    assert "Train" not in [each.label for each in test.button]
    test.selectbox(key="train_data").select("circles").run()
    assert not test.warning
    assert "--data circles" in test.code[0].value


def test_a_data_set_that_was_deleted_elsewhere_is_not_replaced_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    test = page()
    test.selectbox(key="train_data").select("circles").run()
    usual = data.names
    monkeypatch.setattr(data, "names", lambda: [name for name in usual() if name != "circles"])
    monkeypatch.delitem(data.DATASETS, "circles")
    test.run()
    assert not test.exception, test.exception
    assert "circles is gone" in test.warning[0].value
    assert "Train" not in [each.label for each in test.button]
    assert "circles is gone" in test.run().warning[0].value
