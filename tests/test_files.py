"""Files and folders written whole or not at all, what killed writers leave, and deletions that are undone."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vae_explorer.data import own
from vae_explorer.disk import asides, files
from vae_explorer.disk.asides import discard, empty, restore, set_aside
from vae_explorer.disk.files import reason, replacing, scratch, sweep, whole, whole_folder

# Adds a data set, and stays in the middle of it until it is killed.
ADDS = """
import io, time
import numpy as np
from vae_explorer.data import own
file = io.BytesIO()
np.savez(file, images=np.random.default_rng(0).integers(0, 256, (60, 8, 8), dtype=np.uint8))
upload = own.read(file.getvalue())
def wait(fraction):
    print("adding", flush=True)
    time.sleep(60)
own.add("killed", upload, own.Choices(), "it.zip", wait)
"""


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VAE_EXPLORER_DATA", str(tmp_path))
    return tmp_path


def listed(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_what_a_killed_add_left_is_removed_when_data_sets_are_listed_and_a_living_ones_is_not(data: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ADDS], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == b"adding\n"
            (partial,) = (data / "own").iterdir()
            assert own.folders.names() == []
            assert partial.is_dir(), "its writer lives"
        finally:
            process.send_signal(signal.SIGKILL)
    assert partial.is_dir()
    assert own.folders.names() == []
    assert listed(data / "own") == set()


@pytest.mark.parametrize("writes", [whole, replacing])
def test_a_file_is_replaced_whole_or_not_at_all(writes: object, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(FileNotFoundError), writes(path) as new:  # type: ignore[operator]
        (new.parent / "missing" / "file").touch()
    assert path.read_text() == "old"
    with writes(path) as new:  # type: ignore[operator]
        new.write_text("new")
        sweep(tmp_path)  # by another, meanwhile
    assert (path.read_text(), listed(tmp_path)) == ("new", {"file"})


def test_what_is_swept_away_before_it_was_locked_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual, made = files._new_file, list[Path]()

    def unlucky(folder: Path) -> Path:
        made.append(usual(folder))
        if len(made) < 3:
            sweep(folder)
        return made[-1]

    monkeypatch.setattr(files, "_new_file", unlucky)
    with whole(tmp_path / "file") as new:
        new.write_text("text")
    assert (len(made), (tmp_path / "file").read_text()) == (3, "text")


def test_a_folder_that_was_deleted_does_not_come_back(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "gone" / "file"):
        pass
    assert listed(tmp_path) == set()


@pytest.mark.parametrize("there", ["file", "folder", "link"])
def test_a_folder_never_takes_the_place_of_anything(there: str, tmp_path: Path) -> None:
    path = tmp_path / "name"

    def come(ours: Path) -> None:
        (ours / "ours").touch()
        if there == "file":
            path.write_text("theirs")
        elif there == "link":
            path.symlink_to("nowhere")
        else:
            path.mkdir()
            (path / "theirs").touch()

    with pytest.raises(FileExistsError), whole_folder(path) as new:
        come(new)
    assert listed(tmp_path) == {"name"}
    assert not (path / "ours").exists()


def test_leftovers_of_a_scratch_folder_and_of_a_file_are_swept_away_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / ".partial-file").touch()
    (tmp_path / ".partial-folder" / "within").mkdir(parents=True)
    kept = tmp_path.parent / "kept"
    kept.mkdir()
    (kept / "file").touch()
    (tmp_path / ".partial-link").symlink_to(kept)
    (tmp_path / "mine").touch()
    with scratch(tmp_path) as folder:
        sweep(tmp_path)
        assert listed(tmp_path) == {"mine", folder.name}
    sweep(tmp_path / "nowhere")
    assert listed(kept) == {"file"}


def test_reasons_are_said_in_words() -> None:
    assert reason(OSError(errno.ENOSPC, "No space left on device")) == "the disk is full"
    assert reason(ValueError("I/O error: No space left on device (os error 28)")) == "the disk is full"
    assert "permission" in reason(PermissionError(errno.EACCES, "Permission denied"))
    assert reason(ValueError("something else")) == "something else"


# Deletions --------------------------------------------------------------------------------------


def test_what_was_set_aside_comes_back_as_it_was(tmp_path: Path) -> None:
    model, curve, run = tmp_path / "m.safetensors", tmp_path / "m.curve.json", tmp_path / "run"
    model.write_bytes(b"weights")
    run.mkdir()
    (run / "file").write_text("text")
    aside = set_aside([model, curve, run])
    assert listed(tmp_path) == {asides.FOLDER}
    restore(aside)
    assert (model.read_bytes(), (run / "file").read_text()) == (b"weights", "text")
    assert not curve.exists(), "it was not there before"
    with pytest.raises(FileNotFoundError, match=r"m\.safetensors was removed for good"):
        restore(aside)
    with pytest.raises(FileNotFoundError, match="gone already"):
        set_aside([curve])


def test_nothing_comes_back_in_the_place_of_another(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a", "b")]
    for path in paths:
        path.write_text("old")
    aside = set_aside(paths)
    paths[1].write_text("new")
    with pytest.raises(FileExistsError, match="another b"):
        restore(aside)
    assert not paths[0].exists()
    paths[1].unlink()
    restore(aside)
    assert [path.read_text() for path in paths] == ["old", "old"]


def test_where_one_file_cannot_be_set_aside_none_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [tmp_path / name for name in ("a", "b")]
    for path in paths:
        path.touch()
    rename = Path.rename

    def failing(path: Path, target: Path) -> Path:
        if path == paths[1]:
            raise PermissionError(errno.EACCES, "Permission denied")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(PermissionError):
        set_aside(paths)
    assert all(path.exists() for path in paths)


def test_deletions_are_for_good_after_a_while_or_at_once_where_wished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        (tmp_path / name).touch()
    first = set_aside([tmp_path / "a"])
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + asides.KEPT - 60)
    second = set_aside([tmp_path / "b"])
    assert first.kept.exists()
    monkeypatch.setattr(time, "time", lambda: now + asides.KEPT + 1)
    (tmp_path / asides.FOLDER / "not ours").mkdir()
    empty(tmp_path)
    assert listed(tmp_path / asides.FOLDER) == {second.kept.name, "not ours"}
    discard(second)
    with pytest.raises(FileNotFoundError):
        restore(second)


def test_an_own_data_set_that_was_deleted_comes_back(data: Path) -> None:
    folder = data / "own" / "mine"
    folder.mkdir(parents=True)
    (folder / "meta.json").write_text("{}")
    aside = own.delete("mine")
    assert own.folders.names() == []
    own.folders.demand_free("mine")
    restore(aside)
    assert own.folders.names() == ["mine"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="not on Windows")
def test_a_sweep_waits_for_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".partial-pipe")
    sweep(tmp_path)
    assert listed(tmp_path) == set()
